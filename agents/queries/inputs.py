# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a flow asks of whoever runs it: read from the schema of its entry, as far as a form can ask for it."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Literal

from agents.engine.documents import parse_flow
from agents.engine.errors import GraphInvalid
from agents.engine.json_text import read_json, to_json
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.misfits import Misfit
from codexos.kernel.schemas import misfits

MOST_FIELDS = 50
MOST_TROUBLES = 100
RULES = (
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
)
"""What a schema may ask of a value that people are told beside its field."""

FieldKind = Literal["text", "integer", "number", "boolean", "choice", "choices", "lines", "json"]
_KINDS: Mapping[JsonValue, FieldKind] = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}
_SINGLE = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class InputField:
    """One thing that is asked for. ``choices`` are the values there are, each as JSON; ``rules`` what else holds."""

    name: str
    label: str
    hint: str
    kind: FieldKind
    is_required: bool
    default: JsonValue = None
    choices: Sequence[str] = ()
    rules: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InputShape:
    """How the input is asked for: as ``text``, as ``json``, or by ``fields``."""

    kind: Literal["text", "json", "fields"] = "text"
    fields: Sequence[InputField] = ()
    schema: JsonObject | None = None

    def troubles(self, value: JsonValue) -> Sequence[tuple[str, Misfit]]:
        """List everything that is wrong with an input, by the name of its field; under "" what belongs to none."""
        if self.schema is None:
            return []
        names = {asked.name for asked in self.fields}
        return [_of_field(misfit, names) for misfit in misfits(value, self.schema, most=MOST_TROUBLES)]


def input_shape(document: JsonValue, *, like: JsonValue = None) -> InputShape:
    """Return how to ask for the input of a flow; ``like`` is an input it was given before."""
    schema = _schema_of(document)
    if schema is None:
        return InputShape("text" if like is None or isinstance(like, str) else "json")
    return shape_of(schema)


def shape_of(schema: JsonObject) -> InputShape:
    """Return how to ask for what a schema describes."""
    if schema.get("type") == "string":
        return InputShape("text", schema=schema)
    properties = schema.get("properties")
    is_plain = isinstance(properties, Mapping) and 0 < len(properties) <= MOST_FIELDS
    if not is_plain or schema.get("type", "object") != "object" or not isinstance(properties, Mapping):
        return InputShape("json", schema=schema)
    needed = schema.get("required")
    required = list(map(str, needed)) if isinstance(needed, list | tuple) else []
    # What must be there without being described can only be typed in.
    if set(required) - properties.keys():
        return InputShape("json", schema=schema)
    return InputShape(
        "fields", [_field(name, asked, is_required=name in required) for name, asked in properties.items()], schema
    )


def as_typed(value: JsonValue) -> str:
    """Write a value as a person would type it."""
    return value if isinstance(value, str) else to_json(value).rstrip()


def from_typed(text: str) -> JsonValue:
    """Read what a person typed as JSON. Raises GraphInvalid where it is none."""
    return read_json(text)


def typed_or_text(text: str) -> JsonValue:
    """Read what a person typed: JSON where it is that, else the text itself; None where there is nothing."""
    if not text.strip():
        return None
    try:
        return read_json(text)
    except GraphInvalid:
        return text


def _schema_of(document: JsonValue) -> JsonObject | None:
    try:
        graph = parse_flow(document)
    except GraphInvalid:
        return None
    schema = graph.nodes[graph.entry].settings.get("schema")
    return schema if isinstance(schema, Mapping) and schema else None


def _field(name: str, asked: JsonValue, *, is_required: bool) -> InputField:
    said = asked if isinstance(asked, Mapping) else {}
    kind, choices = _control(said)
    return InputField(
        name=name,
        label=str(said.get("title") or name),
        hint=str(said.get("description") or ""),
        kind=kind,
        is_required=is_required,
        default=said.get("default"),
        choices=choices,
        rules={rule: said[rule] for rule in RULES if rule in said},
    )


def _control(said: JsonObject) -> tuple[FieldKind, Sequence[str]]:
    """Return how something is asked for, and the values it may have where it is one of several."""
    if (values := _values(said)) is not None:
        return "choice", values
    kind, items = said.get("type"), said.get("items")
    if kind == "array" and isinstance(items, Mapping):
        if (values := _values(items)) is not None:
            return "choices", values
        return "lines" if items.get("type") == "string" else "json", ()
    return _KINDS.get(kind, "json") if isinstance(kind, str) else "json", ()


def _values(said: JsonObject) -> Sequence[str] | None:
    values = said.get("enum")
    is_choice = isinstance(values, list | tuple) and all(isinstance(value, _SINGLE) for value in values)
    return [to_json(value).rstrip() for value in values] if is_choice and isinstance(values, list | tuple) else None


def _of_field(misfit: Misfit, names: AbstractSet[str]) -> tuple[str, Misfit]:
    name = str(misfit.place[0]) if misfit.place else ""
    return (name, replace(misfit, place=misfit.place[1:])) if name in names else ("", misfit)
