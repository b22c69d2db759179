# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Schemas and inputs of strangers, checked on the loop that carries everybody's runs: dear ones are given up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agents.engine.documents import check_flow
from codexos.kernel.schemas import MAX_SCHEMA_VALUES, misfits, mismatches, schema_trouble

STRINGS: Any = {"items": {"type": "string"}}


def nested(levels: int) -> tuple[Any, Any]:
    schema: Any
    value: Any
    schema, value = {"type": "object"}, 1
    for _ in range(levels):
        schema = {"unevaluatedProperties": schema, "allOf": [{"properties": {"a": True}}]}
        value = {"b": value}
    return value, schema


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (["a"] * 20_000, {"allOf": [STRINGS] * 100}),
        (["a"] * 100_000, {"allOf": [{"items": {}}] * 100}),
        ("x" * 1_000_000, {"anyOf": [{"type": "object"}] * 200}),
        nested(17),
    ],
    ids=["many times many", "nothing many times", "quoted again and again", "asked twice at each level"],
)
def test_a_check_that_would_take_long_is_given_up(value: Any, schema: Any) -> None:
    assert schema_trouble(schema) is None
    (told,) = mismatches(value, schema)
    assert "takes too long" in told


@pytest.mark.parametrize(
    ("items", "are_unique"),
    [
        ([{"a": n} for n in range(10_000)], True),
        ([1, True, "1", [1], None, "null"], True),
        ([1, 1.0], False),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], False),
    ],
)
def test_same_items_are_found_however_many_there_are(items: list[Any], are_unique: bool) -> None:
    assert (mismatches(items, {"uniqueItems": True}) == []) is are_unique


def test_an_honest_schema_is_checked_to_the_end() -> None:
    row: Any = {"type": "object", "required": ["a"], "properties": {name: {"type": "integer"} for name in "abcde"}}
    rows: list[Any] = [dict.fromkeys("abcde", n) for n in range(3_000)]
    assert mismatches(rows, {"items": row}) == []
    assert mismatches([*rows, {"b": 1}], {"items": row}) == ["'[3000].a' is missing"]


@pytest.mark.parametrize(
    ("value", "schema", "said"),
    [
        (5, {"type": "string"}, "it must be text, not a whole number"),
        ([True], {"items": {"type": ["number", "null"]}}, "'[0]' must be a number or nothing, not true or false"),
        ({}, {"required": ["a"]}, "'a' is missing"),
        ({"b": {"x": 1}}, {"properties": {"b": {"additionalProperties": False}}}, "'b.x' is not asked for"),
        ({"x": 1}, {"additionalProperties": {"type": "string"}}, "'x' must be text, not a whole number"),
        ({"a": 1}, {"dependentRequired": {"a": ["b"], "c": ["d"]}}, "'b' is missing beside what was given"),
        ("c", {"enum": ["a", "b", 1]}, 'it must be one of "a", "b", 1'),
        ("c", {"const": {"a": 1}}, 'it must be {"a": 1}'),
        (0, {"minimum": 1}, "it must be at least 1"),
        (1, {"exclusiveMinimum": 1}, "it must be more than 1"),
        (2.5, {"maximum": 2}, "it must be at most 2"),
        (3, {"multipleOf": 2}, "it must be a multiple of 2"),
        ("", {"minLength": 1}, "it must not be empty"),
        ([], {"minItems": 2}, "it must have at least 2 items"),
        ([1, 1], {"uniqueItems": True}, "it has two items that are the same"),
        ([1], {"contains": {"type": "string"}}, "it lacks an item that it must have"),
        (1, {"anyOf": [{"type": "string"}, {"minimum": 2}]}, "it fits none of the forms that it may have"),
        (3, {"oneOf": [{"minimum": 1}, {"minimum": 2}]}, "it fits more than one of the forms that it may have"),
        (1, {"not": {"type": "integer"}}, "it is what it must not be"),
        ({"a": 1}, {"properties": {"a": False}}, "it holds something that is not allowed"),
        ({"a": 1}, {"maxProperties": 0}, "it must have at most 0 members"),
        ([1, 2], {"prefixItems": [{}], "items": False}, "it has more items than it may have"),
        ({"a": "secret " * 100}, {"properties": {"a": {"maxLength": 5}}}, "'a' must have at most 5 characters"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(value: Any, schema: Any, said: str) -> None:
    assert mismatches(value, schema) == [said]


def test_everything_that_does_not_fit_is_told_in_the_order_of_the_fields() -> None:
    fields = [f"f{number}" for number in range(30)]
    schema = {
        "required": fields[::-1],
        "minProperties": 40,
        "properties": {name: {"type": "string"} for name in fields},
    }
    found = misfits({"f3": 1, "z": 1}, schema, most=50)
    assert [each.place for each in found] == [*((name,) for name in fields), ()]
    assert len(mismatches({}, schema)) == 10


def test_a_schema_too_large_to_be_checked_at_every_run_is_refused() -> None:
    assert "more than 500 values" in str(schema_trouble({"allOf": [{"type": "string"}] * MAX_SCHEMA_VALUES}))


def test_many_entries_are_told_at_once() -> None:
    entries: list[Any] = [{"id": f"s{n}", "type": "entry", "next": "end", "schema": STRINGS} for n in range(1_000)]
    (problem,) = check_flow({"nodes": [*entries[:999], {"id": "end", "type": "exit"}]})
    assert "999 nodes of type 'entry'" in problem.message


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
_TYPES = st.sampled_from(["string", "object", "array", "boolean", "integer", "number", "null"])
_SCHEMAS = st.recursive(
    st.builds(lambda kind: {"type": kind}, _TYPES) | st.just({}),
    lambda inner: st.fixed_dictionaries(
        {"type": _TYPES},
        optional={
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "additionalProperties": st.booleans(),
            "items": inner,
        },
    ),
    max_leaves=6,
)


@given(value=_VALUES, schema=_SCHEMAS)
def test_what_fits_plainly_fits_by_the_library_too(value: Any, schema: dict[str, Any]) -> None:
    fits = Draft202012Validator(schema).is_valid(value)
    assert (mismatches(value, schema) == []) is fits
