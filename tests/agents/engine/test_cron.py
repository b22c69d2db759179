# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""When a schedule is due: above all on the two days a year on which clocks are moved."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from agents.engine.cron import read_moment, read_schedule
from agents.errors import MomentInvalid, ScheduleInvalid

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def due(expression: str, *, zone: str, after: str, count: int = 3) -> list[datetime]:
    return read_schedule(expression, zone=zone).following(at(after), count=count)


@pytest.mark.parametrize(
    ("zone", "expression", "after", "expected"),
    [
        # clocks are put forward: 02:30 does not exist, 03:00 does
        (BERLIN, "30 2 * * *", "2026-03-28T12:00+01:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
        (NEW_YORK, "30 2 * * *", "2026-03-07T12:00-05:00", ["2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"]),
        # what is due at 03:00 anyway is due once
        (BERLIN, "0 2,3 * * *", "2026-03-28T12:00+01:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"]),
        # clocks are put back: 02:30 comes twice and is due the first time
        (BERLIN, "30 2 * * *", "2026-10-24T12:00+02:00", ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]),
        (NEW_YORK, "30 1 * * *", "2026-10-31T12:00-04:00", ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]),
        # asked between its first coming and its second, and during the second
        (BERLIN, "30 2 * * *", "2026-10-25T02:45+02:00", ["2026-10-26T02:30+01:00"]),
        (BERLIN, "30 2 * * *", "2026-10-25T02:10+01:00", ["2026-10-26T02:30+01:00"]),
        (NEW_YORK, "30 1 * * *", "2026-11-01T01:10-05:00", ["2026-11-02T01:30-05:00"]),
        # what goes by intervals counts real time through both
        (BERLIN, "0 * * * *", "2026-10-25T01:30+02:00", ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"]),
        (BERLIN, "*/30 * * * *", "2026-03-29T01:30+01:00", ["2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00"]),
        (NEW_YORK, "15 * * * *", "2026-11-01T01:00-04:00", ["2026-11-01T01:15-04:00", "2026-11-01T01:15-05:00"]),
    ],
)
def test_the_days_on_which_clocks_are_moved(zone: str, expression: str, after: str, expected: list[str]) -> None:
    assert due(expression, zone=zone, after=after, count=len(expected)) == [at(text) for text in expected]


def test_no_moment_is_due_twice_and_none_goes_back_in_a_whole_year() -> None:
    for zone in (BERLIN, NEW_YORK, "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"):
        for expression in ("30 2 * * *", "15 1,2,3 * * *", "*/20 * * * *", "0 */2 * * *"):
            schedule, moment = read_schedule(expression, zone=zone), at("2026-01-01T00:00+00:00")
            moments = schedule.following(moment, count=2_000)
            assert moments == sorted(set(moments))
            # stepping from each to the next, as the scheduler does, comes by the same ones
            for before, after in pairwise(moments[:400]):
                assert schedule.next_after(before) == after


def test_an_hourly_beat_has_as_many_hours_as_the_sun() -> None:
    for zone in (BERLIN, NEW_YORK):
        moments = due("0 * * * *", zone=zone, after="2026-01-01T00:30+00:00", count=24 * 365)
        assert {after - before for before, after in pairwise(moments)} == {timedelta(hours=1)}


@pytest.mark.parametrize(
    ("expression", "first", "now", "expected"),
    [
        ("0 7 * * *", "2026-05-01T07:00+00:00", "2026-05-01T07:00+00:00", "2026-05-01T07:00+00:00"),
        ("0 7 * * *", "2026-05-01T07:00+00:00", "2026-05-09T06:59+00:00", "2026-05-08T07:00+00:00"),
        ("* * * * *", "2020-01-01T00:00+00:00", "2026-05-09T06:59:30+00:00", "2026-05-09T06:59+00:00"),
        ("0 0 29 2 *", "2020-02-29T00:00+00:00", "2026-05-09T00:00+00:00", "2024-02-29T00:00+00:00"),
        ("0 0 29 2 *", "2024-02-29T00:00+00:00", "2026-05-09T00:00+00:00", "2024-02-29T00:00+00:00"),
    ],
)
def test_the_latest_of_the_missed_moments_is_found(expression: str, first: str, now: str, expected: str) -> None:
    assert read_schedule(expression, zone="UTC").last_until(at(now), first=at(first)) == at(expected)


@pytest.mark.parametrize(
    ("expression", "zone", "place", "says"),
    [
        ("0 7 * * *", "Europe/Atlantis", "time_zone", "'Europe/Atlantis'"),
        ("0 7 * * *", "../../etc/passwd", "time_zone", "no time zone"),
        ("0 7 * * *", "", "time_zone", "no time zone"),
        ("", "UTC", "cron", "five"),
        ("@daily", "UTC", "cron", "five"),
        ("* * * *", "UTC", "cron", "4 fields"),
        ("* * * * * *", "UTC", "cron", "once a minute"),
        ("60 * * * *", "UTC", "cron", "minute"),
        ("* 25 * * *", "UTC", "cron", "hour"),
        ("* * * 13 *", "UTC", "cron", "month"),
        ("0 0 * * XYZ", "UTC", "cron", "day of week"),
        ("5-1 * * * *", "UTC", "cron", "minute"),
        ("*/0 * * * *", "UTC", "cron", "minute"),
        ("² * * * *", "UTC", "cron", "minute"),
        ("0 0 31 2 *", "UTC", "cron", "never comes"),
        ("0 0 30,31 2 *", "UTC", "cron", "never comes"),
        ("0 0 31 4,6,9,11 *", "UTC", "cron", "never comes"),
        ("0," * 60 + "0 * * * *", "UTC", "cron", "100 characters"),
        ("9" * 80 + " * * * *", "UTC", "cron", "minute"),
    ],
)
def test_what_cannot_be_a_schedule_is_refused_with_its_place(expression: str, zone: str, place: str, says: str) -> None:
    with pytest.raises(ScheduleInvalid) as raised:
        read_schedule(expression, zone=zone)
    assert raised.value.details["errors"][0]["place"] == place
    assert says in raised.value.message


def test_the_31st_or_any_monday_comes() -> None:
    # A day of the month and a day of the week, both named: either will do, as in cron.
    assert due("0 0 31 2 MON", zone="UTC", after="2026-02-01T00:00+00:00", count=1) == [at("2026-02-02T00:00+00:00")]


def test_a_moment_with_an_offset_is_taken_as_it_is() -> None:
    assert read_moment("2026-03-29T02:30+01:00", zone="nowhere") == at("2026-03-29T01:30+00:00")
    assert read_moment("2026-07-01T09:00", zone=BERLIN) == at("2026-07-01T09:00+02:00")
    assert read_moment("2026-07-01T09:00:00Z", zone=BERLIN) == at("2026-07-01T09:00+00:00")


@pytest.mark.parametrize(
    ("text", "zone", "says"),
    [
        ("2026-03-29T02:30", BERLIN, "there is no 02:30"),
        ("2026-03-08T02:00", NEW_YORK, "there is no 02:00"),
        ("2026-10-25T02:30", BERLIN, "2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00"),
        ("2026-11-01T01:59", NEW_YORK, "2026-11-01T01:59-04:00 or 2026-11-01T01:59-05:00"),
        ("tomorrow", BERLIN, "no moment"),
        ("0001-01-01T00:00+14:00", BERLIN, "beyond"),
        ("9999-12-31T23:59", NEW_YORK, "beyond"),
    ],
)
def test_a_local_time_that_is_none_or_two_is_refused(text: str, zone: str, says: str) -> None:
    with pytest.raises(MomentInvalid) as raised:
        read_moment(text, zone=zone)
    assert says in raised.value.message
