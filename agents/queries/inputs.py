# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a flow asks of whoever runs it: read from the schema of its entry, as far as a form can ask for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agents.engine.documents import parse_flow
from agents.engine.errors import GraphInvalid
from agents.engine.json_text import read_json, to_json
from agents.engine.schemas import mismatches
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_FIELDS = 50

FieldKind = Literal["text", "integer", "number", "boolean", "choice", "json"]
_KINDS: Mapping[JsonValue, FieldKind] = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}
_SINGLE = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class InputField:
    """One thing that is asked for. ``choices`` are the values there are, each as JSON."""

    name: str
    label: str
    hint: str
    kind: FieldKind
    is_required: bool
    default: JsonValue = None
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class InputShape:
    """How the input is asked for: as ``text``, as ``json``, or by ``fields``."""

    kind: Literal["text", "json", "fields"] = "text"
    fields: Sequence[InputField] = ()
    schema: JsonObject | None = None

    def troubles(self, value: JsonValue) -> dict[str, str]:
        """Say what is wrong with an input, by the name of the field; under "" what belongs to none."""
        if self.schema is None:
            return {}
        found = {}
        if isinstance(value, Mapping):
            for field in self.fields:
                if field.name in value and (wrong := mismatches(value[field.name], _part(self.schema, field.name))):
                    found[field.name] = "; ".join(wrong)
        if not found and (wrong := mismatches(value, self.schema)):
            found[""] = "; ".join(wrong)
        return found


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
    # What must be there comes first: a list keeps its order in the database, the properties of an object do not.
    names = dict.fromkeys([*required, *properties])
    return InputShape(
        "fields", [_field(name, properties[name], is_required=name in required) for name in names], schema
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
    values = said.get("enum")
    is_choice = isinstance(values, list | tuple) and all(isinstance(value, _SINGLE) for value in values)
    return InputField(
        name=name,
        label=str(said.get("title") or name),
        hint=str(said.get("description") or ""),
        kind="choice" if is_choice else _kind(said.get("type")),
        is_required=is_required,
        default=said.get("default"),
        choices=[to_json(value).rstrip() for value in values] if is_choice and isinstance(values, list | tuple) else (),
    )


def _kind(said: JsonValue) -> FieldKind:
    return _KINDS.get(said, "json") if isinstance(said, str) else "json"


def _part(schema: JsonObject, name: str) -> JsonObject:
    properties = schema.get("properties")
    part = properties.get(name) if isinstance(properties, Mapping) else None
    return part if isinstance(part, Mapping) else {}
