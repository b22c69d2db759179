# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Anthropic's messages: typed events, an answer in blocks, turns that must alternate, and errors named by kind."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.providers.server import KEY, Asked, FakeProvider, Script, need, only, text_of

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "model": str,
    "messages": list,
    "max_tokens": int,
    "system": (str, list),
    "temperature": (int, float),
    "top_p": (int, float),
    "stop_sequences": list,
    "stream": bool,
    "tools": list,
    "tool_choice": dict,
    "output_format": dict,
}
_BLOCKS = {
    "text": {"type", "text", "cache_control"},
    "image": {"type", "source", "cache_control"},
    "tool_use": {"type", "id", "name", "input", "cache_control"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
}
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
# What litellm adds: a tool to answer by, and one that stands in where calls are told of and no tool is offered.
_ADDED = {"json_tool_call", "dummy_tool"}
_FINISH = {"stop": "end_turn", "length": "max_tokens", "filter": "refusal"}
STRUCTURED = "structured-outputs-2025-11-13"


@dataclass
class FakeAnthropic(FakeProvider):
    """Anthropic. Give it an older ``model`` and it has no structured output of its own."""

    kind, model = "anthropic", "claude-sonnet-4-5"
    is_seeded = False

    def check(self, asked: Asked) -> None:
        need(asked.path == "/v1/messages", "Not Found", 404)
        need(asked.headers.get("x-api-key") == KEY and "authorization" not in asked.headers, "invalid x-api-key", 401)
        need(asked.headers.get("anthropic-version") == "2023-06-01", "anthropic-version: header is required")
        need(asked.headers.get("content-type") == "application/json", "Send JSON.")
        body = asked.body
        only(body, _FIELDS, needed=("model", "messages", "max_tokens", "stream"))
        need(body["model"] == self.model, f"model: {body['model']}", 404)
        need(not {"temperature", "top_p"} <= body.keys(), "`temperature` and `top_p` cannot both be specified")
        _check_turns(body["messages"])
        for tool in body.get("tools", []):
            need(set(tool) <= {"name", "description", "input_schema", "type", "cache_control"}, "tools: Extra inputs")
            need(_TOOL_NAME.fullmatch(tool["name"]), "tools: String should match pattern")
            need(tool["input_schema"].get("type") == "object", "tools: input_schema must be an object")
        self._check_format(asked)
        marks = json.dumps(body).count('"cache_control"')
        need(marks <= 4, f"A maximum of 4 blocks with cache_control may be provided. Found {marks}.")

    def _check_format(self, asked: Asked) -> None:
        if "output_format" not in asked.body:
            return
        need(STRUCTURED in asked.headers.get("anthropic-beta", ""), "output_format: Extra inputs are not permitted")
        schema = asked.body["output_format"]["schema"]
        need(schema.get("additionalProperties") is False, "output_format: 'additionalProperties' must be false")

    def frames(self, script: Script, asked: Asked) -> Iterator[bytes]:
        told_in, told_out = script.usage
        usage = {
            "input_tokens": told_in - script.cached - script.written,
            "cache_creation_input_tokens": script.written,
            "cache_read_input_tokens": script.cached,
            "output_tokens": 1,
        }
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": self.model, "content": []}
        yield event("message_start", message={**head, "stop_reason": None, "stop_sequence": None, "usage": usage})
        yield event("ping")
        yield event("something_new", told="Who does not know an event leaves it out.")
        yield from self._blocks(script, asked)
        reason = "tool_use" if script.calls or self._is_forced(asked) else _FINISH[script.finish]
        delta = {"stop_reason": reason, "stop_sequence": None}
        yield event("message_delta", delta=delta, usage={"output_tokens": told_out})
        yield event("message_stop")

    def _blocks(self, script: Script, asked: Asked) -> Iterator[bytes]:
        calls = list(script.calls)
        if script.thought:
            yield event(
                "content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""}
            )
            yield event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": script.thought})
            yield event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "c2ln"})
            yield event("content_block_stop", index=0)
        if self._is_forced(asked):
            calls = [("json_tool_call", script.words)]
        elif script.words:
            yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
            for word in script.words:
                yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
            yield event("content_block_stop", index=0)
        for at, (name, pieces) in enumerate(calls, start=1):
            block = {"type": "tool_use", "id": f"toolu_{at}", "name": name, "input": {}}
            yield event("content_block_start", index=at, content_block=block)
            for piece in ("", *pieces):
                delta = {"type": "input_json_delta", "partial_json": piece}
                yield event("content_block_delta", index=at, delta=delta)
            yield event("content_block_stop", index=at)

    def _is_forced(self, asked: Asked) -> bool:
        return asked.body.get("tool_choice", {}).get("type") == "tool"

    def refusal(self, status: int, message: str) -> tuple[Mapping[str, str], Any]:
        error = {"type": _KINDS.get(status, "api_error"), "message": message}
        return {"request-id": "req_1"}, {"type": "error", "error": error, "request_id": "req_1"}

    def failure(self) -> bytes:
        return event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def said(self, asked: Asked) -> Mapping[str, Any]:
        body = asked.body
        blocks = [block for message in body["messages"] for block in _blocks_of(message)]
        forced = next((tool for tool in body.get("tools", []) if tool["name"] == "json_tool_call"), None)
        system = body.get("system", [])
        system = [{"type": "text", "text": system}] if isinstance(system, str) else system
        everything = [*system, *blocks]
        found = {
            "temperature": body.get("temperature"),
            "top_p": body.get("top_p"),
            "max_tokens": body.get("max_tokens"),
            "stop": body.get("stop_sequences"),
            "tools": [
                tool["name"] for tool in body.get("tools", []) if tool["name"] not in {"json_tool_call", "dummy_tool"}
            ],
            "must_call": body.get("tool_choice", {}).get("type") == "any",
            "schema": forced["input_schema"] if forced else body.get("output_format", {}).get("schema"),
            "images": [_picture(block) for block in blocks if block["type"] == "image"],
            "results": [block["content"] for block in blocks if block["type"] == "tool_result"],
            "calls": [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"],
            "text": "\n".join(block.get("text", "") for block in everything),
            "kept": [block["text"] for block in everything if "cache_control" in block],
        }
        return {name: value for name, value in found.items() if value not in (None, [], False)}


def event(kind: str, **data: Any) -> bytes:
    """Write one event."""
    return f"event: {kind}\ndata: ".encode() + text_of({"type": kind, **data}) + b"\n\n"


def _check_turns(messages: list[Any]) -> None:
    need(messages and messages[0]["role"] == "user", "messages: first message must use the user role")
    asked_for: set[str] = set()
    for before, message in zip([None, *messages], messages, strict=False):
        need(set(message) == {"role", "content"}, "messages: Extra inputs are not permitted")
        need(message["role"] in {"user", "assistant"}, "messages: Unexpected role")
        need(before is None or before["role"] != message["role"], "messages: roles must alternate")
        blocks = _blocks_of(message)
        for block in blocks:
            need(set(block) <= _BLOCKS[block["type"]], f"messages: Extra inputs in {block['type']}")
            need(block["type"] != "text" or block["text"].strip(), "messages: text content blocks must be non-empty")
        answered = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        need(answered == asked_for, "`tool_use` ids were found without `tool_result` blocks immediately after")
        asked_for = {block["id"] for block in blocks if block["type"] == "tool_use"}
        need(all(isinstance(block.get("input", {}), dict) for block in blocks), "tool_use.input: should be an object")


def _blocks_of(message: Mapping[str, Any]) -> list[Any]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _picture(block: Mapping[str, Any]) -> tuple[str, bytes]:
    source = block["source"]
    need(source["type"] == "base64", "image: only base64 is served here")
    return source["media_type"], base64.b64decode(source["data"])
