# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Answers out of batches, written as the one chunk of a stream that would say all of it at once."""

import json
from collections.abc import Mapping, Sequence

from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.engine.completions import ChunkUnreadable

_REASONS = {"max_tokens": "length", "tool_use": "tool_calls", "refusal": "content_filter"}


def chunk_of_completion(body: Mapping[str, JsonValue]) -> JsonObject:
    """Write a whole chat completion of OpenAI as a chunk. Raises ChunkUnreadable."""
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, Mapping) or not isinstance(first.get("message"), Mapping):
        raise ChunkUnreadable("it holds no message")
    choice: JsonObject = {"index": 0, "delta": first["message"], "finish_reason": first.get("finish_reason")}
    return {"model": body.get("model"), "choices": [choice], "usage": body.get("usage")}


def chunk_of_message(body: Mapping[str, JsonValue]) -> JsonObject:
    """Write a whole message of Anthropic as a chunk of OpenAI's. Raises ChunkUnreadable."""
    content = body.get("content")
    if not isinstance(content, list):
        raise ChunkUnreadable("it holds no content")
    blocks = [block for block in content if isinstance(block, Mapping)]
    delta: JsonObject = {
        "content": "".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text"),
        "tool_calls": [_call(block, index) for index, block in enumerate(_uses(blocks))],
    }
    reason = _REASONS.get(str(body.get("stop_reason")), "stop")
    choice: JsonObject = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"model": body.get("model"), "choices": [choice], "usage": _usage(body.get("usage"))}


def _uses(blocks: Sequence[JsonObject]) -> Sequence[JsonObject]:
    return [block for block in blocks if block.get("type") == "tool_use"]


def _call(block: JsonObject, index: int) -> JsonObject:
    arguments = json.dumps(block.get("input", {}), ensure_ascii=False)
    return {"index": index, "id": block.get("id"), "function": {"name": block.get("name"), "arguments": arguments}}


def _usage(usage: JsonValue) -> JsonValue:
    if not isinstance(usage, Mapping):
        return None
    read, written = (_count(usage.get(f"cache_{word}_input_tokens")) for word in ("read", "creation"))
    return {
        # Anthropic counts what the cache took part in beside the rest, OpenAI within it.
        "prompt_tokens": _count(usage.get("input_tokens")) + read + written,
        "completion_tokens": _count(usage.get("output_tokens")),
        "prompt_tokens_details": {"cached_tokens": read, "cache_creation_tokens": written},
    }


def _count(value: JsonValue) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
