# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flows as tools: what they are for, and what they take, as their documents say."""

from collections.abc import Mapping

from agents.engine.drawing import read_boxes
from agents.engine.findings import Findings
from agents.engine.graph import FlowGraph, FlowTool
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_DESCRIBED = 1_000
_ANY_TEXT: JsonObject = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "What the flow is to work on, in full."}},
    "required": ["input"],
    "additionalProperties": False,
}


def flow_tool(name: str, document: JsonObject, graph: FlowGraph) -> FlowTool:
    """Return what a model or a node is told of a flow that it may call."""
    said, title = document.get("description"), document.get("name")
    description = said if isinstance(said, str) and said.strip() else f"Does the flow {title or name!r}."
    schema, takes_text = _taken(graph.nodes[graph.entry].settings.get("schema"))
    return FlowTool(description[:MOST_DESCRIBED], schema, graph, takes_text=takes_text)


def schema_of_flow(document: JsonValue) -> JsonObject:
    """Return what a flow takes as a tool, as its document says."""
    boxes = read_boxes(document, Findings()) if isinstance(document, Mapping) and "nodes" in document else ()
    return _taken(next((box.settings.get("schema") for box in boxes if box.kind == "entry"), None))[0]


def _taken(schema: JsonValue) -> tuple[JsonObject, bool]:
    if isinstance(schema, Mapping) and (schema.get("type") == "object" or "properties" in schema):
        return schema, False
    return _ANY_TEXT, True
