# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A PostgreSQL connection spoken to without a cursor: for statements that are sent thousands of times a second.

Each is prepared once, and its parameters come as the bytes that PostgreSQL reads, so that hardly anything is left to do
for each sending but to send.
"""

import asyncio
import struct
from collections.abc import Sequence

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

INT, BIGINT, TEXT, BYTES, UUIDS, MOMENT = 23, 20, 25, 17, 2950, 1184
"""What PostgreSQL calls the types of the items of an array."""

_HEAD = struct.Struct("!iiIii")
_EMPTY = struct.Struct("!iiI")
_length = struct.Struct("!i").pack
_NULL = _length(-1)

_int_item = struct.Struct("!ii").pack
int_bytes = struct.Struct("!i").pack
bigint_bytes = struct.Struct("!q").pack
float_bytes = struct.Struct("!d").pack


def array(kind: int, items: Sequence[bytes | None]) -> bytes:
    """Write an array of one dimension as PostgreSQL reads it."""
    if not items:
        return _EMPTY.pack(0, 0, kind)
    parts = [_HEAD.pack(1, 1, kind, len(items), 1)]
    for item in items:
        parts += (_NULL,) if item is None else (_length(len(item)), item)
    return b"".join(parts)


def ints(values: Sequence[int | None]) -> bytes:
    """Write an array of integers."""
    items = [_NULL if value is None else _int_item(4, value) for value in values]
    return b"".join((_HEAD.pack(1, 1, INT, len(items), 1), *items)) if items else _EMPTY.pack(0, 0, INT)


class Wire:
    """Sends a few statements over a connection, again and again, for one caller at a time."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self.connection = connection
        self._names: dict[str, bytes] = {}
        self._ear = _Ear(connection.pgconn)

    async def ask(self, statement: str, parameters: Sequence[bytes | None]) -> list[bytes]:
        """Send a statement; return the first column of its rows. Raises psycopg's errors."""
        pgconn = self.connection.pgconn
        if statement not in self._names:
            name = f"wire_{len(self._names)}".encode()
            pgconn.send_prepare(name, statement.encode())
            await self._answer(pgconn)
            self._names[statement] = name
        pgconn.send_query_prepared(
            self._names[statement],
            parameters,
            param_formats=[Format.BINARY] * len(parameters),
            result_format=Format.BINARY,
        )
        result = await self._answer(pgconn)
        return [result.get_value(row, 0) or b"" for row in range(result.ntuples)]

    async def _answer(self, pgconn: PGconn) -> PGresult:
        try:
            result = await self._fetch(pgconn)
        except BaseException:
            # Nobody will read the answer that may still come, so nothing else can be asked over this connection.
            self._ear.close()
            pgconn.finish()
            raise
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            return result
        if pgconn.status == ConnStatus.BAD:
            self._ear.close()
            raise psycopg.OperationalError(f"the connection is lost: {result.get_error_message()}")
        raise error_from_result(result)

    async def _fetch(self, pgconn: PGconn) -> PGresult:
        while pgconn.flush():
            await self._ear.hear(is_writing=True)
            pgconn.consume_input()
        answer: PGresult | None = None
        while True:
            while pgconn.is_busy():
                await self._ear.hear()
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:
                break
            answer = result
        if answer is None:
            raise psycopg.OperationalError("the connection is lost: there is no answer")
        return answer

    async def close(self) -> None:
        """Hang up."""
        self._ear.close()
        await self.connection.close()


class _Ear:
    """Waits for a connection's socket. It stays with the loop from one answer to the next: coming and going costs more
    than hearing.
    """

    def __init__(self, pgconn: PGconn) -> None:
        self._socket = pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()

    async def hear(self, *, is_writing: bool = False) -> None:
        """Return when there is something to read, or room to write where that is wanted."""
        self._ready = self._loop.create_future()
        # Said each time: psycopg speaks over the same socket, and takes its ear away.
        self._loop.add_reader(self._socket, self._note)
        if is_writing:
            self._loop.add_writer(self._socket, self._note)
        try:
            await self._ready
        finally:
            if is_writing:
                self._loop.remove_writer(self._socket)

    def close(self) -> None:
        """Leave the loop, before the socket is gone."""
        self._loop.remove_reader(self._socket)

    def _note(self) -> None:
        if self._ready.done():
            # Nobody asked: the other side hangs up, which the next one who asks is told.
            self.close()
        else:
            self._ready.set_result(None)
