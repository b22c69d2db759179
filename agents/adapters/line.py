# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A PostgreSQL connection spoken to without a cursor: for a statement that is sent thousands of times a second.

The statement is prepared once, and its parameters come as the bytes that PostgreSQL reads, so that hardly anything is
left to do for each sending but to send.
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


class Line:
    """Sends one statement over a connection, again and again, for one caller at a time."""

    def __init__(self, connection: psycopg.AsyncConnection, statement: str) -> None:
        self.connection = connection
        self._statement = statement.encode()
        self._name = b""

    async def ask(self, parameters: Sequence[bytes]) -> list[bytes]:
        """Send the statement; return the first column of its rows. Raises psycopg's errors."""
        pgconn = self.connection.pgconn
        if not self._name:
            name = b"line"
            pgconn.send_prepare(name, self._statement)
            await self._answer(pgconn)
            self._name = name
        pgconn.send_query_prepared(
            self._name, parameters, param_formats=[Format.BINARY] * len(parameters), result_format=Format.BINARY
        )
        result = await self._answer(pgconn)
        return [result.get_value(row, 0) or b"" for row in range(result.ntuples)]

    async def _answer(self, pgconn: PGconn) -> PGresult:
        try:
            result = await _fetch(pgconn)
        except BaseException:
            # Nobody will read the answer that may still come, so nothing else can be asked over this connection.
            pgconn.finish()
            raise
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            return result
        if pgconn.status == ConnStatus.BAD:
            raise psycopg.OperationalError(f"the connection is lost: {result.get_error_message()}")
        raise error_from_result(result)


async def _fetch(pgconn: PGconn) -> PGresult:
    while pgconn.flush():
        await _until_ready(pgconn, is_writing=True)
        pgconn.consume_input()
    answer: PGresult | None = None
    while True:
        while pgconn.is_busy():
            await _until_ready(pgconn)
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            break
        answer = result
    if answer is None:
        raise psycopg.OperationalError("the connection is lost: there is no answer")
    return answer


async def _until_ready(pgconn: PGconn, *, is_writing: bool = False) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    socket = pgconn.socket
    loop.add_reader(socket, _note, ready)
    if is_writing:
        loop.add_writer(socket, _note, ready)
    try:
        await ready
    finally:
        loop.remove_reader(socket)
        if is_writing:
            loop.remove_writer(socket)


def _note(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
