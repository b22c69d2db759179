# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The built-in model: needs no key and no network. It answers by quoting, and says plainly what it is."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from codexos.kernel.chat import (
    CallPiece,
    ChatAnswer,
    ChatRequest,
    ContextDocument,
    Delta,
    FinishReason,
    ToolCall,
    Usage,
)
from codexos.kernel.jsontypes import JsonObject
from codexos.kernel.prose import plain
from llm.adapters.extraction.choosing import Embed
from llm.adapters.extraction.material import Material
from llm.adapters.extraction.values import extract
from llm.adapters.offline_tasks import do_task, size_of
from llm.adapters.offline_tools import planned_calls, tool_documents
from llm.adapters.quoting import Quote, Reading, terms_of
from llm.adapters.summarizing import telling_sentences
from llm.engine.catalog import OFFLINE, OFFLINE_BUDGET_CHARACTERS
from llm.errors import EmbedderUnavailable

WORDS_PER_DELTA = 4
MOST_CITED = 20
RESULT_CHARACTERS = 500
CHARACTERS_PER_TOKEN = 4
# Reading less than this takes a few milliseconds; more is read in a thread, out of the way of other runs.
READ_AT_ONCE_CHARACTERS = 20_000

Task = Literal["answer", "summarize", "list", "plan"]

_TASKS: Sequence[tuple[Task, re.Pattern[str]]] = (
    ("summarize", re.compile(r"\b(summar(y|i[sz]e\w*)|tl;?dr|zusammenfass\w*|résum\w+|resum\w+)\b", re.IGNORECASE)),
    ("plan", re.compile(r"\b(plan|steps?|step[- ]by[- ]step|how (do|should) (i|we))\b", re.IGNORECASE)),
    ("list", re.compile(r"\b(list|enumerate|bullet(s| points)?|name (all|every|the))\b", re.IGNORECASE)),
)
_SECTION = re.compile(r"^# (?P<title>[^\n]{1,200})\n", re.MULTILINE)
_QUESTION_TITLES = frozenset({"input", "question", "task"})
_MOST_QUOTES: dict[Task, int] = {"answer": 3, "summarize": 5, "list": 8, "plan": 6}
# How near to the best a further quote must come to be worth showing.
_NEARNESS: dict[Task, float] = {"answer": 0.6, "summarize": 0.3, "list": 0.35, "plan": 0.35}


@dataclass(frozen=True, slots=True)
class _Told:
    """What is answered: a text with what it cites, or calls of tools."""

    text: str
    citations: Sequence[JsonObject] = ()
    note: str | None = None
    calls: Sequence[ToolCall] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request comes down to; ``found`` is what tools have said."""

    task: Task
    question: str
    documents: Sequence[ContextDocument]
    earlier: Sequence[ContextDocument]
    found: Sequence[ContextDocument]


class OfflineModel:
    """Keeps the port ``ChatModel``: deterministic, free, and honest about finding nothing.

    ``note`` is said beside every answer: why it answers, where another model was asked. With ``embed`` it chooses
    among names by likeness of meaning, where no word decides; without, by words alone.
    """

    def __init__(self, *, note: str | None = None, embed: Embed | None = None) -> None:
        self._note = note
        self._embed = embed

    def input_budget(self, model: str) -> int:
        """See the port: what it reads in a few seconds."""
        return OFFLINE_BUDGET_CHARACTERS

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """Yield the answer in small pieces, then whole with its citations."""
        told = await self._told(request)
        text = _bounded(told.text, request.max_tokens)
        pieces = re.findall(r"\s*\S+", text)
        for start in range(0, len(pieces), WORDS_PER_DELTA):
            yield Delta("".join(pieces[start : start + WORDS_PER_DELTA]))
            await asyncio.sleep(0)
        for index, call in enumerate(told.calls):
            yield Delta("", CallPiece(index, call.name, call.arguments))
        is_form = request.schema is not None
        kept = [each for each in told.citations if is_form or str(each["quote"]) in text]
        note = " ".join(each for each in (self._note, told.note, _unseen(request)) if each) or None
        ended: FinishReason = "tool_calls" if told.calls else "length" if text != told.text else "stop"
        yield ChatAnswer(text, OFFLINE, _usage(request, text), kept, note, calls=told.calls, finish_reason=ended)

    async def _told(self, request: ChatRequest) -> _Told:
        answer = partial(_told_of, request, self._embed)
        size = sum(len(message.text) for message in request.messages)
        size += sum(len(document.text) for document in request.documents)
        size += 0 if request.task is None else size_of(request.task)
        # Choosing may load a model first, which takes its time.
        is_long = size > READ_AT_ONCE_CHARACTERS or (request.schema is not None and self._embed is not None)
        return await asyncio.to_thread(answer) if is_long else answer()


def _unseen(request: ChatRequest) -> str | None:
    count = sum(len(message.images) for message in request.messages)
    shown = "a picture" if count == 1 else f"{count} pictures"
    return f"The built-in model was shown {shown}, which it cannot see." if count else None


def _told_of(request: ChatRequest, embed: Embed | None) -> _Told:
    if request.task is not None:
        return _Told(*do_task(request.task, request.documents))
    planned = planned_calls(request)
    if planned.calls:
        return _Told("", calls=planned.calls)
    if request.schema is not None:
        return _filled(request, request.schema, embed)
    text, citations = _answer(_understand(request))
    left_out = f"{', '.join(planned.left_out)} was not called: what it must be given was not found."
    return _Told(text, citations, note=left_out if planned.left_out else None)


def _filled(request: ChatRequest, schema: JsonObject, embed: Embed | None) -> _Told:
    """Answer by JSON of a schema, with what was found in the documents, by tools, and in what people said."""
    said = [message.text for message in request.messages if message.role == "user"]
    own = [ContextDocument("the message", text) for text in said]
    material = Material([*request.citable, *tool_documents(request.messages), *own])
    try:
        made = extract(schema, material, about=said[-1] if said else "", embed=embed)
        how = "by patterns, labels and likeness"
    except EmbedderUnavailable:
        made, how = extract(schema, material, about=said[-1] if said else ""), "by patterns and words"
    shown = Material(request.citable)
    citations = [place for value in dict.fromkeys(made.found[:MOST_CITED]) if (place := shown.place_of(value))]
    missing = f" It found nothing for {', '.join(dict.fromkeys(made.missing))}." if made.missing else ""
    note = f"The built-in offline model filled the fields {how}.{missing}"
    return _Told(json.dumps(made.value, ensure_ascii=False), citations, note)


def count_tokens(text: str) -> int:
    """Estimate how many tokens a model would make of a text."""
    return -(-len(text.encode("utf-8", "replace")) // CHARACTERS_PER_TOKEN)


def _usage(request: ChatRequest, answer: str) -> Usage:
    told = sum(count_tokens(message.text) for message in request.messages)
    shown = sum(count_tokens(document.text) for document in request.documents)
    return Usage(told + shown, count_tokens(answer))


def _understand(request: ChatRequest) -> _Asked:
    said = [message.text for message in request.messages if message.role == "user"]
    system = " ".join(message.text for message in request.messages if message.role == "system")
    question, earlier = _sections(said[-1] if said else "")
    found = tool_documents(request.messages)
    return _Asked(_task_of(f"{system} {question}"), question, request.citable, earlier, found)


def _sections(message: str) -> tuple[str, Sequence[ContextDocument]]:
    """Tell the question from what was worked out before it, by labels or by the first paragraph."""
    marks = list(_SECTION.finditer(message))
    if not marks or marks[0].group("title").strip().casefold() not in _QUESTION_TITLES:
        question, _, rest = message.strip().partition("\n\n")
        return question, [ContextDocument("the message", rest)] if rest.strip() else []
    ends = [*(mark.start() for mark in marks[1:]), len(message)]
    parts = [
        (mark.group("title").strip(), message[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=True)
    ]
    return parts[0][1], [ContextDocument(title.removeprefix("Result of "), text) for title, text in parts[1:] if text]


def _task_of(instructions: str) -> Task:
    for task, pattern in _TASKS:
        if pattern.search(instructions[:10_000]):
            return task
    return "answer"


def _answer(asked: _Asked) -> tuple[str, Sequence[JsonObject]]:
    by_tools = _quotes(asked, asked.found)
    if by_tools:
        return _worded(asked.task, by_tools), []
    if asked.found:
        # No sentence of it answers, but it is what was asked for.
        return "\n".join(f'{each.name} said: "{plain(each.text)[:RESULT_CHARACTERS]}"' for each in asked.found), []
    quotes = _quotes(asked, asked.documents)
    if quotes:
        return _worded(asked.task, quotes), [quote.as_citation() for quote in quotes]
    # What a step worked out before is a second source: it is quoted, not cited as a document.
    earlier = _quotes(asked, asked.earlier)
    if earlier:
        return _worded(asked.task, earlier), []
    return _nothing(asked), []


def _quotes(asked: _Asked, documents: Sequence[ContextDocument]) -> list[Quote]:
    reading = Reading(documents)
    found = reading.answers_to(asked.question)
    if asked.task != "answer":
        found = [quote for quote in found if quote.sentence.kind not in {"heading", "columns"}]
        # A summary of one sentence is none; and where no matter is named, the whole text is the matter.
        if (asked.task == "summarize" and len(found) < 2) or not terms_of(asked.question):
            return _gist(reading, most=_MOST_QUOTES[asked.task])
    if not found:
        return []
    near = [quote for quote in found if quote.score >= found[0].score * _NEARNESS[asked.task]]
    best = list({quote.sentence.text: quote for quote in reversed(near)}.values())[::-1]
    best = [quote for quote in best if quote.sentence.text][: _MOST_QUOTES[asked.task]]
    return best if asked.task == "answer" else sorted(best, key=lambda quote: quote.order)


def _gist(reading: Reading, *, most: int) -> list[Quote]:
    chosen = telling_sentences(reading.gist(), reading.words, most=most)
    return sorted(chosen, key=lambda quote: quote.order)


def _worded(task: Task, quotes: Sequence[Quote]) -> str:
    lines = [f'From {quote.source}: "{quote.sentence.text}"' for quote in quotes]
    if task == "plan":
        return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))
    if task == "list":
        return "\n".join(f"- {line}" for line in lines)
    return "\n".join(lines)


def _nothing(asked: _Asked) -> str:
    question = plain(asked.question)[:200]
    if not asked.documents:
        return (
            "I am the built-in offline model and can only quote documents I am given; none were given"
            f"{f' for: {question}' if question else ''}. Name files in the run's context, or configure a model key."
        )
    names = ", ".join(plain(document.name) for document in asked.documents[:10])
    return (
        f"I found nothing in {names} that answers {f'{question!r}' if question else 'an empty question'}. "
        "I am the built-in offline model and only quote what the documents say."
    )


def _bounded(text: str, max_tokens: int | None) -> str:
    if max_tokens is None or count_tokens(text) <= max_tokens:
        return text
    kept = text.encode("utf-8", "replace")[: max_tokens * CHARACTERS_PER_TOKEN - 3].decode("utf-8", "ignore")
    return f"{kept.rpartition(' ')[0] or kept}…"
