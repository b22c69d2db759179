# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a server answered, as the result of a step: its text, its data, and what was left out."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import mcp_types as types

from agents.errors import ToolFailed
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_CHARACTERS = 400_000
"""Of text that is kept."""


def result_of(name: str, answer: types.CallToolResult) -> JsonObject:
    """Return a tool's answer. Raises ToolFailed where the tool says that it failed."""
    text, left_out = _said(answer.content)
    if answer.is_error:
        raise ToolFailed(f"{name!r} failed: {text[:2000] or 'it did not say why'}")
    kept: dict[str, JsonValue] = {**_cut(text), "left_out": left_out}
    if answer.structured_content is not None:
        written = json.dumps(answer.structured_content, default=str)
        kept["json"] = answer.structured_content if len(written) <= MOST_CHARACTERS else None
    return kept


def resource_of(contents: Sequence[Any]) -> JsonObject:
    """Return what stands in a resource."""
    text, left_out = _said(types.EmbeddedResource(resource=content) for content in contents)
    return {**_cut(text), "left_out": left_out}


def prompt_of(answer: types.GetPromptResult) -> JsonObject:
    """Return a prompt that was filled in."""
    text, left_out = _said(message.content for message in answer.messages)
    return {**_cut(text), "left_out": left_out}


def listed(lines: Iterable[str]) -> JsonObject:
    """Return a list in words."""
    return {**_cut("\n".join(lines)), "left_out": []}


def _cut(text: str) -> dict[str, JsonValue]:
    return {"text": text[:MOST_CHARACTERS], **({"truncated": True} if len(text) > MOST_CHARACTERS else {})}


def _said(content: Iterable[Any]) -> tuple[str, list[JsonValue]]:
    texts: list[str] = []
    left_out: list[JsonValue] = []
    for part in content:
        match part:
            case types.TextContent(text=text):
                texts.append(text)
            case types.EmbeddedResource(resource=types.TextResourceContents(text=text)):
                texts.append(text)
            case types.ResourceLink(uri=uri):
                texts.append(str(uri))
            case types.EmbeddedResource(resource=types.BlobResourceContents(uri=uri, mime_type=kind, blob=blob)):
                left_out.append({"uri": str(uri)[:500], "type": kind or "", "size": len(blob) * 3 // 4})
            case _:
                left_out.append(
                    {"type": getattr(part, "mime_type", ""), "size": len(getattr(part, "data", "")) * 3 // 4}
                )
    return "\n".join(texts), left_out
