# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The tools of the rehearsal that ask their client something before they give a result (2026-07-28)."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from agents.mcp_server.sending import Context

_KEY = b"of this rehearsal alone"


def _seal(state: str) -> str:
    return f"{state}.{hmac.new(_KEY, state.encode(), hashlib.sha256).hexdigest()}"


def _open(sealed: str | None) -> str:
    state, _, _ = (sealed or "").rpartition(".")
    if sealed and not hmac.compare_digest(_seal(state), sealed):
        raise MCPError(types.INVALID_PARAMS, "This state was changed on its way.")
    return state


def form(message: str, name: str, kind: str = "string") -> types.ElicitRequest:
    schema = {"type": "object", "properties": {name: {"type": kind}}, "required": [name]}
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(said: str, most: int) -> types.CreateMessageRequest:
    message = types.SamplingMessage(role="user", content=types.TextContent(text=said))
    return types.CreateMessageRequest(params=types.CreateMessageRequestParams(messages=[message], max_tokens=most))


_NAME = {"user_name": form("What is your name?", "name")}
_CAPITAL = {"capital_question": sample("What is the capital of France?", 100)}
_ROOTS = {"client_roots": types.ListRootsRequest()}


def _needed(asked: Mapping[str, Any], state: str | None = None) -> types.InputRequiredResult:
    return types.InputRequiredResult(input_requests=dict(asked), request_state=_seal(state) if state else None)


def _given(params: Any, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the answers where every question has one that fits it."""
    kinds = {types.ElicitRequest: types.ElicitResult, types.ListRootsRequest: types.ListRootsResult}
    answers = params.input_responses or {}
    for key, question in asked.items():
        answer = answers.get(key)
        if answer is None or not isinstance(answer, kinds.get(type(question), types.CreateMessageResult)):
            return None
        if isinstance(answer, types.ElicitResult) and not _fits(question, answer):
            return None
    return answers


def _fits(question: Any, answer: types.ElicitResult) -> bool:
    required = question.params.requested_schema["required"]
    return answer.action == "accept" and all(name in (answer.content or {}) for name in required)


def _text(said: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=said)])


def _asking(asked: Mapping[str, Any], *, state: str | None = None) -> Any:
    async def ask(_ctx: Context, params: types.CallToolRequestParams) -> Any:
        known = _open(params.request_state)
        answers = _given(params, asked)
        if answers is None or (state is not None and known != state):
            return _needed(asked, state)
        return _text(f"Hello, {answers!r}! {'state-ok' if state else ''}")

    return ask


async def _rounds(_ctx: Context, params: types.CallToolRequestParams) -> Any:
    first = {"step1": form("Step 1: What is your name?", "name")}
    second = {"step2": form("Step 2: What is your favorite color?", "color")}
    state = _open(params.request_state)
    if state == "two" and _given(params, second):
        return _text("Both steps are done.")
    return _needed(second, "two") if state == "one" and _given(params, first) else _needed(first, "one")


async def _capable(ctx: Context, params: types.CallToolRequestParams) -> Any:
    can = ctx.session.client_capabilities or types.ClientCapabilities()
    offered = [(can.elicitation, _NAME), (can.sampling, _CAPITAL), (can.roots, _ROOTS)]
    asked = {key: question for has, each in offered if has is not None for key, question in each.items()}
    if not asked or _given(params, asked):
        return _text("Nothing is left to ask.")
    return _needed(asked)


def prompt_with_question(params: types.GetPromptRequestParams) -> Any:
    asked = {"user_context": form("What context should the prompt use?", "context")}
    answers = _given(params, asked)
    if answers is None:
        return _needed(asked)
    said = types.TextContent(text=f"In the context of {answers['user_context'].content}.")
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=said)])


_CONFIRM = {"confirm": form("Please confirm", "ok", "boolean")}
ASKING: dict[str, Any] = {
    "test_input_required_result_elicitation": _asking(_NAME),
    "test_input_required_result_sampling": _asking(_CAPITAL),
    "test_input_required_result_list_roots": _asking(_ROOTS),
    "test_input_required_result_request_state": _asking(_CONFIRM, state="confirming"),
    "test_input_required_result_tampered_state": _asking(_CONFIRM, state="tampering"),
    "test_input_required_result_multiple_inputs": _asking(
        {**_NAME, "greeting": sample("Generate a greeting", 50), **_ROOTS}, state="several"
    ),
    "test_input_required_result_multi_round": _rounds,
    "test_input_required_result_capabilities": _capable,
}
