# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What comes back over HTTP: how much of it is taken, how it is unpacked, and its shape. http.py fetches it."""

import codecs
import json
import re
import time
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from codexos.kernel.errors import LimitReached, Unavailable
from codexos.kernel.jsontypes import JsonValue

_PIECE_BYTES = 64 * 1024
# What a packed body may take on the wire beyond its unpacked limit: headers and checksums of an empty one.
_WIRE_SLACK_BYTES = 1024
_TEXT_CODEC = re.compile(
    r"utf-(8|16|32)(-[bl]e|-sig)?|ascii|iso8859-\d+|cp\d+|koi8-[rtu]|mac-\w+|gb2312|gbk|gb18030|big5(hkscs)?|euc_\w+"
    r"|shift_jis\w*|iso2022_\w+|tis-620"
)


class Unreachable(Unavailable):
    """A host did not answer, broke off, or said something that is not HTTP. ``is_late``: it took its time too long."""

    def __init__(self, *, host: str, because: str, is_late: bool = False) -> None:
        super().__init__(f"{host!r} could not be reached: {because}. Try again later.", host=host, because=because)
        self.is_late = is_late


class ResponseTooLarge(LimitReached):
    """A host sent more than was agreed to be taken."""

    def __init__(self, *, host: str, part: str, limit_bytes: int) -> None:
        message = f"The {part} sent by {host!r} exceeds {limit_bytes} bytes. Ask for less, or raise the limit."
        super().__init__(message, host=host, limit_bytes=limit_bytes)


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How long and how much. ``total_seconds`` counts from the first byte asked to the last one read, redirects in.

    ``redirects`` is how many are followed; with 0 the redirect itself is the answer.
    """

    total_seconds: float = 30.0
    connect_seconds: float = 10.0
    idle_seconds: float = 30.0
    body_bytes: int = 10 * 1024 * 1024
    header_bytes: int = 64 * 1024
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer. ``url`` is where it came from after redirects; header names are found in any case."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Tell whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text, in the character set it names or UTF-8; what does not decode is replaced."""
        charset = self.headers.get("content-type", "").lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
        return self.body.decode(_codec(charset), errors="replace")

    def json(self) -> JsonValue:
        """Return the body read as JSON. Raises Unreachable where it is none."""
        try:
            return cast(JsonValue, json.loads(self.body))
        except (ValueError, RecursionError):
            raise Unreachable(host=self.url.split("?")[0], because="it did not answer with JSON") from None


@dataclass(frozen=True, slots=True)
class HttpStream:
    """An answer whose body is still on its way."""

    status: int
    url: str
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the unpacked body in pieces. Raises Unreachable, ResponseTooLarge."""
        async for piece in self.pieces:
            yield piece

    async def lines(self) -> AsyncIterator[str]:
        """Yield the body line by line, without line ends. Raises Unreachable, ResponseTooLarge."""
        lines = Lines()
        async for piece in self.pieces:
            for line in lines.feed(piece):
                yield line
        for line in lines.rest():
            yield line

    async def read(self) -> HttpAnswer:
        """Take the rest and return the whole answer. Raises Unreachable, ResponseTooLarge."""
        body = b"".join([piece async for piece in self.pieces])
        return HttpAnswer(self.status, self.url, self.headers, body)


@dataclass(frozen=True, slots=True)
class BlockingHttpStream:
    """An answer whose body is still on its way, for threads."""

    status: int
    url: str
    headers: Mapping[str, str]
    pieces: Iterator[bytes]

    def chunks(self) -> Iterator[bytes]:
        """Yield the unpacked body in pieces. Raises Unreachable, ResponseTooLarge."""
        yield from self.pieces

    def lines(self) -> Iterator[str]:
        """Yield the body line by line, without line ends. Raises Unreachable, ResponseTooLarge."""
        lines = Lines()
        for piece in self.pieces:
            yield from lines.feed(piece)
        yield from lines.rest()

    def read(self) -> HttpAnswer:
        """Take the rest and return the whole answer. Raises Unreachable, ResponseTooLarge."""
        return HttpAnswer(self.status, self.url, self.headers, b"".join(self.pieces))


def _codec(charset: str) -> str:
    """Return a codec for text. Some that Python knows are none, or take hours over what a server made for that."""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return "utf-8"
    return name if _TEXT_CODEC.fullmatch(name) else "utf-8"


class Lines:
    """Cuts at line feeds only: str.splitlines would also cut at U+2028, which event streams carry inside of JSON."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def feed(self, piece: bytes) -> Sequence[str]:
        """Return the lines that end in a piece, without their ends."""
        *ended, begun = piece.split(b"\n")
        if ended and self._held:
            ended[0] = b"".join([*self._held, ended[0]])
            self._held.clear()
        if begun:
            self._held.append(begun)
        return [line.removesuffix(b"\r").decode(errors="replace") for line in ended]

    def rest(self) -> Sequence[str]:
        """Return the last line, where it has no end of its own."""
        held = b"".join(self._held)
        return [held.removesuffix(b"\r").decode(errors="replace")] if held else []


class Unpacker:
    """Decompresses one body in bounded pieces and counts: a bomb is stopped while it goes off, not after."""

    def __init__(self, encoding: str, *, host: str, limit_bytes: int) -> None:
        self._encoding = encoding.strip().lower() or "identity"
        self.is_packed = self._encoding != "identity"
        """Whether the bytes that come out differ from those that go in."""
        if self._encoding not in {"identity", "gzip", "x-gzip", "deflate"}:
            raise Unreachable(host=host, because=f"it answered in the encoding {encoding!r}, which was not asked for")
        self._host = host
        self._limit_bytes = limit_bytes
        self._wire_bytes = 0
        self._unpacked_bytes = 0
        self._held = b""
        self._inflater: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterable[bytes]:
        """Give what ``data`` unpacks to. Raises ResponseTooLarge, Unreachable."""
        self._wire_bytes += len(data)
        if not self.is_packed:
            self._check(self._wire_bytes)
            return (data,)
        self._check(self._wire_bytes - _WIRE_SLACK_BYTES)
        return self._counted(data)

    def _counted(self, data: bytes) -> Iterator[bytes]:
        for piece in self._unpack(data):
            self._unpacked_bytes += len(piece)
            self._check(self._unpacked_bytes)
            yield piece

    def finish(self) -> None:
        """Say that no more comes. Raises Unreachable where the packed body broke off."""
        if self.is_packed and self._wire_bytes and not (self._inflater and self._inflater.eof):
            raise Unreachable(host=self._host, because="its answer broke off")

    def _unpack(self, data: bytes) -> Iterator[bytes]:
        self._held += data
        if self._inflater is None:
            if len(self._held) < 2:
                return
            self._inflater = zlib.decompressobj(self._window_bits())
        try:
            while self._held and not self._inflater.eof:
                piece = self._inflater.decompress(self._held, _PIECE_BYTES)
                self._held = self._inflater.unconsumed_tail
                if piece:
                    yield piece
        except zlib.error:
            raise Unreachable(host=self._host, because="its packed answer cannot be unpacked") from None

    def _window_bits(self) -> int:
        if self._encoding != "deflate":
            return 16 + zlib.MAX_WBITS
        # "deflate" means zlib by the book; some servers send it bare. The first two bytes tell (RFC 1950, 2.2).
        is_zlib = self._held[0] & 0x0F == 8 and int.from_bytes(self._held[:2], "big") % 31 == 0
        return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS

    def _check(self, count: int) -> None:
        if count > self._limit_bytes:
            raise ResponseTooLarge(host=self._host, part="body", limit_bytes=self._limit_bytes)


@dataclass(frozen=True, slots=True)
class Terms:
    """The limits one exchange runs under, and when (on time.monotonic) it ends at the latest."""

    limits: HttpLimits
    deadline: float

    @classmethod
    def starting_now(cls, limits: HttpLimits) -> "Terms":
        """Return terms whose time has just begun to run."""
        return cls(limits, time.monotonic() + limits.total_seconds)

    def unpacker(self, method: str, headers: Mapping[str, str], *, host: str) -> Unpacker:
        """Return what will take the body announced by ``headers``. Raises ResponseTooLarge, Unreachable."""
        if sum(len(name) + len(value) for name, value in headers.items()) > self.limits.header_bytes:
            raise ResponseTooLarge(host=host, part="headers", limit_bytes=self.limits.header_bytes)
        announced = headers.get("content-length", "")
        if method != "HEAD" and announced.isdecimal() and int(announced[:18]) > self.limits.body_bytes:
            raise ResponseTooLarge(host=host, part="body", limit_bytes=self.limits.body_bytes)
        return Unpacker(headers.get("content-encoding", ""), host=host, limit_bytes=self.limits.body_bytes)
