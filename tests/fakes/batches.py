# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""OpenAI's and Anthropic's batch APIs over real HTTP: what is handed in is worked on while the test wants it to be."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-canary-9d2b7f4e1a6c8035"


@dataclass
class Batches:
    """What is served, and what was handed in."""

    speaks: str = "openai"
    url: str = ""
    looks_until_done: int = 2
    ends_as: str = "completed"
    unanswered: set[str] = field(default_factory=set)
    """Words: a question that holds one is not answered."""
    refuses: int | None = None
    """The status that handing in is refused with."""
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    looks: int = 0
    direct: int = 0
    away: int = 0
    """So many looks at a batch are refused as if nobody were there for now."""
    betas: list[str] = field(default_factory=list)
    """Which editions of the protocol Anthropic's batches were handed in under."""
    lost_answers: int = 0
    """So many batches are made, but whoever made them is not told."""

    def questions(self) -> list[list[str]]:
        """What was asked in each batch."""
        return [[_asked(body) for body in batch["questions"].values()] for batch in self.batches.values()]


def _may_expire(until: dict[str, Any]) -> bool:
    return until.get("anchor") == "created_at" and 3_600 <= int(until.get("seconds") or 0) <= 2_592_000


def _asked(body: dict[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


@contextmanager
def serve_batches(**options: Any) -> Iterator[Batches]:
    """Serve on a free port of this machine."""
    served = Batches(**options)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"served": served}))
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}{'/v1' if served.speaks == 'openai' else ''}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: Batches

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if self._key() != KEY:
            self._refuse(401)
        elif path == "/v1/messages/batches" and self.headers.get("anthropic-version"):
            # Newest first, and none tells what was asked in it.
            shown = [self._shown(name) for name in reversed(self.served.batches)]
            self._send(200, {"data": shown, "has_more": False, "first_id": None, "last_id": None})
        elif path == "/v1/batches":
            self._send(200, {"object": "list", "data": [self._shown(name) for name in self.served.batches]})
        elif found := re.fullmatch(r"/v1/(?:messages/)?batches/([^/]+)", path):
            self.served.looks += 1
            if self.served.away:
                self.served.away -= 1
                self._refuse(503)
                return
            self._send(200, self._shown(found[1])) if found[1] in self.served.batches else self._refuse(404)
        elif found := re.fullmatch(r"/v1/files/(out-[^/]+)/content", path):
            self._send(200, self._output(found[1].removeprefix("out-")))
        elif found := re.fullmatch(r"/v1/messages/batches/([^/]+)/results", path):
            self._send(200, self._output(found[1]))
        else:
            self._refuse(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._key() != KEY:
            self._refuse(401)
        elif self.path == "/v1/chat/completions":
            self._answer_directly(json.loads(body))
        elif self.served.refuses:
            self._refuse(self.served.refuses)
        elif self.path == "/v1/files":
            self._take_file(body)
        elif self.path == "/v1/batches":
            self._make(json.loads(body))
        elif self.path == "/v1/messages/batches" and self.headers.get("anthropic-version"):
            asked = json.loads(body)["requests"]
            self.served.betas.append(self.headers.get("anthropic-beta", ""))
            if any("output_format" in each["params"] for each in asked) and not self.served.betas[-1]:
                self._refuse(400)
                return
            self._keep({each["custom_id"]: each["params"] for each in asked}, {})
        else:
            self._refuse(404)

    def _key(self) -> str:
        return self.headers.get("x-api-key") or self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _take_file(self, body: bytes) -> None:
        mark = self.headers["Content-Type"].partition("boundary=")[2].encode()
        parts = body.split(b"--" + mark)[1:-1]
        fields = dict(re.findall(r'name="([^"]+)"\r\n\r\n([^\r]*)\r\n', b"".join(parts[:-1]).decode()))
        until = {name: fields.get(f"expires_after[{name}]") for name in ("anchor", "seconds")}
        if fields.get("purpose") != "batch" or not _may_expire(until) or b'filename="batch.jsonl"' not in parts[-1]:
            self._refuse(400)
            return
        name = f"file-{len(self.served.files)}"
        self.served.files[name] = parts[-1].partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        self._send(200, {"id": name, "object": "file", "purpose": "batch"})

    def _make(self, asked: dict[str, Any]) -> None:
        if (
            asked["endpoint"] != "/v1/chat/completions"
            or asked["completion_window"] != "24h"
            or not _may_expire(asked.get("output_expires_after", {}))
        ):
            self._refuse(400)
            return
        lines = [json.loads(line) for line in self.served.files[asked["input_file_id"]].splitlines()]
        assert all(line["method"] == "POST" and line["url"] == asked["endpoint"] for line in lines)
        self._keep({line["custom_id"]: line["body"] for line in lines}, asked["metadata"])

    def _keep(self, questions: dict[str, Any], metadata: dict[str, str]) -> None:
        if any("stream" in body for body in questions.values()):
            self._refuse(400)
            return
        name = f"batch_{len(self.served.batches)}"
        self.served.batches[name] = {"questions": questions, "metadata": metadata, "looks": 0}
        self.served.batches[name]["created_at"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        if self.served.lost_answers:
            self.served.lost_answers -= 1
            self.close_connection = True
            return
        self._send(200, self._shown(name))

    def _shown(self, name: str) -> dict[str, Any]:
        batch = self.served.batches[name]
        batch["looks"] += 1
        is_done = batch["looks"] > self.served.looks_until_done
        if self.served.speaks == "anthropic":
            made, status = batch["created_at"], "ended" if is_done else "in_progress"
            return {"id": name, "type": "message_batch", "processing_status": status, "created_at": made}
        status = self.served.ends_as if is_done else "in_progress"
        file = f"out-{name}" if status in {"completed", "expired"} else None
        return {"id": name, "status": status, "output_file_id": file, "metadata": batch["metadata"]}

    def _output(self, name: str) -> bytes:
        lines = []
        for custom_id, body in reversed(self.served.batches[name]["questions"].items()):
            asked = _asked(body)
            if not any(word in asked for word in self.served.unanswered):
                lines.append(json.dumps(self._line(custom_id, body, asked)))
        return "\n".join(lines).encode()

    def _line(self, custom_id: str, body: dict[str, Any], asked: str) -> dict[str, Any]:
        if self.served.speaks == "anthropic":
            message = {
                "type": "message",
                "model": body["model"],
                "content": [{"type": "text", "text": f"Batched: {asked}"}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 100, "output_tokens": 10},
            }
            return {"custom_id": custom_id, "result": {"type": "succeeded", "message": message}}
        choice = {"index": 0, "message": {"role": "assistant", "content": f"Batched: {asked}"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 10}
        answer = {"object": "chat.completion", "model": body["model"], "choices": [choice], "usage": usage}
        return {"custom_id": custom_id, "response": {"status_code": 200, "body": answer}, "error": None}

    def _answer_directly(self, asked: dict[str, Any]) -> None:
        self.served.direct += 1
        choice = {"index": 0, "delta": {"content": f"Directly: {_asked(asked)}"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 10}
        chunk = {"model": asked["model"], "choices": [choice], "usage": usage}
        self._send(200, f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode(), kind="text/event-stream")

    def _refuse(self, status: int) -> None:
        self._send(status, {"error": {"message": "No.", "type": "invalid_request_error", "code": None}})

    def _send(self, status: int, said: Any, *, kind: str = "application/json") -> None:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
