# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Time travel: what another run takes over, what it does again, and that a replay comes to the same."""

import asyncio
from dataclasses import replace

import pytest

from agents.engine.documents import parse_flow
from agents.engine.errors import JourneyImpossible, NothingToRetry
from agents.engine.journeys import Journey
from agents.engine.ports import InboxMessage
from agents.engine.travel import keep
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.engine.stage import CountingTool, Stage, WorkerKilled, chain
from tests.agents.engine.test_lanes import body, echo, mapping
from tests.agents.engine.travelling import Brittle, Traveller, calls, check_replay, journey, past_of, replayed, stage

CHAIN = chain(echo("a", "a"), echo("b", "b of {{ a.text }}"), echo("c", "c of {{ b.text }}"))


async def test_a_retry_does_what_failed_and_what_follows_and_keeps_the_rest():
    # given
    was = stage(CHAIN, breaks=["b of echo of a"])
    assert (await was.run()).status == "failed"
    # when
    now = journey(was, Journey("retry"))
    standing = await now.run()
    # then
    assert (standing.status, calls(now)) == ("succeeded", ["b of echo of a", "c of echo of b of echo of a"])
    kept = [entry for entry in now.journal.entries if entry.is_kept]
    assert [(entry.node_id, entry.data["kept"]) for entry in kept] == [("start", 3), ("a", 5)]
    assert now.types()[:4] == ["run.accepted", "step.done", "step.done", "run.started"]
    await check_replay(was)
    await check_replay(now)


async def test_a_retry_of_a_run_that_succeeded_is_refused():
    was = stage(CHAIN)
    await was.run()
    with pytest.raises(NothingToRetry):
        journey(was, Journey("retry"))


async def test_running_again_from_a_step_repeats_it_and_what_depends_on_it():
    # given
    drawn: JsonObject = {
        "nodes": [
            {"id": "start", "type": "entry", "next": ["a", "x"]},
            echo("a", "a", next="b"),
            echo("b", "b", next="end"),
            echo("x", "x", next="end"),
            {"id": "end", "type": "exit"},
        ]
    }
    was = stage(drawn)
    first = await was.run()
    # when
    now = journey(was, Journey("rerun", start="b"))
    standing = await now.run()
    # then
    assert (standing.data["output"], calls(now)) == (first.data["output"], ["b"])


async def test_what_was_kept_is_not_counted_again():
    # given
    was = Stage(chain({"id": "ask", "type": "llm"}, echo("b", "{{ ask.text }}")), tools=[Brittle()])
    first = await was.run()
    assert first.data["usage"]["input_tokens"] == 10
    # when
    again = journey(was, Journey("rerun", start="b"))
    standing = await again.run()
    # then
    assert standing.data["usage"] == {"input_tokens": 0, "output_tokens": 0, "cost_usd": 0}
    assert again.model.requests == []  # type: ignore[attr-defined]


async def test_a_fork_goes_on_with_another_result():
    was = stage(CHAIN)
    await was.run()
    now = journey(was, Journey("fork", steps={"a": {"text": "Z"}}))
    standing = await now.run()
    assert standing.data["output"]["text"] == "echo of c of echo of b of Z"
    assert calls(now) == ["b of Z", "c of echo of b of Z"]
    await check_replay(now)


async def test_a_step_that_failed_may_be_given_a_result():
    was = stage(CHAIN, breaks=["b of echo of a"])
    await was.run()
    now = journey(was, Journey("fork", steps={"b": {"text": "B"}}))
    assert (await now.run()).status == "succeeded"
    assert calls(now) == ["c of B"]


async def test_a_fork_with_another_input_does_everything_again():
    drawn = chain(echo("a", "{{ input }}"))
    was = stage(drawn, input="one")
    await was.run()
    now = journey(was, Journey("fork", has_input=True), input="two")
    assert (await now.run()).data["output"]["text"] == "echo of two"


def choice(said: str) -> JsonObject:
    """A flow that goes left where the first step says so."""
    nodes = [{"id": "start", "type": "entry"}, *(echo(name, name) for name in ("a", "left", "right"))]
    ways = [("start", "a"), ("a", "left", f"a.text == '{said}'"), ("a", "right", "else"), ("left", "end")]
    edges = [dict(zip(("source", "target", "when"), way, strict=False)) for way in [*ways, ("right", "end")]]
    return {"nodes": [*nodes, {"id": "end", "type": "exit"}], "edges": edges}


CHOICE = choice("echo of a")


async def test_another_result_may_take_another_way():
    was = stage(CHOICE)
    await was.run()
    now = journey(was, Journey("fork", steps={"a": {"text": "no"}}))
    assert (await now.run()).status == "succeeded"
    assert calls(now) == ["right"]
    assert [entry.node_id for entry in now.of_type("step.skipped")] == ["left"]
    await check_replay(was)


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        (Journey("rerun", start="nowhere"), "from"),
        (Journey("fork", steps={"right": 1}), "steps.right"),
        (Journey("fork", steps={"nowhere": 1}), "steps.nowhere"),
        (Journey("fork", state={"nothing": 1}), "state.nothing"),
        (Journey("fork", steps={"a": {"text": "no"}, "left": {"text": "x"}}), "steps.left"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(asked: Journey, place: str):
    was = stage(CHOICE)
    await was.run()
    with pytest.raises(JourneyImpossible) as caught:
        journey(was, asked)
    assert caught.value.details["place"] == place


EACH = chain(
    mapping(over=[0, 1, 2, 3, 4], max_parallel=2, body=body(echo("a", "a{{ item }}"), echo("b", "b{{ item }}")))
)


async def test_a_map_that_failed_at_one_item_does_only_what_is_not_done():
    # given
    was = stage(EACH, breaks=["b3"])
    assert (await was.run()).status == "failed"
    done = [key for key in calls(was) if key != "b3"]
    # when
    now = journey(was, Journey("retry"))
    standing = await now.run()
    # then
    assert standing.status == "succeeded"
    assert [each["text"] for each in standing.data["output"]] == [f"echo of b{n}" for n in range(5)]
    assert sorted(calls(now) + done) == sorted([f"{step}{n}" for n in range(5) for step in "ab"])
    await check_replay(was)
    await check_replay(now)


async def test_one_item_is_done_again_from_a_step():
    was = stage(EACH)
    first = await was.run()
    now = journey(was, Journey("rerun", start="each[2]/b"))
    standing = await now.run()
    assert (standing.data["output"], calls(now)) == (first.data["output"], ["b2"])
    whole = journey(was, Journey("rerun", start="each"))
    await whole.run()
    assert len(calls(whole)) == 10
    await check_replay(now)


LOOP = chain(
    {"id": "again", "type": "loop", "max_rounds": 4, "body": body(echo("a", "a{{ round }}"), echo("b", "b{{ round }}"))}
)


async def test_a_loop_keeps_the_rounds_before():
    was = stage(LOOP, breaks=["b3"])
    assert (await was.run()).status == "failed"
    now = journey(was, Journey("retry"))
    assert (await now.run()).status == "succeeded"
    assert calls(now) == ["b3", "a4", "b4"]
    again = journey(now, Journey("rerun", start="again[1]/b"))
    assert (await again.run()).status == "succeeded"
    assert calls(again) == ["b2", "a3", "b3", "a4", "b4"]
    for each in (was, now, again):
        await check_replay(each)


COUNTING: JsonObject = {
    "state": {"count": {"initial": 0, "reducer": "add"}},
    **chain(
        echo("a", "a", set={"count": 1}),
        echo("b", "b", set={"count": 10}),
        echo("c", "c {{ state.count }}", set={"count": 100}),
    ),
}


async def test_variables_fold_the_same_and_may_be_changed():
    # given
    was = stage(COUNTING)
    assert (await was.run()).data["output"]["text"] == "echo of c 11"
    # when
    again = journey(was, Journey("rerun", start="b"))
    assert (await again.run()).data["output"]["text"] == "echo of c 11"
    changed = journey(was, Journey("fork", start="c", state={"count": 5}))
    assert (await changed.run()).data["output"]["text"] == "echo of c 5"
    unplaced = journey(was, Journey("fork", state={"count": 7}))
    assert (await unplaced.run()).data["output"]["text"] == "echo of c 7"
    # then
    assert (calls(again), calls(changed), calls(unplaced)) == (["b", "c 11"], ["c 5"], ["c 7"])
    for each in (was, again, changed):
        await check_replay(each)


async def test_who_reads_a_variable_depends_on_who_has_set_it():
    # given
    drawn: JsonObject = {
        "state": {"seen": {"initial": ""}},
        "nodes": [
            {"id": "start", "type": "entry", "next": ["a", "x"]},
            echo("a", "a", set={"seen": "{{ a.text }}"}, next="end"),
            echo("x", "x", next="y"),
            echo("y", "y {{ state.seen }}", next="end"),
            {"id": "end", "type": "exit"},
        ],
    }
    was = stage(drawn)
    await was.run()
    # when
    now = journey(was, Journey("fork", steps={"a": {"text": "other"}}))
    await now.run()
    # then
    assert calls(now) == ["y other"]


async def test_a_failure_that_the_flow_dealt_with_is_kept():
    # given
    drawn = chain(
        mapping(over=["x", "y"], body=body(echo("a", "{{ item }}")), on_error={"default": []}), echo("b", "b")
    )
    was = stage(drawn, breaks=["x", "b"])
    assert (await was.run()).status == "failed"
    # when
    now = journey(was, Journey("retry"))
    # then
    assert (await now.run()).status == "succeeded"
    assert calls(now) == ["b"]
    await check_replay(was)
    await check_replay(now)


def redrawn(document: JsonObject, node_id: str, **changes: JsonValue) -> JsonObject:
    """The document with one node drawn otherwise."""
    nodes = [{**node, **changes} if node["id"] == node_id else node for node in document["nodes"]]
    return {**document, "nodes": nodes}


async def test_of_a_draft_only_what_changed_and_what_depends_on_it_is_done():
    was = stage(CHAIN)
    await was.run()
    other = redrawn(CHAIN, "b", arguments={"text": "B"})
    now = journey(was, Journey("draft"), document=other)
    assert (await now.run()).data["output"]["text"] == "echo of c of echo of B"
    assert calls(now) == ["B", "c of echo of B"]
    same = journey(was, Journey("draft"), document=redrawn(CHAIN, "b", timeout_seconds=5, label="Bee"))
    assert (await same.run()).status == "succeeded"
    assert calls(same) == []


async def test_a_draft_may_have_nodes_more_or_less():
    # given
    was = stage(CHAIN)
    await was.run()
    more = chain(echo("a", "a"), echo("n", "n"), echo("b", "b of {{ a.text }}"), echo("c", "c of {{ b.text }}"))
    less = chain(echo("a", "a"), echo("c", "c of {{ a.text }}"))
    # when
    with_more, with_less = (journey(was, Journey("draft"), document=each) for each in (more, less))
    assert [(await each.run()).status for each in (with_more, with_less)] == ["succeeded"] * 2
    # then
    assert calls(with_more) == ["n", "b of echo of a", "c of echo of b of echo of a"]
    assert calls(with_less) == ["c of echo of a"]


async def test_inside_of_a_body_only_what_changed_is_done_again():
    was = stage(EACH)
    await was.run()
    other = chain(
        mapping(over=[0, 1, 2, 3, 4], max_parallel=2, body=body(echo("a", "a{{ item }}"), echo("b", "B{{ item }}")))
    )
    now = journey(was, Journey("draft"), document=other)
    assert (await now.run()).status == "succeeded"
    assert sorted(calls(now)) == [f"B{n}" for n in range(5)]


async def test_where_only_the_ways_on_changed_the_result_is_kept():
    was = stage(CHOICE)
    await was.run()
    now = journey(was, Journey("draft"), document=choice("never"))
    assert (await now.run()).status == "succeeded"
    assert calls(now) == ["right"]
    assert not any(entry.node_id == "left" and entry.type != "step.skipped" for entry in now.journal.entries)


async def test_what_may_have_happened_is_asked_about_and_not_done_again():
    # given
    post = {"id": "post", "type": "tool", "tool": "Post", "arguments": {"text": "pay"}}
    was = Stage(chain(post), tools=[CountingTool("Post", reads_only=False, kills=True)])
    with pytest.raises(asyncio.CancelledError):
        await was.run()
    assert (await was.run()).status == "waiting"
    was.inbox.messages.append(InboxMessage("m1", "cancel", "Ada", {}))
    assert (await was.run()).status == "cancelled"
    # when
    now = Traveller(was.document, tools=[CountingTool("Post", reads_only=False)])
    now.kept = keep(Journey("retry"), past_of(was), graph=now.graph, input=now.input)
    standing = await now.run()
    # then
    assert (standing.status, standing.data["reason"], calls(now)) == ("waiting", "may_have_happened", [])
    now.inbox.messages.append(InboxMessage("m2", "decide", "Ada", {"node_id": "post", "decision": "again"}))
    assert (await now.run()).status == "succeeded"
    assert calls(now) == ["pay"]
    await check_replay(was)
    await check_replay(now)


async def test_a_recorded_result_that_was_tampered_with_is_noticed():
    # given
    was = stage(CHAIN)
    await was.run()
    entries = was.journal.entries
    index = next(n for n, entry in enumerate(entries) if entry.node_id == "a" and entry.type == "step.done")
    entries[index] = replace(entries[index], data={"result": {"text": "tampered"}})
    # when
    found = await replayed(was)
    # then
    assert not found.is_identical
    assert (found.differences[0].node_id, found.differences[0].seq) == ("b", index + 2)


@pytest.mark.parametrize("dies_at", [1, 2, 3])
@pytest.mark.parametrize("keeps_the_last", [True, False])
async def test_a_crash_at_the_beginning_loses_and_doubles_nothing(dies_at: int, keeps_the_last: bool):
    was = stage(CHAIN, breaks=["b of echo of a"])
    await was.run()
    now = journey(was, Journey("retry"))
    now.journal.dies_at, now.journal.keeps_the_last = dies_at, keeps_the_last
    with pytest.raises(WorkerKilled):
        await now.run()
    standing = await now.run()
    assert standing.status == "succeeded"
    assert len([entry for entry in now.journal.entries if entry.is_kept]) == 2
    assert "a" not in calls(now)
    await check_replay(now)


def test_an_origin_is_read_back_as_it_was_written():
    asked = Journey("fork", "a", {"b": 1}, {"c": 2}, has_input=True)
    assert Journey.of(asked.as_data()) == asked
    assert parse_flow(CHAIN).name == "chain"
