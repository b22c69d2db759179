# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Passages that rag nodes found, as documents a model is shown: each once, the best first, as many as fit.

A model's answer may quote them as it may any document, and a citation is kept only where its words really stand there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions import references
from agents.engine.steps import StepContext
from codexos.kernel.chat import ContextDocument
from codexos.kernel.jsontypes import JsonObject, JsonValue

KIND = "rag"
LONGEST_NAME = 160
_KEPT = ("path", "page", "commit", "sha256")


@dataclass(frozen=True, slots=True)
class Shown:
    """Passages for a model: ``documents`` to put beside its question; ``named`` stand in the question's own text."""

    documents: Sequence[ContextDocument] = ()
    named: Sequence[ContextDocument] = ()


def passages_for(step: StepContext) -> Shown:
    """Return the passages that a node which asks a model is to work with.

    Those of rag nodes that lead to it are put beside its question. Where its own text names a rag node, its passages
    stand there already: they are only to be found again in the answer.
    """
    named = _named_in(step, "prompt", "system")
    led = [node.id for node in step.sources if node.kind == KIND and node.id not in named]
    return Shown(documents_of(_results(step, led)), documents_of(_results(step, named)))


def documents_of(results: Iterable[JsonValue]) -> Sequence[ContextDocument]:
    """Return the passages of results as documents: those of equal text once, in the order they were found."""
    found: dict[str, ContextDocument] = {}
    for result in results:
        passages = result.get("passages") if isinstance(result, Mapping) else None
        for passage in passages if isinstance(passages, list | tuple) else ():
            if isinstance(passage, Mapping) and isinstance(text := passage.get("text"), str) and text.strip():
                found.setdefault(" ".join(text.split()), _document(passage, text))
    return list(found.values())


def fit_passages(passages: Sequence[ContextDocument], *, budget: int) -> tuple[Sequence[ContextDocument], int]:
    """Keep as many passages as fit into a budget of characters, whole and from the best; return how many do not."""
    kept: list[ContextDocument] = []
    for passage in passages:
        if len(passage.text) + len(passage.name) > budget:
            break
        budget -= len(passage.text) + len(passage.name)
        kept.append(passage)
    return kept, len(passages) - len(kept)


def left_out_note(count: int, *, of: int) -> JsonObject:
    """Say that passages were left out."""
    told = f"{count} of {of} passages were left out, the last ones, to fit what the model takes."
    return {"message": told, "level": "warning"}


def _named_in(step: StepContext, *names: str) -> list[str]:
    """Return the rag nodes whose results a node's texts name, in the order they come."""
    roots = [root for name in names for root in _roots(step.setting_text(name) or "")]
    kinds = {node_id: lane.graph.nodes[node_id].kind for lane in step.lane.outward() for node_id in lane.graph.nodes}
    return [root for root in dict.fromkeys(roots) if kinds.get(root) == KIND]


def _roots(template: str) -> Iterable[str]:
    try:
        return [path.node_id or path.root for path in references(template)] if "{{" in template else ()
    except ExpressionInvalid:
        # What cannot be read is never filled in either.
        return ()


def _results(step: StepContext, node_ids: Iterable[str]) -> Iterable[JsonValue]:
    for node_id in node_ids:
        for lane in step.lane.outward():
            if node_id in lane.results:
                yield lane.results[node_id]
                break


def _document(passage: JsonObject, text: str) -> ContextDocument:
    citation = passage.get("citation")
    place: JsonObject = citation if isinstance(citation, Mapping) else {}
    first = _first_line(place.get("lines"))
    cited = {name: value for name in _KEPT if (value := place.get(name)) is not None}
    cited |= {name: value for name in ("chunk_id", "document_id") if (value := passage.get(name)) is not None}
    return ContextDocument(_name(passage, place), text, first_line=first, cited_as=cited)


def _name(passage: JsonObject, place: JsonObject) -> str:
    path, title = place.get("path"), passage.get("title")
    said = [str(path or title or "passage")]
    if isinstance(page := place.get("page"), int):
        said.append(f"page {page}")
    if lines := _lines(place.get("lines")):
        said.append(f"lines {lines[0]}-{lines[1]}")
    if isinstance(context := passage.get("context"), str) and context:
        said.append(" ".join(context.split()))
    return ", ".join(said)[:LONGEST_NAME]


def _lines(value: JsonValue) -> tuple[int, int] | None:
    if isinstance(value, list | tuple) and len(value) == 2:
        first, last = value
        return (first, last) if isinstance(first, int) and isinstance(last, int) else None
    return None


def _first_line(value: JsonValue) -> int | None:
    lines = _lines(value)
    return None if lines is None else lines[0]
