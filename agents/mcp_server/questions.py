# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Approvals as elicitation: what a run asks people is asked through the client, where that can be."""

import json
from collections.abc import Mapping
from typing import Any

import mcp_types as types

from agents.mcp_server.outcomes import Wait
from agents.mcp_server.sending import Context, is_modern
from agents.operations.verdicts import Decision, Verdict
from agents.queries.inputs import as_typed
from agents.queries.timeline import WaitingView
from codexos.kernel.jsontypes import JsonObject, JsonValue

LONGEST_MESSAGE = 8000
_PLAIN = frozenset({"string", "number", "integer", "boolean"})
_KEPT = (
    *("type", "title", "description", "default", "enum", "format"),
    *("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"),
)


def can_ask(ctx: Context, wait: Wait) -> bool:
    """Tell whether the client can be asked: it takes forms, this one is plain, and its person may answer."""
    capabilities = ctx.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None or not wait.is_theirs or form_schema(wait.view.form) is None:
        return False
    takes_forms = elicitation.form is not None or elicitation.url is None
    return takes_forms and (is_modern(ctx) or ctx.session.can_send_request)


async def ask_of(ctx: Context, wait: WaitingView, *, trouble: str = "") -> types.ElicitResult:
    """Ask over a session. Raises MCPError."""
    said = f"{trouble}\n\n{_message(wait)}" if trouble else _message(wait)
    return await ctx.session.elicit_form(said, form_schema(wait.form) or {}, ctx.request_id)


def request_of(wait: WaitingView) -> types.ElicitRequest:
    """Return the question as what a call without a session gives back."""
    params = types.ElicitRequestFormParams(message=_message(wait), requested_schema=form_schema(wait.form) or {})
    return types.ElicitRequest(params=params)


def verdict_of(response: Any, wait: WaitingView) -> Verdict | None:
    """Return what a person said: accepting approves of what they were shown, declining rejects; else None."""
    match response:
        case types.ElicitResult(action="accept", content=content):
            return Verdict(Decision.APPROVE, form=dict(content) if content else None, hash=wait.hash or None)
        case types.ElicitResult(action="decline"):
            return Verdict(Decision.REJECT, hash=wait.hash or None)
        case _:
            return None


def form_schema(form: JsonObject | None) -> dict[str, Any] | None:
    """Return a form as clients can ask for it: fields of plain values; None where it asks for more than that."""
    if form is None:
        return {"type": "object", "properties": {}}
    properties = form.get("properties", {})
    if form.get("type", "object") != "object" or not isinstance(properties, Mapping):
        return None
    fields = {name: _field(asked) for name, asked in properties.items()}
    if any(field is None for field in fields.values()):
        return None
    required = form.get("required")
    needed = {"required": list(required)} if isinstance(required, list | tuple) and required else {}
    return {"type": "object", "properties": fields, **needed}


def _field(asked: JsonValue) -> dict[str, Any] | None:
    if not isinstance(asked, Mapping):
        return None
    kept: dict[str, Any] = {name: asked[name] for name in _KEPT if name in asked}
    if asked.get("type") in _PLAIN:
        return kept if _is_of_texts(asked.get("enum", ())) else None
    items = asked.get("items")
    is_choice = asked.get("type") == "array" and isinstance(items, Mapping) and _is_of_texts(items.get("enum"))
    return {**kept, "items": dict(items)} if is_choice and isinstance(items, Mapping) else None


def _is_of_texts(values: JsonValue) -> bool:
    return isinstance(values, list | tuple) and all(isinstance(value, str) for value in values)


def _message(wait: WaitingView) -> str:
    """Say what is asked and everything that people are shown to decide by."""
    call = wait.told.get("call")
    shown = (wait.title, wait.message, as_typed(wait.show) if wait.show is not None else "", _written(call))
    said = "\n\n".join(part for part in dict.fromkeys(shown) if part)
    return said if len(said) <= LONGEST_MESSAGE else f"{said[:LONGEST_MESSAGE]}… (more on the run's page)"


def _written(call: JsonValue) -> str:
    return json.dumps(call, ensure_ascii=False, indent=2, default=dict) if call else ""
