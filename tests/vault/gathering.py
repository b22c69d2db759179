# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Gathering everything a process writes, sends and keeps, to look for a secret in it."""

import base64
import contextlib
import io
import logging
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import redis
from django.conf import settings
from psycopg import sql

from codexos.logs import JsonFormatter, RedactingFilter


def found_in(text: str, core: str) -> list[str]:
    """List the forms in which a secret stands in a text; they are made here, and not by what is tested."""
    forms = {core, core.encode().hex(), core.encode().hex().upper()}
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + core.encode()).decode()
        forms.add(encoded[-(-shift * 8 // 6) : (shift + len(core)) * 8 // 6])
    return sorted(form for form in forms if form in text)


@dataclass
class Places:
    """Everything that was gathered, by where."""

    texts: dict[str, list[str]] = field(default_factory=dict)

    def add(self, place: str, text: str) -> None:
        self.texts.setdefault(place, []).append(text)

    def leaks(self, core: str) -> dict[str, list[str]]:
        """Where the secret was found, in which forms."""
        found = {place: found_in("\n".join(texts), core) for place, texts in self.texts.items()}
        return {place: forms for place, forms in found.items() if forms}


@contextlib.contextmanager
def logging_as_served() -> Iterator[io.StringIO]:
    """Write the log of this process as a served one does, at its most talkative."""
    written, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(written), root.level
    handler.setFormatter(JsonFormatter())
    handler.addFilter(RedactingFilter())
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


@contextlib.contextmanager
def listening(places: Places) -> Iterator[None]:
    """Hear everything that is published."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    heard = client.pubsub()
    heard.psubscribe("*")
    heard.get_message(timeout=5)
    ends = threading.Event()

    def hear() -> None:
        while not ends.is_set():
            message = heard.get_message(timeout=0.2)
            if message:
                places.add("redis pub/sub", decoded(message["data"]))

    thread = threading.Thread(target=hear)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
        client.close()


def decoded(data: Any) -> str:
    """Say bytes as text, unpacked where they are packed."""
    if not isinstance(data, bytes | memoryview):
        return str(data)
    said = bytes(data)
    with contextlib.suppress(zlib.error):
        said += zlib.decompress(said)
    return said.decode("latin-1")


def dump(truth: psycopg.Connection, places: Places) -> None:
    """Read the whole database: every table as a backup writes it, and what stands in its bytes."""
    tables = truth.execute(
        "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
    ).fetchall()
    for schema, table in tables:
        name = sql.Identifier(schema, table)
        with truth.cursor().copy(sql.SQL("copy (select * from {}) to stdout").format(name)) as rows:
            places.add("database", b"".join(bytes(row) for row in rows).decode())
        for row in truth.execute(sql.SQL("select * from {}").format(name)).fetchall():
            places.add("database", "\n".join(decoded(value) for value in row if isinstance(value, bytes)))


def read_redis(places: Places) -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter():
        places.add("redis", decoded(key) + decoded(client.dump(key)))
        readers: dict[bytes, Callable[[], Any]] = {
            b"string": lambda key=key: client.get(key),  # type: ignore[misc]
            b"hash": lambda key=key: client.hgetall(key),  # type: ignore[misc]
            b"list": lambda key=key: client.lrange(key, 0, -1),  # type: ignore[misc]
            b"set": lambda key=key: client.smembers(key),  # type: ignore[misc]
            b"zset": lambda key=key: client.zrange(key, 0, -1),  # type: ignore[misc]
            b"stream": lambda key=key: client.xrange(key),  # type: ignore[misc]
        }
        # One may have run out meanwhile.
        places.add("redis", str(readers.get(client.type(key), str)()))
    client.close()
