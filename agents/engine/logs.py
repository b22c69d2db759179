# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Entries as lines for people: one readable sentence each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agents.engine.expressions import text_of
from agents.engine.journal import Entry
from codexos.kernel.jsontypes import JsonObject, JsonValue

LONGEST_EXCERPT = 200

Level = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class LogLine:
    """What happened, said once."""

    timestamp: datetime
    node_id: str | None
    message: str
    level: Level


def log_line(entry: Entry) -> LogLine:
    """Say an entry as a line of the run's log."""
    return LogLine(entry.at, entry.node_id, message_of(entry), _level(entry))


def _level(entry: Entry) -> Level:
    if entry.type == "step.failed":
        return "warning" if "result" in entry.data else "error"
    if entry.type == "run.finished":
        return "error" if entry.data.get("status") == "failed" else "info"
    is_warning = entry.type in {"step.retry", "run.waiting"} or entry.data.get("level") == "warning"
    return "warning" if is_warning else "info"


def message_of(entry: Entry) -> str:
    """Say an entry in one sentence."""
    say = _SENTENCES.get(entry.type)
    said = say(entry, entry.data) if say is not None else str(entry.data.get("message") or entry.type)
    return f"Kept: {said}" if entry.is_kept else said


def _finished(_entry: Entry, data: JsonObject) -> str:
    reason = _reason(data)
    return f"Run {data.get('status')}{f': {reason}' if reason else '.'}"


_DECISIONS = {
    "approve": "approved",
    "reject": "rejected",
    "timeout": "the time was up",
    "again": "do it again",
    "done": "it is done",
    "fail": "give it up",
}


def _recovery(data: Mapping[str, JsonValue]) -> str:
    if "result" not in data:
        return ""
    following = data.get("next")
    where = f" at {', '.join(map(str, following))}" if isinstance(following, list | tuple) else ""
    return f" The run goes on{where}."


def _subject(data: Mapping[str, JsonValue]) -> str:
    for name in ("tool", "model"):
        if name in data:
            return f"{name} {data[name]}"
    return "working"


def _reason(data: Mapping[str, JsonValue]) -> str:
    error = data.get("error")
    return str(error.get("message", "")) if isinstance(error, Mapping) else ""


def _done(entry: Entry, data: Mapping[str, JsonValue]) -> str:
    """Say what a step gave; of a lane that does a flow the run wrote itself, the steps that are planned."""
    if "collected" in data:
        return f"{entry.node_id} done."
    flow = data.get("flow")
    nodes = flow.get("nodes") if isinstance(flow, Mapping) else None
    if isinstance(nodes, list | tuple):
        planned = ", ".join(str(node.get("id")) for node in nodes if isinstance(node, Mapping))
        return f"{entry.node_id} done. The plan: {_excerpt(planned)}"
    if asked := _calls_in(data.get("result")):
        return f"{entry.node_id} done: it calls {_excerpt(asked)}"
    return f"{entry.node_id} done: {_excerpt(data.get('result'))}"


def _calls_in(result: JsonValue) -> str:
    """Say which calls an answer asks for; nothing where it says something beside."""
    calls = result.get("calls") if isinstance(result, Mapping) and not result.get("text") else None
    listed = calls if isinstance(calls, list | tuple) else ()
    return ", ".join(f"{each.get('name')} {each.get('arguments')}" for each in listed if isinstance(each, Mapping))


def _excerpt(value: JsonValue) -> str:
    said = " ".join(text_of(value)[: LONGEST_EXCERPT * 2].split())
    return said if len(said) <= LONGEST_EXCERPT else f"{said[:LONGEST_EXCERPT]}…"


_SENTENCES: Mapping[str, Callable[[Entry, JsonObject], str]] = {
    "run.accepted": lambda entry, data: "Run accepted.",
    "run.started": lambda entry, data: "A worker took the run up again." if data.get("resumed") else "Run started.",
    "step.intended": lambda entry, data: f"{entry.node_id} started: {_subject(data)}.",
    "step.done": _done,
    "step.failed": lambda entry, data: f"{entry.node_id} failed: {_reason(data)}{_recovery(data)}",
    "step.retry": lambda entry, data: (
        f"{entry.node_id} will be tried again in {data.get('after_seconds')} s: {_reason(data)}"
    ),
    "approval.decided": lambda entry, data: (
        f"{data.get('by')} decided about {entry.node_id}: {_DECISIONS.get(str(data.get('decision')), 'go on')}."
    ),
    "run.finished": _finished,
}
