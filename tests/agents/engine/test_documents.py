# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flow documents: what is accepted, and how everything wrong is told at once."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.engine.documents import check_flow, parse_flow, read_document
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
    assert "comes after an exit" in found["$.nodes[3].next"] or "nothing leads to it" in found["$.nodes[3].next"]
    assert "is the id of" in found["$.nodes[4].id"]
    assert "not in this version" in found["$.nodes[5].type"]
    assert "no node type 'spell'" in found["$.nodes[6].type"]
    assert "$.nodes[7]" in found
    with pytest.raises(GraphInvalid) as refused:
        parse_flow(document)
    assert len(refused.value.details["errors"]) == len(check_flow(document))


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
        ({"nodes": [{"id": "a", "type": "llm", "next": {"yes": "b"}}]}, "$.nodes[0].next", "not in this version"),
        ({"nodes": [{"id": "a", "type": "llm", "next": 5}]}, "$.nodes[0].next", "must be the id"),
        ({"nodes": [{"id": "a", "type": "llm", "promt": "x"}]}, "$.nodes[0].promt", "no setting 'promt'"),
        ({"nodes": [{"id": "a", "type": "llm", "memory": {}}]}, "$.nodes[0].memory", "not in this version"),
        ({"nodes": [{"id": "a", "type": "llm", "config": 3}]}, "$.nodes[0].config", "must be an object"),
        ({"nodes": [{"id": "a", "type": "llm", "max_tokens": True}]}, "$.nodes[0].max_tokens", "whole number"),
        ({"nodes": [{"id": "a", "type": "llm", "temperature": float("nan")}]}, "$.nodes[0].temperature", "number"),
        ({"nodes": [{"id": "a", "type": "llm", "prompt": "x\x00"}]}, "$.nodes[0].prompt", "NUL"),
        ({"nodes": [{"id": "a", "type": "llm", "prompt": "{{ a.. }}"}]}, "$.nodes[0].prompt", "position 6"),
        ({"nodes": [{"id": "a", "type": "llm", "retry": {"attempts": 99}}]}, "$.nodes[0].retry", "1 to 10"),
        ({"nodes": [{"id": "a", "type": "llm", "timeout_seconds": -1}]}, "$.nodes[0].timeout_seconds", "number"),
        ({"nodes": [{"id": "a", "type": "tool", "tool": "T", "arguments": []}]}, "$.nodes[0].arguments", "object"),
        ({"nodes": [{"id": "a", "type": "entry"}], "edges": 5}, "$.edges", "must be a list"),
        (
            {"nodes": [{"id": "a", "type": "entry"}], "edges": [{"source": "q", "target": "a"}]},
            "$.edges[0].source",
            "no",
        ),
    ],
)
def test_a_broken_document_says_what_and_where(document: object, place: str, said: str):
    assert said in places(document)[place]


def test_branches_joins_and_second_ends_are_refused_honestly():
    document = blueprint()
    document["nodes"][0]["next"] = ["planner", "summarizer"]
    document["nodes"].append({"id": "start2", "type": "entry", "next": "end"})
    found = places(document)
    assert "Parallel branches are not in this version" in found["$.nodes[0].next[1]"]
    assert "joins are not in this version" in found["$.nodes[2].next"]
    assert "A second entry" in found["$.nodes[5].type"]


def test_a_circle_is_shown():
    document = chain({"id": "a", "type": "llm"}, {"id": "b", "type": "llm"})
    document["nodes"][2]["next"] = "a"
    assert any("'a' → 'b' → 'a'" in message for message in places(document).values())


def test_a_document_nested_ten_thousand_deep_is_refused_without_falling_over():
    # given
    deep: Any = "bottom"
    for _ in range(10_000):
        deep = {"a": [deep]}
    document = blueprint()
    document["nodes"][2]["arguments"] = deep
    # then
    assert "nested deeper" in places(document)["$"]
    with pytest.raises(GraphInvalid, match="nested"):
        read_document("[" * 10_000 + "]" * 10_000)


@pytest.mark.parametrize("text", ["", "{", "[]", "nodes: []", b"\xff\xfe\x00", "{" * 3_000_000])
def test_text_that_is_no_flow_is_refused(text: str | bytes):
    with pytest.raises(GraphInvalid):
        read_document(text)


def test_a_chain_of_a_thousand_nodes_is_read():
    nodes = [{"id": f"n{index}", "type": "llm"} for index in range(998)]
    assert len(parse_flow(chain(*nodes)).nodes) == 1000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NODE = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["a", "b", "c"]) | JSON,
        "type": st.sampled_from(["entry", "llm", "tool", "exit"]) | JSON,
        "next": st.sampled_from(["a", "b", "c"]) | JSON,
        "prompt": st.sampled_from(["{{ a.text }}", "{{"]) | JSON,
        "schema": JSON,
        "config": JSON,
        "retry": JSON,
    },
)


@settings(max_examples=150, deadline=None)
@given(JSON | st.fixed_dictionaries({"nodes": st.lists(NODE, max_size=5)}, optional={"edges": JSON}))
def test_any_document_gets_an_answer(document: Any):
    problems = check_flow(document)
    json.dumps([[problem.place, problem.message] for problem in problems])
    if not problems:
        parse_flow(document)
