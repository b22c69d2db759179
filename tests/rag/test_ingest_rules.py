# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is new, changed, the same or gone; when to rest; when a source is due. Pure."""

from datetime import UTC, datetime, timedelta

import pytest

from rag.engine.ingest import (
    APART,
    LONGEST_REST,
    MOST_RESTS,
    Known,
    Missing,
    Seen,
    Verdict,
    batches,
    is_gone,
    is_suspicious,
    judge,
    moves,
    rest_after,
)
from rag.engine.ports import Entry
from rag.engine.timetable import next_reading
from rag.errors.ingestions import SourceScheduleInvalid

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("entry", "known", "verdict"),
    [
        (Entry("a", mark="1"), None, Verdict.NEW),
        (Entry("a", mark="1"), Known("1"), Verdict.UNCHANGED),
        (Entry("a", mark="2"), Known("1"), Verdict.CHANGED),
        (Entry("a"), Known(""), Verdict.CHANGED),
        (Entry("a", mark="1"), Known("1", is_removed=True), Verdict.CHANGED),
        (Entry("a", mark="1", skipped="LFS"), None, Verdict.SKIPPED),
        (Entry("a", mark="1", skipped="LFS"), Known("1", is_skipped=True), Verdict.UNCHANGED),
        (Entry("a", mark="1"), Known("1", is_skipped=True), Verdict.CHANGED),
    ],
)
def test_an_entry_is_what_it_is_against_what_is_known(entry: Entry, known: Known | None, verdict: Verdict) -> None:
    assert judge(entry, known) is verdict


def test_gone_takes_two_sightings_that_lie_apart() -> None:
    assert not is_gone(Missing(None, 0), at=NOON)
    assert not is_gone(Missing(NOON, 1), at=NOON + APART / 2)
    assert is_gone(Missing(NOON, 1), at=NOON + APART)


@pytest.mark.parametrize(
    ("shown", "known", "is_strange"),
    [(0, 1, True), (0, 0, False), (1, 10, False), (1, 11, True), (9, 100, True), (10, 100, False), (100, 100, False)],
)
def test_a_source_that_shows_next_to_nothing_is_not_believed(shown: int, known: int, is_strange: bool) -> None:
    assert is_suspicious(shown=shown, known=known) is is_strange


def test_rests_grow_and_end() -> None:
    rests = [rest_after(count) for count in range(1, MOST_RESTS + 2)]
    assert rests[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert rests[-2] == LONGEST_REST
    assert rests[-1] is None


def test_moves_never_lead_onto_a_path_that_is_taken() -> None:
    entries = [Entry("b", moved_from="a"), Entry("c", moved_from="b"), Entry("d", moved_from="x")]
    assert [(before, entry.path) for before, entry in moves(entries, known={"a": 1})] == [("a", "b"), ("b", "c")]
    assert list(moves([Entry("b", moved_from="a")], known={"a": 1, "b": 2})) == []


def test_much_is_taken_some_at_a_time() -> None:
    assert [len(some) for some in batches(iter(range(7)), of=3)] == [3, 3, 1]
    seen = Seen()
    seen.add(["a", "b", "a"])
    assert ("a" in seen, "c" in seen, len(seen)) == (True, False, 2)


def test_a_source_is_due_by_its_schedule_and_never_twice_in_five_minutes() -> None:
    assert next_reading("", after=NOON) is None
    assert next_reading("0 * * * *", after=NOON) == NOON + timedelta(hours=1)
    assert next_reading("* * * * *", after=NOON) == NOON + timedelta(minutes=5)
    for wrong in ("hourly", "0 * * *", "99 * * * *", "0 0 31 2 *", "0 * * * * *"):
        with pytest.raises(SourceScheduleInvalid):
            next_reading(wrong, after=NOON)
