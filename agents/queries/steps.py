# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""One node of a run, looked at closely: what it was asked, what it gave, and what its log says."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.engine.journal import Entry
from agents.engine.order import in_order
from agents.errors import RunNotFound
from agents.models import Run
from agents.queries.timeline import EntryView, fold_run, line_of, said_of
from codexos.kernel.jsontypes import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class StepView:
    """What a node did. ``asked`` are its intentions, one for each try, the newest last; ``sources`` whose results it
    read where it asked nobody; ``message`` is why there is no result.
    """

    node_id: str
    kind: str
    asked: Sequence[JsonObject]
    sources: Sequence[str]
    has_result: bool
    result: JsonValue
    message: str
    lines: Sequence[EntryView]

    @property
    def has_ended(self) -> bool:
        """Whether it was done or failed, so that it may have another result in a run that goes on from here."""
        return any(line.type in {"step.done", "step.failed"} for line in self.lines)

    @property
    def result_text(self) -> str:
        """The result as JSON, to be written anew."""
        return json.dumps(self.result, indent=2, ensure_ascii=False, default=dict)

    @property
    def text(self) -> JsonValue:
        """The part of a result that is there to be read: what a model said, or all of it."""
        answer = self._answer
        return self.result if answer is None else answer["text"]

    @property
    def model(self) -> str:
        """The model that answered, where one did."""
        return str((self._answer or {}).get("model", ""))

    @property
    def citations(self) -> Sequence[JsonValue]:
        """What the result cites."""
        found = self.result.get("citations") if isinstance(self.result, Mapping) else None
        return found if isinstance(found, list) else ()

    @property
    def _answer(self) -> JsonObject | None:
        is_answer = self.kind == "llm" and isinstance(self.result, Mapping) and isinstance(self.result.get("text"), str)
        return self.result if is_answer else None  # type: ignore[return-value]


def view_step(run: Run, entries: Sequence[Entry], node_id: str | None) -> StepView:
    """Return what one node did, the first where none is named. Raises RunNotFound where the flow has no such node."""
    view = fold_run(run, entries)
    node = view.graph.nodes.get(node_id or in_order(view.graph)[0])
    if node is None:
        raise RunNotFound(f"Run {str(run.id)!r} has no step {str(node_id)!r}. Choose one from its timeline.")
    told = [entry for entry in entries if entry.node_id == node.id]
    return StepView(
        node_id=node.id,
        kind=node.kind,
        asked=[said_of(entry.data) for entry in told if entry.type == "step.intended"],
        sources=view.sources_of(node.id),
        has_result=node.id in view.results,
        result=view.results.get(node.id),
        message=_message(told),
        lines=[line_of(entry) for entry in told],
    )


def _message(told: Sequence[Entry]) -> str:
    """Say why a step failed, waits or was left out."""
    for entry in reversed(told):
        error = entry.data.get("error")
        if entry.type in {"step.failed", "step.retry"} and isinstance(error, Mapping):
            return str(error.get("message") or "")
        if entry.type in {"step.skipped", "run.waiting"}:
            return str(entry.data.get("message") or "")
    return ""
