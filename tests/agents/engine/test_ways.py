# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Ways through a flow: branches, choices, joins, ways for errors, and what may be read where."""

from typing import Any

import pytest

from agents.engine.documents import check_flow, parse_flow
from agents.engine.errors import GraphInvalid, NoBranch
from agents.engine.graph import FlowGraph, OnError, Way, logic_hash
from agents.engine.nodes.condition import CONDITION
from agents.engine.steps import RunContext, StepContext
from agents.engine.view import JournalView
from codexos.kernel.jsontypes import JsonValue
from tests.agents.engine.stage import RUN_ID

Node = dict[str, Any]

CHOICE: Node = {"id": "choice", "type": "condition", "expression": "{{ input }}"}


def flow(*nodes: Node, first: Any = None, edges: list[Any] | None = None) -> dict[str, Any]:
    """A flow with an entry that leads to the first of ``nodes``, or to ``first``, and an exit."""
    entry = {"id": "start", "type": "entry", "next": first or nodes[0]["id"]}
    document: dict[str, Any] = {"id": "f", "nodes": [entry, *nodes, {"id": "end", "type": "exit"}]}
    return document if edges is None else {**document, "edges": edges}


def llm(node_id: str, next: Any = "end", **settings: Any) -> Node:
    return {"id": node_id, "type": "llm", "next": next, **settings}


def told(document: Any, severity: str = "error") -> dict[str, str]:
    return {problem.place: problem.message for problem in check_flow(document) if problem.severity == severity}


def test_parallel_branches_meet_again():
    graph = parse_flow(flow(llm("a", "c"), llm("b", "c"), llm("c", join="any"), first=["a", "b"]))
    assert graph.nodes["start"].ways == (Way("a"), Way("b"))
    assert graph.before["c"] == ("a", "b")
    assert graph.nodes["c"].join == "any"


def test_branches_may_meet_at_the_exit():
    assert check_flow(flow(llm("a"), llm("b"), first=["a", "b"])) == []


def test_a_condition_leads_from_outcomes_to_nodes():
    # given
    nodes = (llm("a"), llm("b"), llm("c"))
    first = flow({**CHOICE, "next": {"true": "a", "false": ["b", "c"]}}, *nodes)
    edges = [
        {"source": "choice", "target": "a", "when": True},
        {"source": "choice", "target": "b", "when": "false"},
        {"source": "choice", "target": "c", "when": False},
    ]
    second = flow(CHOICE, *nodes, edges=edges)
    # then
    ways = (Way("a", "true"), Way("b", "false"), Way("c", "false"))
    assert parse_flow(first).nodes["choice"].ways == ways
    assert check_flow(first) == []
    assert logic_hash(parse_flow(first)) == logic_hash(parse_flow(second))


def test_a_condition_of_cases():
    # given
    cases = [{"when": "{{ input.urgent }}", "next": "a"}, {"name": "long", "when": "input.long", "next": ["b", "c"]}]
    nodes = (llm("a"), llm("b"), llm("c"))
    variants = [
        {"id": "choice", "type": "condition", "cases": cases, "else": "c"},
        {"id": "choice", "type": "condition", "cases": cases, "next": "c"},
        {"id": "choice", "type": "condition", "config": {"cases": cases}, "next": {"else": "c"}},
    ]
    graphs = [parse_flow(flow(choice, *nodes)) for choice in variants]
    # then
    assert len({logic_hash(graph) for graph in graphs}) == 1
    node = graphs[0].nodes["choice"]
    assert node.ways == (Way("a", "case 1"), Way("b", "long"), Way("c", "long"), Way("c", "else"))
    assert node.settings == {
        "cases": [{"name": "case 1", "when": "{{ input.urgent }}"}, {"name": "long", "when": "input.long"}]
    }


def test_ways_out_of_other_nodes_may_ask_something():
    # given
    listed = [{"when": "{{ a.text }}", "next": "b"}, {"when": "else", "next": "c"}, "end"]
    first = flow(llm("a", listed), llm("b"), llm("c"))
    edges = [
        {"source": "a", "target": "b", "when": "{{ a.text }}"},
        {"source": "a", "target": "c", "when": "else"},
        {"source": "a", "target": "end", "when": "true"},
    ]
    second = flow({"id": "a", "type": "llm"}, llm("b"), llm("c"), edges=edges)
    # then
    assert check_flow(first) == []
    assert parse_flow(first).nodes["a"].ways == (Way("b", when="{{ a.text }}"), Way("c", when="else"), Way("end"))
    assert logic_hash(parse_flow(first)) == logic_hash(parse_flow(second))


def test_trouble_leads_to_a_node_or_goes_on_with_a_default():
    graph = parse_flow(flow(llm("a", on_error="sorry"), llm("sorry", on_error={"default": {"text": ""}})))
    assert graph.nodes["a"].on_error == OnError("sorry")
    assert graph.nodes["sorry"].on_error == OnError(default={"text": ""})
    assert graph.before["sorry"] == ("a",)
    assert parse_flow(flow(llm("a", on_error="fail"))).nodes["a"].on_error is None


def test_rests_between_attempts():
    retry = {"attempts": 4, "backoff_seconds": 0.5, "max_backoff_seconds": 2}
    node = parse_flow(flow(llm("a", retry=retry))).nodes["a"]
    assert (node.attempts, node.backoff_seconds, node.max_backoff_seconds) == (4, 0.5, 2.0)
    node = parse_flow(flow(llm("a"))).nodes["a"]
    assert (node.attempts, node.backoff_seconds, node.max_backoff_seconds) == (1, 1.0, 60.0)


def test_a_way_said_twice_is_one_way():
    document = flow(llm("a", ["end", "end"]), edges=[{"source": "a", "target": "end"}])
    assert parse_flow(document).nodes["a"].ways == (Way("end"),)


@pytest.mark.parametrize(
    ("choice", "place", "said"),
    [
        ({"expression": "{{ input }}", "next": "a"}, "next", "names no outcome"),
        ({"expression": "{{ input }}", "next": ["a", "end"]}, "next[1]", "names no outcome"),
        ({"expression": "{{ input }}", "next": {"true": "a", "false": "gone"}}, "next.false", "no node 'gone'"),
        ({"expression": "{{ input }}", "next": {"true": 5}}, "next.true", "is the id of a node"),
        ({"expression": "{{ input }}", "next": {}}, "next", "leads nowhere"),
        ({"expression": "{{ input", "next": {"else": "a"}}, "expression", "not closed"),
        ({"expression": "{{ input }} > 3", "next": {"else": "a"}}, "expression", "nothing may follow"),
        ({"expression": "inptu", "next": {"else": "a"}}, "expression", "Did you mean 'input'?"),
        ({"next": {"true": "a"}}, "expression", "needs an 'expression'"),
        ({"expression": "input", "cases": [{"when": "input", "next": "a"}]}, "cases", "Keep one"),
        ({"cases": []}, "cases", "must be a list"),
        ({"cases": {}}, "cases", "must be a list"),
        ({"cases": [5]}, "cases", "no object of 'when' and 'next'"),
        ({"cases": [{"when": "input", "then": "a"}]}, "cases", "no object of 'when' and 'next'"),
        ({"cases": [{"when": 5, "next": "a"}]}, "cases", "a 'when' that must be text"),
        ({"cases": [{"when": "later", "next": "a"}]}, "cases[0].when", "neither 'input' nor a node"),
        ({"cases": [{"when": "input"}]}, "cases[0]", "leads nowhere"),
        ({"cases": [{"name": "else", "when": "input", "next": "a"}]}, "cases", "its own, and not 'else'"),
        ({"cases": [{"name": "x", "when": "input", "next": "a"}] * 2}, "cases", "called 'x'"),
        ({"cases": [{"when": "input", "next": "a"}] * 101}, "cases", "101 cases"),
        ({"cases": [{"name": "x", "when": "input", "next": "a"}], "next": {"y": "a"}}, "next.y", "No case"),
        ({"expression": "input", "next": {"true": "a"}, "on_error": {"default": 1}}, "on_error", '{"branch": "else"}'),
    ],
)
def test_a_wrong_choice_is_told(choice: Node, place: str, said: str):
    document = flow({"id": "choice", "type": "condition", **choice}, llm("a"))
    assert said in told(document)[f"$.nodes[1].{place}"]


@pytest.mark.parametrize(
    ("choice", "place", "said"),
    [
        ({"expression": "input", "next": {"yes": "a"}}, "next", "has no 'else': a value other than 'yes'"),
        ({"expression": "input", "next": {"True": "a", "else": "a"}}, "next.True", "Write 'true'"),
        ({"expression": "input > 3 or not input", "next": {"yes": "a", "else": "a"}}, "next.yes", "never taken"),
        ({"expression": "input > 3", "next": {"true": "a"}}, "next", "a value other than 'true'"),
        ({"cases": [{"when": "input", "next": "a"}]}, "next", "where no case holds"),
    ],
)
def test_a_doubtful_choice_is_a_warning(choice: Node, place: str, said: str):
    document = flow({"id": "choice", "type": "condition", **choice}, llm("a"))
    assert said in told(document, "warning")[f"$.nodes[1].{place}"]
    assert told(document) == {}


@pytest.mark.parametrize(
    ("next", "severity", "place", "said"),
    [
        ([{"when": "else", "next": "b"}], "error", "next[0].when", "there is none"),
        ([{"when": "a.text", "next": "b"}], "warning", "next", "nothing comes after it"),
        ([{"when": False, "next": "b"}, "end"], "warning", "next[0].when", "never taken"),
        ([{"when": "{{ b.text }}", "next": "b"}, "end"], "error", "next[0].when", "no result yet"),
        ([{"when": 5, "next": "b"}], "error", "next[0]", "may also be"),
        ([{"next": "b"}], "error", "next[0]", "may also be"),
        ({"a.text": "b"}, "error", 'next["a.text"]', "is no condition"),
    ],
)
def test_a_way_that_asks_wrongly_is_told(next: Any, severity: str, place: str, said: str):
    document = flow(llm("a", next), llm("b"), first=["a", "b"])
    assert said in told(document, severity)[f"$.nodes[1].{place}"]


def test_an_edge_that_asks_wrongly_is_told():
    edges = [
        {"source": "a", "target": "b", "when": 5},
        {"source": "choice", "target": "a"},
        {"source": "a", "target": "b", "color": "red"},
    ]
    document = flow({**CHOICE, "next": {"else": "b"}}, llm("a"), llm("b"), edges=edges)
    assert "'when' is text" in told(document)["$.edges[0].when"]
    assert "names no outcome" in told(document)["$.edges[1].when"]
    assert "means nothing on an edge" in told(document, "warning")["$.edges[2].color"]


def test_joins_wait_for_ways_that_are_there():
    nodes = (llm("a", "c"), llm("b", "c"))
    assert (
        "waits for 3 ways, and 2 lead here" in told(flow(*nodes, llm("c", join=3), first=["a", "b"]))["$.nodes[3].join"]
    )
    assert told(flow(*nodes, llm("c", join=2), first=["a", "b"])) == {}
    assert "means nothing" in told(flow(llm("a", join="any")), "warning")["$.nodes[1].join"]


def test_fail_is_not_both_an_end_and_a_node():
    document = flow(llm("a", "fail", on_error="fail"), llm("fail"))
    assert "is a node's id" in told(document)["$.nodes[1].on_error"]


def reads(text: str, *nodes: Node, **more: Any) -> list[tuple[str, str]]:
    """What is told of a node ``x`` that reads ``text``."""
    document = flow(*nodes, **more)
    return [(p.severity, p.message) for p in check_flow(document) if p.place.endswith(".prompt")]


def test_what_every_way_goes_through_may_be_read():
    choice = {**CHOICE, "next": {"true": "a", "else": "b"}}
    for text in ("{{ choice.branch }}", "{{ start }}"):
        assert reads(text, choice, llm("a", "x"), llm("b", "x"), llm("x", prompt=text)) == []


def test_what_is_on_one_branch_alone_may_be_missing():
    choice = {**CHOICE, "next": {"true": "a", "else": "b"}}
    [(severity, message)] = reads("", choice, llm("a", "x"), llm("b", "x"), llm("x", prompt="{{ a.text }}"))
    assert severity == "warning"
    assert 'such as {{ a.text ?? "" }}' in message
    guarded = llm("x", prompt='{{ a.text ?? "nothing" }}{{ default(a, 1) }}')
    assert reads("", choice, llm("a", "x"), llm("b", "x"), guarded) == []


def test_parallel_branches_are_all_done_at_a_join_of_all_and_not_at_one_of_any():
    both = (llm("a", "x"), llm("b", "x"))
    assert reads("", *both, llm("x", prompt="{{ a.text }}{{ b.text }}"), first=["a", "b"]) == []
    loose = reads("", *both, llm("x", prompt="{{ a.text }}{{ b.text }}", join="any"), first=["a", "b"])
    assert [severity for severity, _ in loose] == ["warning", "warning"]
    assert reads("", *both, llm("x", prompt="{{ a.text }}", join=2), first=["a", "b"]) == []


def test_both_branches_of_one_outcome_are_done():
    choice = {**CHOICE, "next": {"true": ["a", "b"], "else": "end"}}
    assert reads("", choice, llm("a", "x"), llm("b", "x"), llm("x", prompt="{{ a.text }}{{ b.text }}")) == []


def test_what_every_outcome_leads_to_is_done():
    choice = {**CHOICE, "next": {"true": "a", "else": "b"}}
    nodes = (choice, llm("a", "c"), llm("b", "c"), llm("c", "x"), llm("d", "x"), llm("x", prompt="{{ c }}{{ d }}"))
    assert reads("", *nodes, first=["choice", "d"]) == []


def test_a_node_of_another_branch_has_no_result():
    [(severity, message)] = reads("", llm("a"), llm("x", prompt="{{ a.text }}"), first=["a", "x"])
    assert severity == "error"
    assert "no result yet" in message


def test_after_an_error_what_failed_and_what_followed_may_be_missing():
    nodes = (llm("a", "b", on_error="x"), llm("b", "x"), llm("x", prompt="{{ a }}{{ b }}"))
    assert [severity for severity, _ in reads("", *nodes)] == ["warning", "warning"]
    # Reached by the ordinary way alone, the node has its result.
    assert reads("", llm("a", "x", on_error="end"), llm("x", prompt="{{ a }}")) == []
    # With a default the node always has one.
    assert reads("", llm("a", "x", on_error={"default": ""}), llm("x", prompt="{{ a }}")) == []


def test_a_part_of_the_input_that_the_schema_does_not_name_is_a_warning():
    document = flow(llm("a", prompt="{{ input.qestion }}"))
    document["nodes"][0]["schema"] = {"type": "object", "properties": {"question": {"type": "string"}}}
    assert "Did you mean 'question'?" in told(document, "warning")["$.nodes[1].prompt"]


def outcome(choice: Node, given: JsonValue) -> JsonValue:
    graph: FlowGraph = parse_flow(flow({"id": "choice", "type": "condition", **choice}, llm("a"), llm("b")))
    view = JournalView(graph, input=given)
    view.results["start"] = given
    return CONDITION.compute(StepContext(graph.nodes["choice"], view.root, RunContext(RUN_ID, given), view))


@pytest.mark.parametrize(
    ("given", "branch"), [(True, "true"), (False, "false"), ("true", "true"), (" false\n", "false"), (7, "7")]
)
def test_the_value_said_as_text_is_the_outcome(given: JsonValue, branch: str):
    choice = {"expression": "{{ input }}", "next": {"true": "a", "false": "b", "7": "a"}}
    assert outcome(choice, given) == {"branch": branch, "value": given}


def test_what_no_outcome_stands_for_goes_to_else_or_fails_by_name():
    choice = {"expression": "input.mood", "next": {"good": "a", "else": "b"}}
    assert outcome(choice, {"mood": "else"}) == {"branch": "else", "value": "else"}
    assert outcome(choice, {"mood": "Good"}) == {"branch": "else", "value": "Good"}
    with pytest.raises(NoBranch, match=r"came to 'bad', which is none of its outcomes: 'good', 'fair'\."):
        outcome({"expression": "input.mood", "next": {"good": "a", "fair": "b"}}, {"mood": "bad"})


def test_the_first_case_that_holds_is_taken():
    cases = [{"when": "{{ input.a }}", "next": "a"}, {"name": "b", "when": "input.b", "next": "b"}]
    choice = {"cases": cases, "else": "end"}
    assert outcome(choice, {"a": 1, "b": 1}) == {"branch": "case 1", "value": 1}
    assert outcome(choice, {"a": [], "b": "yes"}) == {"branch": "b", "value": "yes"}
    assert outcome(choice, {"a": None, "b": False}) == {"branch": "else", "value": None}
    with pytest.raises(NoBranch):
        outcome({"cases": cases}, {"a": 0, "b": ""})


def test_a_flow_with_warnings_alone_runs():
    document = flow({**CHOICE, "next": {"yes": "a"}}, llm("a"))
    assert check_flow(document) != []
    assert parse_flow(document).nodes["choice"].ways == (Way("a", "yes"),)
    with pytest.raises(GraphInvalid) as refused:
        parse_flow(flow({**CHOICE, "next": {"yes": "gone"}}, llm("a")))
    assert {problem.severity for problem in refused.value.problems} == {"error"}
