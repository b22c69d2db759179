# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The schema of flow documents is the code's, takes what the code takes, and refuses most of what it refuses."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from jsonschema import Draft202012Validator

from agents.engine.canonical import as_first_dialect, canonical
from agents.engine.documents import check_flow
from agents.engine.flow_schema import flow_schema
from agents.engine.nodes.every import EVERY_KIND
from agents.engine.registry import KINDS
from tests.agents.engine.stage import BLUEPRINT
from tests.agents.engine.test_canonical import FULL
from tests.architecture.sources import HOUSE
from tests.architecture.test_docs import flow_examples

VALIDATOR = Draft202012Validator(flow_schema())

EXAMPLES = [*flow_examples(), BLUEPRINT, FULL]


def refused(document: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(document)]


def test_the_committed_schema_is_the_codes() -> None:
    call_command("write_flow_schema", check=True)
    assert json.loads((HOUSE / "schemas" / "flow.schema.json").read_text(encoding="utf-8")) == flow_schema()


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(flow_schema())


def test_every_setting_says_what_it_is_for() -> None:
    for settings in (EVERY_KIND, *(kind.settings for kind in KINDS.values())):
        for name, setting in settings.items():
            assert setting.doc.endswith("."), name
            Draft202012Validator.check_schema(setting.shape.schema)


@pytest.mark.parametrize("document", EXAMPLES, ids=[str(example.get("id")) for example in EXAMPLES])
def test_every_example_fits_in_every_form(document: Any) -> None:
    for form in (document, canonical(document), as_first_dialect(document)):
        assert refused(form) == []


def with_node(**node: Any) -> dict[str, Any]:
    """A flow that holds together but for one node between its ends."""
    middle = {"id": "a", "next": "end", **node}
    return {"nodes": [{"id": "start", "type": "entry", "next": "a"}, middle, {"id": "end", "type": "exit"}]}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"nodes": {}},
        {"nodes": []},
        {"nodes": ["a"]},
        {"nodes": [{"type": "entry"}]},
        with_node(),
        with_node(type="lmm"),
        with_node(type="rags"),
        with_node(type="rag", top_k=0),
        with_node(type="rag", mode="fuzzy"),
        with_node(type="llm", id=""),
        with_node(type="llm", id="a" * 101),
        with_node(type="llm", id=7),
        with_node(type="llm", next=5),
        with_node(type="llm", next={"true": "end"}),
        with_node(type="llm", next=[{"next": "end"}]),
        with_node(type="llm", promt="x"),
        with_node(type="llm", prompt=""),
        with_node(type="llm", temperature=3),
        with_node(type="llm", max_tokens=0),
        with_node(type="llm", config={"promt": "x"}),
        with_node(type="llm", config=5),
        with_node(type="llm", tool="x"),
        with_node(type="llm", retry=3),
        with_node(type="llm", retry={"attempts": 11}),
        with_node(type="llm", retry={"attempts": 2, "wait": 1}),
        with_node(type="llm", timeout_seconds=0),
        with_node(type="llm", on_error={"default": 1, "more": 2}),
        with_node(type="llm", on_error=5),
        with_node(type="llm", join="some"),
        with_node(type="llm", join=0),
        with_node(type="tool"),
        with_node(type="tool", tool="T", arguments=[]),
        with_node(type="condition", next={"else": "end"}),
        with_node(type="condition", cases=[]),
        with_node(type="condition", cases=[{"next": "end"}], next="end"),
        with_node(type="condition", cases=[{"when": "input", "then": "end"}], next="end"),
        {**with_node(type="llm"), "edges": 5},
        {**with_node(type="llm"), "edges": [{"source": "a"}]},
        {**with_node(type="llm"), "edges": [{"source": "a", "target": "end", "when": 5}]},
    ],
)
def test_what_is_misshapen_is_refused_by_both(document: Any) -> None:
    assert any(problem.is_error for problem in check_flow(document))
    assert refused(document) != []
