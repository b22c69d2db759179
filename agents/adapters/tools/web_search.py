# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""WebSearch, offline: finds passages in the documents named for the run, and says where each stands.

With a SearXNG instance the tool of the same name is ``searxng.py``; both take and give the same shapes.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from codexos.kernel.chat import ContextDocument
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.prose import Sentence, bm25, sentences, words

DEFAULT_RESULTS = 5
PASSAGE_CHARACTERS = 600
QUERY_CHARACTERS = 4_000

SEARCH_SPEC = ToolSpec(
    name="WebSearch",
    description="Search the documents named for this run and return the passages that fit best.",
    schema={
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to look for, in plain words."},
            "max_results": {"type": "integer", "minimum": 1, "maximum": 20},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
    result_schema={
        "type": "object",
        "properties": {
            "results": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "title": {"type": "string"},
                        "url": {"type": "string"},
                        "text": {"type": "string"},
                        "score": {"type": "number"},
                    },
                    "required": ["title", "url", "text"],
                    "additionalProperties": False,
                },
            },
            "text": {"type": "string", "description": "All results as one text."},
        },
        "required": ["results", "text"],
        "additionalProperties": False,
    },
    capabilities=("read",),
    reads_only=True,
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document that stands for itself, and where it stands."""

    document: ContextDocument
    heading: str
    text: str
    first_line: int
    last_line: int

    @property
    def name(self) -> str:
        return self.document.name

    @property
    def page(self) -> int | None:
        return self.document.page_of(self.first_line)


class WebSearch:
    """Ranks passages of the given documents by BM25."""

    def __init__(self, documents: Sequence[ContextDocument]) -> None:
        self._documents = documents

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return SEARCH_SPEC

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return ``{"results": [{"title", "url", "text", "score"}], "text"}``, best first."""
        wanted = arguments.get("max_results")
        limit = wanted if isinstance(wanted, int) else DEFAULT_RESULTS
        # In a thread: ranking megabytes would hold up every other run of this process.
        return await asyncio.to_thread(self._search, str(arguments.get("query", "")), limit)

    def _search(self, query: str, limit: int) -> JsonObject:
        best = ranked(self._documents, query[:QUERY_CHARACTERS], limit=limit)
        text = as_text(best)
        return {
            "results": [_result(score, passage) for score, passage in best],
            "text": text or "Nothing in the documents of this run fits the search.",
        }


def ranked(documents: Iterable[ContextDocument], query: str, *, limit: int) -> list[tuple[float, Passage]]:
    """Return the passages of documents that fit a query best, each with how well."""
    passages = [passage for document in documents for passage in passages_of(document)]
    scores = bm25(words(query), [words(f"{passage.heading} {passage.text}") for passage in passages])
    by_score = sorted(zip(scores, passages, strict=True), key=lambda pair: -pair[0])
    return [(round(score, 3), passage) for score, passage in by_score[:limit] if score > 0]


def as_text(found: Iterable[tuple[float, Passage]]) -> str:
    """Return passages as one text, each with where it stands."""
    return "\n\n".join(f"From {passage.name} ({_place(passage)}):\n{passage.text}" for _, passage in found)


def passages_of(document: ContextDocument) -> Iterator[Passage]:
    gathered: list[Sentence] = []
    for sentence in sentences(document.text):
        size = sum(len(part.text) for part in gathered)
        # A heading begins a passage; a passage that has grown long enough ends.
        if gathered and (sentence.kind == "heading" or size + len(sentence.text) > PASSAGE_CHARACTERS):
            yield _passage(document, gathered)
            gathered = []
        gathered.append(sentence)
    if gathered:
        yield _passage(document, gathered)


def _passage(document: ContextDocument, gathered: Sequence[Sentence]) -> Passage:
    first = gathered[0]
    heading = first.text if first.kind == "heading" else first.heading
    text = "".join(f"{part.text}{' ' if part.kind == 'paragraph' else chr(10)}" for part in gathered).strip()
    return Passage(document, heading[:200], text, first.first_line, gathered[-1].last_line)


def _result(score: float, passage: Passage) -> JsonObject:
    return {
        "title": passage.heading or passage.name,
        "url": f"file:{quote(passage.name)}#{_fragment(passage)}",
        "text": passage.text,
        "score": round(score, 3),
    }


def _fragment(passage: Passage) -> str:
    return f"page={passage.page}" if passage.page else f"L{passage.first_line}-L{passage.last_line}"


def _place(passage: Passage) -> str:
    if passage.page:
        return f"page {passage.page}"
    if passage.first_line == passage.last_line:
        return f"line {passage.first_line}"
    return f"lines {passage.first_line}-{passage.last_line}"
