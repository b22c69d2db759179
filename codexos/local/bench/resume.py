# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench resume`: from the end of a worker's process to the first new step, which another worker does."""

import os
import statistics
import time
from dataclasses import dataclass

import psycopg

from codexos.local.bench.companion import Companion
from codexos.local.bench.engine import MEMORY, Place, place_in
from codexos.local.bench.machine import print_figures
from codexos.local.errors import LocalFault

BENCH = "resume"
STEPS_BEFORE = 5
PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Ending:
    """How a worker ends. One of ``elsewhere`` says that it is of another machine, so only its lease can tell."""

    name: str
    is_clean: bool = False
    is_elsewhere: bool = False


ENDINGS = (
    Ending("kill -9, another machine's: its lease lapses and the sweep finds it", is_elsewhere=True),
    Ending("kill -9, of the same machine: it is seen to be gone"),
    Ending("stopped cleanly: it hands over", is_clean=True),
)


def measure(*, rounds: int) -> None:
    """End a worker in the middle of a run, so often in each way, and print how long nothing was done."""
    with (
        place_in(MEMORY, name="tmpfs") as place,
        psycopg.connect(place.address(), autocommit=True) as database,
    ):
        for ending in ENDINGS:
            waits = sorted(_once(place, database, ending=ending) for _round in range(rounds))
            print_figures(
                BENCH,
                workload=ending.name,
                rounds=rounds,
                best_s=waits[0],
                median_s=statistics.median(waits),
                worst_s=waits[-1],
                load_1m=os.getloadavg()[0],
            )


def _once(place: Place, database: psycopg.Connection, *, ending: Ending) -> float:
    holder = "elsewhere" if ending.is_elsewhere else "here"
    first = Companion("resume_load", words=[holder], variables=place.variables)
    second = Companion("resume_load", words=["here"], variables=place.variables)
    try:
        first.hear()
        second.hear()
        first.ask("work")
        run_id = first.ask("run")["run"]
        _moment_of(database, run_id, epoch=1, count=STEPS_BEFORE)
        second.ask("work")
        ended = time.time()
        if ending.is_clean:
            first.stop()
        else:
            first.end()
        return _moment_of(database, run_id, epoch=2, count=1) - ended
    finally:
        first.end()
        second.end()
        # Nobody is to take it up in the next round.
        database.execute("update agents_run set status = 'cancelled', completed_at = now(), settled_at = now()")


def _moment_of(database: psycopg.Connection, run_id: str, *, epoch: int, count: int) -> float:
    """Wait until there are so many entries of steps under a holding of the run; when the last of them was made."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        rows = database.execute(
            "select extract(epoch from at)::float8 from agents_journalentry"
            " where run_id = %s and epoch >= %s and type like 'step.%%' order by seq limit %s",
            [run_id, epoch, count],
        ).fetchall()
        if len(rows) == count:
            return float(rows[-1][0])
        time.sleep(POLL_SECONDS)
    raise LocalFault(f"Run {run_id} did not go on within {PATIENCE_SECONDS:.0f} s.")
