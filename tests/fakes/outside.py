# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Somebody else's server: it takes orders by POST, and what is asked for under /slow comes when it is let go."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self


class Outside(ThreadingHTTPServer):
    """Keeps the orders it was sent, with the key of each, and their headers; two with one key are one."""

    daemon_threads = True

    def __init__(self) -> None:
        self.orders: dict[str, Any] = {}
        self.headers: list[dict[str, str]] = []
        self.asked = Event()
        self.let_go = Event()
        super().__init__(("127.0.0.1", 0), _Answering)
        self.place = f"127.0.0.1:{self.server_address[1]}"
        self.url = f"http://{self.place}"

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: who asked has gone."""


class _Answering(BaseHTTPRequestHandler):
    server: Outside
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/slow":
            self.server.asked.set()
            self.server.let_go.wait(30)
        self._answer(200, {"path": self.path})

    def do_POST(self) -> None:
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        key = self.headers.get("Idempotency-Key")
        written = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not key or not written:
            self._answer(400, {"error": "An order needs an Idempotency-Key and a body."})
            return
        body = json.loads(written)
        self._answer(201, {"number": list(self.server.orders.setdefault(key, body))})

    def log_message(self, format: str, *args: Any) -> None:
        """Write no log."""

    def _answer(self, status: int, body: Any) -> None:
        written = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)
