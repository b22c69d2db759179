# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flow documents as text: JSON and YAML, what neither may hold, and where in the text a problem stands."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.engine.documents import check_text, read_document
from agents.engine.errors import GraphInvalid
from agents.engine.places import inside, steps_of
from agents.engine.reading import locate, locate_all

YAML = """\
# A comment
id: agent-1
nodes:
  - id: start
    type: entry
    next: planner
  - {id: planner, type: llm, next: end, temperature: 0.5}
  - id: end
    type: exit
    output: |
      Said: {{ planner.text }}
        indented
"""


def test_yaml_is_json_written_otherwise():
    document = read_document(YAML)
    assert document["nodes"] == [
        {"id": "start", "type": "entry", "next": "planner"},
        {"id": "planner", "type": "llm", "next": "end", "temperature": 0.5},
        {"id": "end", "type": "exit", "output": "Said: {{ planner.text }}\n  indented\n"},
    ]
    assert read_document(json.dumps(document)) == document
    assert read_document(YAML.encode()) == document
    assert read_document("\ufeff" + YAML) == document


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("true", True),
        ("FALSE", False),
        ("'true'", "true"),
        ("null", None),
        ("~", None),
        ("", None),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z"),
        ("12:30", "12:30"),
        ("012", "012"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("-7", -7),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ('"\\u00e9"', "é"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
        ("<<", "<<"),
    ],
)
def test_plain_words_of_yaml_mean_what_they_look_like(written: str, value: object):
    assert read_document(f"a: {written}") == {"a": value}


def test_outcomes_may_be_written_as_yes_and_no():
    assert read_document("next: {true: a, False: b, yes: c, 1: d, null: e}") == {
        "next": {"true": "a", "false": "b", "yes": "c", "1": "d", "null": "e"}
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "A flow is an object"),
        ("[]", "A flow is an object"),
        ("just words", "A flow is an object"),
        ("{", "Line 1, column 2: This is not JSON"),
        ('{"a": 1\n "b": 2}', "Line 2, column 2: This is not JSON"),
        ('{"a": {"b": 1,\n  "b": 2}}', "Line 2, column 3: The key 'b' stands twice"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": 1e999}', "too large a number"),
        ("a: b: c", "Line 1, column 5: This is not YAML"),
        ("a:\n\tb: 1", "Line 2, column 1: This is not YAML"),
        ("a: 'x", "This is not YAML"),
        ("a: 1\nb: 2\na: 3", "Line 3, column 1: The key 'a' stands twice"),
        ("a: &x [1]\nb: *x", "Line 1, column 4: Anchors and aliases"),
        ("a: *x", "Anchors and aliases"),
        ("a: !!python/object/apply:os.system [id]", "Tags"),
        ("a: !!timestamp 2026-01-01", "Tags"),
        ("? [a]\n: b", "A key is text"),
        ("a: 1\n---\nb: 2", "Line 2, column 1: A second document"),
        ("%YAML 1.2\n---\na: 1", "Directives"),
        ("%TAG ! x\n" * 50_000, "Directives"),
        ("a: \x00", "Line 1, column 4: The character '\\x00'"),
        ("a: \ud800", "The character"),
        (f"a: {'9' * 5_000}", "too large a number"),
        (b"a: \xff", "not UTF-8: byte number 4"),
        ("x" * 5_000_000, "5,000,000 characters; at most 2,000,000"),
        (b"x" * 5_000_000, "5,000,000 bytes; at most 2,000,000"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str | bytes, said: str):
    with pytest.raises(GraphInvalid) as refused:
        read_document(text)
    assert said in refused.value.problems[0].message
    assert check_text(text) == list(refused.value.problems)


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, '{"a":' * 100_000, "a: " + "{b: " * 10_000])
def test_text_that_is_nested_deeply_falls_over_nothing(text: str):
    for format in (None, "json", "yaml"):
        with pytest.raises(GraphInvalid):
            read_document(text, format=format)  # type: ignore[arg-type]
    assert locate(text, "$.a") in (None, (1, 1), (1, 2))


def test_the_format_may_be_told():
    with pytest.raises(GraphInvalid, match="not JSON"):
        read_document("a: 1", format="json")
    assert read_document('{"a": 1}', format="yaml") == {"a": 1}
    # YAML has braces too.
    assert read_document("{a: 1}") == {"a": 1}


def test_a_yaml_of_many_small_values_is_given_up():
    with pytest.raises(GraphInvalid, match="at most 100,000 values"):
        read_document("a: [" + "0," * 300_000 + "0]", format="yaml")


PLACES = {
    "$": (2, 1),
    "$.nodes[0].next": (6, 5),
    "$.nodes[1].temperature": (7, 41),
    "$.nodes[2].output": (10, 5),
    "$.nodes[2].missing": (8, 5),
    "$.nodes[7]": (3, 1),
    "not a place": None,
}


@pytest.mark.parametrize(("place", "spot"), PLACES.items())
def test_a_place_is_found_in_yaml(place: str, spot: tuple[int, int] | None):
    assert locate(YAML, place) == spot


JSON_TEXT = """\
{"id": "a,]}", "nodes": [
  {"id": "start", "next": {"not sure": "end", "b": [1, 2]}},
  {"id": "é😀", "type": "exit"}]}
"""


@pytest.mark.parametrize(
    ("place", "spot"),
    [
        ("$", (1, 1)),
        ("$.id", (1, 2)),
        ("$.nodes[0]", (2, 3)),
        ('$.nodes[0].next["not sure"]', (2, 28)),
        ("$.nodes[0].next.b[1]", (2, 56)),
        ("$.nodes[1].type", (3, 16)),
        ("$.nodes[1].next", (3, 3)),
    ],
)
def test_a_place_is_found_in_json(place: str, spot: tuple[int, int]):
    assert locate(JSON_TEXT, place) == spot


def test_problems_of_a_text_say_their_line():
    problems = check_text(YAML.replace("next: end", "next: nd"))
    assert [(problem.line, problem.column, problem.place) for problem in problems] == [
        (7, 30, "$.nodes[1].next"),
        (8, 5, "$.nodes[2]"),
        (10, 5, "$.nodes[2].output"),
    ]
    assert problems[0].as_data()["line"] == 7


@pytest.mark.parametrize("text", ["{", "a: [", "a: b: c", b"\xff"])
def test_nothing_is_found_in_what_cannot_be_read(text: str | bytes):
    assert locate(text, "$.nodes[3].id") in (None, (1, 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def every_place(value: Any, place: str = "$") -> dict[str, Any]:
    found = {place: value}
    for step, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found |= every_place(part, inside(place, step))
    return found


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_every_place_of_any_json_is_found_where_it_is_written(document: dict[str, Any]):
    text = json.dumps(document, indent=1, ensure_ascii=False)
    assert read_document(text, format="json") == document
    places = every_place(document)
    spots = locate_all(text, places)
    assert spots.keys() == places.keys()
    lines = text.split("\n")
    for place, (line, column) in spots.items():
        last = (steps_of(place) or [0])[-1]
        if isinstance(last, str):
            assert lines[line - 1][column - 1 :].startswith(json.dumps(last, ensure_ascii=False))


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab:-[]{}'\"|>&*!%#?, \n\t01~é\x85\u2028", max_size=60))
def test_any_text_is_read_or_refused(text: str):
    for format in ("json", "yaml", None):
        try:
            read_document(text, format=format)  # type: ignore[arg-type]
        except GraphInvalid as error:
            assert error.problems  # noqa: PT017
    locate(text, "$.a[0].b")
