# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How far apart a flow worker's looks are while it carries runs."""

import pytest

from agents.workers import pacing
from agents.workers.pacing import LOOK_APART_SECONDS, Pace


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    made = Watch()
    monkeypatch.setattr(pacing, "monotonic", made)
    return made


def test_a_look_after_a_silence_is_made_at_once(watch: Watch) -> None:
    pace = Pace(most_runs=8)
    assert pace.rest() == 0
    pace.note_look()
    watch.now += 1
    assert pace.rest() == 0


def test_a_look_close_behind_another_waits(watch: Watch) -> None:
    pace = Pace(most_runs=8)
    pace.note_look()
    pace.note_freed()
    assert pace.rest() == pytest.approx(LOOK_APART_SECONDS)
    watch.now += LOOK_APART_SECONDS / 2
    assert pace.rest() == pytest.approx(LOOK_APART_SECONDS / 2)


def test_when_many_places_are_empty_nothing_waits(watch: Watch) -> None:
    pace = Pace(most_runs=8)
    pace.note_look()
    pace.note_freed()
    pace.note_freed()
    assert pace.rest() == 0
    pace.note_look()
    assert pace.rest() > 0
