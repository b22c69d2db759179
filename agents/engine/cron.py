# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""When a schedule is due: five fields of cron in a time zone, and moments written as local time.

Where clocks are put forward, a fixed time that does not exist is due at the next moment that does; where they are put
back, a fixed time is due once, the first time. A minute or hour that begins with ``*`` counts real time instead: every
half hour stays every half hour. That is how Debian's cron does it, and cronsim after it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from agents.errors import MomentInvalid, ScheduleInvalid

LONGEST = 100
_SAMPLE = datetime(2026, 1, 1, tzinfo=UTC)
# How far back the last due moment is looked for, near things first: a schedule of every minute is found at once.
_WINDOWS = (timedelta(hours=3), timedelta(days=2), timedelta(days=62), timedelta(days=36_500))


@dataclass(frozen=True, slots=True)
class Schedule:
    """Five fields of cron, and the time zone they are meant in. Made by ``read_schedule``, which checks them."""

    expression: str
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first due moment after ``moment``, in UTC; None where none comes any more."""
        return next(self._after(moment), None)

    def following(self, moment: datetime, *, count: int) -> list[datetime]:
        """Return the next ``count`` due moments after ``moment``."""
        return list(islice(self._after(moment), count))

    def last_until(self, moment: datetime, *, first: datetime) -> datetime:
        """Return the latest due moment up to ``moment``; ``first``, which was due itself, where there is none after."""
        for window in _WINDOWS:
            start = max(first, moment - window)
            found = first
            for due in self._after(start):
                if due > moment:
                    break
                found = due
            if found != first or start == first:
                return found
        return first

    def _after(self, moment: datetime) -> Iterator[datetime]:
        # In an hour that comes twice cronsim counts from its first coming: what is not later is passed over.
        for local in CronSim(self.expression, moment.astimezone(self.zone)):
            due = local.astimezone(UTC)
            if due > moment:
                yield due


def read_schedule(expression: str, *, zone: str) -> Schedule:
    """Return the schedule that was written. Raises ScheduleInvalid."""
    fields = expression.split()
    if len(expression) > LONGEST:
        raise ScheduleInvalid("cron", f"A schedule has at most {LONGEST} characters. Split it into two triggers.")
    if len(fields) == 6:
        message = "There are six fields, so this asks for seconds. Nothing is due more often than once a minute: leave"
        raise ScheduleInvalid("cron", f"{message} out the first field.")
    if len(fields) != 5:
        raise ScheduleInvalid(
            "cron",
            f"{expression!r} has {len(fields)} fields; a schedule has five: minute, hour, day of the month, month, "
            "day of the week. '0 7 * * 1-5' is seven o'clock on weekdays.",
        )
    schedule = Schedule(" ".join(fields), read_zone(zone))
    _check(schedule, fields)
    return schedule


def read_zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name. Raises ScheduleInvalid."""
    if name not in _zones():
        raise ScheduleInvalid(
            "time_zone", f"There is no time zone {name[:64]!r}. Use an IANA name such as 'Europe/Berlin' or 'UTC'."
        )
    return ZoneInfo(name)


def read_moment(text: str, *, zone: str) -> datetime:
    """Return the moment that was written: with an offset, or as local time of ``zone``. In UTC. Raises MomentInvalid.

    A local time that clocks skip, or that comes twice, is refused rather than guessed.
    """
    try:
        written = datetime.fromisoformat(text.strip())
    except ValueError:
        raise MomentInvalid(
            f"{text[:40]!r} is no moment. Write it as 2026-03-29T14:30 or 2026-03-29T14:30+02:00."
        ) from None
    if written.utcoffset() is not None:
        return _in_utc(written)
    written = written.replace(tzinfo=read_zone(zone), fold=0)
    offsets = written.utcoffset(), written.replace(fold=1).utcoffset()
    if offsets[0] == offsets[1]:
        return _in_utc(written)
    ways = " or ".join(written.replace(fold=fold).isoformat(timespec="minutes") for fold in (0, 1))
    if _in_utc(written).astimezone(written.tzinfo).replace(tzinfo=None) != written.replace(tzinfo=None):
        raise MomentInvalid(
            f"In {zone} there is no {written:%H:%M} on {written:%Y-%m-%d}: clocks are put forward then. Choose another "
            "time, or write it with an offset."
        )
    raise MomentInvalid(
        f"In {zone} {written:%H:%M} comes twice on {written:%Y-%m-%d}: clocks are put back then. Write which: {ways}."
    )


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise MomentInvalid(f"{moment.isoformat()[:40]!r} is beyond what a calendar holds.") from None


def _check(schedule: Schedule, fields: list[str]) -> None:
    try:
        has_any = schedule.next_after(_SAMPLE) is not None
    except (CronSimError, AssertionError, ValueError) as error:
        minute, hour, day, _month, weekday = fields
        # With every month it would be fine: then it is the date that never comes.
        if not _is_read(" ".join((minute, hour, day, "*", weekday))) or not _is_read(f"* * * {fields[3]} *"):
            raise ScheduleInvalid("cron", _unreadable(schedule.expression, error)) from None
        has_any = False
    if not has_any:
        raise ScheduleInvalid(
            "cron", f"{schedule.expression!r} names a date that never comes, such as the 31st of February. Change it."
        )


def _is_read(expression: str) -> bool:
    try:
        CronSim(expression, _SAMPLE)
    except (CronSimError, AssertionError, ValueError):
        return False
    return True


def _unreadable(expression: str, error: Exception) -> str:
    said = str(error)
    field = said.removeprefix("Bad ").replace("-", " ") if said.startswith("Bad ") else "one of its fields"
    return (
        f"{expression!r} cannot be read: look at {field}. Numbers, lists (1,15), ranges (1-5), steps (*/10), names "
        "(MON, JAN) and L for the last day are understood."
    )


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
