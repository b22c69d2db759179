# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Steps that fail: tried again, given up, answered by the flow, or giving what nobody can keep."""

from typing import Any

import pytest

from codexos.kernel.jsontypes import JsonValue
from tests.agents.conformance.conftest import SetStage
from tests.agents.conformance.flows import Gate, Giving, Shaky, choice, flow, llm, tool
from tests.agents.conformance.semantics import keeps
from tests.agents.engine.stage import CountingModel, CountingTool, WorkerKilled


@keeps("retry: attempts", "retry: backoff")
async def test_a_step_is_tried_again_and_rests_twice_as_long_each_time(stage: SetStage):
    # given
    retry = {"attempts": 5, "backoff_seconds": 2, "max_backoff_seconds": 5, "jitter": 0}
    shaky = Shaky(away_times=4)
    run = stage(flow(tool("a", name="Shaky", retry=retry)), tools=[shaky])
    # when
    standing = await run.run()
    # then
    assert standing.status == "succeeded"
    assert run.clock.slept == [2, 4, 5, 5]
    assert [entry.attempt for entry in run.of_type("step.intended")] == [1, 2, 3, 4, 5]
    assert [entry.data["error"]["code"] for entry in run.of_type("step.retry")] == ["unavailable"] * 4
    assert len(set(run.keys)) == 1


@keeps("retry: attempts")
async def test_when_all_attempts_failed_the_step_has(stage: SetStage):
    run = stage(flow(tool("a", name="Shaky", retry={"attempts": 3})), tools=[Shaky(away_times=9)])
    standing = await run.run()
    assert (standing.status, standing.data["error"]["code"]) == ("failed", "unavailable")
    assert len(run.calls) == 3


@keeps("retry: which errors")
@pytest.mark.parametrize("trouble", [{"is_broken": True}, {"reads_only": False, "away_times": 1}])
async def test_what_would_not_help_or_may_have_happened_is_not_tried_again(stage: SetStage, trouble: dict[str, Any]):
    run = stage(flow(tool("a", name="Shaky", retry={"attempts": 5})), tools=[Shaky(**trouble)])
    assert (await run.run()).status == "failed"
    assert run.calls == ["a"]
    assert run.of_type("step.retry") == []


@keeps("retry: attempts are durable")
async def test_attempts_are_counted_over_the_deaths_of_workers(stage: SetStage):
    # given: the worker dies while it rests before the third attempt
    run = stage(flow(tool("a", name="Shaky", retry={"attempts": 3})), tools=[Shaky(away_times=9)])
    run.fate.dies_at, run.fate.keeps_the_last = 4, True
    with pytest.raises(WorkerKilled):
        await run.run()
    assert run.types()[-1] == "step.retry"
    # when
    standing = await run.run()
    # then
    assert standing.status == "failed"
    assert len(run.calls) == 3
    assert [entry.attempt for entry in run.of_type("step.intended")] == [1, 2, 3]


@keeps("timeout of a step")
async def test_a_step_that_takes_too_long_is_cut_off_and_may_be_tried_again(stage: SetStage):
    # given
    gate = Gate()
    node = tool("a", name="Gate", timeout_seconds=0.1, retry={"attempts": 2})
    run = stage(flow(node), tools=[gate])
    # when
    standing = await run.run()
    # then
    assert standing.data["error"]["code"] == "step_timed_out"
    assert "'a'" in standing.data["error"]["message"]
    assert run.calls == ["a", "a"]
    assert gate.ended == []


@keeps("fail-branch")
async def test_a_failure_goes_on_at_another_node_which_is_given_why(stage: SetStage):
    # given
    rescue = {"id": "rescue", "type": "tool", "tool": "Echo", "arguments": {"text": "{{ bad.error.code }}"}}
    nodes = [tool("bad", "fine", name="Shaky", on_error="rescue"), tool("fine"), {**rescue, "next": "end"}]
    run = stage(flow(*nodes), tools=[CountingTool(), Shaky(is_broken=True)])
    # when
    standing = await run.run()
    # then
    assert standing.data["output"]["text"] == "echo of conflict"
    assert run.nodes("step.skipped") == ["fine"]
    assert run.of_type("step.failed")[0].data["result"] == {
        "error": {"code": "conflict", "message": "The shop is closed for good. Go elsewhere."}
    }


@keeps("fail-branch")
async def test_the_node_for_failures_is_left_out_where_all_goes_well(stage: SetStage):
    run = stage(flow(tool("good", on_error="rescue"), tool("rescue")))
    assert (await run.run()).data["output"]["text"] == "echo of good"
    assert run.nodes("step.skipped") == ["rescue"]


@keeps("default-on-error")
async def test_a_failure_is_answered_by_a_default(stage: SetStage):
    # given: two steps behind, a choice looks at the default
    bad = tool("bad", "pick", name="Shaky", on_error={"default": {"found": False}})
    pick = choice("pick", expression="bad.found", next={"true": "yes", "false": "no"})
    run = stage(flow(bad, pick, tool("yes"), tool("no")), tools=[CountingTool(), Shaky(is_broken=True)])
    # when
    standing = await run.run()
    # then
    assert standing.data["output"]["text"] == "echo of no"
    assert run.nodes("step.failed") == ["bad"]


@keeps("fail-branch")
async def test_a_failure_that_nothing_answers_stops_the_siblings_and_fails_the_run(stage: SetStage):
    # given
    gate = Gate()
    run = stage(
        flow(tool("a", name="Gate"), tool("bad", name="Shaky"), first=["a", "bad"]), tools=[gate, Shaky(is_broken=True)]
    )
    # when
    standing = await run.run()
    # then
    assert (standing.status, standing.data["error"]["node_id"]) == ("failed", "bad")
    (cut,) = run.of_type("step.skipped")
    assert (cut.node_id, cut.data["reason"]) == ("a", "failed")
    assert gate.ended == []


@keeps("result too large")
@pytest.mark.parametrize("gift", ["x" * 50_000_000, [[]]], ids=["long", "deep"])
async def test_a_result_too_large_fails_the_step_and_the_history_stays_readable(stage: SetStage, gift: Any):
    # given
    if gift == [[]]:
        for _ in range(2_000):
            gift = [gift]
    run = stage(flow(tool("a", name="Giving")), tools=[Giving(gift=gift)])
    # when
    standing = await run.run()
    # then
    assert standing.data["error"]["code"] == "result_too_large"
    assert run.types()[-2:] == ["step.failed", "run.finished"]
    assert sum(len(str(entry.data)) for entry in run.entries) < 10_000


NOT_JSON = [float("nan"), float("inf"), {1, 2}, b"bytes", object(), {"a": {(1, 2): 3}}]


@keeps("result that is not JSON")
@pytest.mark.parametrize("gift", NOT_JSON, ids=["nan", "infinite", "set", "bytes", "object", "odd key"])
async def test_a_result_that_is_not_json_fails_the_step_by_name(stage: SetStage, gift: Any):
    run = stage(flow(tool("a", name="Giving")), tools=[Giving(gift={"deep": [gift]})])
    standing = await run.run()
    assert (standing.status, standing.data["error"]["code"]) == ("failed", "tool_result_invalid")
    assert run.types()[-2:] == ["step.failed", "run.finished"]
    assert run.calls == ["a"]


@keeps("result that is not JSON")
@pytest.mark.parametrize("text", ["nul \x00", "half \ud800 a pair", "\ufeff\u2028\U0001f986"])
async def test_odd_texts_are_kept_and_are_the_same_after_a_crash(stage: SetStage, text: str):
    # given: what is said of the text before it was written down, and after
    gift = {"text": text, text: [text]}
    nodes = [tool("a", "b", name="Giving"), llm("b", prompt="{{ a.text }} {{ len(a.text) }}")]
    calm = stage(flow(*nodes), tools=[Giving(gift=gift)])
    shaken = stage(flow(*nodes), tools=[Giving(gift=gift)])
    shaken.fate.dies_at, shaken.fate.keeps_the_last = 2, True
    # when
    expected = await calm.run()
    with pytest.raises(WorkerKilled):
        await shaken.run()
    standing = await shaken.run()
    # then
    assert standing.status == "succeeded"
    assert standing.data["output"] == expected.data["output"]
    assert calm.of_type("step.done")[1].data == shaken.of_type("step.done")[1].data


@keeps("expression that takes exponential time")
@pytest.mark.parametrize("place", ["expression", "way", "output"])
async def test_an_expression_that_would_grow_without_end_is_given_up(stage: SetStage, place: str):
    # given: each of twelve loops over ten thousand items
    said: JsonValue = " and ".join(["contains(input, -1) == false"] * 12)
    documents = {
        "expression": flow(choice("a", expression=said, next={"else": "end"})),
        "way": flow(tool("a", [{"when": said, "next": "end"}, "end"])),
        "output": flow(tool("a"), end={"output": f"{{{{ {said} }}}}"}),
    }
    run = stage(documents[place], [0] * 100_000)
    # when
    standing = await run.run()
    # then
    assert (standing.status, standing.data["error"]["code"]) == ("failed", "expression_invalid")


@keeps("retry: attempts")
async def test_a_model_that_rests_is_asked_again(stage: SetStage):
    run = stage(flow(llm("a", retry={"attempts": 3})), model=CountingModel(unavailable_times=2))
    assert (await run.run()).status == "succeeded"
    assert len(run.model.requests) == 3
