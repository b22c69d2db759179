# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``codexos triggers``: what starts runs of a flow by itself."""

from typing import Annotated, Any

import typer

from . import screen
from .client import Sent, connect, quoted
from .documents import read_input, read_object
from .faults import usage
from .parameters import AsJson, Commands, Slug, number
from .versions import newer_server

app = Commands(help="Let runs start by themselves: at a moment, on a schedule, or by a webhook.")
_ADDRESS = "/api/v1/triggers/"

TriggerId = Annotated[str, typer.Argument(metavar="TRIGGER", help="The trigger's id.")]
Name = Annotated[str, typer.Option("--name", metavar="NAME", help="What to call it.")]
Zone = Annotated[str, typer.Option("--zone", metavar="ZONE", help="The time zone, such as Europe/Berlin; else UTC.")]
Missed = Annotated[str, typer.Option("--missed", metavar="once|skip", help="What becomes of moments nobody met.")]
Input = Annotated[str, typer.Option("--input", "-i", metavar="TEXT", help="What its runs are given; @FILE, -.")]
Object = Annotated[str, typer.Option("--object", metavar="JSON", help="The same as a JSON object; @FILE, -.")]
Limit = Annotated[str, typer.Option("--limit", metavar="N", help="How many at most, up to 200.")]


def list_triggers(
    *,
    flow: Annotated[str, typer.Option("--flow", metavar="FLOW", help="Only those of one flow.")] = "",
    limit: Limit = "50",
    as_json: AsJson = False,
) -> None:
    """List triggers, newest first."""
    query = {"limit": str(min(number(limit, called="--limit"), 200)), **({"flow_id": flow} if flow else {})}
    with newer_server("Triggers"):
        found = connect().get(_ADDRESS, **query)["results"]
    if as_json:
        screen.say_json(found)
    else:
        screen.say_table(map(_row, found), ("id", "name", "kind", "when", "next", "state"))


def show_trigger(trigger: TriggerId, *, as_json: AsJson = False) -> None:
    """Show a trigger: when it is due next, and where a webhook is called."""
    with newer_server("Triggers"):
        found = connect().get(f"{_ADDRESS}{quoted(trigger)}/")
    if as_json:
        screen.say_json(found)
    else:
        upcoming = ", ".join(map(_moment, found.get("upcoming") or ()))
        screen.say_facts({**_row(found), "next": upcoming, "missed": found["missed"], "address": found["address"]})


def make_moment(
    flow: Slug,
    when: Annotated[str, typer.Argument(metavar="WHEN", help="Such as 2026-03-29T14:30, by the clock of --zone.")],
    *,
    name: Name = "",
    zone: Zone = "",
    missed: Missed = "",
    given: Input = "",
    given_object: Object = "",
    as_json: AsJson = False,
) -> None:
    """Start a run of a flow once, at a moment."""
    said = {"kind": "at", "at": when, "time_zone": zone, "missed": missed, "name": name or f"At {when}"}
    _make(flow, said, given=given, given_object=given_object, as_json=as_json)


def make_schedule(
    flow: Slug,
    cron: Annotated[str, typer.Argument(metavar="CRON", help="Five fields: '0 7 * * 1-5' is seven on weekdays.")],
    *,
    name: Name = "",
    zone: Zone = "",
    missed: Missed = "",
    given: Input = "",
    given_object: Object = "",
    as_json: AsJson = False,
) -> None:
    """Start runs of a flow again and again."""
    said = {"kind": "cron", "cron": cron, "time_zone": zone, "missed": missed, "name": name or f"Schedule {cron}"}
    _make(flow, said, given=given, given_object=given_object, as_json=as_json)


def make_webhook(
    flow: Slug,
    *,
    name: Name = "",
    style: Annotated[str, typer.Option("--style", metavar="codexos|github", help="How its caller signs.")] = "",
    given_object: Object = "",
    as_json: AsJson = False,
) -> None:
    """Start a run of a flow whenever another program calls; its secret is written now and never again."""
    said = {"kind": "webhook", "style": style, "name": name or "Webhook"}
    _make(flow, said, given="", given_object=given_object, as_json=as_json)


def pause_trigger(trigger: TriggerId, *, as_json: AsJson = False) -> None:
    """Let a trigger start nothing for now."""
    _change(trigger, {"is_enabled": False}, "is paused", as_json=as_json)


def resume_trigger(trigger: TriggerId, *, as_json: AsJson = False) -> None:
    """Let a paused trigger go on; moments that passed meanwhile are not made up for."""
    _change(trigger, {"is_enabled": True}, "goes on", as_json=as_json)


def delete_trigger(trigger: TriggerId) -> None:
    """Delete a trigger and what is kept of its firings; the runs it started stay."""
    with newer_server("Triggers"):
        connect().call("DELETE", f"{_ADDRESS}{quoted(trigger)}/")
    screen.say(f"Deleted trigger {trigger}.")


def fire_trigger(trigger: TriggerId, *, as_json: AsJson = False) -> None:
    """Start a run now, with the trigger's input and as yourself; write the run's id."""
    with newer_server("Triggers"):
        fired = connect().post(f"{_ADDRESS}{quoted(trigger)}/fire/")
    screen.say_json(fired) if as_json else screen.say(fired["run_id"])


def rotate_secret(trigger: TriggerId, *, as_json: AsJson = False) -> None:
    """Give a webhook another secret; the one before is taken for 24 hours more."""
    with newer_server("Triggers"):
        made = connect().post(f"{_ADDRESS}{quoted(trigger)}/rotate/")
    _say_made(made, as_json=as_json)


def list_firings(trigger: TriggerId, *, limit: Limit = "20", as_json: AsJson = False) -> None:
    """List what came of a trigger, newest first: the runs it started, or why it started none."""
    most = str(min(number(limit, called="--limit"), 200))
    with newer_server("Triggers"):
        found = connect().get(f"{_ADDRESS}{quoted(trigger)}/firings/", limit=most)["results"]
    if as_json:
        screen.say_json(found)
    else:
        screen.say_table(map(_firing, found), ("at", "run", "status", "reason"))


app.add(list_triggers, "list")
app.add(show_trigger, "show")
app.add(make_moment, "at")
app.add(make_schedule, "schedule")
app.add(make_webhook, "webhook")
app.add(pause_trigger, "pause")
app.add(resume_trigger, "resume")
app.add(delete_trigger, "delete")
app.add(fire_trigger, "fire")
app.add(rotate_secret, "rotate")
app.add(list_firings, "firings")


def _make(flow: str, said: dict[str, str], *, given: str, given_object: str, as_json: bool) -> None:
    if given and given_object:
        raise usage("Say --input or --object, not both.")
    body: dict[str, Any] = {"flow_id": flow, **{name: value for name, value in said.items() if value}}
    if given or given_object:
        body["input"] = read_object(given_object) if given_object else read_input(given)
    with newer_server("Triggers"):
        made = connect().post(_ADDRESS, body)
    _say_made(made, as_json=as_json)


def _say_made(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        screen.say_json(made)
        return
    screen.say_facts(
        {"trigger": made["id"], "next": _moment(made["next_at"]), "address": made["address"], "secret": made["secret"]}
    )
    if made["secret"]:
        screen.tell("Keep the secret now: it is not shown again.")


def _change(trigger: str, said: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    with newer_server("Triggers"):
        changed = connect().call("PATCH", f"{_ADDRESS}{quoted(trigger)}/", sent=Sent.of_json(said)).json()
    if as_json:
        screen.say_json(changed)
    else:
        due = f"; next {_moment(changed['next_at'])}" if changed["next_at"] else ""
        screen.say(f"Trigger {changed['name']!r} {sentence}{due}.")


def _row(trigger: dict[str, Any]) -> dict[str, Any]:
    zone = trigger["time_zone"]
    when = {"at": _moment(trigger["at"]), "cron": f"{trigger['cron']} {zone}", "webhook": trigger["style"]}
    stopped = trigger["reason"] or "paused"
    return {
        "id": trigger["id"],
        "name": trigger["name"],
        "kind": trigger["kind"],
        "when": when.get(trigger["kind"], ""),
        "next": _moment(trigger["next_at"]),
        "state": "on" if trigger["is_enabled"] else stopped,
    }


def _firing(fired: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": _moment(fired["created_at"]),
        "run": fired["run_id"],
        "status": fired["run_status"] or fired["code"],
        "reason": fired["reason"],
    }


def _moment(at: str | None) -> str:
    return f"{at[:19]}Z" if at else ""
