# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Django's PostgreSQL with fewer round trips: for a connection that leaves the pool, and for a transaction's begin.

Django asks each connection over the wire before it is used, which is one round trip in seven of a small request. A
connection that the server has ended can be read from at once, which the operating system tells without asking anybody.

psycopg sends BEGIN by itself before a transaction's first statement. Here the driver is left in autocommit, and that
first statement is sent behind BEGIN, and behind what shall hold for the transaction, in one message. One that only
reads may bring its COMMIT along: what is asked after it in the same block begins anew, under the same settings.
"""

import select
import time
from collections.abc import Mapping
from typing import Any

from django.db.backends.postgresql import base
from psycopg import ClientCursor, Connection, OperationalError, pq
from psycopg_pool import ConnectionPool

from codexos.postgres.keeping import KEPT_SECONDS, is_keeper

ASKED_EVERY_SECONDS = 5.0
_IDLE = pq.TransactionStatus.IDLE


class Opening:
    """What a transaction begins with, in front of its first statement: BEGIN, and settings that end with it."""

    def __init__(self) -> None:
        self.text = "begin; "
        self.count = 1
        self.values: tuple[str, ...] = ()
        self.end = ""

    def add(self, setting: str, value: str) -> None:
        """Let a setting hold for the transaction; its name is one of ours and goes into the statement as it is."""
        self.text += f"set local {setting} = %s; "
        self.count += 1
        self.values += (value,)


class Cursor(base.CursorMixin, ClientCursor[Any]):
    """Opens the transaction it is used in, where none has begun."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> "Cursor":
        """Execute a statement, behind what opens the transaction."""
        opening = self._due()
        if opening is None:
            super().execute(query, params, **options)
            return self
        if not isinstance(query, str) or params is None or isinstance(params, Mapping):
            # Their values cannot stand in one row with ours.
            self._open(opening)
            super().execute(query, params, **options)
            return self
        end, opening.end = opening.end, ""
        super().execute(opening.text + query + end, (*opening.values, *params), **options)
        for _ in range(opening.count):
            self.nextset()
        return self

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        """Execute a statement with each of the rows."""
        self.open()
        super().executemany(query, params_seq, **options)

    def copy(self, *args: Any, **options: Any) -> Any:
        """Copy rows in or out."""
        self.open()
        return super().copy(*args, **options)

    def open(self) -> None:
        """Open the transaction, alone."""
        if opening := self._due():
            self._open(opening)

    def _open(self, opening: Opening) -> None:
        super().execute(opening.text, opening.values)

    def _due(self) -> Opening | None:
        # Whether it has begun is asked of the connection itself: a statement may fail before it is sent.
        opening: Opening | None = getattr(self.connection, "opening", None)
        return opening if opening is not None and self.connection.pgconn.transaction_status == _IDLE else None


class DatabaseWrapper(base.DatabaseWrapper):
    """What ``ENGINE`` names."""

    @property
    def pool(self) -> Any:
        """Return this process's pool, None where there is none."""
        pool: Any = super().pool
        if pool is not None and pool._check is ConnectionPool.check_connection:
            # Django says the pool's check itself and takes no other.
            pool._check = check_connection
        return pool

    def get_connection_params(self) -> dict[str, Any]:
        """Return how to connect."""
        return {**super().get_connection_params(), "cursor_factory": Cursor, "autocommit": True}

    def connect(self) -> None:
        """Connect; a keeper's connection stays for a while."""
        super().connect()
        pool = self.pool
        if pool is not None and is_keeper(of=pool.max_size):
            self.close_at = time.monotonic() + KEPT_SECONDS

    def close_if_unusable_or_obsolete(self) -> None:
        """Give it back before a request and after it; one that is kept is asked as if it came from the pool."""
        super().close_if_unusable_or_obsolete()
        if self.connection is None or self.in_atomic_block or self.pool is None:
            return
        try:
            check_connection(self.connection)
        except OperationalError:
            self.close()
            return
        if self.connection.pgconn.transaction_status != _IDLE:
            self.close()

    def open_with(self, setting: str, value: str) -> None:
        """Let a setting hold for the transaction that was just entered; it is sent with the first statement."""
        self.connection.opening.add(setting, value)

    def read_once(self) -> None:
        """Let the transaction end with its first statement, where that is the next one and only reads."""
        opening = getattr(self.connection, "opening", None)
        if opening is not None and self.connection.pgconn.transaction_status == _IDLE:
            opening.end = "; commit"

    def create_cursor(self, name: str | None = None) -> Any:
        """Return a new cursor."""
        if name is None or self.autocommit:
            return super().create_cursor(name)
        with super().create_cursor() as cursor:
            cursor.open()
        named = super().create_cursor(name)
        # Django looks at the driver's autocommit, which tells nothing here: inside of a transaction none need be held.
        named._withhold = False
        return named

    def _set_autocommit(self, autocommit: bool) -> None:
        self.connection.opening = None if autocommit else Opening()

    def _close(self) -> Any:
        if self.connection is not None:
            # The pool asks it before the next one uses it, which must not begin anything.
            self.connection.opening = None
        return super()._close()  # type: ignore[misc]


def check_connection(connection: Connection[Any]) -> None:
    """Raise OperationalError for one that is dead. It is asked where it was long silent or something has come in."""
    now = time.monotonic()
    if now - getattr(connection, "asked_at", 0.0) > ASKED_EVERY_SECONDS or _has_news(connection):
        ConnectionPool.check_connection(connection)
        connection.asked_at = now  # type: ignore[attr-defined]


def _has_news(connection: Connection[Any]) -> bool:
    # Between two uses the server says nothing but good-bye, or that something of its settings has changed.
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
