# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The outside of the killed flow: answers tools and a model over HTTP, counts, and may kill who asks."""

import json
import os
import re
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from codexos.local.bench.kill.flow import answer_to, words_to

ASKED, HALF = "asked", "half answered"
"""Where the server kills: when it was asked, and when half of its answer is sent."""

_NAMED = re.compile(r"(r\d+)/(\w+)")


class CountingServer:
    """Counts what each run asks for, by the run's label. An answer takes it so many ``seconds``."""

    def __init__(self, *, seconds: float = 0) -> None:
        self.seconds = seconds
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.keys: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._fatal: str | None = None
        self._victim = 0
        self._is_known = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> "CountingServer":
        handler = type("Handler", (_Handler,), {"counting": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def condemn(self, fatal: str | None) -> None:
        """Kill who comes to this point; it is told who that is afterwards."""
        self._fatal = fatal
        self._is_known.clear()

    def name_victim(self, process: int) -> None:
        """Say whose requests come now."""
        self._victim = process
        self._is_known.set()

    def note(self, label: str, what: str, *, key: str | None) -> int:
        """Count a request; how many of these there were by now."""
        with self._lock:
            self.counts[label][what] += 1
            if key is not None:
                self.keys[label][what].add(key)
            return self.counts[label][what]

    def is_fatal(self, point: str) -> bool:
        """Kill whoever asks, if this is the point; whether it was."""
        with self._lock:
            if point != self._fatal:
                return False
            self._fatal = None
        self._is_known.wait(10)
        os.kill(self._victim, signal.SIGKILL)
        return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    counting: ClassVar[CountingServer]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        """Answer, unless whoever asked is dead by now."""
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_GET(self) -> None:
        """Answer a tool that reads."""
        self._answer_tool()

    def do_POST(self) -> None:
        """Answer a tool that writes, or a model."""
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("whoever asked is dead by now")
        if not self.path.endswith("/chat/completions"):
            self._answer_tool()
            return
        asked = json.loads(body)
        found = _NAMED.search(json.dumps(asked["messages"][-1]))
        if found is None:
            raise ValueError(f"a model was asked something else: {asked['messages']}")
        self._answer(*found.groups(), content_type="text/event-stream", pieces=_chunks(asked["model"], found[2]))

    def _answer_tool(self) -> None:
        label, _, what = self.path.strip("/").partition("/")
        text = json.dumps(answer_to(what))
        self._answer(label, what, content_type="application/json", pieces=[text[:9], text[9:]])

    def _answer(self, label: str, what: str, *, content_type: str, pieces: Sequence[str]) -> None:
        self.counting.note(label, what, key=self.headers.get("Idempotency-Key"))
        if self.counting.is_fatal(f"{ASKED} {what}"):
            self.close_connection = True
            return
        time.sleep(self.counting.seconds)
        self._send_head(content_type, length=sum(map(len, pieces)))
        half = len(pieces) // 2
        self._send(pieces[:half])
        if self.counting.is_fatal(f"{HALF} {what}"):
            self.close_connection = True
            return
        self._send(pieces[half:])

    def _send_head(self, content_type: str, *, length: int) -> None:
        self.send_response(200)
        for name, value in _headers(content_type, length).items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, pieces: Sequence[str]) -> None:
        try:
            self.wfile.write("".join(pieces).encode())
            self.wfile.flush()
        except OSError:
            self.close_connection = True


def _headers(content_type: str, length: int) -> Mapping[str, str]:
    return {"Content-Type": content_type, "Content-Length": str(length)}


def _chunks(model: str, what: str) -> list[str]:
    deltas: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]} for word in words_to(what)
    ]
    last: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    usage: dict[str, Any] = {"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}
    named = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model}
    return [f"data: {json.dumps({**named, **chunk})}\n\n" for chunk in (*deltas, last, usage)] + ["data: [DONE]\n\n"]
