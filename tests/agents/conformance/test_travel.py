# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Time travel: what a run that goes on from another takes over, what it does again, and what a replay comes to."""

import pytest

from agents.engine.errors import JourneyImpossible, NothingToRetry
from agents.engine.journeys import Journey
from codexos.kernel.jsontypes import JsonObject
from tests.agents.conformance.conftest import SetStage
from tests.agents.conformance.flows import flow, looped, mapped, tool
from tests.agents.conformance.semantics import keeps
from tests.agents.conformance.stage import Stage
from tests.agents.engine.stage import WorkerKilled
from tests.agents.engine.travelling import Brittle


def said(node_id: str, text: str, next: str = "end", **more: object) -> JsonObject:
    """A call of a tool with a text of its own."""
    return tool(node_id, next, arguments={"text": text}, **more)


CHAIN = flow(said("a", "a", "b"), said("b", "b of {{ a.text }}", "c"), said("c", "c of {{ b.text }}"))
BESIDE = flow(said("a", "a", "b"), said("b", "b of {{ a.text }}"), said("x", "x"), first=["a", "x"])
EACH = flow(
    mapped("each", said("a", "a{{ item }}", "b"), said("b", "b{{ item }}"), over=[0, 1, 2], max_parallel=1),
)
ROUNDS = flow(looped("again", said("a", "a{{ round }}", "b"), said("b", "b{{ round }}"), max_rounds=3))


async def ended(stage: SetStage, document: JsonObject, *, breaks: str = "", **more: object) -> Stage:
    """A run that has ended, failed where a text breaks its tool."""
    run: Stage = stage(document, tools=[Brittle(breaks={breaks})], **more)
    standing = await run.run()
    assert standing.status == ("failed" if breaks else "succeeded")
    return run


async def check_replay(run: Stage) -> None:
    """Nothing outside is asked, and every entry comes again byte for byte."""
    calls, asked = list(run.calls), len(run.model.requests)
    found = await run.replay()
    assert [each.as_data() for each in found.differences] == []
    assert found.compared == len(run.entries)
    assert found.output == run.entries[-1].data.get("output")
    assert (run.calls, len(run.model.requests)) == (calls, asked)


@keeps("retry from the failed step", "replay from recorded results")
async def test_a_retry_does_what_failed_and_what_follows(stage: SetStage):
    # given
    was = await ended(stage, CHAIN, breaks="b of echo of a")
    before = was.entries
    # when
    now = await was.go_on(Journey("retry"))
    standing = await now.run()
    # then
    assert (standing.status, now.calls) == ("succeeded", ["b of echo of a", "c of echo of b of echo of a"])
    kept = [(entry.node_id, before[int(entry.data["kept"]) - 1].node_id) for entry in now.entries if entry.is_kept]  # type: ignore[call-overload]
    assert kept == [("start", "start"), ("a", "a")]
    assert was.entries == before
    await check_replay(was)
    await check_replay(now)


@keeps("retry from the failed step")
@pytest.mark.parametrize(
    ("document", "breaks", "again"),
    [(EACH, "b1", ["b1", "a2", "b2"]), (ROUNDS, "b2", ["b2", "a3", "b3"])],
    ids=["map", "loop"],
)
async def test_a_retry_inside_of_lanes_keeps_the_lanes_before(
    stage: SetStage, document: JsonObject, breaks: str, again: list[str]
):
    was = await ended(stage, document, breaks=breaks)
    now = await was.go_on(Journey("retry"))
    assert (await now.run()).status == "succeeded"
    assert now.calls == again
    await check_replay(now)


@keeps("retry from the failed step")
async def test_what_succeeded_is_not_retried(stage: SetStage):
    was = await ended(stage, CHAIN)
    now = await was.go_on(Journey("retry"))
    with pytest.raises(NothingToRetry):
        await now.run()


@keeps("re-run from any step")
@pytest.mark.parametrize(
    ("document", "start", "again"),
    [
        (CHAIN, "start", ["a", "b of echo of a", "c of echo of b of echo of a"]),
        (CHAIN, "b", ["b of echo of a", "c of echo of b of echo of a"]),
        (CHAIN, "end", []),
        (BESIDE, "x", ["x"]),
        (EACH, "each[1]/b", ["b1"]),
        (EACH, "each", ["a0", "b0", "a1", "b1", "a2", "b2"]),
        (ROUNDS, "again[1]/b", ["b2", "a3", "b3"]),
    ],
)
async def test_a_step_is_done_again_with_what_depends_on_it(
    stage: SetStage, document: JsonObject, start: str, again: list[str]
):
    was = await ended(stage, document)
    now = await was.go_on(Journey("rerun", start=start))
    standing = await now.run()
    assert (standing.status, now.calls) == ("succeeded", again)
    assert standing.data["output"] == was.entries[-1].data["output"]
    await check_replay(now)


@keeps("re-run from any step")
async def test_from_a_step_that_there_is_not_nothing_goes_on(stage: SetStage):
    was = await ended(stage, CHAIN)
    now = await was.go_on(Journey("rerun", start="nowhere"))
    with pytest.raises(JourneyImpossible):
        await now.run()
    assert now.entries == []


@keeps("re-run from any step")
@pytest.mark.parametrize("dies_at", [1, 2, 3])
@pytest.mark.parametrize("keeps_the_last", [True, False])
async def test_who_dies_while_a_run_goes_on_loses_and_doubles_nothing(
    stage: SetStage, dies_at: int, keeps_the_last: bool
):
    was = await ended(stage, CHAIN)
    now = await was.go_on(Journey("rerun", start="b"))
    now.fate.dies_at, now.fate.keeps_the_last = dies_at, keeps_the_last
    with pytest.raises(WorkerKilled):
        await now.run()
    assert (await now.run()).status == "succeeded"
    assert [entry.node_id for entry in now.entries if entry.is_kept] == ["start", "a"]
    assert set(now.calls) == {"b of echo of a", "c of echo of b of echo of a"}
    await check_replay(now)


@keeps("fork with changed state")
async def test_a_fork_goes_on_with_other_results_and_other_variables(stage: SetStage):
    # given
    counting = flow(
        said("a", "a", "b", set={"count": 1}),
        said("b", "b {{ a.text }}", "c", set={"count": 10}),
        said("c", "c {{ state.count }}"),
    )
    was = await ended(stage, {"state": {"count": {"initial": 0, "reducer": "add"}}, **counting})
    assert was.calls[-1] == "c 11"
    # when
    result = await was.go_on(Journey("fork", steps={"a": {"text": "Z"}}))
    variable = await was.go_on(Journey("fork", start="c", state={"count": 5}))
    for run in (result, variable):
        assert (await run.run()).status == "succeeded"
    # then
    assert (result.calls, variable.calls) == (["b Z", "c 11"], ["c 5"])
    await check_replay(result)
    await check_replay(variable)


@keeps("fork with changed input")
async def test_a_fork_with_another_input_does_everything_again(stage: SetStage):
    was = await ended(stage, flow(said("a", "{{ input }}")), input="one")
    now = await was.go_on(Journey("fork", has_input=True), run_input="two")
    assert (await now.run()).data["output"]["text"] == "echo of two"
    assert now.calls == ["two"]
    await check_replay(now)


@keeps("draft against recorded results")
async def test_of_another_drawing_only_what_changed_and_what_depends_on_it_is_done(stage: SetStage):
    was = await ended(stage, CHAIN)
    drawn = flow(said("a", "a", "b"), said("b", "B", "n"), said("n", "n", "c"), said("c", "c of {{ b.text }}"))
    now = await was.go_on(Journey("draft"), document=drawn)
    assert (await now.run()).data["output"]["text"] == "echo of c of echo of B"
    assert now.calls == ["B", "n", "c of echo of B"]
    same = await was.go_on(Journey("draft"), document=CHAIN)
    assert (await same.run()).status == "succeeded"
    assert same.calls == []


@keeps("replay from recorded results")
@pytest.mark.parametrize("document", [CHAIN, BESIDE, EACH, ROUNDS], ids=["chain", "beside", "map", "loop"])
async def test_a_run_is_replayed_byte_for_byte(stage: SetStage, document: JsonObject):
    await check_replay(await ended(stage, document))
