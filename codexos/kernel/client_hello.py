# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a TLS client says first, in the open: whom it wants to speak to. RFC 8446 section 4.1.2, RFC 6066 section 3."""

from dataclasses import dataclass

MOST_BYTES = 16 * 1024 + 5
"""A first record is no longer than this; who needs two to say hello is not let through."""
_HANDSHAKE = 22
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_ENCRYPTED_CLIENT_HELLO = 0xFE0D


class NotTls(ValueError):
    """What a client said first is no whole ClientHello."""


@dataclass(frozen=True, slots=True)
class ClientHello:
    """Whom a client names in the open, if anybody; it ``hides_a_name`` where another may stand encrypted beside it."""

    server_name: str | None
    hides_a_name: bool


class _Reader:
    """Walks over fields that begin with their own length."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_over(self) -> bool:
        return self._at >= len(self._data)

    def take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) != count:
            raise NotTls("it is cut off")
        self._at += count
        return piece

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count))

    def field(self, length_bytes: int) -> "_Reader":
        return _Reader(self.take(self.number(length_bytes)))


def wanted_bytes(begun: bytes) -> int | None:
    """Return how long the first record of what has begun is, in bytes; None while that cannot be told.

    Raises NotTls where this is no TLS.
    """
    if begun and begun[0] != _HANDSHAKE:
        raise NotTls("it does not speak TLS")
    if len(begun) < 5:
        return None
    length = 5 + int.from_bytes(begun[3:5])
    if begun[1] != 3 or length > MOST_BYTES:
        raise NotTls("it does not speak TLS")
    return length


def read_client_hello(record: bytes) -> ClientHello:
    """Read the first record of a connection, whole. Raises NotTls."""
    if wanted_bytes(record) != len(record):
        raise NotTls("it is cut off")
    message = _Reader(record[5:])
    if message.number(1) != _CLIENT_HELLO:
        raise NotTls("it does not begin with a ClientHello")
    hello = message.field(3)
    hello.take(2 + 32)
    for length_bytes in (1, 2, 1):
        # The session, the ciphers, the compressions.
        hello.field(length_bytes)
    return _of_extensions(hello.field(2)) if not hello.is_over else ClientHello(None, hides_a_name=False)


def _of_extensions(extensions: _Reader) -> ClientHello:
    name, hides = None, False
    while not extensions.is_over:
        kind, body = extensions.number(2), extensions.field(2)
        if kind == _ENCRYPTED_CLIENT_HELLO:
            hides = True
        elif kind == _SERVER_NAME:
            if name is not None:
                raise NotTls("it names its server twice")
            name = _server_name(body)
    return ClientHello(name, hides_a_name=hides)


def _server_name(body: _Reader) -> str:
    names = body.field(2)
    if names.number(1) != 0:
        raise NotTls("it names its server in no way that is known")
    try:
        name = names.field(2).rest().decode("ascii")
    except UnicodeDecodeError:
        raise NotTls("the name of its server is no name") from None
    if not names.is_over:
        raise NotTls("it names several servers")
    return name.lower()
