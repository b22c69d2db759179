# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the fakes of key keepers share: a server on a free port that may be told to fail, hang or be away."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]
"""A status and the JSON that goes with it."""


@dataclass
class Keeper:
    """What every fake has: its address, what it was asked, and what goes wrong next."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    fails: list[int] = field(default_factory=list)
    hangs: bool = False
    gate: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer a request as the real one would."""
        raise NotImplementedError

    def extra_headers(self) -> dict[str, str]:
        """Headers that go with every answer."""
        return {}


@contextmanager
def serve(keeper: Keeper) -> Iterator[None]:
    """Serve a keeper until the block ends; what hangs is let go then."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"keeper": keeper}))
    server.daemon_threads = True
    keeper.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield
    finally:
        keeper.gate.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave together: in two parts each answer waits 40 ms for the other side's word on the first.
    wbufsize = 64 * 1024
    keeper: Keeper

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        keeper = self.keeper
        keeper.asked.append(f"{self.command} {self.path}")
        if keeper.hangs:
            keeper.gate.wait(30)
        if keeper.fails and (status := keeper.fails.pop(0)):
            self._say(status, {"errors": ["told to fail"], "message": "told to fail"})
        else:
            self._say(*keeper.answer(self.path, dict(self.headers.items()), body))

    do_GET = do_POST = _serve

    def _say(self, status: int, said: Any) -> None:
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in self.keeper.extra_headers().items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
