# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Knowledge bases as tools: a call of one asks it a question and gives passages, each with its citation."""

from collections.abc import Mapping, Sequence
from typing import Any

import mcp_types as types

from agents.mcp_server.flows import MOST_MISFITS
from agents.mcp_server.problems import failed
from agents.mcp_server.sending import Answer, Context, Sender, ask, sender_of
from agents.queries.offers import KnowledgeOffer, list_knowledge_offers, named
from codexos.kernel.errors import CodexosError, InvalidInput
from codexos.kernel.schemas import misfits
from rag.operations.retrieval import Asked, Retrieved, filters_of, retrieve

_INPUT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "query": {
            "type": "string",
            "minLength": 1,
            "maxLength": 8000,
            "description": "What to look for, in plain words.",
        },
        "top_k": {"type": "integer", "minimum": 1, "maximum": 50, "description": "How many passages at most."},
        "path": {"type": "string", "maxLength": 500, "description": "Only documents there, such as docs/** or a.md."},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 20},
        "commit": {"type": "string", "maxLength": 64, "description": "What stood there at this commit."},
        "mode": {"type": "string", "enum": ["hybrid", "exact", "semantic"]},
    },
    "required": ["query"],
    "additionalProperties": False,
}
_OUTPUT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    **{name: {"type": "string"} for name in ("chunk_id", "document_id", "title", "text", "context")},
                    "score": {"type": "number"},
                    "citation": {"type": "object"},
                },
                "required": ["chunk_id", "title", "text", "citation"],
            },
        },
        "notes": {"type": "array", "items": {"type": "string"}},
        "took_ms": {"type": "number"},
    },
    "required": ["results", "took_ms"],
}


class KnowledgeShelf:
    """The knowledge bases that the sender sees."""

    async def list(self, sender: Sender) -> Sequence[types.Tool]:
        """Return a tool for each."""
        return [_tool(offer) for offer in await ask(sender, list_knowledge_offers, sender.actor)]

    async def call(self, ctx: Context, params: types.CallToolRequestParams) -> Answer | None:
        """Ask a knowledge base."""
        sender = sender_of(ctx)
        offer = named(await ask(sender, list_knowledge_offers, sender.actor), params.name)
        if offer is None:
            return None
        try:
            return _told(await ask(sender, _retrieve, sender, offer, arguments=params.arguments or {}))
        except CodexosError as error:
            return failed(error, sender)


def _tool(offer: KnowledgeOffer) -> types.Tool:
    return types.Tool(
        name=offer.name,
        title=offer.title,
        description=offer.description or f"Looks for passages in the knowledge base {offer.title!r}.",
        input_schema=_INPUT,
        output_schema=_OUTPUT,
        annotations=types.ToolAnnotations(title=offer.title, read_only_hint=True, idempotent_hint=True),
    )


def _retrieve(sender: Sender, offer: KnowledgeOffer, *, arguments: Mapping[str, Any]) -> Retrieved:
    if wrong := misfits(dict(arguments), _INPUT, most=MOST_MISFITS):
        errors = [{"place": ".".join(map(str, each.place)) or "arguments", "message": each.message} for each in wrong]
        raise InvalidInput("The arguments do not fit this tool. Correct them and call again.", errors=errors)
    given = {name: arguments[name] for name in ("path", "tags", "commit") if name in arguments}
    asked = Asked(
        text=str(arguments["query"]),
        top_k=arguments.get("top_k"),
        mode=arguments.get("mode"),
        filters=filters_of(**given),
    )
    return retrieve(sender.actor, asked, knowledge=[offer.base_id])


def _told(retrieved: Retrieved) -> types.CallToolResult:
    passages = retrieved.found.passages
    results = [
        {
            "chunk_id": str(each.chunk_id),
            "document_id": str(each.document_id),
            "title": each.title,
            "text": each.text,
            "context": each.context,
            "score": each.score,
            "citation": each.citation.as_json(),
        }
        for each in passages
    ]
    said = "\n\n".join(f"[{number}] {each.citation.path}\n{each.full_text}" for number, each in enumerate(passages, 1))
    told = {"results": results, "notes": [*retrieved.found.notes], "took_ms": retrieved.took_ms}
    text = said or " ".join(["Nothing was found for this.", *retrieved.found.notes])
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=told)
