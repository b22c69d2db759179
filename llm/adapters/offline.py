# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The built-in model: needs no key and no network. It answers by quoting, and says plainly what it is."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from codexos.kernel.chat import ChatAnswer, ChatRequest, ContextDocument, Delta, Usage
from codexos.kernel.jsontypes import JsonObject
from codexos.kernel.prose import plain
from llm.adapters.offline_tasks import do_task, size_of
from llm.adapters.quoting import Quote, Reading, terms_of
from llm.engine.catalog import OFFLINE, OFFLINE_BUDGET_CHARACTERS

WORDS_PER_DELTA = 4
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
class _Asked:
    """What a request comes down to."""

    task: Task
    question: str
    documents: Sequence[ContextDocument]
    earlier: Sequence[ContextDocument]


class OfflineModel:
    """Keeps the port ``ChatModel``: deterministic, free, and honest about finding nothing.

    ``note`` is said beside every answer: why it answers, where another model was asked.
    """

    def __init__(self, *, note: str | None = None) -> None:
        self._note = note

    def input_budget(self, model: str) -> int:
        """See the port: what it reads in a few seconds."""
        return OFFLINE_BUDGET_CHARACTERS

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """Yield the answer in small pieces, then whole with its citations."""
        text, citations = await _told_of(request)
        text = _bounded(text, request.max_tokens)
        pieces = re.findall(r"\s*\S+", text)
        for start in range(0, len(pieces), WORDS_PER_DELTA):
            yield Delta("".join(pieces[start : start + WORDS_PER_DELTA]))
            await asyncio.sleep(0)
        kept = [citation for citation in citations if str(citation["quote"]) in text]
        yield ChatAnswer(text, OFFLINE, _usage(request, text), kept, self._note)


async def _told_of(request: ChatRequest) -> tuple[str, Sequence[JsonObject]]:
    if request.task is not None:
        answer, size = partial(do_task, request.task, request.documents), size_of(request.task)
    else:
        asked = _understand(request)
        answer, size = partial(_answer, asked), sum(len(document.text) for document in asked.earlier)
    size += sum(len(document.text) for document in request.documents)
    return await asyncio.to_thread(answer) if size > READ_AT_ONCE_CHARACTERS else answer()


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
    return _Asked(_task_of(f"{system} {question}"), question, request.documents, earlier)


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
    quotes = _quotes(asked, asked.documents)
    if quotes:
        return _told(asked.task, quotes), [quote.as_citation() for quote in quotes]
    # What a step worked out before is a second source: it is quoted, not cited as a document.
    earlier = _quotes(asked, asked.earlier)
    if earlier:
        return _told(asked.task, earlier), []
    return _nothing(asked), []


def _quotes(asked: _Asked, documents: Sequence[ContextDocument]) -> list[Quote]:
    reading = Reading(documents)
    found = reading.answers_to(asked.question)
    if asked.task != "answer":
        found = [quote for quote in found if quote.sentence.kind not in {"heading", "columns"}]
        # A summary of one sentence is none; and where no matter is named, the whole text is the matter.
        if (asked.task == "summarize" and len(found) < 2) or not terms_of(asked.question):
            found = reading.gist()
    if not found:
        return []
    near = [quote for quote in found if quote.score >= found[0].score * _NEARNESS[asked.task]]
    best = list({quote.sentence.text: quote for quote in reversed(near)}.values())[::-1]
    best = [quote for quote in best if quote.sentence.text][: _MOST_QUOTES[asked.task]]
    return best if asked.task == "answer" else sorted(best, key=lambda quote: quote.order)


def _told(task: Task, quotes: Sequence[Quote]) -> str:
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
