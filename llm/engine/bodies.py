# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A request as OpenAI's chat completions write it."""

from base64 import b64encode
from collections.abc import Mapping

from codexos.kernel.chat import ChatRequest, Image, Message, ToolCall, ToolOffer
from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.engine.prompting import with_documents

# What models that think before they answer do not take.
_NOT_OF_THINKERS = ("temperature", "top_p", "stop")


def request_body(request: ChatRequest, *, model: str, is_reasoning: bool) -> JsonObject:
    """Return what is sent. A model that thinks chooses its words alone, and its limit has another name."""
    messages = with_documents(request.messages, request.documents)
    body: dict[str, JsonValue] = {
        "model": model,
        "messages": [_as_sent(message) for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    left_out = left_out_of(request) if is_reasoning else ()
    body |= {name: value for name, value in _settings(request).items() if name not in left_out}
    if request.max_tokens is not None:
        body["max_completion_tokens" if is_reasoning else "max_tokens"] = request.max_tokens
    if request.tools:
        body["tools"] = [_offer(tool) for tool in request.tools]
        if request.tool_choice != "auto":
            body["tool_choice"] = request.tool_choice
    if request.schema is not None:
        # Not strict: that takes a part of JSON Schema only, and what comes is checked here anyway.
        wanted: JsonObject = {"name": "answer", "schema": request.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    return body


def left_out_of(request: ChatRequest) -> tuple[str, ...]:
    """Name the settings of a request that a model which thinks before it answers does not take."""
    return tuple(name for name in _NOT_OF_THINKERS if name in _settings(request))


def _settings(request: ChatRequest) -> Mapping[str, JsonValue]:
    told: dict[str, JsonValue] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": request.seed,
        "stop": list(request.stop) or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _as_sent(message: Message) -> JsonObject:
    text = _sendable(message.text)
    if message.role == "tool":
        # Without the id of a call, which only a model gives, the protocol refuses what a tool said.
        if not message.call_id:
            return {"role": "user", "content": text}
        return {"role": "tool", "tool_call_id": message.call_id, "content": text}
    if message.calls:
        return {"role": message.role, "content": text or None, "tool_calls": [_call(each) for each in message.calls]}
    if message.images:
        said: list[JsonValue] = [{"type": "text", "text": text}] if text else []
        return {"role": message.role, "content": [*said, *(_shown(image) for image in message.images)]}
    return {"role": message.role, "content": text}


def _sendable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _shown(image: Image) -> JsonObject:
    url = f"data:{image.media_type};base64,{b64encode(image.content).decode('ascii')}"
    return {"type": "image_url", "image_url": {"url": url}}


def _call(call: ToolCall) -> JsonObject:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _sendable(call.arguments)}}


def _offer(tool: ToolOffer) -> JsonObject:
    told: JsonObject = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", "function": told}
