# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``codexos secrets``: the vault. Values come from stdin, a file or a prompt, never from the words of a command."""

import base64
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from . import screen
from .client import Client, connect, quoted
from .exits import Exit
from .faults import Fault, usage
from .parameters import AsJson, Commands, Project, number
from .uploads import project_of
from .versions import newer_server

app = Commands(help="Put secrets away and read, rotate, share and destroy them.")

_ADDRESS = "/api/v1/secrets/"
SCOPES = ("personal", "project", "team", "organization")
COLUMNS = ("key", "scope", "kind", "version", "tags", "used", "id")

Secret = Annotated[str, typer.Argument(metavar="KEY", help="The secret's key or id.")]
FromFile = Annotated[str, typer.Option("--file", metavar="FILE", help="Take the value from a file, as it is.")]
Grace = Annotated[str, typer.Option("--grace", metavar="SECONDS", help="How long the value before is read.")]


def list_secrets(
    *,
    tag: Annotated[str, typer.Option("--tag", metavar="TAG", help="Only those with this tag.")] = "",
    scope: Annotated[str, typer.Option("--scope", metavar="FOLDER", help=f"One of {', '.join(SCOPES)}.")] = "",
    project: Project = "",
    destroyed: Annotated[bool, typer.Option("--destroyed", help="Those that can be restored.")] = False,
    limit: Annotated[str, typer.Option("--limit", metavar="N", help="How many at most, up to 200.")] = "50",
    as_json: AsJson = False,
) -> None:
    """List the secrets you may use, without their values."""
    asked = {"tag": tag, "scope": scope, "project_id": project, "destroyed": "true" if destroyed else ""}
    most = str(min(number(limit, called="--limit"), 200))
    with newer_server("The vault"):
        found = connect().get(_ADDRESS, **asked, limit=most)["results"]
    if as_json:
        screen.say_json(found)
    else:
        screen.say_table(map(_row, found), COLUMNS)


def put_secret(
    key: Annotated[str, typer.Argument(metavar="KEY", help="What to call it.")],
    *,
    file: FromFile = "",
    tags: Annotated[list[str], typer.Option("--tag", metavar="TAG", help="A tag; may be said again.")] = [],  # noqa: B006 - typer reads it
    scope: Annotated[str, typer.Option("--scope", metavar="FOLDER", help=f"One of {', '.join(SCOPES)}.")] = "",
    project: Project = "",
    team: Annotated[str, typer.Option("--team", metavar="SLUG", help="Whose, with --scope team.")] = "",
    as_json: AsJson = False,
) -> None:
    """Put a value under a key: a new secret, or the next version of the one that is there."""
    client = connect()
    folder = scope or ("team" if team else "project")
    body: dict[str, Any] = {"key": key, "scope": folder, **_value(file)}
    if tags:
        body["tags"] = tags
    if folder == "project":
        body["project_id"] = project_of(client, project)
    if team:
        body["team_id"] = team
    with newer_server("The vault"):
        made = client.post("/vault/put", body)
    _told(made, f"Put {made['key']!r}, version {made['version']}.", as_json=as_json)


def get_secret(
    secret: Secret,
    *,
    version: Annotated[str, typer.Option("--version", metavar="N", help="An earlier one, in its grace.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write a secret's value to stdout; that you read it is written down."""
    wanted = str(number(version, called="--version")) if version else ""
    with newer_server("The vault"):
        found = connect().get(f"{_address(secret)}value/", version=wanted)
    if as_json:
        screen.say_json(found)
    elif found["encoding"] == "utf-8" and sys.stdout.isatty():
        screen.say(found["value"])
    else:
        _write(found)


def rotate_secret(secret: Secret, *, file: FromFile = "", grace: Grace = "0", as_json: AsJson = False) -> None:
    """Give a secret its next value."""
    client = connect()
    body = {"grace_seconds": number(grace, called="--grace", least=0), **_value(file)}
    _deed(client, f"{_address(secret)}rotate/", body=body, as_json=as_json)


def roll_back_secret(
    secret: Secret,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Whose value is to be the current one.")],
    *,
    grace: Grace = "0",
    as_json: AsJson = False,
) -> None:
    """Make the value of an earlier version the current one again."""
    body = {
        "version": number(version, called="The version"),
        "grace_seconds": number(grace, called="--grace", least=0),
    }
    _deed(connect(), f"{_address(secret)}rollback/", body=body, as_json=as_json)


def destroy_secret(
    secret: Secret,
    *,
    even_if_used: Annotated[bool, typer.Option("--even-if-used", help="Although flows name it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Destroy a secret; until the day that is said it can be restored."""
    sure = "?even_if_used=true" if even_if_used else ""
    with newer_server("The vault"):
        gone = connect().call("DELETE", f"{_address(secret)}{sure}").json()
    day = str(gone["gone_at"])[:10]
    _told(gone, f"Destroyed {gone['key']!r}. Until {day}: codexos secrets restore {gone['id']}", as_json=as_json)


def restore_secret(
    secret: Annotated[str, typer.Argument(metavar="ID", help="The destroyed secret's id.")], *, as_json: AsJson = False
) -> None:
    """Take back that a secret was destroyed."""
    with newer_server("The vault"):
        back = connect().post(f"{_address(secret)}restore/")
    _told(back, f"Restored {back['key']!r}, version {back['version']}.", as_json=as_json)


def share_secret(
    secret: Secret,
    *,
    team: Annotated[str, typer.Option("--team", metavar="SLUG", help="A team you are in.")] = "",
    member: Annotated[str, typer.Option("--member", metavar="EMAIL", help="A member, by address or id.")] = "",
    as_json: AsJson = False,
) -> None:
    """Let a team or a member use a secret, and not change it."""
    if bool(team) == bool(member):
        raise usage("Say --team or --member.")
    client = connect()
    body = {"team_id": team} if team else {"member_id": _member(client, member)}
    with newer_server("Sharing secrets"):
        share = client.post(f"{_address(secret)}shares/", body)
    _told(
        share,
        f"Shared with {share['name']}. Take it back: codexos secrets unshare {secret} {share['id']}",
        as_json=as_json,
    )


def list_shares(secret: Secret, *, as_json: AsJson = False) -> None:
    """List with whom a secret is shared."""
    with newer_server("Sharing secrets"):
        found = connect().get(f"{_address(secret)}shares/", limit="200")["results"]
    if as_json:
        screen.say_json(found)
    else:
        screen.say_table(found, ("id", "name", "shared_by"))


def unshare_secret(
    secret: Secret, share: Annotated[str, typer.Argument(metavar="SHARE", help="The share's id.")]
) -> None:
    """Take a share back."""
    with newer_server("Sharing secrets"):
        connect().call("DELETE", f"{_address(secret)}shares/{quoted(share)}/")
    screen.say("It is not shared so any more.")


def list_versions(secret: Secret, *, as_json: AsJson = False) -> None:
    """List a secret's versions, newest first, without their values."""
    with newer_server("The vault"):
        found = connect().get(f"{_address(secret)}versions/", limit="200")["results"]
    if as_json:
        screen.say_json(found)
    else:
        screen.say_table(map(_version, found), ("version", "origin", "size", "by", "at", "read until"))


app.add(list_secrets, "list")
app.add(put_secret, "put")
app.add(get_secret, "get")
app.add(rotate_secret, "rotate")
app.add(roll_back_secret, "rollback")
app.add(destroy_secret, "destroy")
app.add(restore_secret, "restore")
app.add(share_secret, "share")
app.add(list_shares, "shares")
app.add(unshare_secret, "unshare")
app.add(list_versions, "versions")


def _value(file: str) -> dict[str, str]:
    raw = _read(file)
    try:
        if b"\x00" not in raw:
            return {"value": raw.decode()}
    except UnicodeDecodeError:
        pass
    return {"value": base64.b64encode(raw).decode(), "encoding": "base64"}


def _read(file: str) -> bytes:
    if file:
        try:
            return Path(file).read_bytes()
        except OSError as error:
            raise usage(f"{file} cannot be read: {error.strerror}.") from None
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass("Value (not shown): ").encode()
    # What `echo` and a text editor end a line with is no part of the value.
    raw = sys.stdin.buffer.read()
    return raw.removesuffix(b"\n").removesuffix(b"\r") if raw.endswith(b"\n") else raw


def _write(found: dict[str, Any]) -> None:
    is_text = found["encoding"] == "utf-8"
    if not is_text and sys.stdout.isatty():
        raise usage("This value is no text. Send it into a file, or say --json.")
    sys.stdout.buffer.write(found["value"].encode() if is_text else base64.b64decode(found["value"]))
    sys.stdout.buffer.flush()


def _member(client: Client, named: str) -> str:
    if "@" not in named:
        return named
    rows = client.get("/api/v1/members/", search=named)["results"]
    found = [str(row["id"]) for row in rows if row["person"]["email"].lower() == named.lower()]
    if not found:
        raise usage(f"Nobody here has the address {named}.")
    return found[0]


def _deed(client: Client, address: str, *, body: dict[str, Any], as_json: bool) -> None:
    with newer_server("The vault"):
        done = client.post(address, body)
    _told(done, f"{done['key']!r} has version {done['version']} now.", as_json=as_json)


def _told(answer: Any, sentence: str, *, as_json: bool) -> None:
    if as_json:
        screen.say_json(answer)
    else:
        screen.say(sentence)


def _address(secret: str) -> str:
    if "/" in secret:
        # No key holds one, and the server would take it for another address, so for something it does not know.
        raise Fault(f"No secret {secret!r}. A key holds no slash.", exit_code=Exit.NOT_FOUND, code="secret_not_found")
    return f"{_ADDRESS}{quoted(secret)}/"


def _row(secret: dict[str, Any]) -> dict[str, Any]:
    return {**secret, "tags": " ".join(secret["tags"]), "used": _moment(secret["last_used_at"])}


def _version(row: dict[str, Any]) -> dict[str, Any]:
    until = "now" if row["is_current"] else _moment(row["readable_until"]) if row["is_readable"] else ""
    return {**row, "by": row["created_by"], "at": _moment(row["created_at"]), "read until": until}


def _moment(at: str | None) -> str:
    return f"{at[:19]}Z" if at else ""
