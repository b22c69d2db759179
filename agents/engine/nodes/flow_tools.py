# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flows as tools: what they are for, and what they take, as their documents say."""

from collections.abc import Mapping

from agents.engine.graph import FlowGraph, FlowTool
from codexos.kernel.jsontypes import JsonObject

MOST_DESCRIBED = 1_000
_ANY_TEXT: JsonObject = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "What the flow is to work on, in full."}},
    "required": ["input"],
    "additionalProperties": False,
}


def flow_tool(name: str, document: JsonObject, graph: FlowGraph) -> FlowTool:
    """Return what a model or a node is told of a flow that it may call."""
    said = document.get("description")
    title = document.get("name")
    description = said if isinstance(said, str) and said.strip() else f"Does the flow {title or name!r}."
    schema = graph.nodes[graph.entry].settings.get("schema")
    if isinstance(schema, Mapping) and (schema.get("type") == "object" or "properties" in schema):
        return FlowTool(description[:MOST_DESCRIBED], schema, graph)
    return FlowTool(description[:MOST_DESCRIBED], _ANY_TEXT, graph, takes_text=True)
