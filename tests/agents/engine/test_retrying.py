# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How long a failed step rests: the same wherever it is worked out, and another for each run."""

from typing import Any
from uuid import UUID, uuid4

from agents.engine.decide import Step
from agents.engine.graph import DEFAULT_JITTER, Node
from agents.engine.nodes.tool import ToolCall
from agents.engine.outcomes import Again, Failed
from agents.engine.retrying import LONGEST_WISH_SECONDS, judge
from codexos.kernel.errors import Unavailable
from tests.agents.engine.stage import RUN_ID, CountingTool

READS, WRITES = (ToolCall(CountingTool(reads_only=reads).spec, {"text": "x"}, "key") for reads in (True, False))


def judged(
    *, failures: int = 0, run_id: UUID = RUN_ID, effect: ToolCall = READS, wish: float | None = None, **retry: Any
) -> Again | Failed:
    node = Node("a", "tool", {}, attempts=4, backoff_seconds=10, max_backoff_seconds=40, **retry)
    error = Unavailable("Away.", **({} if wish is None else {"retry_after_seconds": wish}))
    return judge(Step("a", failures + 1, failures), effect, error=error, node=node, run_id=run_id)


def rest(**given: Any) -> float:
    outcome = judged(**given)
    assert isinstance(outcome, Again)
    return outcome.after_seconds


def test_the_share_follows_from_the_run_and_the_failures_alone():
    assert rest() == rest()
    assert len({rest(run_id=uuid4()) for _ in range(20)}) == 20
    assert all(10 * (1 - DEFAULT_JITTER) <= rest(run_id=uuid4()) <= 10 for _ in range(100))
    assert rest(jitter=0) == 10


def test_each_failure_doubles_the_rest_up_to_the_most():
    assert [rest(failures=failures, jitter=0) for failures in range(3)] == [10, 20, 40]
    assert rest(failures=2, jitter=1.0) <= 40


def test_what_the_other_side_wishes_is_the_least_within_reason():
    assert rest(wish=30) == 30
    assert rest(wish=1, jitter=0) == 10
    assert rest(wish=10**9) == LONGEST_WISH_SECONDS


def test_attempts_end_and_what_may_not_be_repeated_is_not():
    assert isinstance(judged(failures=3), Failed)
    assert isinstance(judged(effect=WRITES), Failed)
    assert isinstance(judged(effect=WRITES, retry_on=frozenset({"unavailable"})), Failed)
    assert isinstance(judged(retry_on=frozenset({"conflict"})), Failed)
