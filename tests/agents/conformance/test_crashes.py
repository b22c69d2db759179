# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A crash at every write, and inside every kind of step: the same end, and no effect that was not first intended."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping

import pytest

from agents.engine.executor import Standing
from codexos.kernel.jsontypes import JsonObject
from tests.agents.conformance.conftest import SetStage
from tests.agents.conformance.flows import Shaky, choice, flow, llm, tool
from tests.agents.conformance.semantics import keeps
from tests.agents.conformance.stage import Stage
from tests.agents.engine.stage import CountingModel, CountingTool, Tool, WorkerKilled

SHAPES: Mapping[str, JsonObject] = {
    "chain": flow(llm("a", "b"), tool("b", "c"), llm("c", prompt="{{ b.text }}")),
    "parallel": flow(
        *(tool(name, "m") for name in "ab"),
        tool("c"),
        llm("m", prompt="{{ a.text }} {{ b.text }}"),
        first=["a", "b", "c"],
        end={"output": "{{ m.text }} {{ c.text }}"},
    ),
    "choice": flow(
        tool("a", "pick"),
        choice("pick", expression="len(a.text)", next={"9": ["b", "c"], "else": "d"}),
        *(tool(name) for name in "bcd"),
        end={"output": "{{ steps }}"},
    ),
    "ways": flow(tool("a", [{"when": "a.text", "next": "b"}, {"when": "else", "next": "c"}]), tool("b"), tool("c")),
    "retry": flow(tool("a", "b", name="Away", retry={"attempts": 3}), tool("b")),
    "fail-branch": flow(tool("a", "b", name="Broken", on_error="c"), tool("b"), tool("c")),
    "default-on-error": flow(
        tool("a", "b", name="Broken", on_error={"default": {"text": "none"}}), llm("b", prompt="{{ a.text }}")
    ),
    "failure": flow(tool("a", "b"), tool("b", name="Broken")),
    "order": flow(tool("a", "post"), tool("post", "b", name="Post"), tool("b")),
}


def tools() -> list[Tool]:
    return [
        CountingTool(),
        CountingTool("Post", reads_only=False),
        Shaky("Broken", is_broken=True),
        Shaky("Away", away_times=2),
    ]


async def carried(run: Stage) -> Standing:
    """Carry a run to its end, by as many workers as it takes; a person says of the order that it is placed."""
    for _ in range(4):
        try:
            standing = await run.run()
        except WorkerKilled:
            continue
        if standing.status != "waiting":
            return standing
        await run.send("decide", node_id="post", decision="done", result={"text": "echo of post", "results": []})
    raise AssertionError("the run does not end")


async def shaken(stage: SetStage, document: JsonObject, *, writes: int) -> AsyncIterator[tuple[Stage, Standing]]:
    """A run for every write of a calm one, killed before and behind it."""
    for dies_at in range(1, writes + 1):
        for keeps_the_last in (False, True):
            run = stage(document, tools=tools())
            run.fate.dies_at, run.fate.keeps_the_last = dies_at, keeps_the_last
            yield run, await carried(run)
            assert run.fate.dies_at is None, "nobody was killed"


@keeps("crash at every write")
@pytest.mark.parametrize("shape", SHAPES)
async def test_a_crash_at_any_write_changes_nothing_in_the_end(stage: SetStage, shape: str):
    # given
    calm = stage(SHAPES[shape], tools=tools())
    expected = await carried(calm)
    # when
    async for run, standing in shaken(stage, SHAPES[shape], writes=calm.fate.appends):
        # then
        told = (standing.status, standing.data["output"], standing.data.get("error"))
        assert told == (expected.status, expected.data["output"], expected.data.get("error"))
        check_history(run)
        check_effects(run, besides=calm)


def check_history(run: Stage) -> None:
    """Every node is told of once, and nothing comes behind the end."""
    entries = run.entries
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    ended = Counter(entry.node_id for entry in entries if entry.type in {"step.done", "step.failed", "step.skipped"})
    assert set(ended.values()) <= {1}
    assert [entry.type for entry in entries].count("run.finished") == 1
    assert entries[-1].type == "run.finished"
    assert [entry.epoch for entry in entries] == sorted(entry.epoch for entry in entries)


def check_effects(run: Stage, *, besides: Stage) -> None:
    """Nothing was done that was not durably intended before; one crash repeats each effect once at most."""
    intended, calls, calm = Counter(run.nodes("step.intended")), Counter(run.calls), Counter(besides.calls)
    for text, times in calls.items():
        assert times <= intended[text], f"{text!r} was called more often than it was intended"
        assert times <= calm[text] + 1
    assert len(run.model.requests) <= sum(intended[node_id] for node_id in intended - calls)
    # Where it may not be repeated, it is not; where it was never begun, a person was asked.
    assert calls["post"] <= 1
    assert calls["post"] == 1 or calm["post"] == 0 or run.nodes("run.waiting") == ["post"]
    # One key for one effect, however often it is made.
    assert len(set(run.keys)) == len(set(run.calls))


@keeps("crash inside every kind of step")
@pytest.mark.parametrize("kind", ["model", "reading tool", "order"])
async def test_a_crash_inside_a_step_makes_it_again_only_where_that_is_harmless(stage: SetStage, kind: str):
    # given
    cut = CountingTool(kills=True, reads_only=kind != "order")
    run = stage(flow(llm("a") if kind == "model" else tool("a")), tools=[cut], model=CountingModel(hangs=True))
    _, going = await run.begin()
    if kind == "model":
        await run.model.was_asked.wait()
        going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    run.model.hangs = False
    assert run.types()[-1] == "step.intended"
    # when
    standing = await run.run()
    # then
    assert standing.status == ("waiting" if kind == "order" else "succeeded")
    assert len(run.model.requests) + len(run.calls) == (1 if kind == "order" else 2)
    assert len(set(run.keys)) <= 1
    assert [entry.attempt for entry in run.of_type("step.intended")] == ([1] if kind == "order" else [1, 2])


@keeps("crash inside every kind of step")
async def test_a_crash_among_pure_steps_computes_them_again(stage: SetStage):
    # given: choices alone, written once at the end
    nodes = [choice(f"c{n}", expression="true", next={"true": f"c{n + 1}"}) for n in range(5)]
    run = stage(flow(*nodes, choice("c5", expression="true", next={"true": "end"})))
    run.fate.dies_at = 1
    with pytest.raises(WorkerKilled):
        await run.run()
    assert run.entries == []
    # then
    assert (await run.run()).data["output"] == "What now?"
    assert run.nodes("step.done") == ["start", *(f"c{n}" for n in range(6)), "end"]
