# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A server with one run whose line is cut again and again: for clients that must lose nothing over it."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "cos_pat_" + "canary" * 6
RUN_ID = "01890000-0000-7000-8000-000000000001"
_AT = "2026-01-05T09:12:44.120000Z"


@dataclass
class RunServer:
    """What is served, and what was asked.

    ``streams`` says for each connection which bytes follow a given seq; the last one serves all that come later.
    """

    status: str = "succeeded"
    streams: list[Callable[[int], Sequence[bytes]]] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    resumed: list[int] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    @property
    def run(self) -> dict[str, Any]:
        """The run as the API tells it."""
        error = {"code": "x", "message": "It went wrong."} if self.status == "failed" else None
        return {
            "id": RUN_ID,
            "agent_id": "a",
            "status": self.status,
            "created_at": _AT,
            "started_at": _AT,
            "completed_at": _AT,
            "usage": {"input_tokens": 1, "output_tokens": 2, "cost_usd": 0.0},
            "logs": [],
            "result": {"output": "the output", "citations": []} if self.status == "succeeded" else None,
            "error": error,
            "waiting": self.waiting,
        }


def entry(seq: int, kind: str = "note", **data: Any) -> bytes:
    """Return an entry as a server-sent event."""
    event = {"seq": seq, "type": kind, "at": _AT, "node_id": None, "data": {"message": f"entry {seq}", **data}}
    return f"id: {seq}\nevent: {kind}\ndata: {json.dumps(event)}\n\n".encode()


def entries(first: int, last: int, *, end: bool = False) -> list[bytes]:
    """Return entries in a row; with ``end`` the last one finishes the run."""
    kinds = {last: "run.finished"} if end else {}
    return [entry(seq, kinds.get(seq, "note")) for seq in range(first, last + 1)]


@contextmanager
def serve_run(**given: Any) -> Iterator[RunServer]:
    """Serve on a free port of this machine."""
    served = RunServer(**given)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"served": served}))
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield served
    finally:
        served.held.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: RunServer

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.served.asked.append(f"{self.command} {self.path}")
        self.served.bodies.append(json.loads(body) if body else None)
        if self.path in self.served.answers:
            status, kind, content = self.served.answers[self.path]
            self._answer(status, content, kind)
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._problem(401, "not_signed_in")
        elif self.command == "POST" and not self.headers.get("Idempotency-Key"):
            self._problem(422, "invalid_input")
        else:
            self._known()

    def _known(self) -> None:
        run = f"/api/v1/runs/{RUN_ID}/"
        if self.path == run.rstrip("/") + "/events" and self.command == "GET":
            self._stream()
        elif self.path == run and self.command == "GET":
            self._answer(200, json.dumps(self.served.run).encode())
        elif (
            self.path in {"/agent/run", f"{run}cancel/", f"{run}pause/", f"{run}resume/", f"{run}decide/"}
            and self.command == "POST"
        ):
            self._answer(202, json.dumps({**self.served.run, "status": "queued"}).encode())
        elif self.path == "/api/v1/me/":
            me = {"person": {"email": "a@b.example", "name": ""}, "organization": {"name": "O", "slug": "o"}}
            self._answer(200, json.dumps({**me, "role": "developer"}).encode())
        else:
            self._problem(404, "not_found")

    do_GET = do_POST = do_PUT = do_PATCH = do_HEAD = _serve

    def _stream(self) -> None:
        after = int(self.headers.get("Last-Event-ID") or 0)
        self.served.resumed.append(after)
        choose = self.served.streams.pop(0) if len(self.served.streams) > 1 else self.served.streams[0]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in choose(after):
            if piece == HOLD:
                self.served.held.wait(30)
                continue
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
        # No last chunk: the line is cut in the middle of a stream, as a proxy or a restart does it.
        self.close_connection = True

    def _problem(self, status: int, code: str) -> None:
        problem = {"status": status, "code": code, "detail": f"This is {code}.", "title": code, "request_id": "r"}
        self._answer(status, json.dumps(problem).encode(), "application/problem+json")

    def _answer(self, status: int, content: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if status in {301, 302, 307, 308}:
            self.send_header("Location", "https://elsewhere.example/")
        self.end_headers()
        self.wfile.write(content)


HOLD = b"hold"
"""In a stream: nothing more comes until the server is told to go on."""
