# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""When a source is to be read again: five fields of cron, in UTC."""

from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

from rag.errors.ingestions import SourceScheduleInvalid

_FIELDS = 5
_LEAST_APART = timedelta(minutes=5)


def next_reading(schedule: str, *, after: datetime) -> datetime | None:
    """Return when a source is due next; None where it has no schedule. Raises SourceScheduleInvalid.

    It is never due twice within five minutes, whatever the schedule says: a reading takes its time.
    """
    if not schedule.strip():
        return None
    if len(schedule.split()) != _FIELDS:
        raise SourceScheduleInvalid(schedule)
    try:
        return next(CronSim(" ".join(schedule.split()), after.astimezone(UTC) + _LEAST_APART - timedelta(minutes=1)))
    except (CronSimError, StopIteration, AssertionError, ValueError):
        raise SourceScheduleInvalid(schedule) from None
