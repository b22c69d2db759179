# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a command shows: results on stdout, everything about them on stderr; tables for people, lines for programs."""

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from .faults import Fault

_UNSHOWABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_MOMENT = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\dZ$")
_YIELDING = frozenset({"agent", "name", "path"})
_COLORS = {"error": "31", "warning": "33", "dim": "2", "strong": "1"}
_LEVELS = {"step.failed": "error", "step.retry": "warning", "run.waiting": "warning"}


def prepare() -> None:
    """Let no character stop a command: what a terminal cannot write becomes a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def say(text: str) -> None:
    """Write a result."""
    shown = _safe(text) if sys.stdout.isatty() else text
    sys.stdout.write(shown if shown.endswith("\n") else f"{shown}\n")
    sys.stdout.flush()


def tell(text: str) -> None:
    """Write something about a result."""
    sys.stderr.write(f"{_safe(text)}\n")
    sys.stderr.flush()


def say_json(value: Any, *, is_line: bool = False) -> None:
    """Write a value for programs: indented, or on one line of its own."""
    say(json.dumps(value, ensure_ascii=False, indent=None if is_line else 2))


def say_value(value: Any) -> None:
    """Write what a run gave: a text as it is, anything else as JSON."""
    if isinstance(value, str):
        say(value)
    else:
        say_json(value)


def say_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write rows: a table on a terminal, else a line each with tabs between."""
    cells = [[one_line(row.get(column)) for column in columns] for row in rows]
    if not sys.stdout.isatty():
        for row in cells:
            say("\t".join(row))
    elif cells:
        _show_table(cells, columns)
    else:
        tell("There is nothing to list.")


def say_facts(facts: Mapping[str, Any]) -> None:
    """Write what is known of one thing, a line for each fact."""
    width = max(map(len, facts))
    for name, value in facts.items():
        if value not in (None, ""):
            say(f"{name.ljust(width)}  {one_line(value)}")


def line_of(event: Mapping[str, Any]) -> str:
    """Return an entry of a run's journal as a line of its log."""
    data = event.get("data") or {}
    return _log_line(event.get("at"), event.get("node_id"), data.get("message") or event.get("type"))


def line_of_log(line: Mapping[str, Any]) -> str:
    """Return a line of a run's log."""
    return _log_line(line.get("timestamp"), line.get("node_id"), line.get("message"))


def level_of(event: Mapping[str, Any]) -> str:
    """Return how grave an entry is."""
    data = event.get("data") or {}
    if event.get("type") == "run.finished" and data.get("status") == "failed":
        return "error"
    return _LEVELS.get(str(event.get("type")), str(data.get("level") or "info"))


def colored(text: str, level: str, *, stream: IO[str]) -> str:
    """Return a line in the color of its level, where the stream is a terminal that wants colors."""
    color = _COLORS.get(level)
    text = _safe(text)
    if color is None or not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{color}m{text}\x1b[0m"


def write_line(line: str, *, level: str, stream: IO[str]) -> None:
    """Write a line of a log at once."""
    stream.write(f"{colored(line, level, stream=stream)}\n")
    stream.flush()


def tell_fault(fault: Fault) -> None:
    """Say what went wrong, each place of it on a line of its own."""
    write_line(f"codexos: {fault.message}", level="error", stream=sys.stderr)
    tell_problems(fault.problems)


def tell_problems(problems: Iterable[tuple[str, str]], *, stream: IO[str] | None = None) -> None:
    """List what is wrong and where."""
    for place, message in problems:
        write_line(f"  {place}: {message}" if place else f"  {message}", level="", stream=stream or sys.stderr)


def one_line(value: Any) -> str:
    """Return a value as one line without anything a terminal would act on."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _safe(" ".join(text.split()))


def _log_line(at: Any, node_id: Any, message: Any) -> str:
    clock = str(at or "")[11:19]
    return one_line(f"{clock} {f'[{node_id}] ' if node_id else ''}{message}")


def _safe(text: str) -> str:
    return _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _show_table(cells: Sequence[Sequence[str]], columns: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        # Names give way where it is narrow; an id is there to be copied, so it is never cut or broken.
        table.add_column(column.replace("_", " "), no_wrap=column not in _YIELDING, overflow="fold")
    for row in cells:
        table.add_row(*(Text(_MOMENT.sub(r"\1 \2", cell)) for cell in row))
    Console().print(table)
