# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every Celery process is killed in the middle of runs: what was finished is not done again, and nothing is guessed."""

from typing import Any

import pytest

from tests.durability.counting import CountingServer, chain
from tests.durability.instance import CELERY, Fact, Instance

STEPS = {f"step{number}" for number in range(1, 21)}
POSTING = ("again", "done", "fail")


@pytest.fixture(scope="module")
def runs(instance: Instance, counting: CountingServer) -> dict[str, str]:
    """One run that reads and three that write, all of whose processes were killed together, and which settled since."""
    started = {"reading": instance.start(chain(counting, "reading"))}
    for name in POSTING:
        started[name] = instance.start(chain(counting, name, method="POST"))
    for name in started:
        counting.wait_until_asked(name, 5)
    instance.kill(*CELERY)
    instance.wait_for(started["reading"], "succeeded")
    for name in POSTING:
        instance.wait_for(started[name], "waiting")
    return started


def finished_before(facts: list[Fact]) -> set[str | None]:
    """Return the steps that were done when the processes were killed."""
    return {fact.node_id for fact in facts if fact.type == "step.done" and fact.epoch == 1} - {"start"}


def cut_step(facts: list[Fact]) -> str:
    """Return the step that had begun and was not done when the processes were killed."""
    begun = {fact.node_id for fact in facts if fact.type == "step.intended" and fact.epoch == 1}
    (cut,) = begun - finished_before(facts)
    return str(cut)


def assert_whole(facts: list[Fact]) -> None:
    """The journal has no gap, and one end."""
    assert [fact.seq for fact in facts] == list(range(1, len(facts) + 1))
    assert [fact.type for fact in facts].count("run.finished") == 1
    assert facts[-1].type == "run.finished"


def test_reads_go_on_behind_what_was_finished(
    instance: Instance, counting: CountingServer, runs: dict[str, str]
) -> None:
    facts, counts = instance.facts(runs["reading"]), dict(counting.counts("reading"))
    assert_whole(facts)
    assert [fact.data["resumed"] for fact in facts if fact.type == "run.started"] == [False, True]
    assert counts.pop(cut_step(facts)) in {1, 2}
    assert set(counts) | {cut_step(facts)} == STEPS
    assert set(counts.values()) == {1}


@pytest.mark.parametrize("decision", POSTING)
def test_a_cut_write_waits_for_a_person_and_goes_on_as_decided(
    instance: Instance, counting: CountingServer, runs: dict[str, str], decision: str
) -> None:
    # given
    run_id = runs[decision]
    cut = cut_step(instance.facts(run_id))
    (waits,) = instance.run(run_id)["waiting"]
    assert (waits["node_id"], waits["reason"]) == (cut, "may_have_happened")
    assert "may have happened" in waits["message"]
    asked_before = dict(counting.counts(decision))
    assert asked_before == dict.fromkeys([*finished_before(instance.facts(run_id)), cut], 1)
    # when
    body: dict[str, Any] = {"node_id": cut, "decision": decision}
    instance.call(f"/api/v1/runs/{run_id}/decide/", body | ({"result": {"status": 201}} if decision == "done" else {}))
    instance.wait_for(run_id, "failed" if decision == "fail" else "succeeded")
    # then
    assert_whole(instance.facts(run_id))
    counts, keys = counting.counts(decision), counting.keys(decision)
    assert counts == (
        asked_before if decision == "fail" else {**dict.fromkeys(STEPS, 1), cut: 2 if decision == "again" else 1}
    )
    assert None not in set.union(*keys.values())
    assert len(set.union(*keys.values())) == sum(counts.values()), (
        "a key of its own for each, and for what is wanted anew"
    )
