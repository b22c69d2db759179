# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What Shell and PythonExec share: a job for the sandbox from a call's arguments, and a result from how it ended."""

import codecs
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

from django.conf import settings

from agents.adapters.sandbox import Job, JobLimits, Outcome, Sandbox, Stream
from agents.adapters.tools.artefacts import FILE_SCHEMA, told_files
from agents.adapters.tools.room import ToolRoom
from agents.adapters.workspaces.workspace import TOLD_SCHEMA
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from agents.engine.workspaces.errors import WorkspaceFull
from agents.errors import SandboxUnavailable
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.tunnels import TunnelProxy

MEBIBYTE = 1024 * 1024
LONGEST_SECONDS = 600.0
DEFAULT_SECONDS = 60.0
SHOWN_OUTPUT_BYTES = 200_000

ARGUMENTS: JsonObject = {
    "stdin": {"type": "string", "maxLength": 2_000_000, "description": "What it reads from its standard input."},
    "files": {
        "type": "object",
        "maxProperties": 200,
        "additionalProperties": {"type": "string", "maxLength": 2_000_000},
        "description": "Texts by path, put into the work folder before it begins.",
    },
    "env": {"type": "object", "maxProperties": 50, "additionalProperties": {"type": "string"}},
    "hosts": {
        "type": "array",
        "maxItems": 20,
        "items": {"type": "string", "minLength": 1, "maxLength": 253},
        "description": "The names of the hosts it may reach by HTTP. Without any there is no network.",
    },
    "workspace": {
        "type": "boolean",
        "description": "True to run in the run's workspace, on the files its other tools read and write.",
    },
    "timeout_seconds": {"type": "number", "minimum": 0.1, "maximum": LONGEST_SECONDS},
    "memory_mb": {"type": "integer", "minimum": 16, "maximum": 65_536},
    "processes": {"type": "integer", "minimum": 1, "maximum": 1_000},
}
RESULT: JsonObject = {
    "exit_code": {"type": "integer", "description": "0 where it ended well; 128 and the signal where one ended it."},
    "ended_by": {
        "type": ["string", "null"],
        "description": "The limit that ended it (seconds, memory, files), or null.",
    },
    "stdout": {"type": "string"},
    "stderr": {"type": "string"},
    "truncated": {"type": "boolean", "description": "Whether it said more than is kept."},
    "seconds": {"type": "number"},
    "files": {"type": "array", "items": FILE_SCHEMA, "description": "What it left in /out."},
    "left_out": {"type": "array", "items": {"type": "string"}, "description": "Files that were not kept, and why."},
}


def code_spec(name: str, description: str, *, takes: JsonObject, result: JsonObject) -> ToolSpec:
    """Return what a tool that runs code promises: it ``takes`` one argument of its own, which it needs."""
    return ToolSpec(
        name=name,
        description=description,
        schema={
            "type": "object",
            "properties": {**takes, **ARGUMENTS},
            "required": list(takes),
            "additionalProperties": False,
        },
        result_schema={
            "type": "object",
            "properties": {**result, "workspace": TOLD_SCHEMA},
            "required": list(result),
            "additionalProperties": False,
        },
        capabilities=("exec", "egress:*"),
        touches=capabilities_of,
        repeats=touches_nothing_outside,
        keeps_files=True,
        ends_with_run=True,
        takes_files=lambda arguments: arguments.get("workspace") is True,
        # Above what a call may ask for itself, so that the sandbox's own end is the one that is told.
        timeout_seconds=LONGEST_SECONDS + 180,
    )


def capabilities_of(arguments: JsonObject) -> Sequence[str]:
    """Return what a call touches: running code, and each host it may reach."""
    return ("exec", *(f"egress:{host}" for host in hosts_of(arguments)))


def touches_nothing_outside(arguments: JsonObject) -> bool:
    """Whether a call that was cut off may be made again: without hosts all it did is gone with its sandbox.

    A workspace takes the files of a whole call or none.
    """
    return not hosts_of(arguments)


def hosts_of(arguments: JsonObject) -> Sequence[str]:
    """Return the hosts a call asks for, in small letters."""
    hosts = arguments.get("hosts", ())
    return tuple(str(host).lower() for host in hosts) if isinstance(hosts, list | tuple) else ()


def job_of(arguments: JsonObject, command: Sequence[str]) -> Job:
    """Return the job a call asks for."""
    files = {path: text.encode("utf-8", "replace") for path, text in _texts(arguments.get("files")).items()}
    return Job(
        tuple(command),
        stdin=str(arguments.get("stdin", "")).encode("utf-8", "replace"),
        env=_texts(arguments.get("env")),
        files=files,
        limits=_limits(arguments),
        collect=True,
    )


async def run_in_place(
    job: Job, room: ToolRoom, arguments: JsonObject, *, on: Occasion, removing: str = ""
) -> tuple[Outcome, dict[str, JsonValue]]:
    """Run a call's job in a new folder, or in the workspace, whose files are told of beside; ``removing`` one of them.

    Raises SandboxUnavailable, SandboxRefused and, where it runs in the workspace, what a turn with it raises.
    """
    hosts = hosts_of(arguments)
    if arguments.get("workspace") is not True:
        return await run_job(job, room, hosts=hosts, on=on), {}
    workspace = await room.workspace()
    async with workspace.turn(on) as turn:
        outcome = await run_job(replace(job, folder=turn.folder.name), room, hosts=hosts, on=on)
        if outcome.ended_by == "folder":
            raise WorkspaceFull("The command wrote more than the workspace may hold, so it was ended and undone.")
        if removing:
            await turn.folder.remove(removing)
    return outcome, {"workspace": turn.told}


async def run_job(job: Job, room: ToolRoom, *, hosts: Sequence[str], on: Occasion) -> Outcome:
    """Run a job, its output shown as it comes. Raises SandboxUnavailable, SandboxRefused."""
    async with way_out(room, hosts) as proxy:
        return await Sandbox(settings.SANDBOX_SOCKET).run(replace(job, proxy=proxy), _shown_by(on))


async def result_of(outcome: Outcome, room: ToolRoom) -> dict[str, JsonValue]:
    """Return how a job ended as a result; what it left is kept where the room has a place for it."""
    stdout, is_cut = _said(outcome.stdout)
    stderr, is_cut_too = _said(outcome.stderr)
    files, not_kept = await told_files(outcome.artefacts, room)
    return {
        "exit_code": outcome.exit_code,
        "ended_by": outcome.ended_by or None,
        "stdout": stdout,
        "stderr": stderr,
        "truncated": outcome.is_truncated or is_cut or is_cut_too,
        "seconds": outcome.seconds,
        "files": files,
        "left_out": [*(f"{name}: {why}" for name, why in outcome.left_out), *not_kept],
    }


@asynccontextmanager
async def way_out(room: ToolRoom, hosts: Sequence[str]) -> AsyncIterator[str | None]:
    """Give a proxy of this call's own that leads to these hosts alone; None where there are none."""
    if not hosts:
        yield None
        return
    folder = Path(settings.SANDBOX_SOCKET).parent / "egress"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / secrets.token_hex(8)
        async with TunnelProxy(room.egress.narrowed(hosts)).listening(path):
            yield str(path)
    except OSError as error:
        raise SandboxUnavailable(f"No way out could be opened for this call ({error}). Try again.") from error


def _shown_by(on: Occasion) -> Callable[[Stream, bytes], None]:
    decoders = {stream: codecs.getincrementaldecoder("utf-8")("replace") for stream in ("stdout", "stderr")}

    def show(stream: Stream, part: bytes) -> None:
        if text := decoders[stream].decode(part):
            on.emit(text)

    return show


def _limits(arguments: JsonObject) -> JobLimits:
    memory = arguments.get("memory_mb")
    processes = arguments.get("processes")
    return JobLimits(
        seconds=float(cast(float, arguments.get("timeout_seconds", DEFAULT_SECONDS))),
        memory_bytes=memory * MEBIBYTE if isinstance(memory, int) else None,
        processes=processes if isinstance(processes, int) else None,
    )


def _texts(members: JsonValue) -> dict[str, str]:
    return {name: str(text) for name, text in members.items()} if isinstance(members, Mapping) else {}


def _said(output: bytes) -> tuple[str, bool]:
    """Return output as text, the middle left out where it is long: beginnings and ends tell most."""
    if len(output) <= SHOWN_OUTPUT_BYTES:
        return _text(output), False
    half = SHOWN_OUTPUT_BYTES // 2
    left_out = len(output) - 2 * half
    return f"{_text(output[:half])}\n[… {left_out} bytes left out …]\n{_text(output[-half:])}", True


def _text(output: bytes) -> str:
    # A zero byte is nothing the database keeps in a text.
    return output.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
