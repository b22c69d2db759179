# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a server offers, in our shape: bounded, its schemas without what is not checked here."""

from dataclasses import replace
from typing import Any

import mcp_types as types
from mcp.client.client import Client

from agents.engine.offered import DESCRIPTION_CHARACTERS, OfferedTool, clean_tool_name
from agents.engine.openapi.shapes import Resolver, TooLarge, Unresolved
from codexos.kernel.jsontypes import JsonObject
from codexos.kernel.schemas import schema_trouble

MOST_TOOLS = 200
MOST_PAGES = 20
_RESOURCES = "read_resource"
_PROMPTS = "get_prompt"


async def offers_of(client: Client) -> list[OfferedTool]:
    """Return what a server offers: its tools, and one tool each for its resources and its prompts."""
    can = client.server_capabilities
    listed = await _every_tool(client) if can.tools is not None else []
    found: dict[str, OfferedTool] = {}
    for tool in listed:
        name = clean_tool_name(tool.name, taken=found)
        found[name] = _offered(name, tool)
    for has, ours in ((can.resources, _READ_RESOURCE), (can.prompts, _GET_PROMPT)):
        if has is not None:
            name = clean_tool_name(ours.name, taken=found)
            found[name] = replace(ours, name=name)
    return list(found.values())


async def _every_tool(client: Client) -> list[types.Tool]:
    tools: list[types.Tool] = []
    cursor = None
    for _ in range(MOST_PAGES):
        page = await client.session.list_tools(params=types.PaginatedRequestParams(cursor=cursor) if cursor else None)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor or len(tools) >= MOST_TOOLS:
            break
    return tools[:MOST_TOOLS]


def _offered(name: str, tool: types.Tool) -> OfferedTool:
    said = (tool.description or tool.title or "")[:DESCRIPTION_CHARACTERS]
    call: JsonObject = {"method": "tool", "name": tool.name}
    hint = tool.annotations.read_only_hint if tool.annotations else None
    try:
        schema = _plain(tool.input_schema)
    except (TooLarge, Unresolved) as error:
        trouble = f"What it takes cannot be checked here: {error or 'its schema is too large'}."
        return OfferedTool(name, said, trouble=trouble, call=call)
    wrong = schema_trouble(schema)
    return OfferedTool(
        name,
        said,
        schema,
        call={**call, "says_read_only": bool(hint)},
        trouble=f"What it takes cannot be checked here: its schema {wrong}." if wrong else "",
    )


def _plain(schema: dict[str, Any]) -> JsonObject:
    plain = dict(Resolver(schema).schema(schema))
    return {**plain, "type": "object"}


_TEXT: JsonObject = {"type": "string", "minLength": 1, "maxLength": 2000}
_READ_RESOURCE = OfferedTool(
    _RESOURCES,
    "Read a resource of this server by its address; without one, list the addresses there are.",
    {"type": "object", "properties": {"uri": _TEXT}, "additionalProperties": False},
    reads_only=True,
    call={"method": "resource"},
)
_GET_PROMPT = OfferedTool(
    _PROMPTS,
    "Get a prompt of this server by its name, filled in with arguments; without a name, list the prompts there are.",
    {
        "type": "object",
        "properties": {"name": _TEXT, "arguments": {"type": "object", "additionalProperties": {"type": "string"}}},
        "additionalProperties": False,
    },
    reads_only=True,
    call={"method": "prompt"},
)
