# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The way out for programs that are no part of the house: an HTTP proxy on a unix socket, behind the same gate.

``CONNECT host:port`` (RFC 9110 section 9.3.6) leads to what the policy lets through, at an address that was looked up
once and judged, and only for TLS that names that very host in the open. Plain requests with a whole address go out one
to a connection, with the Host of that address. Everything is counted, bounded and told in a line when it is over.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpcore

from codexos.kernel.client_hello import NotTls, read_client_hello, wanted_bytes
from codexos.kernel.egress import EgressPolicy, EgressRefused, is_address, read_host
from codexos.kernel.pinning import AsyncPinnedBackend, Resolver, resolve

logger = logging.getLogger(__name__)

_HEAD_BYTES = 16 * 1024
_PIECE_BYTES = 64 * 1024
# Said anew by whoever sends on, and so never passed on: RFC 9110 section 7.6.1.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "upgrade", "host"}
)


@dataclass(frozen=True, slots=True)
class TunnelLimits:
    """How much one proxy lets through: bytes in both directions together, and seconds."""

    connection_bytes: int = 200_000_000
    all_bytes: int = 1_000_000_000
    connections: int = 16
    all_connections: int = 1_000
    hello_seconds: float = 10
    connect_seconds: float = 10
    idle_seconds: float = 60
    connection_seconds: float = 900


@dataclass(slots=True)
class Passage:
    """One connection, as it is told when it is over: whom it asked for, what went through, and how it ended."""

    method: str = ""
    host: str = ""
    port: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    seconds: float = 0.0
    refused: str | None = None
    is_open: bool = False

    @property
    def total_bytes(self) -> int:
        """Both directions together."""
        return self.sent_bytes + self.received_bytes

    def __str__(self) -> str:
        end = f"refused: {self.refused}" if self.refused else "let through"
        where = f"{self.host}:{self.port}" if self.host else "nowhere"
        size = f"{self.sent_bytes} bytes out, {self.received_bytes} in, {self.seconds:.2f} s"
        return f"egress {self.method or '?'} {where}: {end}, {size}"


def _log(passage: Passage) -> None:
    logger.info("%s", passage)


class _Refused(Exception):
    """A connection is to end, with a status and a reason that may be told."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


_ENDINGS = (_Refused, EgressRefused, TimeoutError, OSError, httpcore.NetworkError, httpcore.TimeoutException)


@dataclass(slots=True)
class TunnelProxy:
    """A proxy for one run: each connection passes the gate of its policy, and one line tells of it."""

    policy: EgressPolicy
    limits: TunnelLimits = field(default_factory=TunnelLimits)
    tell: Callable[[Passage], None] = _log
    resolver: Resolver = resolve
    _serving: set[asyncio.Task[None]] = field(default_factory=set)
    _begun: int = 0
    _bytes: int = 0

    @asynccontextmanager
    async def listening(self, path: Path) -> AsyncIterator[Path]:
        """Listen at a path that does not exist yet, and for as long as this lasts."""
        server = await asyncio.start_unix_server(self._begin, path, limit=_HEAD_BYTES)
        # Who may come to it is for its folder to say: programs of another user connect by this file.
        os.chmod(path, 0o666)  # noqa: S103 - see above
        try:
            yield path
        finally:
            server.close()
            await self._end_all()
            with suppress(FileNotFoundError):
                os.unlink(path)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._begun += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _end_all(self) -> None:
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passage, began = Passage(), asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self.limits.connection_seconds):
                await self._let_through(reader, writer, passage)
        except _ENDINGS as error:
            status, passage.refused = _told(error)
            if not passage.is_open:
                await _answer(writer, status, passage.refused)
        finally:
            passage.seconds = asyncio.get_running_loop().time() - began
            self.tell(passage)
            writer.close()

    async def _let_through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passage: Passage) -> None:
        limits = self.limits
        async with asyncio.timeout(limits.hello_seconds):
            head = await _read_head(reader)
        passage.method = head.method
        passage.host, passage.port = head.host, head.port
        # Not before it was heard: whoever hangs up on unread words is seen to break off.
        if len(self._serving) > limits.connections or self._begun > limits.all_connections:
            raise _Refused("429 Too Many Requests", "this run has too many connections")
        self.policy.check_target("https" if head.is_tunnel else "http", head.host, port=head.port)
        backend = AsyncPinnedBackend(self.policy, resolver=self.resolver)
        upstream = await backend.connect_tcp(read_host(head.host), head.port, limits.connect_seconds)
        try:
            if head.is_tunnel:
                await self._open_tunnel(reader, writer, upstream=upstream, passage=passage)
            else:
                await self._send_on(reader, head, upstream=upstream, passage=passage)
                await self._carry_back(upstream, writer, passage)
        finally:
            await upstream.aclose()

    async def _open_tunnel(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        upstream: httpcore.AsyncNetworkStream,
        passage: Passage,
    ) -> None:
        passage.is_open = True
        writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
        await writer.drain()
        async with asyncio.timeout(self.limits.hello_seconds):
            hello = await _read_hello(reader)
        _insist_named(hello, passage.host)
        await self._pass_on(upstream, hello, passage)
        out = asyncio.create_task(self._carry_out(reader, upstream, passage))
        back = asyncio.create_task(self._carry_back(upstream, writer, passage))
        try:
            await asyncio.wait((out, back), return_when=asyncio.FIRST_COMPLETED)
            if not back.done():
                # The program has said all it will, or too much; the far side may not have.
                out.result()
            await back
        finally:
            out.cancel()
            back.cancel()
            await asyncio.gather(out, back, return_exceptions=True)

    async def _send_on(
        self, reader: asyncio.StreamReader, head: "_Head", *, upstream: httpcore.AsyncNetworkStream, passage: Passage
    ) -> None:
        await self._pass_on(upstream, head.rewritten, passage)
        left = head.body_bytes
        while left:
            async with asyncio.timeout(self.limits.idle_seconds):
                piece = await reader.read(min(left, _PIECE_BYTES))
            if not piece:
                raise _Refused("400 Bad Request", "the body ended too soon")
            left -= len(piece)
            await self._pass_on(upstream, piece, passage)

    async def _carry_out(
        self, reader: asyncio.StreamReader, upstream: httpcore.AsyncNetworkStream, passage: Passage
    ) -> None:
        while piece := await reader.read(_PIECE_BYTES):
            await self._pass_on(upstream, piece, passage)

    async def _pass_on(self, upstream: httpcore.AsyncNetworkStream, piece: bytes, passage: Passage) -> None:
        passage.sent_bytes += len(piece)
        self._count(len(piece), passage)
        await upstream.write(piece, self.limits.idle_seconds)

    async def _carry_back(
        self, upstream: httpcore.AsyncNetworkStream, writer: asyncio.StreamWriter, passage: Passage
    ) -> None:
        while piece := await upstream.read(_PIECE_BYTES, self.limits.idle_seconds):
            passage.is_open = True
            passage.received_bytes += len(piece)
            self._count(len(piece), passage)
            writer.write(piece)
            await writer.drain()

    def _count(self, count: int, passage: Passage) -> None:
        self._bytes += count
        if passage.total_bytes > self.limits.connection_bytes or self._bytes > self.limits.all_bytes:
            raise _Refused("403 Forbidden", "more bytes than a run may exchange")


@dataclass(frozen=True, slots=True)
class _Head:
    """The head of what a program asks a proxy for."""

    method: str
    host: str
    port: int
    is_tunnel: bool
    rewritten: bytes = b""
    body_bytes: int = 0


async def _read_head(reader: asyncio.StreamReader) -> _Head:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise _Refused("400 Bad Request", "this is no request to a proxy") from None
    first, *lines = raw.decode("latin-1").split("\r\n")[:-2]
    if any(mark in line for line in (first, *lines) for mark in "\r\n\0"):
        # Some servers take each of them for the end of a line, and read another Host than was judged.
        raise _Refused("400 Bad Request", "this is no request to a proxy")
    method, target, version = (*first.split(" "), "", "", "")[:3]
    if not (method.isascii() and method.isalpha() and version in ("HTTP/1.1", "HTTP/1.0")):
        raise _Refused("400 Bad Request", "this is no request to a proxy")
    if method == "CONNECT":
        host, port = _authority(f"//{target}", default_port=None)
        return _Head(method, host, port, is_tunnel=True)
    return _plain_head(method, target, lines)


def _plain_head(method: str, target: str, lines: list[str]) -> _Head:
    if not target.lower().startswith("http://"):
        raise _Refused("400 Bad Request", "a proxy is asked with CONNECT, or for a whole http:// address")
    host, port = _authority(target, default_port=80)
    path = target[len("http://") :].partition("/")[2]
    kept: list[str] = []
    length: int | None = None
    for line in lines:
        name, _, value = line.partition(":")
        match name.strip().lower():
            case "transfer-encoding":
                raise _Refused("411 Length Required", "a body is sent with its Content-Length")
            case "content-length":
                length = _length(value, length)
                kept.append(line)
            case lowered if lowered not in _HOP_BY_HOP:
                kept.append(line)
    where = host if port == 80 else f"{host}:{port}"
    said = [f"{method} /{path} HTTP/1.1", f"Host: {where}", "Connection: close", *kept]
    return _Head(method, host, port, is_tunnel=False, rewritten=_lines(said), body_bytes=length or 0)


def _length(value: str, before: int | None) -> int:
    said = value.strip()
    if not (said.isascii() and said.isdigit() and len(said) < 20) or before not in (None, int(said)):
        raise _Refused("400 Bad Request", "Content-Length is no length")
    return int(said)


def _authority(url: str, *, default_port: int | None) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or default_port
    except ValueError:
        host = port = None
    if not host or not port or parts.username is not None or parts.password is not None:
        raise _Refused("400 Bad Request", "a host and a port are wanted")
    return host, port


async def _read_hello(reader: asyncio.StreamReader) -> bytes:
    begun = b""
    try:
        while (wanted := wanted_bytes(begun)) is None:
            begun += await reader.readexactly(1 if not begun else 5 - len(begun))
        return begun + await reader.readexactly(wanted - len(begun))
    except (NotTls, asyncio.IncompleteReadError) as error:
        because = str(error) if isinstance(error, NotTls) else "it ended before it had begun"
        raise _Refused("403 Forbidden", f"only TLS is let through: {because}") from None


def _insist_named(record: bytes, host: str) -> None:
    """Refuse a hello that names another server than the one that was asked for."""
    try:
        hello = read_client_hello(record)
    except NotTls as error:
        raise _Refused("403 Forbidden", f"only TLS is let through: {error}") from None
    if hello.hides_a_name:
        raise _Refused("403 Forbidden", "the name of the server is hidden from the proxy (encrypted ClientHello)")
    expected = read_host(host)
    if hello.server_name != (None if is_address(expected) else expected):
        raise _Refused("403 Forbidden", f"TLS names {hello.server_name!r}, and {host!r} was asked for")


def _told(error: BaseException) -> tuple[str, str]:
    match error:
        case _Refused():
            return error.status, error.reason
        case EgressRefused():
            return "403 Forbidden", error.message
        case TimeoutError() | httpcore.TimeoutException():
            return "504 Gateway Timeout", "it took too long"
        case _:
            return "502 Bad Gateway", "the host cannot be reached"


async def _answer(writer: asyncio.StreamWriter, status: str, reason: str) -> None:
    body = f"{reason}\n".encode()
    head = [f"HTTP/1.1 {status}", "Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(body)}"]
    with suppress(OSError):
        writer.write(_lines([*head, "Connection: close"]) + body)
        await writer.drain()


def _lines(said: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in (*said, "")).encode("latin-1")
