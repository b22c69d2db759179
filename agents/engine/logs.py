# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Entries as lines for people: one readable sentence each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agents.engine.expressions import text_of
from agents.engine.journal import Entry
from codexos.kernel.jsontypes import JsonValue

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
    level: Level = "info"
    if entry.type == "step.failed" or (entry.type == "run.finished" and entry.data.get("status") == "failed"):
        level = "error"
    elif entry.type in {"step.retry", "run.waiting"} or entry.data.get("level") == "warning":
        level = "warning"
    return LogLine(entry.at, entry.node_id, _message(entry), level)


def _message(entry: Entry) -> str:
    data = entry.data
    match entry.type:
        case "run.accepted":
            return "Run accepted."
        case "run.started":
            return "A worker took the run up again." if data.get("resumed") else "Run started."
        case "step.intended":
            return f"{entry.node_id} started: {_subject(data)}."
        case "step.done":
            return f"{entry.node_id} done: {_excerpt(data.get('result'))}"
        case "step.failed":
            return f"{entry.node_id} failed: {_reason(data)}"
        case "step.retry":
            return f"{entry.node_id} will be tried again in {data.get('after_seconds')} s: {_reason(data)}"
        case "run.finished":
            reason = _reason(data)
            return f"Run {data.get('status')}{f': {reason}' if reason else '.'}"
        case _:
            return str(data.get("message") or entry.type)


def _subject(data: Mapping[str, JsonValue]) -> str:
    for name in ("tool", "model"):
        if name in data:
            return f"{name} {data[name]}"
    return "working"


def _reason(data: Mapping[str, JsonValue]) -> str:
    error = data.get("error")
    return str(error.get("message", "")) if isinstance(error, Mapping) else ""


def _excerpt(value: JsonValue) -> str:
    said = " ".join(text_of(value)[: LONGEST_EXCERPT * 2].split())
    return said if len(said) <= LONGEST_EXCERPT else f"{said[:LONGEST_EXCERPT]}…"
