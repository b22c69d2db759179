# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``codexos runs``, ``show``, ``logs``, ``cancel``, ``pause``, ``resume``, ``approvals`` and ``decide``."""

import sys
from typing import Annotated, Any

import typer

from . import screen
from .client import connect, quoted
from .documents import read_input, read_value
from .exits import Exit, exit_of_run
from .faults import usage
from .parameters import AsJson, RunId, number
from .versions import newer_server
from .watching import get_run, leaving_it_alone, tell_end, watch

ANSWERS = ("approve", "reject", "approve_for_run")
DECISIONS = (*ANSWERS, "again", "done", "fail")
COLUMNS = ("id", "agent", "status", "created", "took")


def list_runs(
    *,
    mine: Annotated[bool, typer.Option("--mine", help="Only runs you started.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only runs that failed.")] = False,
    limit: Annotated[str, typer.Option("--limit", metavar="N", help="How many at most, up to 200.")] = "20",
    as_json: AsJson = False,
) -> None:
    """List runs, newest first."""
    if mine and failed:
        raise usage("Say --mine or --failed, not both.")
    which = "mine" if mine else "failed" if failed else "all"
    most = min(number(limit, called="--limit"), 200)
    runs = connect().get("/api/v1/runs/", which=which, limit=str(most))["results"]
    if as_json:
        screen.say_json(runs)
    else:
        screen.say_table(map(_row, runs), COLUMNS)


def show_run(run_id: RunId, *, as_json: AsJson = False) -> None:
    """Show a run: how it stands and what it gave."""
    run = get_run(connect(), run_id)
    if as_json:
        screen.say_json(run)
        return
    usage_of = run.get("usage") or {}
    screen.say_facts(
        {
            "run": run["id"],
            "agent": run["agent_id"],
            "status": run["status"],
            "created": run["created_at"],
            "started": run["started_at"],
            "completed": run["completed_at"],
            "tokens": f"{usage_of.get('input_tokens', 0)} in, {usage_of.get('output_tokens', 0)} out",
            "error": (run.get("error") or {}).get("message"),
        }
    )
    result = run.get("result") or {}
    if result.get("output") is not None:
        screen.say("")
        screen.say_value(result["output"])


def show_logs(
    run_id: RunId,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    as_json: AsJson = False,
) -> int:
    """Write a run's log; with --follow as it happens, and the exit code is the run's."""
    client = connect()
    run = get_run(client, run_id)
    if follow:
        with leaving_it_alone(run_id):
            ended = watch(client, run_id, show="json" if as_json else "stdout", is_patient=True)
        if ended["status"] != "succeeded":
            tell_end(ended)
        return exit_of_run(ended["status"])
    for line in run["logs"]:
        if as_json:
            screen.say_json(line, is_line=True)
        else:
            screen.write_line(screen.line_of_log(line), level=line.get("level", "info"), stream=sys.stdout)
    return Exit.DONE


def cancel_run(run_id: RunId, *, as_json: AsJson = False) -> None:
    """Cancel a run that has not ended."""
    with newer_server("Cancelling a run"):
        answer = connect().post(f"/api/v1/runs/{quoted(run_id)}/cancel/")
    if as_json:
        screen.say_json(answer)
    else:
        screen.say(f"Run {run_id} is being cancelled.")


def pause_run(run_id: RunId, *, as_json: AsJson = False) -> None:
    """Let a run begin nothing more: what is under way ends, then it waits."""
    _ask(run_id, "pause", f"Run {run_id} pauses when what is under way has ended.", as_json=as_json)


def resume_run(run_id: RunId, *, as_json: AsJson = False) -> None:
    """Let a paused run go on."""
    _ask(run_id, "resume", f"Run {run_id} goes on.", as_json=as_json)


def _ask(run_id: str, verb: str, said: str, *, as_json: bool) -> None:
    with newer_server("Pausing and resuming runs"):
        answer = connect().post(f"/api/v1/runs/{quoted(run_id)}/{verb}/")
    if as_json:
        screen.say_json(answer)
    else:
        screen.say(said)


def list_approvals(
    *,
    everybodys: Annotated[bool, typer.Option("--all", help="Also what others are to answer.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the questions of runs that wait for you, oldest run first."""
    with newer_server("Approvals"):
        found = connect().get("/api/v1/approvals/", which="all" if everybodys else "mine", limit="200")["results"]
    if as_json:
        screen.say_json(found)
    else:
        screen.say_table(
            [_question(each) for each in found],
            ("run", "node", "question", "asked by", "project", "flow", "until", "about"),
        )


def decide_step(
    run_id: RunId,
    node: Annotated[str, typer.Argument(metavar="NODE", help="The step that waits.")],
    decision: Annotated[
        str, typer.Argument(metavar="approve|reject|approve_for_run|again|done|fail", help="What to do with it.")
    ],
    *,
    result: Annotated[str, typer.Option("--result", metavar="JSON", help="With done: what the step gave.")] = "",
    form: Annotated[str, typer.Option("--form", metavar="JSON", help="With an answer: the form, or @FILE.")] = "",
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="With an answer about a call: why.")] = "",
    seen: Annotated[str, typer.Option("--hash", metavar="HASH", help="Of a call: that of what you saw.")] = "",
    as_json: AsJson = False,
) -> None:
    """Answer a question that a run asks: approve or reject; of a call, also approve_for_run.

    Or decide about a step that was cut off and may have happened: do it again, take it as done, or let it fail.
    """
    if decision not in DECISIONS:
        raise usage(f"{decision!r} is no decision. Say {', '.join(DECISIONS)}.")
    if result and decision != "done":
        raise usage("--result goes with done only.")
    if form and decision not in ANSWERS:
        raise usage("--form goes with approve and reject only.")
    body: dict[str, Any] = {"node_id": node, "decision": decision}
    if result:
        body["result"] = read_value(result, called="--result")
    if form:
        body["form"] = read_value(read_input(form), called="--form")
    body |= {name: said for name, said in (("note", note), ("hash", seen)) if said}
    with newer_server("Deciding about a step"):
        answer = connect().post(f"/api/v1/runs/{quoted(run_id)}/decide/", body)
    if as_json:
        screen.say_json(answer)
    else:
        screen.say(f"Decided: {node} {decision}. Watch it: codexos logs {run_id} --follow")


def _question(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "run": asked["run_id"],
        "node": asked["node_id"],
        "question": asked["title"],
        # A server of before says less.
        "asked by": asked.get("asked_by", ""),
        "project": asked.get("project", ""),
        "flow": asked["agent_id"],
        "until": f"{asked['until'][:19]}Z" if asked.get("until") else "",
        "about": asked.get("summary", ""),
    }


def _row(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": run["id"],
        "agent": run["agent_id"],
        "status": run["status"],
        "created": str(run["created_at"])[:19] + "Z",
        "took": _seconds_between(run.get("started_at"), run.get("completed_at")),
    }


def _seconds_between(start: str | None, end: str | None) -> str:
    if not start or not end:
        return ""
    from datetime import datetime

    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return f"{seconds:.1f}s"
