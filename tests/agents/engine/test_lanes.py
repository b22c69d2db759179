# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Nodes that hold lanes: maps, loops and sub-flows, watched, killed and resumed."""

import asyncio

import pytest

from agents.engine.documents import check_flow, parse_flow
from agents.engine.errors import GraphInvalid
from agents.engine.executor import Standing
from agents.engine.gate import Occasion
from agents.engine.graph import FlowGraph
from agents.engine.view import JournalView
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.engine.stage import CountingTool, Stage, WorkerKilled, chain

START: JsonObject = {"id": "start", "type": "entry", "next": "end"}
END: JsonObject = {"id": "end", "type": "exit"}


def body(*nodes: JsonObject, output: JsonValue = None) -> JsonObject:
    """The body of a node: a chain with an exit of its own."""
    drawn = (
        chain(*nodes)
        if nodes
        else {"nodes": [{"id": "start", "type": "entry", "next": "end"}, {"id": "end", "type": "exit"}]}
    )
    made = list(drawn["nodes"])
    if output is not None:
        made[-1] = {**made[-1], "output": output}
    return {"nodes": made}


def echo(node_id: str, text: str, **more: JsonValue) -> JsonObject:
    return {"id": node_id, "type": "tool", "tool": "Echo", "arguments": {"text": text}, **more}


def mapping(**more: JsonValue) -> JsonObject:
    return {"id": "each", "type": "map", "over": "{{ input.names }}", **more}


NAMES: JsonObject = {"names": ["Ada", "Bob", "Cy"], "greeting": "Hi"}


async def test_a_map_does_its_body_for_each_item_and_keeps_their_order():
    # given
    greet = echo("greet", "{{ input.greeting }} {{ item }} number {{ index }}")
    stage = Stage(
        chain(mapping(body=body(greet, output="{{ greet.text }}"), max_parallel=2)),
        input=NAMES,
        tools=[CountingTool("Echo")],
    )
    # when
    standing = await stage.run()
    # then
    assert standing.data["output"] == [f"echo of Hi {name} number {n}" for n, name in enumerate(NAMES["names"])]
    keys = [entry.node_id for entry in stage.of_type("step.done")]
    assert "each[2]/greet" in keys
    assert len(keys) == len(set(keys))
    # What the lanes gave is not written down a second time.
    [told] = [entry for entry in stage.of_type("step.done") if entry.node_id == "each"]
    assert told.data == {"collected": "all", "labels": ["tool:Echo"]}


class Gate(CountingTool):
    """Counts how many of its calls are under way at a time, and lets each wait for the others to come."""

    under_way = most = 0

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(20):
            await asyncio.sleep(0)
        self.under_way -= 1
        return await super().call(arguments, on=on)


@pytest.mark.parametrize("parallel", [1, 3])
async def test_a_map_has_no_more_items_under_way_than_it_may(parallel: int):
    gate = Gate("Echo")
    drawn = mapping(over=list(range(7)), body=body(echo("greet", "n{{ item }}")), max_parallel=parallel)
    assert (await Stage(chain(drawn), tools=[gate]).run()).status == "succeeded"
    assert (gate.most, len(gate.calls)) == (parallel, 7)


async def test_a_map_over_nothing_gives_an_empty_list():
    assert (await Stage(chain(mapping(over=[], body=body()))).run()).data["output"] == []


@pytest.mark.parametrize(("given", "code"), [("text", "no_list_to_map"), (list(range(10_001)), "too_many_lanes")])
async def test_a_map_over_no_list_or_too_long_a_one_fails_by_name(given: JsonValue, code: str):
    standing = await Stage(chain(mapping(over="{{ input }}", body=body())), input=given).run()
    assert (standing.status, standing.data["error"]["code"]) == ("failed", code)


async def test_an_item_that_fails_fails_the_map_and_what_is_under_way_ends():
    # given
    picky = chain(mapping(body=body(echo("greet", "{{ item.name }}"))), echo("after", "never"))
    stage = Stage(picky, input={"names": [{"name": "Ada"}, {}, {"name": "Cy"}]}, tools=[CountingTool("Echo")])
    # when
    standing = await stage.run()
    # then
    assert standing.status == "failed"
    assert standing.data["error"]["node_id"] == "each"
    assert standing.data["error"]["message"].startswith("each[1]/greet: ")
    assert not any(entry.node_id == "after" for entry in stage.journal.entries)


async def test_an_item_that_fails_may_be_made_good_inside_or_outside():
    # given
    inside = mapping(body=body(echo("greet", "{{ item.name }}", on_error={"default": {"text": "nobody"}})))
    outside = mapping(body=body(echo("greet", "{{ item.name }}")), on_error={"default": ["nothing"]})
    for drawn, expected in ((inside, ["echo of Ada", "nobody"]), (outside, ["nothing"])):
        stage = Stage(chain(drawn), input={"names": [{"name": "Ada"}, {}]}, tools=[CountingTool("Echo")])
        # when
        standing = await stage.run()
        # then
        output = standing.data["output"]
        assert [one["text"] if isinstance(one, dict) else one for one in output] == expected


def loop_of(**more: JsonValue) -> JsonObject:
    inner = {
        "nodes": [
            {"id": "start", "type": "entry", "next": "end"},
            {"id": "end", "type": "exit", "output": "{{ last + 1 }}"},
        ]
    }
    return {"id": "again", "type": "loop", "body": inner, **more}


async def test_a_loop_goes_round_until_what_it_waits_for_holds():
    stage = Stage(chain(loop_of(until="{{ last >= 4 }}")), input=1)
    assert (await stage.run()).data["output"] == 4
    assert [e.node_id for e in stage.of_type("step.done") if str(e.node_id).endswith("/end")] == [
        f"again[{index}]/end" for index in range(3)
    ]


async def test_a_loop_that_never_comes_to_its_end_is_stopped_by_name_or_goes_on():
    stopped = await Stage(chain(loop_of(until="{{ false }}", max_rounds=5)), input=0).run()
    assert stopped.data["error"]["code"] == "loop_limit_reached"
    went_on = await Stage(chain(loop_of(until="{{ false }}", max_rounds=5, at_limit="go on")), input=0).run()
    assert went_on.data["output"] == 5
    counted = await Stage(chain(loop_of(max_rounds=3)), input=0).run()
    assert counted.data["output"] == 3


async def test_loops_and_maps_stand_inside_each_other():
    # given
    inner = {
        "id": "twice",
        "type": "map",
        "over": "{{ [item, item] }}",
        "body": body(echo("say", "n{{ item }}"), output="{{ say.text }}"),
    }
    drawn = chain(mapping(over=["a", "b"], body=body(inner)))
    stage = Stage(drawn, tools=[CountingTool("Echo")])
    # when
    standing = await stage.run()
    # then
    assert standing.data["output"] == [["echo of na"] * 2, ["echo of nb"] * 2]
    assert any(entry.node_id == "each[1]/twice[0]/say" for entry in stage.journal.entries)
    # Each effect has a key of its own.
    assert len({key for _, key in stage.tools[0].calls}) == 4


def sub(flow: str, **more: JsonValue) -> JsonObject:
    return {"id": "sub", "type": "subflow", "flow": flow, **more}


def shouting() -> JsonObject:
    return {
        "nodes": [
            {"id": "start", "type": "entry", "schema": {"type": "string"}, "next": "say"},
            {"id": "say", "type": "tool", "tool": "Echo", "next": "end"},
            {"id": "end", "type": "exit", "output": "{{ say.text }}!"},
        ]
    }


def with_library(document: JsonObject, **flows: JsonValue) -> FlowGraph:
    return parse_flow(document, library=flows)


async def test_a_sub_flow_runs_by_itself_with_its_steps_inside_the_run():
    # given
    graph = with_library(chain(sub("shout", input="{{ input }} there")), shout=shouting())
    stage = Stage(graph, input="hey", tools=[CountingTool("Echo")])
    # when
    standing = await stage.run()
    # then
    assert standing.data["output"] == "echo of hey there!"
    assert [str(e.node_id) for e in stage.of_type("step.done")] == [
        "start",
        "sub[0]/start",
        "sub[0]/say",
        "sub[0]/end",
        "sub",
        "end",
    ]


async def test_a_sub_flow_refuses_what_its_entry_does_not_take_and_sees_nothing_around_it():
    graph = with_library(chain(sub("shout", input=7)), shout=shouting())
    standing = await Stage(graph, tools=[CountingTool("Echo")]).run()
    assert standing.data["error"]["code"] == "run_input_invalid"
    nosy = body(output="{{ start }} {{ outer }}")
    assert "neither 'input' nor a node" in str([problem.message for problem in check_flow(nosy)])


async def test_a_sub_flow_that_is_not_at_hand_is_named():
    standing = await Stage(chain(sub("gone"))).run()
    assert standing.data["error"]["code"] == "flow_not_at_hand"


def test_flows_that_do_each_other_are_refused():
    with pytest.raises(GraphInvalid, match="in a circle: 'b' → 'c' → 'b'"):
        with_library(chain(sub("b")), b=chain(sub("c")), c=chain(sub("b")))


def told(document: JsonObject) -> str:
    return "\n".join(f"{problem.place}: {problem.message}" for problem in check_flow(document) if problem.is_error)


def test_what_is_wrong_in_a_body_is_told_with_its_place():
    document = chain(
        mapping(body={"nodes": [{"id": "start", "type": "entry", "next": "x"}, {"id": "x", "type": "nope"}]})
    )
    assert "$.nodes[1].body.nodes[1].type: There is no node type 'nope'" in told(document)
    assert "$.nodes[1].body.nodes: The flow has no node of type 'exit'" in told(document)
    assert "'item'" in told(chain(echo("a", "{{ item }}"))), "an item is known inside a map alone"
    assert told(chain(mapping(body=body(echo("a", "{{ item }} {{ start }} {{ index }}"))))) == ""


TWELVE: JsonObject = {
    "nodes": [
        {"id": "start", "type": "entry", "next": ["left", "each"]},
        echo("left", "left", next="again"),
        {
            "id": "each",
            "type": "map",
            "over": [1, 2, 3],
            "max_parallel": 2,
            "body": body(echo("say", "n{{ item }}")),
            "next": "meet",
        },
        {
            "id": "again",
            "type": "loop",
            "until": "{{ round == 2 }}",
            "body": body(echo("once", "n{{ round }}"), output="{{ once.text }}"),
            "next": "meet",
        },
        {"id": "meet", "type": "subflow", "flow": "shout", "input": "{{ again }}", "next": "end"},
        {"id": "end", "type": "exit", "output": "{{ [left.text, each, again, meet] }}"},
    ]
}


async def finish(stage: Stage) -> Standing:
    for _ in range(3):
        try:
            return await stage.run()
        except WorkerKilled:
            continue
    raise AssertionError("it is killed again and again")


async def test_killed_at_any_write_a_flow_with_lanes_ends_the_same():
    # given
    graph = with_library(TWELVE, shout=shouting())
    calm = Stage(graph, tools=[CountingTool("Echo")])
    expected = await calm.run()
    assert expected.status == "succeeded"
    for dies_at in range(1, calm.journal.appends + 1):
        for keeps in (False, True):
            stage = Stage(graph, tools=[CountingTool("Echo")])
            stage.journal.dies_at, stage.journal.keeps_the_last = dies_at, keeps
            # when
            standing = await finish(stage)
            # then
            assert standing.data["output"] == expected.data["output"], dies_at
            done = [entry.node_id for entry in stage.of_type("step.done")]
            assert sorted(done) == sorted(set(done))
            keys = [key for _, key in stage.tools[0].calls]
            assert all(keys.count(key) <= 2 for key in keys)


async def test_every_beginning_of_a_journal_folds_to_what_it_was_when_it_was_written():
    # given
    graph = with_library(TWELVE, shout=shouting())
    stage = Stage(graph, tools=[CountingTool("Echo")])
    await stage.run()
    view = JournalView(graph)
    # then
    for count, entry in enumerate(stage.journal.entries, start=1):
        view.fold(entry)
        again = JournalView.of(graph, stage.journal.entries[:count])
        assert shape(view) == shape(again)
    assert list(view.lanes) == [""], "lanes that ended are forgotten"


def shape(view: JournalView) -> object:
    held = {key: (each.next_index, dict(each.results)) for key, each in view.held.items()}
    return list(view.ready), list(view.turns), list(view.open), list(view.lanes), held, view.results


async def test_a_cancelled_run_cuts_what_its_lanes_have_under_way():
    # given
    hanging = CountingTool("Echo")
    asked = asyncio.Event()

    async def hang(arguments: JsonObject, *, on: Occasion) -> JsonValue:
        asked.set()
        await asyncio.sleep(3600)
        return None

    hanging.call = hang  # type: ignore[method-assign]
    stage = Stage(chain(mapping(body=body(echo("say", "n{{ item }}")))), input=NAMES, tools=[hanging])
    executor = stage.executor()
    run = asyncio.create_task(executor.advance())
    await asked.wait()
    # when
    executor.request_cancel("Ada")
    # then
    assert (await run).status == "cancelled"
    assert {entry.node_id for entry in stage.of_type("step.skipped")} == {f"each[{n}]/say" for n in range(3)}


async def test_a_map_whose_time_is_up_fails_and_the_run_may_go_on():
    # given
    class Slow(CountingTool):
        async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
            await asyncio.sleep(0.01)
            return await super().call(arguments, on=on)

    drawn = mapping(
        body=body(echo("say", "n{{ item }}")), max_parallel=1, timeout_seconds=60, on_error={"default": "late"}
    )
    stage = Stage(chain(drawn), input=NAMES, tools=[Slow("Echo")])
    # when: the stopped clock jumps to the alarm while the first item is under way
    standing = await stage.run()
    # then
    assert standing.data["output"] == "late"
    [failed] = stage.of_type("step.failed")
    assert (failed.node_id, failed.data["error"]["code"]) == ("each", "step_timed_out")


async def test_a_flow_without_limits_comes_to_its_end_all_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("agents.engine.decide.MOST_STEPS", 30)
    inner = body(loop_of(max_rounds=10, until="{{ false }}", at_limit="go on"))
    stage = Stage(chain({**loop_of(max_rounds=1_000), "body": inner}), input=0)
    standing = await stage.run()
    assert standing.data["error"]["code"] == "step_limit_reached"
    assert len(stage.of_type("step.done")) < 40
