# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What every translation does: a request goes in, an HTTP request comes out; events go in, OpenAI's chunks come out."""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codexos.kernel.chat import ChatRequest
from codexos.kernel.http import HttpStream
from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.engine.completions import ChunkUnreadable
from llm.engine.spoken import Spoken, spoken
from llm.queries.deployments import Deployment

_LEFT_OUT = {"seed": "seed", "stop": "stop", "temperature": "temperature", "top_p": "top_p"}


@dataclass(frozen=True, slots=True)
class Asking:
    """The HTTP request that asks; ``left_out`` names settings that the provider does not take."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    left_out: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a provider says instead of an answer, in the words that refusals.py reads."""

    status: int | None
    headers: Mapping[str, str]
    body: JsonObject


class StreamRefused(Exception):
    """A provider that has begun to answer says that it cannot go on, and why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__("the stream tells of a refusal")
        self.refusal = refusal


class Translator(ABC):
    """One request to one deployment, and the answer to it."""

    content_type = "text/event-stream"
    marks = False

    def __init__(self, deployment: Deployment, request: ChatRequest) -> None:
        self.deployment = deployment
        self.spoken: Spoken = spoken(request, model=deployment.model, marks=self.marks)

    @abstractmethod
    def asking(self) -> Asking:
        """Say what is sent. Slow: litellm may have to be loaded first."""

    @abstractmethod
    def chunk(self, event: Mapping[str, JsonValue]) -> JsonObject | None:
        """Translate one event. Raises StreamRefused, ChunkUnreadable."""

    @abstractmethod
    def refusal(self, status: int | None, headers: Mapping[str, str], body: bytes) -> Refusal:
        """Translate a refusal."""

    async def events(self, answer: HttpStream) -> AsyncIterator[Mapping[str, JsonValue]]:
        """Yield what a stream of server-sent events carries. Raises ChunkUnreadable."""
        async for line in answer.lines():
            if line.startswith("data:") and (data := line[5:].strip()):
                yield read_event(data)

    def settings_for(self, config: Any) -> tuple[dict[str, Any], Sequence[str]]:
        """Return the settings in the provider's own words, and the names of those it does not take."""
        taken = set(config.get_supported_openai_params(self.deployment.model))
        given = {name: value for name, value in self.spoken.settings.items() if name in taken}
        left_out = [name for name in self.spoken.settings if name in _LEFT_OUT and name not in taken]
        return config.map_openai_params(given, {}, self.deployment.model, True), left_out

    def finish_of(self, told: str | None, event: Mapping[str, JsonValue]) -> str | None:
        """Why it ended, by what litellm told of an event; None where it has not. Subclasses know better at times."""
        return told

    def chunk_from(self, parse: Callable[[Any], Any], event: Mapping[str, JsonValue]) -> JsonObject:
        """Let litellm read one event, and write down what it found as one of OpenAI's chunks."""
        try:
            parsed = parse(event)
            for choice in parsed.choices[:1]:
                choice.finish_reason = self.finish_of(choice.finish_reason or None, event)
            return _as_chunk(parsed, self.spoken.names)
        except Exception:
            # Whatever litellm stumbles over was not of the protocol. Its message may repeat what was asked.
            raise ChunkUnreadable("an event is not of the protocol") from None


def read_event(data: str) -> Mapping[str, JsonValue]:
    """Read an event's data. Raises ChunkUnreadable."""
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        raise ChunkUnreadable("it is no JSON") from None
    if not isinstance(event, dict):
        raise ChunkUnreadable("it is no object")
    return event


def read_error(body: bytes) -> Mapping[str, JsonValue]:
    """Read what stands in a refusal; nothing where it cannot be read."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    document = document[0] if isinstance(document, list) and document else document
    error = document.get("error", document) if isinstance(document, dict) else None
    return error if isinstance(error, dict) else {}


def _as_chunk(parsed: Any, names: Mapping[str, str]) -> JsonObject:
    choices: list[JsonValue] = []
    for choice in parsed.choices[:1]:
        delta: dict[str, JsonValue] = {"content": choice.delta.content}
        if choice.delta.tool_calls:
            delta["tool_calls"] = [_as_call(call, names) for call in choice.delta.tool_calls]
        choices.append({"index": 0, "delta": delta, "finish_reason": choice.finish_reason})
    usage = getattr(parsed, "usage", None)
    return {"model": parsed.model, "choices": choices, "usage": _as_usage(usage) if usage else None}


def _as_call(call: Any, names: Mapping[str, str]) -> JsonObject:
    told = call.function
    name = names.get(told.name, told.name) if told.name else None
    return {"index": call.index, "id": call.id, "function": {"name": name, "arguments": told.arguments}}


def _as_usage(usage: Any) -> JsonObject:
    details = usage.prompt_tokens_details
    told: JsonObject = {
        "cached_tokens": getattr(details, "cached_tokens", None) or 0,
        "cache_creation_tokens": getattr(details, "cache_creation_tokens", None) or 0,
    }
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "prompt_tokens_details": told,
    }
