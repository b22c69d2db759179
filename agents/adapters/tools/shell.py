# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Shell: one command line in the sandbox."""

from dataclasses import replace

from agents.adapters.tools.code_jobs import RESULT, code_spec, job_of, result_of, run_in_place
from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from codexos.kernel.jsontypes import JsonObject, JsonValue

_SPEC = code_spec(
    "Shell",
    "Run a command line in a sandbox and return what it says. It begins in an empty folder, or in the workspace; "
    "what it leaves in /out is returned as files. There is no network but to the hosts that are named.",
    takes={"command": {"type": "string", "minLength": 1, "maxLength": 100_000, "description": "Read by sh."}},
    result=RESULT,
)


class Shell:
    """Runs what a flow or a model writes, where it can do no harm."""

    def __init__(self, room: ToolRoom) -> None:
        self._room = room

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return _SPEC

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return how it ended and what it said. Raises SandboxUnavailable, SandboxRefused."""
        job = job_of(arguments, ["/bin/sh", "-c", str(arguments.get("command", ""))])
        # So that the Python of a command line is the one with packages, and pytest is found.
        job = replace(job, python=True)
        outcome, told = await run_in_place(job, self._room, arguments, on=on)
        return {**await result_of(outcome, self._room), **told}
