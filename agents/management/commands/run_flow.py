# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs a flow in this process: no server, no database, no Redis; for trying a flow and for CI."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents.adapters.toolbox import BUILT_IN_NAMES
from agents.engine.documents import check_text, read_document
from agents.engine.errors import GraphInvalid, Problem
from agents.engine.expressions import text_of
from agents.engine.logs import LogLine
from agents.operations.trial import Trial, try_flow
from codexos.kernel.chat import ContextDocument
from codexos.kernel.jsontypes import JsonObject

FAILED, WRONG = 1, 2
_MEMBERS = ("output", "citations", "usage", "error")


class Command(BaseCommand):
    """bin/manage run_flow FLOW --input TEXT [--context FILE …] [--follow] [--json]"""

    help = "Run a flow document in process with the offline model: no server, no database, no Redis."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("flow", metavar="FLOW", help="a flow document, JSON or YAML")
        parser.add_argument("--input", default="", help="the input; @FILE for a file's text, - for stdin")
        parser.add_argument("--object", default="", help="the input as a JSON object; @FILE and - as above")
        parser.add_argument("--context", metavar="FILE", nargs="+", action="extend", default=[], help="text files")
        parser.add_argument("--follow", action="store_true", help="write each line of the log as it comes")
        parser.add_argument("--json", action="store_true", help="write everything as one JSON object on stdout")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            trial = try_flow(
                _document(options["flow"]),
                input=_object(options["object"]) if options["object"] else _text(options["input"]),
                documents=[ContextDocument(Path(name).name, _read(name)) for name in options["context"]],
                on_line=self._tell if options["follow"] else lambda line: None,
            )
        except GraphInvalid as error:
            raise CommandError(_all_problems(error.problems, options["flow"]), returncode=WRONG) from None
        if not options["follow"]:
            for line in trial.log:
                self._tell(line)
        self._hand_on(trial, as_json=options["json"])

    def _tell(self, line: LogLine) -> None:
        node = f"[{line.node_id}] " if line.node_id else ""
        self.stderr.write(f"{line.timestamp:%H:%M:%S} {node}{line.message}", style_func=str)

    def _hand_on(self, trial: Trial, *, as_json: bool) -> None:
        if as_json:
            shape = {"status": trial.status, **{name: trial.data.get(name) for name in _MEMBERS}}
            self.stdout.write(json.dumps({**shape, "logs": list(map(_line_data, trial.log))}, indent=2, default=dict))
        elif trial.status == "succeeded":
            self.stdout.write(text_of(trial.data.get("output")))
        if trial.status != "succeeded":
            raise CommandError(f"The run {trial.status}: {trial.reason}", returncode=FAILED)


def _line_data(line: LogLine) -> dict[str, Any]:
    at = line.timestamp.isoformat().replace("+00:00", "Z")
    return {"timestamp": at, "node_id": line.node_id, "message": line.message, "level": line.level}


def _document(path: str) -> JsonObject:
    """Read a flow. Raises GraphInvalid with every problem, and where in the text each one stands."""
    text = _read(path)
    problems = [problem for problem in check_text(text, tools=BUILT_IN_NAMES) if problem.is_error]
    if problems:
        raise GraphInvalid(problems)
    return read_document(text)


def _all_problems(problems: Sequence[Problem], path: str) -> str:
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
    return "\n".join([f"{path} has {count}:", *(f"  {_spot(one)}{one.place}: {one.message}" for one in problems)])


def _spot(problem: Problem) -> str:
    return f"line {problem.line}, column {problem.column}: " if problem.line else ""


def _text(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    return _read(given[1:]) if given.startswith("@") and len(given) > 1 else given


def _object(given: str) -> dict[str, Any]:
    try:
        value = json.loads(_text(given))
    except (ValueError, RecursionError) as error:
        raise CommandError(f"--object is not JSON: {error}.", returncode=WRONG) from None
    if not isinstance(value, dict):
        raise CommandError("--object is to be a JSON object.", returncode=WRONG)
    return value


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.", returncode=WRONG) from None
    except ValueError:
        raise CommandError(f"{path} is not text in UTF-8.", returncode=WRONG) from None
