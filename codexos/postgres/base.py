# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Django's PostgreSQL with a cheaper look at connections that leave the pool.

Django asks each one over the wire before it is used, which is one round trip in seven of a small request. A connection
that the server has ended can be read from at once, which the operating system tells without asking anybody.
"""

import select
import time
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg_pool import ConnectionPool

ASKED_EVERY_SECONDS = 5.0


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
