# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""One step of a run, looked at closely: what it was asked, what it gave, and what its log says."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agents.engine.artefacts import LeftFile, artefacts_in
from agents.engine.journal import Entry, usage_from
from agents.engine.logs import LogLine, log_line
from agents.errors import RunNotFound
from agents.models import Run
from agents.queries.progress import ANSWERING, NodeView, Progress, result_of
from agents.queries.timeline import EntryView, line_of, said_of
from codexos.kernel.chat import Usage
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_LANES_SHOWN = 50
"""How many lanes of a step are shown; all of them are listed by the API."""


@dataclass(frozen=True, slots=True)
class LaneView:
    """One doing of a node's body, with the steps it has come to; a flow of its own has ``variables`` of its own."""

    index: int
    path: str
    steps: Sequence[NodeView]
    variables: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Which it is, from 1."""
        return self.index + 1

    @property
    def state(self) -> str:
        """How it stands, by its steps."""
        # What failed and was dealt with is told at the step itself.
        states = {step.state for step in self.steps if not step.is_recovered}
        return next((state for state in ("failed", "waiting", "running") if state in states), "succeeded")

    @property
    def deeds(self) -> Sequence[NodeView]:
        """Its steps without those that only begin and end it."""
        return [step for step in self.steps if step.kind not in {"entry", "exit"}]

    @property
    def tokens(self) -> int | None:
        """What its steps spent in tokens; None where none asked a model."""
        spent = [step.tokens for step in self.steps if step.tokens is not None]
        return sum(spent) if spent else None

    @property
    def cost(self) -> float:
        """What its steps cost, in dollars."""
        return sum(step.cost or 0.0 for step in self.steps)


@dataclass(frozen=True, slots=True)
class AnswerView:
    """How a model's answer came about: by which route, who was asked for it in turn, and what it took."""

    model: str
    route: str
    attempts: Sequence[JsonObject]
    usage: Usage
    is_cached: bool
    saved_usd: float

    @classmethod
    def of(cls, result: JsonObject) -> "AnswerView":
        """Read it from what a step gave."""
        attempts, saved = result.get("attempts"), result.get("saved_usd")
        return cls(
            model=str(result.get("model", "")),
            route=str(result.get("route", "")),
            attempts=[each for each in attempts if isinstance(each, Mapping)] if isinstance(attempts, list) else (),
            usage=usage_from(result.get("usage")),
            is_cached=result.get("is_cached") is True,
            saved_usd=float(saved) if isinstance(saved, int | float) else 0.0,
        )


@dataclass(frozen=True, slots=True)
class StepView:
    """What a step did; ``node_id`` is its key. ``asked`` are its intentions, one for each try, the newest last.

    ``sources`` are whose results it read where it asked nobody; ``given`` what its lane began with;
    ``set`` the variables it set; ``message`` why there is no result.
    """

    node_id: str
    kind: str
    asked: Sequence[JsonObject]
    sources: Sequence[str]
    has_result: bool
    result: JsonValue
    message: str
    lines: Sequence[EntryView]
    log_lines: Sequence[LogLine]
    given: JsonValue
    set: JsonObject
    facts: NodeView
    lanes: Sequence[LaneView]

    @property
    def owner(self) -> str:
        """The step that holds the lane it stands in; empty where it stands in none."""
        return self.facts.lane.rpartition("[")[0]

    @property
    def root(self) -> str:
        """The node of the run's own flow that it stands below, or is."""
        return self.node_id.partition("[")[0]

    @property
    def begins_lane(self) -> bool:
        """Whether a lane begins with it, so that what it gives comes from around that."""
        return self.kind == "entry" and self.facts.lane != ""

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
    def calls(self) -> Sequence[JsonObject]:
        """The calls of tools that a model asked for, with their arguments as it wrote them."""
        asked = None if self._answer is None else self._answer.get("calls")
        return [each for each in asked if isinstance(each, Mapping)] if isinstance(asked, list) else ()

    @property
    def answer(self) -> "AnswerView | None":
        """How the answer of a model came about."""
        return None if self._answer is None else AnswerView.of(self._answer)

    @property
    def citations(self) -> Sequence[JsonValue]:
        """What the result cites."""
        found = self.result.get("citations") if isinstance(self.result, Mapping) else None
        return found if isinstance(found, list) else ()

    @property
    def artefacts(self) -> Sequence[LeftFile]:
        """The files that it left, such as the figures of a program."""
        return artefacts_in(self.result)

    @property
    def _answer(self) -> JsonObject | None:
        is_answer = (
            self.kind in ANSWERING and isinstance(self.result, Mapping) and isinstance(self.result.get("text"), str)
        )
        return self.result if is_answer else None  # type: ignore[return-value]


def view_step(run: Run, told: Sequence[Entry], *, progress: Progress, key: str) -> StepView:
    """Return what one step did, of whose entries ``told`` are. Raises RunNotFound where the run has no such step."""
    view = progress.view
    if key not in progress.steps:
        raise RunNotFound(f"Run {str(run.id)!r} has no step {key!r}. Choose one from its timeline.")
    lane, node = view.at(key)
    has_result, result = result_of(view, key)
    return StepView(
        node_id=key,
        kind=node.kind,
        asked=[said_of(entry.data) for entry in told if entry.type == "step.intended"],
        sources=view.sources_of(key),
        has_result=has_result,
        result=result,
        message=_message(told),
        lines=[line_of(entry) for entry in told],
        log_lines=[log_line(entry) for entry in told],
        given=lane.given if node.kind == "entry" else None,
        set={} if not told else _set_by(told),
        facts=replace(progress.steps[key]),
        lanes=_lanes(progress, key),
    )


def _set_by(told: Sequence[Entry]) -> JsonObject:
    said = [entry.data["set"] for entry in told if "set" in entry.data]
    return said[-1] if said and isinstance(said[-1], Mapping) else {}


def _lanes(progress: Progress, key: str) -> list[LaneView]:
    """Return the lanes of a step that were begun, the newest first, with what was done in them."""
    begun = progress.steps[key].begun
    shown = range(begun - 1, max(begun - 1 - MOST_LANES_SHOWN, -1), -1)
    return [
        LaneView(
            index,
            path := f"{key}[{index}]",
            [replace(step) for step in progress.steps_in(path)],
            _variables(progress, path),
        )
        for index in shown
    ]


def _variables(progress: Progress, path: str) -> Mapping[str, JsonValue]:
    lane = progress.view.lanes.get(path)
    return dict(lane.variables) if lane is not None and lane.home is lane else {}


def _message(told: Sequence[Entry]) -> str:
    """Say why a step failed, waits or was left out."""
    for entry in reversed(told):
        error = entry.data.get("error")
        if entry.type in {"step.failed", "step.retry"} and isinstance(error, Mapping):
            return str(error.get("message") or "")
        if entry.type in {"step.skipped", "run.waiting"}:
            return str(entry.data.get("message") or "")
    return ""
