# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The canonical form of flow documents, the first dialect, and both written as text."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.engine.canonical import as_first_dialect, canonical
from agents.engine.documents import check_flow, parse_flow, read_document
from agents.engine.errors import GraphInvalid
from agents.engine.graph import logic_hash
from agents.engine.json_text import to_json
from agents.engine.yaml_writing import to_yaml
from tests.agents.engine.stage import BLUEPRINT
from tests.agents.engine.test_documents import DOCUMENT, JSON

FULL: dict[str, Any] = {
    "metadata": {"tags": ["a"], "version": "2"},
    "owner_id": "somebody",
    "name": "Everything",
    "nodes": [
        {"type": "entry", "id": "start", "next": ["ask", "choose"], "position": {"x": 1, "y": 2.5, "z": 3}},
        {
            "id": "ask",
            "join": "all",
            "type": "llm",
            "label": "Ask",
            "description": "Asks.",
            "prompt": "One\ntwo {{ input }}\n",
            "model": "gpt-4",
            "retry": {"attempts": 2},
            "on_error": "sorry",
            "next": [{"when": "{{ ask.text }}", "next": "end"}, {"when": "else", "next": "sorry"}],
        },
        {
            "id": "choose",
            "type": "condition",
            "config": {"cases": [{"when": "input.a", "next": ["sorry", "end"]}, {"name": "b", "when": "input.b"}]},
            "else": "end",
        },
        {"id": "sorry", "type": "llm", "next": "end"},
        {"id": "end", "type": "exit"},
    ],
    "edges": [{"source": "choose", "target": "sorry", "when": "b"}],
}


def test_the_canonical_form_keeps_logic_and_layout_apart():
    assert check_flow(FULL) == []
    form = canonical(FULL)
    assert list(form) == ["name", "owner_id", "nodes", "edges", "layout", "metadata"]
    assert form["layout"] == {"start": {"x": 1, "y": 2.5}}
    assert form["edges"] == [
        {"source": "start", "target": "ask"},
        {"source": "start", "target": "choose"},
        {"source": "ask", "target": "end", "when": "{{ ask.text }}"},
        {"source": "ask", "target": "sorry", "when": "else"},
        {"source": "choose", "target": "sorry", "when": "case 1"},
        {"source": "choose", "target": "end", "when": "case 1"},
        {"source": "choose", "target": "sorry", "when": "b"},
        {"source": "choose", "target": "end", "when": "else"},
        {"source": "sorry", "target": "end"},
    ]
    assert form["nodes"][1] == {
        "id": "ask",
        "type": "llm",
        "label": "Ask",
        "description": "Asks.",
        "config": {
            "model": "gpt-4",
            "prompt": "One\ntwo {{ input }}\n",
            "retry": {"attempts": 2},
            "on_error": "sorry",
            "join": "all",
        },
    }
    assert list(form["nodes"][1]["config"]) == ["model", "prompt", "retry", "on_error", "join"]


@pytest.mark.parametrize("document", [BLUEPRINT, FULL], ids=["blueprint", "full"])
def test_every_form_is_the_same_flow(document: dict[str, Any]):
    form = canonical(document)
    first = as_first_dialect(form)
    for other in (form, first, read_document(to_yaml(first)), read_document(to_json(form))):
        assert canonical(other) == form
        assert check_flow(other) == []
        assert logic_hash(parse_flow(other)) == logic_hash(parse_flow(document))


def test_the_first_dialect_is_what_people_write():
    assert as_first_dialect(canonical(BLUEPRINT)) == BLUEPRINT
    first = as_first_dialect(FULL)
    assert "edges" not in first
    assert "layout" not in first
    assert first["nodes"][0]["position"] == {"x": 1, "y": 2.5}
    assert first["nodes"][2] == {
        "id": "choose",
        "type": "condition",
        "cases": [
            {"when": "input.a", "next": ["sorry", "end"]},
            {"name": "b", "when": "input.b", "next": "sorry"},
        ],
        "else": "end",
    }


def test_moving_and_naming_change_no_hash():
    moved = copy.deepcopy(canonical(FULL)) | {"name": "Other", "layout": {"end": {"x": 9, "y": 9}}}
    moved["nodes"][1] |= {"label": "Other", "description": None}
    assert logic_hash(parse_flow(moved)) == logic_hash(parse_flow(FULL))
    assert canonical(moved)["layout"] == {"end": {"x": 9, "y": 9}}


def test_a_draft_that_cannot_run_yet_has_a_canonical_form_too():
    draft = {"nodes": [{"id": "a", "type": "spell", "power": 3, "next": "gone"}, {"id": "b", "type": "condition"}]}
    assert canonical(draft)["edges"] == [{"source": "a", "target": "gone"}]
    assert canonical(draft)["nodes"][0]["config"] == {"power": 3}
    assert canonical({"nodes": []}) == {"nodes": [], "edges": [], "layout": {}}


@pytest.mark.parametrize(
    "document",
    [None, {}, {"nodes": [5]}, {"nodes": [{"type": "llm"}]}, {"nodes": [{"id": "a", "type": "llm", "next": 5}]}],
)
def test_what_cannot_be_read_has_none(document: Any):
    with pytest.raises(GraphInvalid):
        canonical(document)


@settings(max_examples=150, deadline=None)
@given(DOCUMENT)
def test_the_canonical_form_of_any_document_stays_as_it_is(document: Any):
    try:
        form = canonical(document)
    except GraphInvalid:
        return
    assert json.dumps(canonical(form)) == json.dumps(form)
    assert canonical(as_first_dialect(form)) == form
    assert [p.severity for p in check_flow(form) if p.is_error] == [p.severity for p in check_flow(form) if p.is_error]
    if not any(problem.is_error for problem in check_flow(document)):
        assert logic_hash(parse_flow(form)) == logic_hash(parse_flow(document))
        assert logic_hash(parse_flow(as_first_dialect(form))) == logic_hash(parse_flow(document))


def test_yaml_is_written_for_people():
    document = {
        "id": "a-1",
        "nodes": [
            {"id": "start", "type": "entry", "next": ["yes", "b c"], "position": {"x": 0, "y": -1.5}},
            {"id": "yes", "prompt": "Say:\n\n  {{ input }}\n", "system": "no newline\nat the end", "config": {}},
            {"when": "{{ a.b }} # no comment", "n": 3, "on": True, "none": None, "texts": [[], ["1"], "", "é ü"]},
        ],
    }
    assert (
        to_yaml(document)
        == """\
id: a-1
nodes:
  - id: start
    type: entry
    next:
      - "yes"
      - b c
    position: {x: 0, y: -1.5}
  - id: "yes"
    prompt: |
      Say:

        {{ input }}
    system: |-
      no newline
      at the end
    config: {}
  - when: "{{ a.b }} # no comment"
    n: 3
    "on": true
    none: null
    texts:
      - []
      - - "1"
      - ""
      - é ü
"""
    )


WRITTEN = st.text(max_size=12) | st.text(
    alphabet="ab:-#[]{}'\"|>&*!%?, \n\t01~yno\r\x85\u2028\ufeff\x07é😀", max_size=16
)
KEEPABLE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | WRITTEN.filter(lambda text: not any("\ud800" <= character <= "\udfff" for character in text)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WRITTEN, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(WRITTEN, KEEPABLE, max_size=4))
def test_any_document_written_as_yaml_is_read_back_the_same(document: dict[str, Any]):
    written = to_yaml(document)
    assert json.dumps(read_document(written, format="yaml")) == json.dumps(document)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_any_document_written_as_json_is_read_back_the_same(document: dict[str, Any]):
    try:
        read = read_document(to_json(document), format="json")
    except GraphInvalid:
        return
    assert read == document


def test_long_keys_and_deep_documents():
    assert read_document(to_yaml({"k" * 5_000: {"a": ["x"]}, "b:" * 300: "c\nd"}))["k" * 5_000] == {"a": ["x"]}
    deep: Any = "bottom"
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(GraphInvalid, match="nested deeper"):
        to_yaml({"a": deep})
