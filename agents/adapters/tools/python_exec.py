# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""PythonExec: Python code in the sandbox, with its value, what it said, and the files and figures it left."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from agents.adapters.sandbox import Artefact, Outcome
from agents.adapters.tools.code_jobs import RESULT, code_spec, job_of, result_of, run_in_place
from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from codexos.kernel.jsontypes import JsonObject, JsonValue

_DRIVER = Path(__file__).with_name("python_driver.py").read_text(encoding="utf-8")
_CODE = ".codexos-code.py"
_VALUE = ".result.json"
_VALUE_BYTES = 1_000_000
_SPEC = code_spec(
    "PythonExec",
    "Run Python in a sandbox with numpy, pandas, matplotlib, requests and pytest. Returns the value of the last "
    "line or of the variable `result`, what was printed, the files left in /out, and figures that were drawn. "
    "There is no network but to the hosts that are named.",
    takes={"code": {"type": "string", "minLength": 1, "maxLength": 500_000}},
    result={
        **RESULT,
        "result": {"description": "The value of the last line, or of the variable `result`; null where there is none."},
    },
)


class PythonExec:
    """Runs what a flow or a model writes, where it can do no harm."""

    def __init__(self, room: ToolRoom) -> None:
        self._room = room

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return _SPEC

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return how it ended, its value and what it left. Raises SandboxUnavailable, SandboxRefused."""
        job = job_of(arguments, ["python", "-c", _DRIVER, _CODE])
        code = str(arguments.get("code", "")).encode("utf-8", "replace")
        job = replace(job, files={**job.files, _CODE: code}, python=True)
        outcome, told = await run_in_place(job, self._room, arguments, on=on, removing=_CODE)
        values, others = _parted(outcome.artefacts)
        found = await result_of(replace(outcome, artefacts=others), self._room)
        return {**found, "result": _value(outcome, values), **told}


def _parted(artefacts: Sequence[Artefact]) -> tuple[list[Artefact], tuple[Artefact, ...]]:
    return [each for each in artefacts if each.name == _VALUE], tuple(each for each in artefacts if each.name != _VALUE)


def _value(outcome: Outcome, values: Sequence[Artefact]) -> JsonValue:
    """Return what the code gave. Whatever stands there was written by the code, so it is read as anybody's JSON."""
    if outcome.exit_code or not values or values[0].size > _VALUE_BYTES:
        return None
    try:
        return cast(JsonValue, json.loads(values[0].content, parse_constant=lambda _name: None))
    except (ValueError, RecursionError):
        return None
