# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The journal's calendar: spans of time whose runs stand in one partition, and when what they hold has expired.

Run ids are UUIDv7: their first 48 bits are the milliseconds at which a run was accepted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

WIDTHS: Mapping[int, timedelta] = {7: timedelta(days=1), 30: timedelta(days=1), 365: timedelta(days=7)}
"""How much time one partition takes, by the days for which it is kept: what goes does so at most that much later."""
AHEAD = timedelta(days=8)
"""How far ahead partitions are made, so that the maintenance may stay away for a week."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_SHIFT = 80


@dataclass(frozen=True, slots=True)
class Period:
    """The time of one partition. ``begin`` is included, ``end`` is not."""

    days: int
    begin: datetime
    end: datetime

    @property
    def name(self) -> str:
        """What its partition is called."""
        return f"entries_{self.days}_{self.begin:%Y%m%d}"


def first_id(moment: datetime) -> UUID:
    """Return what no id is below that was made from ``moment`` on, and every id that was made before."""
    return UUID(int=((moment - _EPOCH) // timedelta(milliseconds=1)) << _TIME_SHIFT)


def time_of(run_id: UUID) -> datetime:
    """Return when an id was made."""
    return _EPOCH + timedelta(milliseconds=run_id.int >> _TIME_SHIFT)


def period_at(moment: datetime, *, days: int) -> Period:
    """Return the period of a retention class that a moment lies in."""
    width = WIDTHS[days]
    begin = _EPOCH + (moment - _EPOCH) // width * width
    return Period(days, begin, begin + width)


def periods_ahead(now: datetime, *, days: int) -> Iterator[Period]:
    """Yield the period of now and those that come."""
    period = period_at(now, days=days)
    while period.begin <= now + AHEAD:
        yield period
        period = period_at(period.end, days=days)


def kept_from(now: datetime, *, days: int) -> datetime:
    """Return since when runs must have been accepted to be kept for certain: whole periods go, never parts."""
    return period_at(now - timedelta(days=days), days=days).begin
