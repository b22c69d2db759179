# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``codexos retry``, ``rerun``, ``fork``, ``try`` and ``replay``: going on from runs that have ended."""

import sys
from typing import Annotated, Any

import typer

from . import screen
from .client import Client, connect, quoted
from .documents import read_flow, read_input, read_object, read_value
from .exits import Exit
from .faults import usage
from .parameters import AsJson, Detach, Follow, RunId
from .versions import newer_server
from .watching import see_through

Start = Annotated[str, typer.Option("--from", metavar="STEP", help="The step to do again, by its key.")]
Sets = Annotated[list[str], typer.Option("--set", metavar="NAME=VALUE", help="Another value of a variable; again.")]
Results = Annotated[list[str], typer.Option("--result", metavar="STEP=VALUE", help="A step's other result; again.")]


def retry_run(run_id: RunId, *, follow: Follow = False, detach: Detach = False, as_json: AsJson = False) -> int:
    """Do in another run what failed, and what follows; what was done is kept."""
    return _go_on(run_id, "retry", None, follow=follow, detach=detach, as_json=as_json)


def rerun_from(
    run_id: RunId, *, start: Start = "", follow: Follow = False, detach: Detach = False, as_json: AsJson = False
) -> int:
    """Do a step again in another run, and all that depends on it."""
    if not start:
        raise usage("Say --from STEP: the step to do again. Its key stands in the run's log, such as each[3]/draft.")
    return _go_on(run_id, "rerun", {"from": start}, follow=follow, detach=detach, as_json=as_json)


def fork_run(
    run_id: RunId,
    *,
    start: Start = "",
    results: Results = [],  # noqa: B006 - typer reads it and hands on a list of its own
    sets: Sets = [],  # noqa: B006
    given: Annotated[str, typer.Option("--input", "-i", metavar="TEXT", help="Another input; @FILE and -.")] = "",
    given_object: Annotated[str, typer.Option("--object", metavar="JSON", help="Another input, a JSON object.")] = "",
    follow: Follow = False,
    detach: Detach = False,
    as_json: AsJson = False,
) -> int:
    """Go on in another run with something changed: results of steps, variables or the input."""
    if given and given_object:
        raise usage("Say --input or --object, not both.")
    body: dict[str, Any] = {"steps": _named(results, "--result"), "state": _named(sets, "--set")}
    if given or given_object:
        body["input"] = read_object(given_object) if given_object else read_input(given)
    if start:
        body["from"] = start
    return _go_on(run_id, "fork", body, follow=follow, detach=detach, as_json=as_json)


def try_draft(
    run_id: RunId,
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="A flow document; else the flow's draft.")] = "",
    *,
    follow: Follow = False,
    detach: Detach = False,
    as_json: AsJson = False,
) -> int:
    """Do another drawing of a run's flow: only what changed, and what depends on it, is done."""
    body = {"document": read_flow(file).document} if file else {}
    return _go_on(run_id, "try-draft", body, follow=follow, detach=detach, as_json=as_json)


def replay_run(run_id: RunId, *, as_json: AsJson = False) -> int:
    """Do a run once more from its record, with nothing called outside, and compare every entry."""
    with newer_server("Replaying a run"):
        found = connect().post(f"/api/v1/runs/{quoted(run_id)}/replay/")
    if as_json:
        screen.say_json(found)
    elif found["identical"]:
        screen.say(f"All {found['compared']} entries came again as they are on record.")
    else:
        screen.say(f"Of {found['compared']} entries these differ:")
        screen.tell_problems(((_place(each), each["message"]) for each in found["differences"]), stream=sys.stdout)
    return Exit.DONE if found["identical"] else Exit.INVALID


def _place(difference: dict[str, Any]) -> str:
    return " ".join(str(part) for part in (difference["seq"], difference["node_id"]) if part is not None)


def _go_on(run_id: str, how: str, body: Any, *, follow: bool, detach: bool, as_json: bool) -> int:
    client: Client = connect()
    with newer_server("Going on from a run"):
        started = client.post(f"/api/v1/runs/{quoted(run_id)}/{how}/", body)
    if detach:
        screen.say_json(started) if as_json else screen.say(started["id"])
        return Exit.DONE
    return see_through(client, started["id"], is_shown=follow, as_json=as_json)


def _named(given: list[str], option: str) -> dict[str, Any]:
    """Return what stands behind the equals signs: JSON where it looks like that, else text."""
    named = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not (name and equals):
            raise usage(f"{option} is {each!r}; write it as NAME=VALUE.")
        if name in named:
            raise usage(f"{option} names {name!r} twice. Say it once.")
        named[name] = read_value(value, called=f"{option} {name}")
    return named
