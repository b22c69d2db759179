# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The journal's upkeep, for its owner: partitions are made ahead, and what has expired goes.

Every step is a transaction of its own and finds by itself what is left to do: killed in the middle, it goes on the next
time; run twice, the second time does nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg

from agents.adapters import expiry, partitions
from agents.engine.periods import WIDTHS, Period, first_id, kept_from, period_at, periods_ahead
from agents.errors import PartitionsLocked

TRIES = 5


def maintain_journal(
    connection: psycopg.Connection[Any], *, now: datetime, is_dry: bool = False, only_make: bool = False
) -> Iterator[str]:
    """Make the partitions that are needed and let go of what has expired; yield what was done, or would be.

    Where somebody else is at it, nothing is done. A partition that is locked by others for long is left to the next
    time: that is said, all else is done, and in the end it raises PartitionsLocked.
    """
    locked: list[str] = []
    with partitions.only_one(connection) as is_alone:
        if not is_alone:
            yield "another upkeep of the journal is under way; nothing was done"
            return
        for days in WIDTHS:
            yield from _make(connection, locked, days=days, now=now, is_dry=is_dry)
            if not only_make:
                yield from _expire(connection, days=days, now=now, is_dry=is_dry)
                yield from _drop(connection, locked, days=days, now=now, is_dry=is_dry)
        if not is_dry and not only_make and (swept := expiry.sweep_blobs(connection)):
            yield f"swept {swept} large values that no run refers to any more"
    if locked:
        raise PartitionsLocked(*locked)


def _make(
    connection: psycopg.Connection[Any], locked: list[str], *, days: int, now: datetime, is_dry: bool
) -> Iterator[str]:
    standing = partitions.list_partitions(connection, days=days)
    for period in _wanted(connection, days=days, now=now):
        if any(partition.overlaps(period) for partition in standing):
            continue
        if is_dry:
            yield f"would make {period.name}"
            continue
        moved = _patiently(lambda period=period: partitions.make_partition(connection, period))  # type: ignore[misc]
        if moved is None:
            locked.append(period.name)
        yield _said(f"made {period.name}", moved, "entries moved into it")


def _wanted(connection: psycopg.Connection[Any], *, days: int, now: datetime) -> Sequence[Period]:
    """Return the periods to come, and those that had no partition when their runs wrote."""
    kept = kept_from(now, days=days)
    missed = {period_at(day, days=days) for day in partitions.list_days_in_rest(connection, days=days) if day >= kept}
    return sorted({*missed, *periods_ahead(now, days=days)}, key=lambda period: period.begin)


def _expire(connection: psycopg.Connection[Any], *, days: int, now: datetime, is_dry: bool) -> Iterator[str]:
    """Let the content of runs go; entries that no dropped partition will take along go one by one."""
    kept = kept_from(now, days=days)
    which: dict[str, Any] = {
        "days": days,
        "before": first_id(kept),
        "ended_before": now - timedelta(days=days),
    }
    if is_dry:
        if count := expiry.count_expired(connection, **which):
            yield f"would let the content of {count} runs go that was kept for {days} days"
        return
    going = [partition for partition in partitions.list_partitions(connection, days=days) if partition.end <= kept]
    gone = 0
    while True:
        with connection.transaction():
            run_ids = expiry.pick_expired(connection, **which)
            if not run_ids:
                break
            expiry.expire(connection, run_ids, days=days, now=now)
            alone = [run_id for run_id in run_ids if not any(partition.holds(run_id) for partition in going)]
            partitions.delete_entries(connection, alone, days=days)
        gone += len(run_ids)
    if gone:
        yield f"let the content of {gone} runs go that was kept for {days} days"


def _drop(
    connection: psycopg.Connection[Any], locked: list[str], *, days: int, now: datetime, is_dry: bool
) -> Iterator[str]:
    kept = kept_from(now, days=days)
    for partition in partitions.list_partitions(connection, days=days):
        if partition.end > kept:
            continue
        if is_dry:
            yield f"would drop {partition.name}"
            continue
        left = _patiently(lambda it=partition: partitions.drop_partition(connection, it))  # type: ignore[misc]
        if left is None:
            locked.append(partition.name)
        yield _said(f"dropped {partition.name}", left, "entries of runs that go on were kept")


def _patiently(change: Callable[[], int]) -> int | None:
    """Try a change some times; None where others held on to what it needs all the while."""
    for _ in range(TRIES):
        try:
            return change()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            continue
    return None


def _said(done: str, entries: int | None, of_them: str) -> str:
    if entries is None:
        return f"not {done}: others hold on to it; it is tried again the next time"
    return f"{done}; {entries} {of_them}" if entries else done
