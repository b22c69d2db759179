# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Variables of a run: set by its nodes, brought together by reducers where several set them at a time."""

from codexos.kernel.jsontypes import JsonObject
from tests.agents.engine.stage import CountingTool, Stage, chain
from tests.agents.engine.test_lanes import body, echo, mapping, told


def parallel_writers(reducer: str | None) -> JsonObject:
    variable = {"initial": [], **({"reducer": reducer} if reducer else {})}
    return {
        "state": {"found": variable},
        "nodes": [
            {"id": "start", "type": "entry", "next": ["a", "b"]},
            echo("a", "one", next="end", set={"found": "{{ a.text }}"}),
            echo("b", "two", next="end", set={"found": "{{ b.text }}"}),
            {"id": "end", "type": "exit", "output": "{{ state.found }}"},
        ],
    }


async def test_parallel_writers_come_together_by_a_reducer():
    stage = Stage(parallel_writers("append"), tools=[CountingTool("Echo")])
    assert sorted((await stage.run()).data["output"]) == ["echo of one", "echo of two"]


def test_two_writers_without_a_reducer_are_refused():
    assert "two writers and no reducer" in told(parallel_writers(None))


def test_writers_behind_one_another_or_behind_different_choices_need_no_reducer():
    document = parallel_writers(None)
    choice = {"id": "start", "type": "entry", "next": "if"}
    document["nodes"][0] = choice
    document["nodes"].append(
        {"id": "if", "type": "condition", "expression": "{{ input }}", "next": {"x": "a", "else": "b"}}
    )
    assert told(document) == ""


async def test_items_of_a_map_add_up_what_they_found():
    drawn = {
        "state": {"total": {"initial": 0, "reducer": "add"}},
        **chain(mapping(over=[1, 2, 3], body=body({**echo("say", "x"), "set": {"total": "{{ item }}"}}))),
    }
    drawn["nodes"][-1]["output"] = "{{ state.total }}"
    assert (await Stage(drawn, tools=[CountingTool("Echo")]).run()).data["output"] == 6


async def test_a_value_that_does_not_go_into_its_variable_fails_the_step():
    drawn = {
        "state": {"total": {"initial": 0, "reducer": "add"}},
        **chain({**echo("say", "x"), "set": {"total": "{{ say.text }}"}}),
    }
    standing = await Stage(drawn, tools=[CountingTool("Echo")]).run()
    assert standing.data["error"]["code"] == "variable_misfit"
