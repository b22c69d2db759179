# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is read at the server, from outside of everything that is measured, with the same ruler for every system."""

import statistics
import time
from dataclasses import dataclass

import psycopg

COMMITS = 200


@dataclass(frozen=True)
class Reading:
    """What the whole server had written so far."""

    wal_bytes: int
    transactions: int
    entries: int

    def since(self, before: "Reading") -> "Reading":
        """What was written between two readings."""
        return Reading(
            self.wal_bytes - before.wal_bytes,
            self.transactions - before.transactions,
            self.entries - before.entries,
        )


class Ruler:
    """The administrator's view."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("create schema if not exists bench")
        self._connection.execute("create table if not exists bench.floor (id bigserial primary key, data bytea)")

    def read(self) -> Reading:
        """Read now. A transaction counts when it wrote something: only then has it a number, and waits for the log."""
        row = self._connection.execute(
            "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn, pg_snapshot_xmax(pg_current_snapshot())::text,"
            " (select count(*) from agents_journalentry)"
        ).fetchone()
        return Reading(*map(int, row)) if row else Reading(0, 0, 0)

    def commit_floor(self) -> float:
        """The median seconds that inserting one small row and committing it takes over a connection like any other."""
        spent = []
        for _round in range(COMMITS):
            began = time.perf_counter()
            self._connection.execute("insert into bench.floor (data) values (%s)", [b"x" * 200], prepare=True)
            spent.append(time.perf_counter() - began)
        return statistics.median(spent)

    def make_database(self, name: str) -> None:
        """Make an empty database for a peer."""
        self._connection.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
