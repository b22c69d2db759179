# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``codexos login``, ``logout`` and ``whoami``."""

import sys
from typing import Annotated, Any

import typer

from .client import Client
from .documents import read_object
from .faults import usage
from .parameters import AsJson
from .profiles import (
    DEFAULT,
    Profile,
    checked_token,
    checked_url,
    current_profile,
    forget_profile,
    is_open_to_others,
    keep_profile,
    profile_name,
    profiles_file,
)
from .screen import say, say_facts, say_json, tell

DEFAULT_URL = "http://127.0.0.1:8000"

Name = Annotated[str, typer.Option("--profile", metavar="NAME", help="What to call this sign-in.")]


def login(
    *,
    url: Annotated[str, typer.Option("--url", metavar="URL", help="The server's address.")] = "",
    token: Annotated[str, typer.Option("--token", metavar="TOKEN", help="Others on this machine may see it.")] = "",
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read the token from stdin.")] = False,
    demo: Annotated[str, typer.Option("--demo", metavar="FILE", help="The demo.json that bin/up made.")] = "",
    person: Annotated[str, typer.Option("--as", metavar="EMAIL", help="With --demo: whom to be.")] = "",
    project: Annotated[str, typer.Option("--project", metavar="SLUG", help="The project meant by default.")] = "",
    profile: Name = "",
) -> None:
    """Sign in with an API token and keep it in a file of yours only."""
    wanted = _from_demo(demo, person) if demo else _asked(url, token, is_piped=token_stdin)
    wanted = Profile(checked_url(url or wanted.url), checked_token(wanted.token), project or wanted.project)
    me = Client(wanted).get("/api/v1/me/")
    name = profile or profile_name()
    keep_profile(name, wanted)
    say(f"Signed in to {wanted.url} as {_who(me)}{'' if name == DEFAULT else f', profile {name}'}.")
    if wanted.url.startswith("http://") and not _is_here(wanted.url):
        tell("Note: without https, everybody on the way can read the token.")


def logout(*, profile: Name = "") -> None:
    """Forget a sign-in. Its token still counts until it is revoked under Settings, Tokens."""
    name = profile or profile_name()
    if not forget_profile(name):
        raise usage(f"There is no sign-in {name!r} in {profiles_file()}.")
    say(f"Forgot the sign-in {name!r}. Its token still counts until it is revoked under Settings, Tokens.")


def whoami(*, as_json: AsJson = False) -> None:
    """Say who is signed in, where, and as what."""
    current = current_profile()
    me = Client(current).get("/api/v1/me/")
    if as_json:
        say_json({"url": current.url, "profile": profile_name(), "project": current.project or None, **me})
        return
    person, organization = me["person"], me["organization"]
    say_facts(
        {
            "person": f"{person['name']} <{person['email']}>" if person.get("name") else person["email"],
            "role": me["role"],
            "organization": f"{organization['name']} ({organization['slug']})",
            "project": current.project,
            "server": current.url,
            "profile": profile_name(),
        }
    )
    if is_open_to_others():
        tell(f"Note: others on this machine can read {profiles_file()}. Say chmod 600.")


def _asked(url: str, token: str, *, is_piped: bool) -> Profile:
    if is_piped:
        token = sys.stdin.readline()
    can_ask = sys.stdin.isatty() and not is_piped
    if not token and not can_ask:
        raise usage("Say --url and --token-stdin, for there is no terminal to ask on.")
    if not url:
        url = _ask_line(f"Server [{DEFAULT_URL}]: ") if can_ask else ""
    if not token:
        import getpass

        token = getpass.getpass("Token (made under Settings, Tokens; not shown): ")
    return Profile(url or DEFAULT_URL, token)


def _from_demo(path: str, person: str) -> Profile:
    demo = read_object(f"@{path}")
    try:
        choices = [(entry, organization) for organization in demo["organizations"] for entry in organization["people"]]
        found = next((pair for pair in choices if pair[0]["email"] == person), None) or _choose(choices, person)
        entry, organization = found
        return Profile(demo["url"], entry["token"], organization["project"]["slug"])
    except (KeyError, TypeError):
        raise usage(f"{path} is not the demo.json that bin/up makes.") from None


def _choose(choices: list[tuple[Any, Any]], person: str) -> tuple[Any, Any]:
    lines = [f"{entry['email']}, {entry['role']} in {organization['slug']}" for entry, organization in choices]
    if person or not sys.stdin.isatty():
        raise usage(f"Say whom to be by --as: {'; '.join(lines)}.")
    for number, line in enumerate(lines, start=1):
        tell(f"{number:>3}  {line}")
    chosen = _ask_line("Whom to be [1]: ") or "1"
    if not chosen.isdecimal() or not 1 <= int(chosen) <= len(choices):
        raise usage(f"There is no {chosen!r} in the list.")
    return choices[int(chosen) - 1]


def _ask_line(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()


def _who(me: Any) -> str:
    return f"{me['person']['email']}, {me['role']} in {me['organization']['name']}"


def _is_here(url: str) -> bool:
    return url.removeprefix("http://").startswith(("localhost", "127.", "[::1]"))
