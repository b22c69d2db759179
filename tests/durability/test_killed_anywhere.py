# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An executor is killed by SIGKILL at any of its points: around every write, between any two facts, inside every step.

A forked flow worker carries a flow of twelve nodes over the real database; a server outside counts what it is asked.
`bin/bench kill` does the same at every point there is; here it is a sample, drawn by lot, with some of every kind.
"""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from pytest_django.plugin import DjangoDbBlocker

from codexos.local.bench.kill.flow import EXPECTED
from codexos.local.bench.kill.harness import Harness, Story, points_of, wrong_with
from codexos.local.bench.kill.measure import deaths_by_lot, deaths_of, harness, summary
from tests.conftest import see_the_truth, wipe

SEED = 4
SINGLE = 70
BY_LOT = 18


@pytest.fixture(scope="module")
def killer(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Harness]:
    """A harness over this suite's database."""
    name = str(settings.DATABASES["default"]["NAME"])
    addresses = {
        "DATABASE_URL": urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl(),
        "DATABASE_JOURNAL_URL": settings.DATABASE_JOURNAL_URL,
    }
    with django_db_blocker.unblock(), see_the_truth() as truth:
        with harness({**os.environ, **addresses}, truth) as made:
            yield made
        wipe(truth)


@pytest.fixture(scope="module")
def calm(killer: Harness) -> Story:
    """A run in peace."""
    return killer.run()


def test_a_run_in_peace_asks_for_everything_once(calm: Story) -> None:
    assert calm.output == EXPECTED
    assert wrong_with(calm) == []
    assert set(calm.asked.values()) == {1}
    assert (calm.kills, calm.uncertain, len(calm.points)) == (0, 0, 2)
    assert len(points_of(calm)) > 150


def test_a_kill_at_any_point_changes_neither_the_result_nor_what_was_finished(killer: Harness, calm: Story) -> None:
    stories = [killer.run(fatal) for fatal in deaths_of(calm, seed=SEED, at_most=SINGLE)]
    assert {str(story.fatal): troubles for story in stories if (troubles := wrong_with(story))} == {}
    # Branches race, so a point of the run in peace is not come to in every other one.
    assert summary(stories)["kills"] > SINGLE * 0.9


def test_kills_of_one_holder_after_the_other_change_nothing_either(killer: Harness) -> None:
    stories = [killer.run(fatal) for fatal in deaths_by_lot(seed=SEED, count=BY_LOT)]
    assert {str(story.fatal): troubles for story in stories if (troubles := wrong_with(story))} == {}
    assert summary(stories)["kills"] > BY_LOT * 4


@pytest.mark.parametrize("point", ["asked order", "half answered order", "before calling order #1"])
def test_an_order_cut_off_is_never_placed_again_by_itself(killer: Harness, calm: Story, point: str) -> None:
    # when
    story = killer.run([point])
    # then: whoever was asked looked outside, and decided by what was there
    assert (story.kills, story.uncertain) == (1, 1)
    (told,) = [fact for fact in story.of_type("approval.decided") if fact.key == "order"]
    assert told.data["decision"] == ("again" if point.startswith("before") else "done")
    assert story.asked["order"] == 1
    assert wrong_with(story) == []
