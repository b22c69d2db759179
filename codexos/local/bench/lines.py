# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Many WebSockets in one client process, each as small as it can be, so that what is measured is the server."""

import asyncio
import base64
import os
import struct
from collections.abc import Callable
from typing import cast

_PING, _CLOSE = 9, 8


class Line(asyncio.Protocol):
    """One socket: what comes is handed on as it is, pings are answered."""

    __slots__ = ("_buffer", "_hear", "_request", "_transport", "closed_with", "is_open", "opened")

    def __init__(self, request: bytes, hear: Callable[[bytes], None]) -> None:
        self._request = request
        self._hear = hear
        self._buffer = b""
        self.is_open = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed_with: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Read frames."""
        self._buffer += data
        if not self.is_open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            self._buffer, self.is_open = rest, True
            if not head.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(head[:80].decode("latin-1")))
                return
            self.opened.set_result(None)
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def connection_lost(self, _error: Exception | None) -> None:
        """Note a line that ended without a word."""
        self.closed_with = self.closed_with or 1006

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def _frame(self) -> tuple[int, bytes] | None:
        if len(self._buffer) < 2:
            return None
        length, start = self._buffer[1] & 127, 2
        if length > 125:
            form, start = (">H", 4) if length == 126 else (">Q", 10)
            if len(self._buffer) < start:
                return None
            length = int(struct.unpack(form, self._buffer[2:start])[0])
        if len(self._buffer) < start + length:
            return None
        code, payload = self._buffer[0] & 15, self._buffer[start : start + length]
        self._buffer = self._buffer[start + length :]
        return code, payload

    def _take(self, code: int, payload: bytes) -> None:
        if code == _PING:
            mask = os.urandom(4)
            masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
            self._transport.write(bytes([0x8A, 0x80 | len(payload)]) + mask + masked)
        elif code == _CLOSE:
            self.closed_with = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
        else:
            self._hear(payload)


async def open_line(port: int, path: str, *, token: str, hear: Callable[[bytes], None]) -> Line:
    """Open a socket and return it. Raises ConnectionError where it is refused."""
    key = base64.b64encode(os.urandom(16)).decode()
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    _, line = await loop.create_connection(lambda: Line(request.encode(), hear), "127.0.0.1", port)
    await line.opened
    return line
