# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flow documents: what is accepted, and how everything wrong is told at once."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.engine.documents import check_flow, parse_flow
from agents.engine.errors import GraphInvalid
from agents.engine.graph import logic_hash
from tests.agents.engine.stage import BLUEPRINT, chain


def blueprint() -> dict[str, Any]:
    return copy.deepcopy(dict(BLUEPRINT))


def places(document: object) -> dict[str, str]:
    return {problem.place: problem.message for problem in check_flow(document)}


def test_the_blueprint_is_a_flow():
    graph = parse_flow(blueprint())
    assert list(graph.nodes) == ["start", "planner", "tool_selector", "summarizer", "end"]
    assert (graph.entry, graph.exit) == ("start", "end")
    assert graph.before["summarizer"] == ("tool_selector",)


def test_the_second_dialect_is_the_same_flow_however_it_is_drawn():
    # given
    nodes = blueprint()["nodes"]
    drawn = [
        {
            "id": node["id"],
            "type": node["type"],
            "config": {name: value for name, value in node.items() if name in {"model", "tool"}},
            "position": {"x": index * 40, "y": 7},
        }
        for index, node in enumerate(nodes)
    ]
    edges = [{"source": node["id"], "target": node["next"], "when": "true"} for node in nodes if "next" in node]
    # when
    second = parse_flow({"id": "uuid", "name": "Other", "nodes": drawn[::-1], "edges": edges, "metadata": {}})
    # then
    assert logic_hash(second) == logic_hash(parse_flow(blueprint()))


def test_changing_what_a_node_does_changes_the_hash_and_moving_it_does_not():
    before = logic_hash(parse_flow(blueprint()))
    moved, changed = blueprint(), blueprint()
    moved["nodes"][1]["position"] = {"x": 400, "y": 2}
    changed["nodes"][1]["model"] = "gpt-5"
    assert logic_hash(parse_flow(moved)) == before
    assert logic_hash(parse_flow(changed)) != before


def test_every_problem_is_listed_at_once_with_its_place():
    # given
    document = {
        "nodes": [
            {"id": "start", "type": "entry", "next": "a"},
            {"id": "a", "type": "llm", "temperature": "hot", "prompt": "{{ later.text }}", "next": "nowhere"},
            {"id": "later", "type": "tool", "next": "end"},
            {"id": "end", "type": "exit", "next": "start"},
            {"id": "end", "type": "exit"},
            {"id": "x", "type": "condition"},
            {"id": "y", "type": "spell"},
            "not a node",
        ]
    }
    # when
    found = places(document)
    # then
    assert "must be a number" in found["$.nodes[1].temperature"]
    assert "no result yet" in found["$.nodes[1].prompt"]
    assert "no node 'nowhere'" in found["$.nodes[1].next"]
    assert "needs 'tool'" in found["$.nodes[2].tool"]
    assert "never reached" in found["$.nodes[2]"]
    assert "is the entry" in found["$.nodes[3].next"]
    assert "is the id of" in found["$.nodes[4].id"]
    assert "needs an 'expression'" in found["$.nodes[5].expression"]
    assert "no node type 'spell'" in found["$.nodes[6].type"]
    assert "$.nodes[7]" in found
    with pytest.raises(GraphInvalid) as refused:
        parse_flow(document)
    assert len(refused.value.details["errors"]) == sum(problem.is_error for problem in check_flow(document))


@pytest.mark.parametrize(
    ("document", "place", "said"),
    [
        (None, "$", "object"),
        ([], "$", "object"),
        ({}, "$.nodes", "no list"),
        ({"nodes": {}}, "$.nodes", "no list"),
        ({"nodes": []}, "$.nodes", "no nodes"),
        ({"nodes": [{"id": "a", "type": "entry"}] * 1001}, "$.nodes", "at most 1,000"),
        ({"nodes": [{"id": "e", "type": "exit"}]}, "$.nodes", "no node of type 'entry'"),
        ({"nodes": [{"id": 7, "type": "entry"}]}, "$.nodes[0].id", "no id"),
        ({"nodes": [{"id": "i" * 10_000, "type": "entry"}]}, "$.nodes[0].id", "10,000 characters"),
        ({"nodes": [{"id": "a\x00b", "type": "entry"}]}, "$.nodes[0].id", "control characters"),
        ({"nodes": [{"id": "a\ud800", "type": "entry"}]}, "$.nodes[0].id", "control characters"),
        ({"nodes": [{"id": "steps", "type": "llm"}]}, "$.nodes[0].id", "meaning of its own"),
        ({"nodes": [{"id": "a", "type": "llm", "next": {"yes": "b"}}]}, "$.nodes[0].next.yes", "is no condition"),
        ({"nodes": [{"id": "a", "type": "llm", "next": 5}]}, "$.nodes[0].next", "is the id of a node"),
        ({"nodes": [{"id": "a", "type": "llm", "promt": "x"}]}, "$.nodes[0].promt", "no setting 'promt'"),
        ({"nodes": [{"id": "a", "type": "llm", "memory": {}}]}, "$.nodes[0].memory", "must be an object such as"),
        ({"nodes": [{"id": "a", "type": "llm", "config": 3}]}, "$.nodes[0].config", "is an object"),
        ({"nodes": [{"id": "a", "type": "llm", "max_tokens": True}]}, "$.nodes[0].max_tokens", "whole number"),
        ({"nodes": [{"id": "a", "type": "llm", "temperature": float("nan")}]}, "$.nodes[0].temperature", "number"),
        ({"nodes": [{"id": "a", "type": "llm", "prompt": "x\x00"}]}, "$.nodes[0].prompt", "NUL"),
        ({"nodes": [{"id": "a", "type": "llm", "prompt": "{{ a.. }}"}]}, "$.nodes[0].prompt", "position 6"),
        ({"nodes": [{"id": "a", "type": "llm", "retry": {"attempts": 99}}]}, "$.nodes[0].retry", "1 to 10"),
        ({"nodes": [{"id": "a", "type": "llm", "timeout_seconds": -1}]}, "$.nodes[0].timeout_seconds", "number"),
        ({"nodes": [{"id": "a", "type": "tool", "tool": "T", "arguments": []}]}, "$.nodes[0].arguments", "object"),
        ({"nodes": [{"id": "a", "type": "entry"}], "edges": 5}, "$.edges", "is a list"),
        ({"nodes": [{"id": "a", "type": "x"}], "edges": [{"source": "q", "target": "a"}]}, "$.edges[0].source", "no"),
        ({"nodes": [{"id": "a", "type": "x"}], "edges": [{"source": "a"}]}, "$.edges[0]", "'target'"),
        ({"nodes": [{"id": "a", "type": "x"}], "edges": [None] * 20_001}, "$.edges", "20,001 edges"),
        ({"nodes": [{"id": "a", "type": "llm", "retry": {"attempts": 2, "wait": 1}}]}, "$.nodes[0].retry", "backoff"),
        ({"nodes": [{"id": "a", "type": "llm", "on_error": {}}]}, "$.nodes[0].on_error", "default"),
        ({"nodes": [{"id": "a", "type": "llm", "on_error": "b"}]}, "$.nodes[0].on_error", "no node 'b'"),
        ({"nodes": [{"id": "a", "type": "llm", "join": "some"}]}, "$.nodes[0].join", '"all", "any"'),
        ({"nodes": [{"id": "a", "type": "llm", "join": 0}]}, "$.nodes[0].join", '"all", "any"'),
        ({"nodes": [{"id": "a", "type": "llm", "join": 3}]}, "$.nodes[0].join", "waits for 3 ways"),
        ({"nodes": [{"id": "a", "type": "llm", "label": "\ud800"}]}, "$.nodes[0].label", "surrogate"),
        ({"nodes": [{"id": "a", "type": "llm", "not sure": 1}]}, '$.nodes[0]["not sure"]', "no setting"),
    ],
)
def test_a_broken_document_says_what_and_where(document: object, place: str, said: str):
    assert said in places(document)[place]


def test_second_ends_are_refused():
    document = blueprint()
    document["nodes"] += [{"id": "start2", "type": "entry", "next": "end"}, {"id": "end2", "type": "exit"}]
    found = places(document)
    assert "A second entry" in found["$.nodes[5].type"]
    assert "A second exit" in found["$.nodes[6].type"]


def test_what_was_meant_is_guessed():
    document = blueprint()
    document["nodes"][1] |= {"modle": "gpt-4", "prompt": "{{ strat }}", "next": "Tool_selector"}
    document["nodes"][3]["type"] = "lmm"
    found = places(document)
    assert "Did you mean 'model'?" in found["$.nodes[1].modle"]
    assert "Did you mean 'start'?" in found["$.nodes[1].prompt"]
    assert "Did you mean 'tool_selector'?" in found["$.nodes[1].next"]
    assert "Did you mean 'llm'?" in found["$.nodes[3].type"]


def test_an_unknown_tool_is_told_where_the_tools_are_known():
    problems = check_flow(blueprint(), tools=["WebSearsh", "HTTPRequest"])
    assert [problem.place for problem in problems] == ["$.nodes[2].tool"]
    assert "Did you mean 'WebSearsh'? Use one of: HTTPRequest, WebSearsh." in problems[0].message
    assert check_flow(blueprint(), tools=["WebSearch"]) == []


def test_what_means_nothing_is_a_warning_and_holds_nothing_up():
    # given
    document = blueprint() | {"nmae": "x", "layout": {"gone": {"x": 1, "y": 2}}, "metadata": 3}
    document["nodes"][0] |= {"position": "left", "label": 5}
    # when
    warnings = check_flow(document)
    # then
    assert {problem.severity for problem in warnings} == {"warning"}
    assert [problem.place for problem in warnings] == [
        "$.layout.gone",
        "$.metadata",
        "$.nmae",
        "$.nodes[0].label",
        "$.nodes[0].position",
    ]
    assert logic_hash(parse_flow(document)) == logic_hash(parse_flow(blueprint()))


def test_problems_come_in_the_order_of_the_document_and_no_more_than_anybody_reads():
    document = {"nodes": [{"id": f"n{index}", "type": "llm", "foo": 1} for index in range(900)]}
    problems = check_flow(document)
    assert len(problems) == 1001
    assert "more problems" in problems[-1].message
    numbers = [int(problem.place[8:].split("]")[0]) for problem in problems if problem.place.startswith("$.nodes[")]
    assert numbers == sorted(numbers)


def test_a_circle_is_shown():
    document = chain({"id": "a", "type": "llm"}, {"id": "b", "type": "llm"})
    document["nodes"][2]["next"] = "a"
    assert "'a' → 'b' → 'a'" in places(document)["$.nodes[1]"]


def test_every_way_back_is_shown():
    document = chain({"id": "a", "type": "llm"}, {"id": "b", "type": "llm"}, {"id": "c", "type": "llm"})
    document["nodes"][2]["next"] = ["c", "a"]
    document["nodes"][3]["next"] = ["end", "c"]
    circles = [problem.message for problem in check_flow(document) if "circle" in problem.message]
    assert any("'a' → 'b' → 'a'" in message for message in circles)
    assert any("'c' → 'c'" in message for message in circles)


def test_a_document_nested_ten_thousand_deep_is_refused_without_falling_over():
    # given
    deep: Any = "bottom"
    for _ in range(10_000):
        deep = {"a": [deep]}
    document = blueprint()
    document["nodes"][2]["arguments"] = deep
    # then
    assert "nested deeper" in places(document)["$"]


def test_a_chain_of_a_thousand_nodes_is_read():
    nodes = [{"id": f"n{index}", "type": "llm"} for index in range(998)]
    assert len(parse_flow(chain(*nodes)).nodes) == 1000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
TARGET = st.sampled_from(["a", "b", "c"])
OUTCOME = st.sampled_from(["true", "false", "else", "case 1"])
WHEN = OUTCOME | st.sampled_from(["a.text", "{{", True, ""]) | JSON
CASE = st.fixed_dictionaries({"when": WHEN}, optional={"next": TARGET | JSON, "name": OUTCOME | JSON}) | JSON
EDGE = st.fixed_dictionaries({"source": TARGET, "target": TARGET}, optional={"when": WHEN}) | JSON
NODE = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["a", "b", "c"]) | JSON,
        "type": st.sampled_from(["entry", "llm", "tool", "condition", "exit"]) | JSON,
        "next": TARGET | st.lists(TARGET, max_size=3) | st.dictionaries(OUTCOME, TARGET, max_size=3) | JSON,
        "prompt": st.sampled_from(["{{ a.text }}", "{{"]) | JSON,
        "expression": st.sampled_from(["a.text", "{{ input }}", "{{"]) | JSON,
        "cases": st.lists(CASE, max_size=3) | JSON,
        "else": TARGET | JSON,
        "join": st.sampled_from(["all", "any", 1, 2]) | JSON,
        "on_error": TARGET | st.just("fail") | st.fixed_dictionaries({"default": JSON}) | JSON,
        "schema": JSON,
        "config": JSON,
        "retry": JSON,
    },
)


DOCUMENT = JSON | st.fixed_dictionaries(
    {"nodes": st.lists(NODE, max_size=5)},
    optional={"edges": st.lists(EDGE, max_size=4) | JSON, "layout": JSON, "metadata": JSON, "name": JSON},
)


@settings(max_examples=150, deadline=None)
@given(DOCUMENT)
def test_any_document_gets_an_answer(document: Any):
    problems = check_flow(document)
    json.dumps([problem.as_data() for problem in problems])
    if not any(problem.is_error for problem in problems):
        parse_flow(document)
