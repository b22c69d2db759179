# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Two flow workers share the work: what one leaves, killed or stopped, the other goes on with."""

import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.durability.counting import CountingServer, chain
from tests.durability.instance import Instance

STEPS = 10


@pytest.fixture
def second(instance: Instance) -> Iterator["subprocess.Popen[bytes]"]:
    """Another Celery node for flows."""
    with instance.another_flow_node() as node:
        yield node


def given_to(
    node: "subprocess.Popen[bytes]", instance: Instance, counting: CountingServer, names: list[str]
) -> list[str]:
    """Start runs that the second node takes, since the first stands still; return when all are in their middle."""
    instance.signal("flows", signal.SIGSTOP)
    try:
        runs = [instance.start(chain(counting, name, steps=STEPS)) for name in names]
        for name in names:
            counting.wait_until_asked(name, 3)
    finally:
        instance.signal("flows", signal.SIGCONT)
    assert all(instance.holder_of(run_id).endswith(f":{node.pid}") for run_id in runs)
    return runs


def test_the_other_worker_finishes_what_a_killed_one_had(
    instance: Instance, counting: CountingServer, second: "subprocess.Popen[bytes]"
) -> None:
    names = [f"orphan{number}" for number in range(10)]
    runs = given_to(second, instance, counting, names)
    second.kill()
    for run_id in runs:
        instance.wait_for(run_id, "succeeded")
    for run_id, name in zip(runs, names, strict=True):
        facts, counts = instance.facts(run_id), counting.counts(name)
        finished = {fact.node_id for fact in facts if fact.type == "step.done" and fact.epoch == 1}
        # Where runs are slow to be accepted, the first of them is over before the last is in its middle.
        finished -= {"start", "end"}
        assert [fact.seq for fact in facts] == list(range(1, len(facts) + 1))
        assert {counts[str(step)] for step in finished} == {1}
        assert sorted(counts.values())[:-1] == [1] * (STEPS - 1)
        assert max(counts.values()) <= 2


def test_a_stopped_worker_hands_its_runs_over_and_repeats_nothing(
    instance: Instance, counting: CountingServer, second: "subprocess.Popen[bytes]"
) -> None:
    names = ["handed-over", "handed-over-too"]
    runs = given_to(second, instance, counting, names)
    second.terminate()
    second.wait(60)
    for run_id, name in zip(runs, names, strict=True):
        instance.wait_for(run_id, "succeeded")
        assert counting.counts(name) == {f"step{number}": 1 for number in range(1, STEPS + 1)}
        epochs = [fact.epoch for fact in instance.facts(run_id) if fact.type == "run.started"]
        assert epochs == [1, 2]
