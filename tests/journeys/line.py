# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A line between browser and product that a test can cut, as a tunnel or a closed laptop does."""

import socket
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Line(ThreadingTCPServer):
    """Passes on bytes both ways at an address of its own, until it is cut.

    It cuts itself after the first ``length`` bytes of an answer to a request for ``path``: in the middle of a word.
    """

    daemon_threads = True

    def __init__(self, target: str, *, path: str, length: int) -> None:
        address = urlsplit(target)
        self.path, self.left = path.encode(), length
        self.target = (address.hostname or "", address.port or 80)
        self.is_cut = False
        self.open: list[socket.socket] = []
        super().__init__(("127.0.0.1", 0), _Passing)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def cut(self) -> None:
        """Break every connection, and each that is tried from now on."""
        self.is_cut = True
        for end in self.open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let new connections through again."""
        self.is_cut = False

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.cut()
        self.server_close()


class _Passing(BaseRequestHandler):
    server: Line

    def handle(self) -> None:
        if self.server.is_cut:
            return
        with socket.create_connection(self.server.target) as far:
            self.server.open += [self.request, far]
            self.is_awaited = False
            Thread(target=self._answer, args=[far], daemon=True).start()
            with suppress(OSError):
                while piece := self.request.recv(65_536):
                    self.is_awaited = self.is_awaited or self.server.path in piece
                    far.sendall(piece)

    def _answer(self, far: socket.socket) -> None:
        with suppress(OSError):
            while piece := far.recv(65_536):
                self.request.sendall(piece[: self.server.left] if self._is_counted() else piece)
                if self._is_counted():
                    self.server.left -= len(piece)
                    if self.server.left <= 0:
                        self.server.cut()
            self.request.shutdown(socket.SHUT_WR)

    def _is_counted(self) -> bool:
        return self.is_awaited and self.server.left > 0
