# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A request in OpenAI's words, made ready to be translated for a provider that speaks others."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from codexos.kernel.chat import ChatRequest, Message, ToolCall
from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.engine.bodies import request_body
from llm.engine.prompting import with_documents
from llm.engine.structured import asking_for
from llm.errors import ModelRequestRefused

LONG_CHARACTERS = 20_000
"""Of instructions or documents: from here on a provider is asked to keep what it read, for the next request like it."""
_KEPT: JsonObject = {"type": "ephemeral"}
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is said and how: ``names`` leads from a tool's name as it is sent to the name it has here."""

    messages: Sequence[Mapping[str, JsonValue]]
    settings: Mapping[str, JsonValue]
    names: Mapping[str, str]

    @property
    def schema_is_native(self) -> bool:
        """Whether the provider is asked for the form of the answer, rather than told in words."""
        return "response_format" in self.settings


def spoken(request: ChatRequest, *, model: str, marks: bool) -> Spoken:
    """Return the request in OpenAI's words. With ``marks`` it says what is worth keeping for the next one.

    Raises ModelRequestRefused where it shows something that is no picture.
    """
    _check_pictures(request.messages)
    names = _names(request)
    asked = _by_instruction(replace(request, messages=[_sent(message, names) for message in request.messages]))
    asked = replace(asked, tools=[replace(tool, name=names[tool.name]) for tool in asked.tools])
    marks = marks and (request.caches or _size(request) >= LONG_CHARACTERS)
    told = replace(asked, documents=()) if marks else asked
    settings = dict(request_body(told, model=model, is_reasoning=False))
    messages = [dict(message) for message in _list(settings.pop("messages")) if isinstance(message, Mapping)]
    for name in ("model", "stream", "stream_options"):
        settings.pop(name, None)
    said = _marked(messages, request) if marks else messages
    return Spoken(said, settings, {sent: name for name, sent in names.items()})


def _check_pictures(messages: Sequence[Message]) -> None:
    # What is not known could be read as an address to fetch, or as part of the request.
    unknown = {image.media_type for message in messages for image in message.images} - _PICTURES
    if unknown:
        raise ModelRequestRefused(
            f"A picture of the kind {min(unknown)[:100]!r} cannot be shown to a model. Show PNG, JPEG, GIF or WebP.",
            media_type=min(unknown)[:100],
        )


def _size(request: ChatRequest) -> int:
    told = sum(len(message.text) for message in request.messages if message.role == "system")
    return max(told, sum(len(document.text) for document in request.documents))


def _names(request: ChatRequest) -> dict[str, str]:
    """Lead each tool's name to one that every provider takes."""
    called = [call.name for message in request.messages for call in message.calls]
    names: dict[str, str] = {}
    for name in dict.fromkeys([*(tool.name for tool in request.tools), *called]):
        safe = _UNSAFE.sub("_", name)[:_LONGEST_NAME]
        safe = safe if safe[:1].isalpha() else f"t_{safe}"
        taken = set(names.values())
        names[name] = next(each for each in (safe, *(f"{safe}{n}" for n in range(2, 10_000))) if each not in taken)
    return names


def _sent(message: Message, names: Mapping[str, str]) -> Message:
    calls = [ToolCall(call.id, names[call.name], _object(call.arguments)) for call in message.calls]
    return replace(message, calls=calls) if calls else message


def _object(arguments: str) -> str:
    """Arguments as these providers take them: an object always. A model may have written anything."""
    try:
        told = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        told = None
    return arguments or "{}" if isinstance(told, dict) else json.dumps({"unreadable": arguments})


def _by_instruction(request: ChatRequest) -> ChatRequest:
    """Ask for the form in words alone where there are tools too, or not all of it can be said otherwise."""
    if request.schema is None or (not request.tools and _is_closed(request.schema)):
        return request
    told = asking_for(replace(request, messages=()), request.schema).messages[0].text
    is_told = any(told in message.text for message in request.messages if message.role == "system")
    return replace(request if is_told else asking_for(request, request.schema), schema=None)


def _is_closed(schema: JsonObject) -> bool:
    """Whether it is an object's, and every object in it says what it holds: of others nothing would be let through."""
    return schema.get("type") == "object" and all(_says_what_it_holds(each) for each in _within(schema))


def _says_what_it_holds(schema: Mapping[str, JsonValue]) -> bool:
    return schema.get("type") != "object" or bool(schema.get("properties"))


def _within(value: JsonValue) -> Iterator[Mapping[str, JsonValue]]:
    if isinstance(value, Mapping):
        yield value
    for each in value.values() if isinstance(value, Mapping) else _list(value):
        yield from _within(each)


def _marked(messages: list[dict[str, JsonValue]], request: ChatRequest) -> list[dict[str, JsonValue]]:
    """Mark the end of the instructions and of the documents: what stands before is worth keeping."""
    leading = next((at for at, message in enumerate(messages) if message["role"] != "system"), len(messages))
    if leading and (text := messages[leading - 1]["content"]):
        messages[leading - 1]["content"] = [{"type": "text", "text": text, "cache_control": _KEPT}]
    if request.documents:
        (told,) = with_documents([Message("user", "")], request.documents)
        shown: JsonValue = {"type": "text", "text": told.text, "cache_control": _KEPT}
        last = max((at for at, message in enumerate(messages) if message["role"] == "user"), default=-1)
        if last < 0:
            return [*messages, {"role": "user", "content": [shown]}]
        messages[last]["content"] = [shown, *_parts(messages[last]["content"])]
    return messages


def _parts(content: JsonValue) -> Sequence[JsonValue]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return _list(content)


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
