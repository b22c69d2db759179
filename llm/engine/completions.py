# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Chat completions as OpenAI's protocol writes them: the request, and the answer put together from its chunks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from codexos.kernel.chat import ChatRequest, Message
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.prose import plain
from llm.engine.prompting import with_documents

MOST_TOKENS_TOLD = 1_000_000_000
DONE = "[DONE]"
_NOTES = {
    "length": "The model's answer was cut off: it reached the limit of tokens. Raise max_tokens or ask for less.",
    "content_filter": "The provider held back a part of the model's answer.",
}


class ChunkUnreadable(ValueError):
    """A piece of a stream that is not what the protocol says."""


class StreamError(Exception):
    """A server that has begun to answer says that it cannot go on; ``body`` is how."""

    def __init__(self, body: JsonObject) -> None:
        super().__init__("the stream tells of an error")
        self.body = body


def request_body(request: ChatRequest, *, model: str, is_reasoning: bool) -> JsonObject:
    """Return what is sent. A model that thinks takes no temperature, and its limit has another name."""
    messages = with_documents(request.messages, request.documents)
    body: dict[str, JsonValue] = {
        "model": model,
        "messages": [_as_sent(message) for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.temperature is not None and not is_reasoning:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body["max_completion_tokens" if is_reasoning else "max_tokens"] = request.max_tokens
    return body


def _as_sent(message: Message) -> JsonObject:
    # Without an id of a call, which only a model gives, the protocol refuses what a tool said.
    role = "user" if message.role == "tool" else message.role
    return {"role": role, "content": message.text.encode("utf-8", "replace").decode()}


@dataclass(slots=True)
class Completion:
    """An answer on its way, chunk by chunk."""

    model: str
    parts: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None

    @property
    def text(self) -> str:
        """What was answered so far."""
        return "".join(self.parts)

    @property
    def note(self) -> str | None:
        """What people should know of how it ended."""
        if self.finish_reason in _NOTES:
            return _NOTES[self.finish_reason]
        return None if any(part.strip() for part in self.parts) else "The model's answer was empty."

    def feed(self, data: str) -> str:
        """Take one event's data; return the text it adds. Raises ChunkUnreadable, StreamError."""
        chunk = _parsed(data)
        if isinstance(chunk.get("error"), Mapping | str):
            raise StreamError(chunk)
        self._take_usage(chunk.get("usage"))
        if isinstance(model := chunk.get("model"), str) and model.strip():
            self.model = plain(model)[:200]
        choices = chunk.get("choices", [])
        if not isinstance(choices, list):
            raise ChunkUnreadable("its choices are no list")
        return "".join(self._take_choice(choice) for choice in choices[:1])

    def _take_choice(self, choice: JsonValue) -> str:
        delta = choice.get("delta") if isinstance(choice, Mapping) else None
        if not isinstance(choice, Mapping) or not isinstance(delta, Mapping | None):
            raise ChunkUnreadable("a choice has no delta")
        if isinstance(reason := choice.get("finish_reason"), str):
            self.finish_reason = reason
        # A refusal is an answer too, and what people should read.
        text = (delta or {}).get("content") or (delta or {}).get("refusal") or ""
        if not isinstance(text, str):
            raise ChunkUnreadable("its content is no text")
        if text:
            self.parts.append(text)
        return text

    def _take_usage(self, usage: JsonValue) -> None:
        if isinstance(usage, Mapping):
            self.input_tokens = _count(usage.get("prompt_tokens"), self.input_tokens)
            self.output_tokens = _count(usage.get("completion_tokens"), self.output_tokens)


def _count(value: JsonValue, before: int | None) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS_TOLD
    return int(str(value)) if is_count else before


def _parsed(data: str) -> JsonObject:
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError):
        raise ChunkUnreadable("it is no JSON") from None
    if not isinstance(chunk, dict):
        raise ChunkUnreadable("it is no object")
    return chunk
