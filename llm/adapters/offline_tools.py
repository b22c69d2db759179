# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How the built-in model calls tools: those a question names by its words, two at most, each once, then it answers.

The plan follows from the question and the offers alone, so it is the same every time and ends after two rounds. An
argument that nothing is found for is not made up: the tool is left out instead.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from codexos.kernel.chat import ChatRequest, ContextDocument, Message, ToolCall, ToolOffer
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.prose import plain, words
from codexos.kernel.schemas import mismatches
from llm.adapters.extraction.material import Material
from llm.adapters.extraction.patterns import format_of
from llm.adapters.extraction.values import extract
from llm.adapters.quoting import is_telling

MOST_TOOLS = 2
MOST_ROUNDS = 2
LONGEST_QUESTION = 4_000
LONGEST_TEXT = 2_000
LEAST_SCORE = 2.0
_NAMED, _IN_NAME, _IN_DESCRIPTION = 10.0, 2.0, 0.75
_ASKED_FOR = frozenset(
    {"query", "q", "question", "search", "text", "input", "prompt", "topic", "term", "terms", "keywords"}
)
_HANDED_ON = frozenset({"body", "content", "message", "summary", "text", "note", "comment", "data", "description"})
_SUMS = frozenset({"expression", "formula", "calculation"})
_THEN = re.compile(
    r"\b(then|afterwards|after that|next|finally|danach|dann|anschließend|with (?:the|that|its) result)\b", re.I
)
_COMMAND = re.compile(
    r"^\s*(?:please\s+|bitte\s+)?(?:(?:use|call|run)\s+(?:the\s+)?\S+(?:\s+tool)?\s+(?:to|and|for)\s+)?"
    r"(?:(?:search|look|find|look up|google|query)\s+"
    r"(?:the\s+(?:web|internet|documents?|files?)\s+)?(?:for|up|about)?\s*)?",
    re.I,
)
_SUM = re.compile(r"[-+(]*\d[\d\s.()*/+^%-]{1,200}[\d)]")


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be called now, and the tools that were meant but cannot be called for want of a value."""

    calls: Sequence[ToolCall]
    left_out: Sequence[str] = ()


def planned_calls(request: ChatRequest) -> Planned:
    """Say what is to be called next; nothing where it is time to answer."""
    question, turn = _turn_of(request.messages)
    rounds = sum(1 for message in turn if message.calls)
    if not request.tools or request.tool_choice == "none" or rounds >= MOST_ROUNDS:
        return Planned([])
    made = {call.name for message in turn for call in message.calls}
    chosen = _chosen(question, request.tools)
    if not chosen and request.tool_choice == "required" and not made:
        chosen = [request.tools[0]]
    waiting = [tool for tool in chosen if tool.name not in made]
    results = _results(turn)
    filled = [(tool, _arguments(tool, question, results=results)) for tool in waiting]
    if _THEN.search(question):
        # One after the other; and the second is what the first one's result is handed on to.
        filled = filled[:1]
    calls = [_call(tool, arguments, count=len(made)) for tool, arguments in filled if arguments is not None]
    left_out = [] if calls else [tool.name for tool, arguments in filled if arguments is None]
    return Planned(calls, left_out)


def tool_documents(messages: Sequence[Message]) -> Sequence[ContextDocument]:
    """Return what tools said since the person last spoke, each under the name of its tool."""
    return _results(_turn_of(messages)[1])


def _turn_of(messages: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    """Return the last thing a person said, and what came after it."""
    last = max((index for index, message in enumerate(messages) if message.role == "user"), default=-1)
    question = messages[last].text[:LONGEST_QUESTION] if last >= 0 else ""
    return question, messages[last + 1 :]


def _results(turn: Sequence[Message]) -> Sequence[ContextDocument]:
    names = {call.id: call.name for message in turn for call in message.calls}
    said = [message for message in turn if message.role == "tool" and message.text.strip()]
    return [ContextDocument(names.get(message.call_id, "the tool"), _as_text(message.text)) for message in said]


def _as_text(said: str) -> str:
    """What a tool says as people would read it: of JSON the text, else its parts line by line."""
    try:
        value = json.loads(said)
    except (ValueError, RecursionError):
        return said
    if isinstance(value, dict) and isinstance(text := value.get("text"), str) and text.strip():
        return text
    return "\n".join(_lines(value)) if isinstance(value, dict | list) else said


def _lines(value: JsonValue, name: str = "", depth: int = 0) -> Iterator[str]:
    if depth > 8:
        return
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _lines(each, str(key), depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _lines(each, name, depth + 1)
    elif value is not None:
        yield f"{name}: {value}" if name else str(value)


def _chosen(question: str, tools: Sequence[ToolOffer]) -> Sequence[ToolOffer]:
    """The tools a question is about, two at most, in the order in which it speaks of them."""
    said = words(question)
    scored = [(_score(question, said, tool), -index, tool) for index, tool in enumerate(tools)]
    best = sorted((each for each in scored if each[0] >= LEAST_SCORE), key=lambda each: each[:2], reverse=True)
    return [
        tool for _, _, tool in sorted(best[:MOST_TOOLS], key=lambda each: (_place(question, said, each[2]), -each[1]))
    ]


def _score(question: str, said: Sequence[str], tool: ToolOffer) -> float:
    asked = {word for word in said if is_telling(word)}
    own = {word for word in words(tool.name) if len(word) > 2}
    described = {word for word in words(tool.description[:1_000]) if is_telling(word)} - own
    named = _NAMED if tool.name.casefold() in question.casefold() else 0.0
    return named + _IN_NAME * len(own.intersection(said)) + _IN_DESCRIPTION * len(asked & described)


def _place(question: str, said: Sequence[str], tool: ToolOffer) -> float:
    """Where in the question a tool is first spoken of."""
    named = question.casefold().find(tool.name.casefold())
    if named >= 0:
        return named / max(1, len(question))
    own = set(words(tool.name)) | {word for word in words(tool.description[:1_000]) if is_telling(word)}
    return next((place for place, word in enumerate(said) if word in own), len(said)) / max(1, len(said))


def _arguments(tool: ToolOffer, question: str, *, results: Sequence[ContextDocument]) -> JsonObject | None:
    """Fill what a tool takes; None where something it must be given is not there."""
    properties, required = tool.schema.get("properties"), tool.schema.get("required")
    shapes = properties if isinstance(properties, Mapping) else {}
    needed = [str(name) for name in required] if isinstance(required, list | tuple) else []
    filled: dict[str, JsonValue] = {}
    for name, shape in shapes.items():
        if not isinstance(shape, Mapping):
            continue
        value = _argument(str(name), shape, question, results=results, is_needed=name in needed)
        if value is not None:
            filled[str(name)] = value
    is_whole = all(name in filled for name in needed) and not mismatches(filled, tool.schema)
    return filled if is_whole else None


def _argument(
    name: str, shape: JsonObject, question: str, *, results: Sequence[ContextDocument], is_needed: bool
) -> JsonValue:
    lowered = name.casefold()
    longest = shape.get("maxLength")
    most = longest if isinstance(longest, int) else LONGEST_TEXT
    if shape.get("type") == "string" and "enum" not in shape:
        if lowered in _SUMS:
            term = _SUM.search(question)
            return term[0].strip()[:most] if term else None
        if results and lowered in _HANDED_ON:
            return "\n\n".join(plain(document.text) for document in results)[:most]
        if (told := _told_inline(name, question)) and lowered in _HANDED_ON:
            return told[:most]
        if is_needed and lowered in _ASKED_FOR | _HANDED_ON:
            return _matter(question)[:most]
    material = Material([ContextDocument("question", question), *results])
    is_told = is_needed or format_of(str(shape.get("format")), name) is not None or bool(material.behind(words(name)))
    if not is_told:
        return None
    found = extract({"type": "object", "properties": {name: shape}}, material, about=question).value
    return found.get(name) if isinstance(found, Mapping) else None


def _told_inline(name: str, question: str) -> str:
    """What stands behind ``name:`` in the middle of a sentence, up to its end."""
    found = re.search(rf"\b{re.escape(name)}\s*[:=]\s*(.+)", question, re.IGNORECASE)
    return found[1].strip() if found else ""


def _matter(question: str) -> str:
    """What is asked, without the words that say how it is to be found out."""
    first = _THEN.split(question)[0]
    matter = plain(_COMMAND.sub("", first, count=1)).rstrip(" .,;")
    return re.sub(r"[,;]?\s+(?:and|und)$", "", matter) or plain(question)


def _call(tool: ToolOffer, arguments: JsonObject, *, count: int) -> ToolCall:
    written = json.dumps(arguments, ensure_ascii=False)
    # The same call at the same point of the same talk has the same id.
    digest = hashlib.sha256(f"{count}\0{tool.name}\0{written}".encode("utf-8", "replace")).hexdigest()[:12]
    return ToolCall(f"call_{digest}", tool.name, written)
