# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The answer of chat completions as OpenAI's protocol streams it, put together from its chunks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from codexos.kernel.answers import Lines
from codexos.kernel.chat import CallPiece, Delta, FinishReason, ToolCall
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.prose import plain

MOST_TOKENS_TOLD = 1_000_000_000
MOST_CHARACTERS = 4_000_000
"""Of one answer, its calls among them: what a run may keep is less, and no model writes so much."""
MOST_CALLS = 128
LONGEST_ID = 16_000
"""Of a call. Some models want to be shown again what they thought before it, and it travels in the id."""
DONE = "[DONE]"
_NOTES = {
    "length": "The model's answer was cut off: it reached the limit of tokens. Raise max_tokens or ask for less.",
    "content_filter": "The provider held back a part of the model's answer.",
}
_REASONS: Mapping[str, FinishReason] = {
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}


class ChunkUnreadable(ValueError):
    """A piece of a stream that is not what the protocol says."""


class AnswerEndless(Exception):
    """More was answered than anything is taken."""


class StreamError(Exception):
    """A server that has begun to answer says that it cannot go on; ``body`` is how."""

    def __init__(self, body: JsonObject) -> None:
        super().__init__("the stream tells of an error")
        self.body = body


@dataclass(slots=True)
class _Call:
    """A tool's call on its way."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Completion:
    """An answer on its way, chunk by chunk."""

    model: str
    parts: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    is_done: bool = False
    """Whether the provider has said that nothing more comes."""
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    _calls: list[_Call] = field(default_factory=list)
    _characters: int = 0
    _told_model: object = None
    _lines: Lines = field(default_factory=Lines)

    @property
    def text(self) -> str:
        """What was answered so far."""
        return "".join(self.parts)

    @property
    def calls(self) -> Sequence[ToolCall]:
        """The calls it asks for. What has no id of its own is given one, by its place: answers go by it."""
        return tuple(
            ToolCall(call.id or f"call_{place}", call.name, "".join(call.arguments))
            for place, call in enumerate(self._calls)
        )

    @property
    def ended(self) -> FinishReason:
        """Why it ended. Some servers say ``stop`` where tools are to be called."""
        reason = _REASONS.get(self.finish_reason or "", "stop")
        return "tool_calls" if reason == "stop" and self._calls else reason

    @property
    def note(self) -> str | None:
        """What people should know of how it ended."""
        if self.finish_reason in _NOTES:
            return _NOTES[self.finish_reason]
        is_said = self._calls or any(part.strip() for part in self.parts)
        return None if is_said else "The model's answer was empty."

    def hear(self, piece: bytes) -> Sequence[Delta]:
        """Take bytes of the stream; return what they add. Raises ChunkUnreadable, StreamError, AnswerEndless."""
        return self._read(self._lines.feed(piece))

    def hear_last(self) -> Sequence[Delta]:
        """Take a last line that has no end. Raises as ``hear``."""
        return self._read(self._lines.rest())

    def _read(self, lines: Sequence[str]) -> Sequence[Delta]:
        """Take each event's data: this protocol never spreads it over lines, and says nothing elsewhere."""
        deltas: list[Delta] = []
        for line in lines:
            if self.is_done or not line.startswith("data:"):
                continue
            if (data := line[5:].strip()) == DONE:
                self.is_done = True
            elif data:
                deltas.extend(self.feed(data))
        return deltas

    def feed(self, data: str) -> Sequence[Delta]:
        """Take one event's data; return what it adds. Raises ChunkUnreadable, StreamError, AnswerEndless."""
        return self.take(_parsed(data))

    def take(self, chunk: Mapping[str, JsonValue]) -> Sequence[Delta]:
        """Take one chunk; return what it adds. Raises ChunkUnreadable, StreamError, AnswerEndless."""
        if (error := chunk.get("error")) is not None and isinstance(error, Mapping | str):
            raise StreamError(chunk)
        if (usage := chunk.get("usage")) is not None:
            self._take_usage(usage)
        # Every chunk repeats who speaks; it is read once.
        if (model := chunk.get("model")) != self._told_model:
            self._take_model(model)
        choices = chunk.get("choices", [])
        if not isinstance(choices, list):
            raise ChunkUnreadable("its choices are no list")
        return self._take_choice(choices[0]) if choices else ()

    def _take_choice(self, choice: JsonValue) -> Sequence[Delta]:
        if not isinstance(choice, dict):
            raise ChunkUnreadable("a choice has no delta")
        if (reason := choice.get("finish_reason")) is not None and isinstance(reason, str):
            self.finish_reason = reason
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            if delta is None:
                return ()
            raise ChunkUnreadable("a choice has no delta")
        # A refusal is an answer too, and what people should read.
        text = delta.get("content") or delta.get("refusal") or ""
        if not isinstance(text, str):
            text = _text_of(text)
        pieces: list[Delta] = []
        if text:
            self.parts.append(text)
            self._count(len(text))
            pieces.append(Delta(text))
        if (calls := delta.get("tool_calls")) is not None:
            pieces.extend(Delta("", piece) for piece in self._take_calls(calls))
        return pieces

    def _take_calls(self, calls: JsonValue) -> list[CallPiece]:
        if not isinstance(calls, list):
            raise ChunkUnreadable("its tool_calls are no list")
        return [piece for call in calls if (piece := self._take_call(call)) is not None]

    def _take_call(self, told: JsonValue) -> CallPiece | None:
        """Take a piece of a call; None where it is of one that is not taken any more, of which its asker is told."""
        function = told.get("function") if isinstance(told, dict) else None
        if not isinstance(told, dict) or not isinstance(function, dict):
            raise ChunkUnreadable("a tool call has no function")
        place = self._place_of(told)
        if place is None:
            return None
        call = self._calls[place]
        call.id = call.id or _id(told.get("id"))
        name = "" if call.name else _short_text(function.get("name"))
        call.name = call.name or name
        arguments = _arguments(function.get("arguments"))
        call.arguments.append(arguments)
        self._count(len(arguments) + len(name))
        return CallPiece(place, name, arguments)

    def _place_of(self, told: JsonObject) -> int | None:
        """Which of the calls a piece belongs to: by its index, but some servers give all of them the index 0.

        None where there are as many as are taken: an answer is not lost for asking for too much.
        """
        index, known = told.get("index"), _id(told.get("id"))
        if isinstance(index, int) and index >= MOST_CALLS:
            return None
        place = index if isinstance(index, int) and 0 <= index < MOST_CALLS else max(0, len(self._calls) - 1)
        named = next((at for at, call in enumerate(self._calls) if known and call.id == known), None)
        if named is not None:
            return named
        if place >= len(self._calls) or (known and self._calls[place].id):
            if len(self._calls) >= MOST_CALLS:
                return None
            self._calls.append(_Call())
            return len(self._calls) - 1
        return place

    def _count(self, characters: int) -> None:
        self._characters += characters
        if self._characters > MOST_CHARACTERS:
            raise AnswerEndless

    def _take_model(self, model: JsonValue) -> None:
        self._told_model = model
        if isinstance(model, str) and model.strip():
            self.model = plain(model)[:200]

    def _take_usage(self, usage: JsonValue) -> None:
        if not isinstance(usage, Mapping):
            return
        self.input_tokens = _tokens(usage.get("prompt_tokens"), self.input_tokens)
        self.output_tokens = _tokens(usage.get("completion_tokens"), self.output_tokens)
        if isinstance(details := usage.get("prompt_tokens_details"), Mapping):
            cached = _tokens(details.get("cached_tokens"), self.cached_tokens) or 0
            written = _tokens(details.get("cache_creation_tokens"), self.cache_write_tokens) or 0
            # More cannot have been read from the cache, or written to it, than was read at all.
            self.cached_tokens = min(cached, self.input_tokens or 0)
            self.cache_write_tokens = min(written, (self.input_tokens or 0) - self.cached_tokens)


def _text_of(parts: JsonValue) -> str:
    """Mistral's thinkers answer in parts, of which only the texts are said."""
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise ChunkUnreadable("its content is no text")
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    return "".join(text for text in texts if isinstance(text, str))


def _id(value: JsonValue) -> str:
    return value[:LONGEST_ID] if isinstance(value, str) else ""


def _short_text(value: JsonValue) -> str:
    return value[:200] if isinstance(value, str) else ""


def _arguments(value: JsonValue) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    # By the protocol they are JSON as text; some servers send it unwrapped.
    return json.dumps(value)


def _tokens(value: JsonValue, before: int | None) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS_TOLD
    return int(str(value)) if is_count else before


def _parsed(data: str) -> dict[str, JsonValue]:
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError):
        raise ChunkUnreadable("it is no JSON") from None
    if not isinstance(chunk, dict):
        raise ChunkUnreadable("it is no object")
    return chunk
