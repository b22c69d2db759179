# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench vault`: an organization's key is rotated, and everything under it moved; one worker, killed in between."""

import os
import time

import psycopg

from codexos.local.bench.companion import Companion
from codexos.local.bench.engine import Place, place_in
from codexos.local.bench.machine import Figure, print_figures
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT

BENCH = "vault"
POLL_SECONDS = 0.02
PATIENCE_SECONDS = 600.0
_MOVED = (
    "select count(*) from vault_secretversion v join vault_vaultkey k on k.id = v.vault_key_id "
    "where k.retired_at is null"
)
_NOT_EMPTIED = "select count(*) from vault_vaultkey where retired_at is not null and wrapped <> ''"


def measure_rewrap(*, secrets: int) -> None:
    """Move so many secrets on the disk: in one go, then again by a worker that is killed in the middle."""
    with place_in(CHECKOUT / ".codexos", name="disk") as place, psycopg.connect(place.address()) as database:
        database.autocommit = True
        worker = _started(place)
        try:
            worker.ask(f"make {secrets}")
            before = _sealed(database)
            for is_killed in (False, True):
                worker.ask("rotate")
                worker = _move(place, worker, database, secrets=secrets, is_killed=is_killed)
                _check(worker, database, secrets=secrets, before=before)
        finally:
            worker.end()


def _move(place: Place, worker: Companion, database: psycopg.Connection, *, secrets: int, is_killed: bool) -> Companion:
    began = time.monotonic()
    worker.tell("rewrap")
    figures: dict[str, Figure] = {}
    if is_killed:
        figures["moved_when_killed"] = _kill_in_the_middle(worker, database, secrets=secrets)
        figures["seconds_until_killed"] = time.monotonic() - began
        worker = _started(place)
        worker.tell("rewrap")
    figures["cpu_s"] = worker.hear()["cpu"]
    seconds = time.monotonic() - began
    print_figures(
        BENCH,
        system="codexos",
        workload="rewrap, killed in the middle and started again" if is_killed else "rewrap, in one go",
        secrets=secrets,
        seconds=seconds,
        secrets_per_second=secrets / seconds,
        load_1m=os.getloadavg()[0],
        **figures,
    )
    return worker


def _started(place: Place) -> Companion:
    return Companion("vault_rewrap_load", variables=place.variables)


def _kill_in_the_middle(worker: Companion, database: psycopg.Connection, *, secrets: int) -> int:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        moved = _count(database, _MOVED)
        if moved >= secrets // 2:
            worker.end()
            return moved
        time.sleep(POLL_SECONDS)
    raise LocalFault("Half of the secrets were not moved in ten minutes.")


def _check(worker: Companion, database: psycopg.Connection, *, secrets: int, before: str) -> None:
    """Raise LocalFault unless all is moved, no value touched, the old key empty, and what is sampled opens."""
    moved, left = _count(database, _MOVED), _count(database, _NOT_EMPTIED)
    opened, is_same = worker.ask("open")["opened"], _sealed(database) == before
    if (moved, left, is_same) != (secrets, 0, True) or not opened:
        told = f"{moved} of {secrets} moved, {left} retired keys not emptied, {opened} of the sample open"
        raise LocalFault(f"{told}, values {'untouched' if is_same else 'TOUCHED'}.")


def _sealed(database: psycopg.Connection) -> str:
    row = database.execute("select md5(string_agg(sealed, '' order by id)) from vault_secretversion").fetchone()
    return str(row and row[0])


def _count(database: psycopg.Connection, question: str) -> int:
    row = database.execute(question.encode()).fetchone()
    return int(row[0]) if row else 0
