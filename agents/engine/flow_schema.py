# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The JSON Schema of flow documents, made from what the kinds declare.

It says how a document may be shaped, in either dialect; whether it holds together only ``documents.check_flow`` knows.
"""

from collections.abc import Mapping

from agents.engine.fittings import MAX_ID_CHARACTERS
from agents.engine.graph import CHOOSING
from agents.engine.nodes.every import EVERY_KIND
from agents.engine.registry import KINDS
from agents.engine.shape import MAX_EDGES, MAX_NODES
from agents.engine.steps import NodeKind, Setting
from agents.engine.writers import LIMITS_SCHEMA, STATE_SCHEMA
from codexos.kernel.jsontypes import JsonObject, JsonValue

_ID: JsonObject = {"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARACTERS}
_TARGETS: JsonObject = {
    "description": "The id of a node, or of several that run side by side.",
    "anyOf": [{"$ref": "#/$defs/id"}, {"type": "array", "items": {"$ref": "#/$defs/id"}}],
}
_WAYS: JsonObject = {
    "description": "What follows: a node, or several side by side; each may ask for something with 'when'.",
    "anyOf": [
        {"$ref": "#/$defs/id"},
        {
            "type": "array",
            "items": {
                "anyOf": [
                    {"$ref": "#/$defs/id"},
                    {
                        "type": "object",
                        "properties": {
                            "when": {"type": "string", "description": "An expression, or else."},
                            "next": {"$ref": "#/$defs/targets"},
                        },
                        "required": ["when", "next"],
                        "additionalProperties": False,
                    },
                ]
            },
        },
    ],
}
_OUTCOMES: JsonObject = {
    "description": "From each outcome to what follows, else from the rest. Beside cases, a node stands for else.",
    "anyOf": [
        {"$ref": "#/$defs/targets"},
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/targets"}},
    ],
}
_POSITION: JsonObject = {
    "type": "object",
    "properties": {"x": {"type": "number"}, "y": {"type": "number"}},
    "required": ["x", "y"],
}
_EDGE: JsonObject = {
    "type": "object",
    "properties": {
        "source": {"$ref": "#/$defs/id"},
        "target": {"$ref": "#/$defs/id"},
        "when": {
            "description": "Of a condition the outcome that takes this way; of others an expression, or else.",
            "type": ["string", "boolean", "null"],
        },
    },
    "required": ["source", "target"],
}
_BODY: JsonObject = {
    "description": "A flow inside a node, from an entry of its own to an exit of its own.",
    "type": "object",
    "properties": {
        "nodes": {"type": "array", "minItems": 1, "maxItems": MAX_NODES, "items": {"$ref": "#/$defs/node"}},
        "edges": {"type": ["array", "null"], "maxItems": MAX_EDGES, "items": {"$ref": "#/$defs/edge"}},
    },
    "required": ["nodes"],
}
_TOP: Mapping[str, JsonValue] = {
    "$schema": {"type": "string"},
    "id": {"type": "string", "description": "The short name is made from it, or from the name."},
    "name": {"type": "string", "maxLength": 200},
    "owner_id": {"type": ["string", "null"], "description": "Kept, and without meaning."},
    "description": {"type": "string", "maxLength": 10_000},
    "nodes": {"type": "array", "minItems": 1, "maxItems": MAX_NODES, "items": {"$ref": "#/$defs/node"}},
    "edges": {"type": ["array", "null"], "maxItems": MAX_EDGES, "items": {"$ref": "#/$defs/edge"}},
    "state": {"description": "Variables that nodes set and templates read as state.NAME.", **STATE_SCHEMA},
    "limits": {"description": "How far a run may go before it is ended.", **LIMITS_SCHEMA},
    "layout": {
        "description": "Where nodes are drawn, by their id. Moving one changes no version.",
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/position"},
    },
    "metadata": {"type": "object", "description": "Whatever else is to be kept: tags, a version, a description."},
}


def flow_schema() -> JsonObject:
    """Say as JSON Schema (draft 2020-12) how flow documents are shaped."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Flow",
        "description": "A flow of CodexOS: nodes with settings in config, edges and layout (the canonical form), or "
        "nodes with their settings beside id and type, and next.",
        "type": "object",
        "properties": _TOP,
        "required": ["nodes"],
        "$defs": {
            "id": _ID,
            "targets": _TARGETS,
            "ways": _WAYS,
            "outcomes": _OUTCOMES,
            "position": _POSITION,
            "edge": _EDGE,
            "body": _BODY,
            "node": _node(),
            **{f"{kind.name}-settings": _settings(kind) for kind in KINDS.values()},
            **{kind.name: _kind(kind) for kind in KINDS.values()},
        },
    }


def _node() -> JsonObject:
    of_kind: list[JsonValue] = [
        {"if": {"required": ["type"], "properties": {"type": {"const": name}}}, "then": {"$ref": f"#/$defs/{name}"}}
        for name in KINDS
    ]
    return {
        "type": "object",
        "properties": {
            "id": {"$ref": "#/$defs/id"},
            "type": {"enum": list(KINDS)},
            "label": {"type": ["string", "null"], "maxLength": 200},
            "description": {"type": ["string", "null"], "maxLength": 10_000},
            "position": {"$ref": "#/$defs/position"},
        },
        "required": ["id", "type"],
        "allOf": of_kind,
        "unevaluatedProperties": False,
    }


def _settings(kind: NodeKind) -> JsonObject:
    """What ``config`` of a kind may hold."""
    return {"type": "object", "properties": _properties(kind), "additionalProperties": False}


def _properties(kind: NodeKind) -> dict[str, JsonValue]:
    of_kind: dict[str, JsonValue] = {
        name: _described(setting) for name, setting in {**kind.settings, **EVERY_KIND}.items()
    }
    return {**of_kind, "else": {"$ref": "#/$defs/targets"}} if kind.name in CHOOSING else of_kind


def _described(setting: Setting) -> JsonObject:
    return {"description": setting.doc, **setting.shape.schema}


def _kind(kind: NodeKind) -> JsonObject:
    """What a node of a kind may hold beside its id and type."""
    name = f"#/$defs/{kind.name}-settings"
    beside: dict[str, JsonValue] = {setting: {"$ref": f"{name}/properties/{setting}"} for setting in _properties(kind)}
    made: dict[str, JsonValue] = {
        "properties": {**_lead(kind), "config": {"anyOf": [{"type": "null"}, {"$ref": name}]}, **beside}
    }
    needed = [_needs(setting) for setting, declared in kind.settings.items() if declared.is_required]
    if kind.name == "condition":
        needed.append({"anyOf": [_needs("expression"), _needs("cases")]})
    return {**made, "allOf": needed} if needed else made


def _lead(kind: NodeKind) -> dict[str, JsonValue]:
    if kind.name == "exit":
        return {"next": {"type": "null"}}
    return {"next": {"$ref": "#/$defs/outcomes" if kind.name in CHOOSING else "#/$defs/ways"}}


def _needs(setting: str) -> JsonObject:
    in_config: JsonObject = {"required": ["config"], "properties": {"config": {"required": [setting]}}}
    return {"anyOf": [{"required": [setting]}, in_config]}
