# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What differs between two documents is told node by node, whatever dialect they are written in."""

from agents.engine.differences import diff_documents
from agents.engine.drafts import draft_of, has_comments

FIRST = {
    "id": "a",
    "nodes": [
        {"id": "start", "type": "entry", "next": "ask"},
        {"id": "ask", "type": "llm", "model": "gpt-4", "next": "end"},
        {"id": "end", "type": "exit"},
    ],
}
SECOND = {
    "id": "a",
    "nodes": [
        {"id": "end", "type": "exit", "config": {}},
        {"id": "ask", "type": "llm", "config": {"model": "gpt-4"}},
        {"id": "start", "type": "entry"},
    ],
    "edges": [{"source": "ask", "target": "end"}, {"source": "start", "target": "ask"}],
}


def test_dialect_and_order_make_no_difference() -> None:
    assert diff_documents(FIRST, SECOND).count == 0


def test_every_way_is_told_apart() -> None:
    more = {**SECOND, "edges": [*SECOND["edges"], {"source": "ask", "target": "start", "when": "input.again"}]}
    (change,) = diff_documents(FIRST, more).changed
    assert (change.id, [(field.name, field.before, field.after) for field in change.fields]) == (
        "ask",
        [("next", "end", ["end", {"input.again": "start"}])],
    )


def test_nonsense_can_be_compared() -> None:
    nonsense = {"nodes": [1, {"id": 2}, {"id": "ask", "config": 3}, "x"], "edges": [1, {}, {"source": "no"}], "x": None}
    diff = diff_documents(FIRST, nonsense)
    assert [node.id for node in diff.removed] == ["start", "end"]
    assert [field.name for field in diff_documents(nonsense, FIRST).others] == ["id"]
    assert diff_documents({}, {}).count == 0


def test_the_order_of_members_is_no_change() -> None:
    turned = {"nodes": [dict(reversed(list(node.items()))) for node in FIRST["nodes"]], "id": "a"}
    assert draft_of(turned).hash == draft_of(FIRST).hash
    assert draft_of({**FIRST, "nodes": FIRST["nodes"][::-1]}).hash != draft_of(FIRST).hash


def test_remarks_are_seen_where_they_are_some() -> None:
    assert has_comments("id: a # a remark\nnodes: []\n")
    assert has_comments("# first\nid: a\n")
    assert not has_comments('id: "a # b"\ntext: |\n  # not one\n')
    assert not has_comments('{"id": "a # b"}')
