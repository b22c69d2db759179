# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""rag: passages are found by a tool, shown to the model beside its question, and cited only where it quotes them."""

from typing import Any

from agents.engine.documents import parse_flow
from agents.engine.executor import Executor
from agents.engine.labels import NONE
from agents.engine.memory_journal import MemoryJournal
from agents.engine.passages import documents_of, fit_passages
from agents.engine.ports import Ports
from agents.engine.steps import RunContext
from agents.engine.tools import ToolSpec
from codexos.kernel.ids import new_id
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.engine.stage import CountingModel, Shelf, StoppedClock, Watcher, chain

SPEC = ToolSpec(
    name="RagQuery",
    description="Search.",
    schema={"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    capabilities=("read",),
    reads_only=True,
)
DOOR = "The harbor door is locked at nine."


def passage(text: str, *, path: str = "docs/harbor.md", lines: Any = (7, 8)) -> JsonObject:
    citation: JsonObject = {"path": path, "page": None, "lines": list(lines), "commit": "c0ffee", "sha256": "ab"}
    return {"chunk_id": text[:5], "document_id": "d1", "title": "Harbor", "text": text, "citation": citation}


class Kept:
    """A project that knows one thing, and remembers what it was asked."""

    spec = SPEC

    def __init__(self, *passages: JsonObject) -> None:
        self.passages = passages or (passage(DOOR), passage(DOOR + " "), passage("The sea is wide."))
        self.asked: list[JsonObject] = []

    async def call(self, arguments: JsonObject, *, on: Any) -> JsonValue:
        self.asked.append(arguments)
        return {"results": list(self.passages), "text": "[1] docs/harbor.md", "took_ms": 1.0, "notes": ["No reranker."]}


async def carried(kept: Kept, *nodes: JsonObject, given: JsonValue = "When is the door locked?") -> Any:
    model, journal = CountingModel(), MemoryJournal()
    ports = Ports(journal, model, Shelf([kept]), Watcher(), StoppedClock())
    run = Executor(parse_flow(chain(*nodes)), RunContext(new_id(), given), ports)
    standing = await run.advance()
    assert standing.status == "succeeded", standing
    return model, journal


FIND: JsonObject = {"id": "find", "type": "rag"}


async def test_the_input_is_asked_and_the_model_is_shown_each_passage_once() -> None:
    # given
    kept = Kept()
    # when
    model, journal = await carried(kept, FIND, {"id": "say", "type": "llm"})
    # then
    assert kept.asked == [{"query": "When is the door locked?"}]
    (request,) = model.requests
    assert [document.text for document in request.documents] == [DOOR, "The sea is wide."]
    assert request.documents[0].name == "docs/harbor.md, lines 7-8"
    assert "[1]" not in request.messages[-1].text
    (found,) = [each.data["result"] for each in journal.entries if each.type == "step.done" and each.node_id == "find"]
    assert [len(found["passages"]), found["text"]] == [3, "[1] docs/harbor.md"]
    assert "No reranker." in str([each.data for each in journal.entries if each.node_id == "find"])


async def test_what_the_prompt_names_is_not_shown_twice_and_may_be_quoted() -> None:
    # when
    asking = {"id": "say", "type": "llm", "prompt": "By this alone: {{ find.text }} Now: {{ input }}"}
    model, _ = await carried(Kept(), FIND, asking)
    # then
    (request,) = model.requests
    assert (list(request.documents), [each.text for each in request.quotable]) == ([], [DOOR, "The sea is wide."])


async def test_settings_are_templates_and_go_to_the_tool() -> None:
    kept = Kept()
    settings = {"top_k": 3, "knowledge": "handbook", "filters": {"path": "docs/**"}}
    await carried(kept, {**FIND, "question": "About {{ input }}", **settings}, given="doors")
    assert kept.asked == [{"query": "About doors", **settings}]


async def test_who_is_shown_passages_has_read_what_strangers_wrote() -> None:
    _, journal = await carried(Kept(), FIND, {"id": "say", "type": "llm", "prompt": "Hello"})
    labels = {each.node_id: each.data.get("labels") for each in journal.entries if each.type == "step.done"}
    assert labels["find"] == ["tool:RagQuery"]
    assert set(labels["say"] or NONE) == {"tool:RagQuery"}


def test_a_quote_is_cited_by_the_place_of_its_passage() -> None:
    (document, *_) = documents_of([{"passages": [passage("One line.\nThe harbor door is locked at nine.")]}])
    cited = document.cite("The harbor door", first_line=2, last_line=2)
    assert (cited["path"], cited["lines"], cited["commit"]) == ("docs/harbor.md", "8", "c0ffee")
    assert cited["chunk_id"] == "One l"


def test_passages_that_do_not_fit_are_left_out_whole_from_the_end() -> None:
    documents = documents_of([{"passages": [passage("a" * 100), passage("b" * 100), passage("c" * 10)]}])
    kept, out = fit_passages(documents, budget=150)
    assert ([document.text[:1] for document in kept], out) == (["a"], 2)


def test_what_is_no_passage_is_passed_over() -> None:
    strange: list[JsonValue] = [None, "text", {"passages": "none"}, {"passages": [None, {"text": 3}, {"text": " "}]}]
    assert documents_of(strange) == []
