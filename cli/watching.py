# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Watching a run to its end, or to where it waits for a person; Ctrl-C leaves the run alone."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from . import screen
from .client import Client, quoted
from .events import Event, follow
from .exits import Exit, exit_of_run
from .faults import Fault

Run = dict[str, Any]


def get_run(client: Client, run_id: str) -> Run:
    """Return a run in full. Raises Fault."""
    run: Run = client.get(f"/api/v1/runs/{quoted(run_id)}/")
    return run


def watch(
    client: Client, run_id: str, *, show: Literal["", "stdout", "stderr", "json"] = "", is_patient: bool = False
) -> Run:
    """Return a run when it has ended, or waits for a person and ``is_patient`` is not set. Raises Fault."""
    may_wait = False
    for event in follow(client, run_id):
        if event is not None:
            _show(event, show)
            may_wait = may_wait or event["type"] == "run.waiting"
        # Other branches may be under way still: whether all of it waits, the run itself says.
        if may_wait and not is_patient and get_run(client, run_id)["status"] == "waiting":
            break
    return get_run(client, run_id)


@contextmanager
def leaving_it_alone(run_id: str) -> Iterator[None]:
    """Let Ctrl-C end the watching and not the run, and say how to come back."""
    try:
        yield
    except KeyboardInterrupt:
        raise Fault(
            f"interrupted; the run goes on. Watch it: codexos logs {run_id} --follow. Stop it: codexos cancel {run_id}",
            exit_code=Exit.INTERRUPTED,
        ) from None


def see_through(client: Client, run_id: str, *, is_shown: bool, as_json: bool) -> int:
    """Wait for a run's end, showing each entry where that is wanted; return the exit code."""
    with leaving_it_alone(run_id):
        if is_shown:
            screen.tell(f"Run {run_id}")
        return end_with(watch(client, run_id, show="stderr" if is_shown else ""), as_json=as_json)


def end_with(run: Run, *, as_json: bool) -> int:
    """Write what a run gave on stdout and how it ended on stderr; return the exit code."""
    status = run["status"]
    if as_json:
        screen.say_json(run)
    elif status == "succeeded":
        screen.say_value((run.get("result") or {}).get("output"))
    if status != "succeeded":
        tell_end(run)
    return exit_of_run(status)


def tell_end(run: Run) -> None:
    """Say on stderr how a run ended that did not succeed."""
    error = run.get("error") or {}
    reason = f": {error['message']}" if error.get("message") else ""
    level = "error" if run["status"] == "failed" else "warning"
    lines = [f"Run {run['id']} {'waits for a person' if run['status'] == 'waiting' else run['status']}{reason}"]
    for step in run.get("waiting") or ():
        lines += _waiting(run["id"], step)
    for line in lines:
        screen.write_line(line, level=level, stream=sys.stderr)


def _waiting(run_id: str, step: dict[str, Any]) -> list[str]:
    """Say what a run waits for, and how it is made to go on."""
    if step.get("reason") == "paused":
        return [f"  {step.get('message')}", f"  Resume: codexos resume {run_id}"]
    is_question = step.get("reason") == "approval"
    said = step.get("title") if is_question else step.get("message")
    choices = "approve|reject" + (" --form JSON" if step.get("form") else "") if is_question else "again|done|fail"
    told = [f"  {step.get('node_id')}: {said}"]
    if isinstance(call := step.get("call"), dict):
        arguments = json.dumps(call.get("arguments"), ensure_ascii=False)
        told += [f"    {call.get('tool')} {arguments}", *(f"    {reason}" for reason in call.get("reasons") or ())]
        choices = f"approve|reject|approve_for_run --hash {step.get('hash')}"
    return [*told, f"  Decide: codexos decide {run_id} {step.get('node_id')} {choices}"]


def _show(event: Event, show: str) -> None:
    if show == "json":
        screen.say_json(event, is_line=True)
    elif show:
        stream = sys.stdout if show == "stdout" else sys.stderr
        screen.write_line(screen.line_of(event), level=screen.level_of(event), stream=stream)
