# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""entry: where a run begins. Its result is the input, with the defaults of ``schema`` and checked against it."""

from collections.abc import Mapping

from agents.engine.errors import RunInputInvalid
from agents.engine.nodes import settings
from agents.engine.steps import PureKind, Setting, StepContext
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.schemas import mismatches


def entered_with(step: StepContext) -> JsonValue:
    """Return what a flow begins with: its input, with its defaults. Raises RunInputInvalid."""
    schema = step.node.settings.get("schema")
    if not isinstance(schema, Mapping):
        return step.lane.input
    given = _with_defaults(step.lane.input, schema)
    wrong = mismatches(given, schema)
    if wrong:
        raise RunInputInvalid(
            f"The input does not fit what this flow asks for: {'; '.join(wrong)}. Correct it and run again.",
            errors=[{"place": "$.input", "message": message} for message in wrong],
        )
    return given


def _with_defaults(given: JsonValue, schema: JsonObject) -> JsonValue:
    # An input that was left out is empty text on the wire.
    return _filled(schema["default"] if given in (None, "") and "default" in schema else given, schema)


def _filled(given: JsonValue, schema: JsonObject) -> JsonValue:
    """Add the defaults of properties that are missing, at any depth of objects; inside lists nothing is added."""
    properties = schema.get("properties")
    if not isinstance(given, Mapping) or not isinstance(properties, Mapping):
        return given
    filled = dict(given)
    for name, shape in properties.items():
        if isinstance(shape, Mapping) and (name in filled or "default" in shape):
            filled[name] = _filled(filled[name] if name in filled else shape["default"], shape)
    return filled


ENTRY = PureKind(
    "entry",
    {
        "schema": Setting(
            settings.A_SCHEMA,
            "JSON Schema of the input: what is left out has its default; a run whose input does not fit fails at once.",
        )
    },
    entered_with,
)
