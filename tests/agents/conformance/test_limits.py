# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How far a run may go: steps and spending that have an end, whatever the flow is drawn like."""

from typing import Any

import pytest

from tests.agents.conformance.conftest import SetStage
from tests.agents.conformance.flows import flow, llm, looped, mapped, tool
from tests.agents.conformance.semantics import keeps
from tests.agents.engine.stage import WorkerKilled


def limited(*nodes: dict[str, Any], **limits: float) -> dict[str, Any]:
    return {**flow(*nodes), "limits": limits}


@keeps("step limit")
async def test_a_run_ends_by_name_when_it_has_done_too_many_steps(stage: SetStage):
    # given: the entry counts too
    chain = [tool(name, after) for name, after in zip("abcd", [*"bcd", "end"], strict=True)]
    stopped, enough = stage(limited(*chain, steps=2)), stage(limited(*chain, steps=6))
    # when
    standing = await stopped.run()
    # then
    assert (standing.status, standing.data["error"]["code"]) == ("failed", "step_limit_reached")
    assert "of 2 it may do" in standing.data["error"]["message"]
    assert stopped.calls == ["a", "b"]
    assert (await enough.run()).status == "succeeded"


@keeps("step limit")
async def test_steps_are_counted_over_the_deaths_of_workers(stage: SetStage):
    # given
    chain = [tool(name, after) for name, after in zip("abcd", [*"bcd", "end"], strict=True)]
    run = stage(limited(*chain, steps=3))
    run.fate.dies_at, run.fate.keeps_the_last = 2, True
    with pytest.raises(WorkerKilled):
        await run.run()
    # then
    assert (await run.run()).data["error"]["code"] == "step_limit_reached"
    assert len(run.of_type("step.done")) == 4


@keeps("step limit")
@pytest.mark.parametrize("limits", [{}, {"steps": 50}])
async def test_a_loop_without_an_end_has_one(stage: SetStage, limits: dict[str, int]):
    # given: a loop inside a loop, neither of which is ever content
    inner = looped("inner", tool("say"), until="{{ false }}", max_rounds=5)
    drawn = looped("outer", inner, until="{{ false }}", max_rounds=1_000)
    run = stage(limited(drawn, **limits) if limits else flow(drawn))
    # when
    standing = await run.run()
    # then: the inner loop's own limit is met first where the run has none that is lower
    code = standing.data["error"]["code"]
    assert (standing.status, code) == ("failed", "loop_limit_reached")
    assert len(run.calls) == 5
    assert run.types()[-1] == "run.finished"


@keeps("step limit")
async def test_a_loop_that_may_go_round_a_thousand_times_is_stopped_by_the_limit_of_the_run(stage: SetStage):
    run = stage(limited(looped("again", tool("say"), until="{{ false }}", max_rounds=1_000), steps=50))
    standing = await run.run()
    assert standing.data["error"]["code"] == "step_limit_reached"
    assert len(run.calls) < 50
    assert run.types()[-1] == "run.finished"


@keeps("map", "step limit")
@pytest.mark.parametrize(("items", "code"), [(100_000, "too_many_lanes"), (1_000, "step_limit_reached")])
async def test_a_map_over_too_much_fails_by_name_and_the_history_stays_short(stage: SetStage, items: int, code: str):
    # given
    run = stage(limited(mapped("each", tool("say"), over="{{ input }}"), steps=30), list(range(items)))
    # when
    standing = await run.run()
    # then
    assert (standing.status, standing.data["error"]["code"]) == ("failed", code)
    assert run.types()[-1] == "run.finished"
    assert len(run.calls) <= (0 if items == 100_000 else 60)


@keeps("spend limit")
@pytest.mark.parametrize("limits", [{"tokens": 20}, {"cost_usd": 0.0015}], ids=["tokens", "dollars"])
async def test_a_run_that_has_spent_too_much_asks_no_model_any_more(stage: SetStage, limits: dict[str, float]):
    # given: each answer takes 15 tokens, and a tenth of a cent
    chain = [llm(name, after) for name, after in zip("abcd", [*"bcd", "end"], strict=True)]
    run = stage(limited(*chain, **limits))
    # when
    standing = await run.run()
    # then
    assert (standing.status, standing.data["error"]["code"]) == ("failed", "spend_limit_reached")
    assert len(run.model.requests) == 2
    assert standing.data["usage"]["input_tokens"] == 20


@keeps("spend limit")
async def test_what_a_dead_worker_may_have_spent_counts(stage: SetStage):
    # given: its answer was never written down, so what it may have cost is counted as it was estimated
    chain = [llm(name, after, prompt="x" * 40) for name, after in zip("ab", ["b", "end"], strict=True)]
    calm, shaken = stage(limited(*chain, tokens=30)), stage(limited(*chain, tokens=30))
    shaken.fate.dies_at = 2
    with pytest.raises(WorkerKilled):
        await shaken.run()
    # then
    assert (await calm.run()).status == "succeeded"
    assert (await shaken.run()).data["error"]["code"] == "spend_limit_reached"
