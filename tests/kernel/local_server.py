# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A real server on this machine that says exactly the bytes it is told to, and remembers what it was asked."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Speech = Callable[[Asked], Iterable[bytes]]


def answer(body: bytes = b"reached", *, status: str = "200 OK", **headers: str) -> bytes:
    named = {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


def redirect(to: str, *, status: str = "302 Found", **headers: str) -> bytes:
    return answer(b"", status=status, Location=to, **headers)


@dataclass
class LocalServer:
    """Listens on ``host``; ``speech`` turns each request into the bytes sent back."""

    speech: Speech = lambda asked: [answer()]
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> "LocalServer":
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._socket = socket.create_server((self.host, 0), family=family, dualstack_ipv6=self.host == "::")
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def url(self, path: str = "/", *, host: str | None = None, scheme: str = "http") -> str:
        return f"{scheme}://{host or self.host}:{self.port}{path}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            stream = self.tls.wrap_socket(connection, server_side=True) if self.tls else connection
            with stream, stream.makefile("rb") as reader:
                for asked in _requests(reader):
                    self.asked.append(asked)
                    for piece in self.speech(asked):
                        stream.sendall(piece)


def _requests(reader) -> Iterator[Asked]:
    while first := reader.readline().decode("latin-1").split():
        lines = iter(lambda: reader.readline().decode("latin-1").strip(), "")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        yield Asked(first[0], first[1], headers, reader.read(int(headers.get("content-length", 0))))
