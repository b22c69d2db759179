# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""GitHub: one tool for each thing it can be asked for, through its REST API, of github.com or of one's own."""

import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import cast
from urllib.parse import quote, urlsplit

from django.conf import settings

from agents.adapters.tools import github_shapes as shapes
from agents.adapters.tools.github_client import PAGE, GitHubClient
from agents.adapters.tools.github_operations import OPERATIONS, Operation
from agents.adapters.tools.room import Maker, ToolRoom
from agents.adapters.tools.vault_keys import DEFAULT_KEY, key_for
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from agents.engine.workspaces.diffs import diff_bytes, patch_of
from agents.errors import ToolFailed
from codexos.kernel.jsontypes import JsonObject, JsonValue

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/(?!\.{1,2}$)[A-Za-z0-9_.-]+")
DEFAULT_ITEMS = 30
LONGEST_PREVIEW = 20_000

Doing = Callable[["GitHub", GitHubClient, JsonObject], Awaitable[JsonObject]]


class GitHub:
    """One operation, in the room of a run."""

    def __init__(self, operation: Operation, room: ToolRoom) -> None:
        self.operation = operation
        self._room = room
        self.address = settings.GITHUB_URL.rstrip("/")

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        operation, host = self.operation, urlsplit(self.address).hostname or ""
        doing = "write" if operation.writes else "read"
        capabilities = (doing, f"egress:{host}")

        def touches(arguments: JsonObject) -> tuple[str, ...]:
            return capabilities if "token" in arguments else (*capabilities, f"secret:{DEFAULT_KEY}")

        return ToolSpec(
            name=f"GitHub.{operation.name}",
            description=operation.description,
            schema=operation.schema,
            result_schema=shapes.LIST_SCHEMA if operation.is_list else shapes.ITEM_SCHEMA,
            capabilities=(*capabilities, f"secret:{DEFAULT_KEY}"),
            touches=touches,
            reads_only=not operation.writes,
            repeats=(lambda _arguments: True) if operation.repeats else None,
            content=operation.content,
            timeout_seconds=200,
        )

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return what GitHub tells. Raises ToolFailed, ToolUnavailable and what the gate raises."""
        return await self._do(await self._client(arguments, call=on.key), arguments)

    async def preview(self, arguments: JsonObject) -> str | None:
        """Return what a call would change, as a patch; None where the arguments say all of it.

        As nobody: no key is used before somebody has approved of that, so of what is private nothing is shown.
        """
        show = _PREVIEWS.get(self.operation.name)
        if show is None:
            return None
        client = GitHubClient(self.address, self._room.egress, None)
        return (await show(self, client, arguments))[:LONGEST_PREVIEW]

    def path(self, arguments: JsonObject) -> str:
        """Return where the operation is asked for."""
        repository = str(arguments.get("repository", "x/x"))
        if not _REPOSITORY.fullmatch(repository):
            raise ToolFailed(f"{repository[:100]!r} is no repository. Write owner/name.")
        owner, _, name = repository.partition("/")
        given = {key: _segment(key, value) for key, value in arguments.items() if isinstance(value, str | int)}
        return self.operation.path.format(**{**given, "owner": owner, "name": name})

    async def _client(self, arguments: JsonObject, *, call: str) -> GitHubClient:
        token = await key_for(self._room, arguments, tool=self.spec.name, call=call)
        if token is None and self.operation.writes:
            raise ToolFailed("Nobody is signed in at GitHub: put a token into the vault under the key github.")
        return GitHubClient(self.address, self._room.egress, token)

    async def _do(self, client: GitHubClient, arguments: JsonObject) -> JsonObject:
        own = _DOINGS.get(self.operation.name)
        if own is not None:
            return await own(self, client, arguments)
        if self.operation.is_list:
            return await self._list(client, arguments)
        return {"item": await self.ask(client, arguments)}

    async def ask(self, client: GitHubClient, arguments: JsonObject, *, body: JsonObject | None = None) -> JsonObject:
        """Ask for the operation as its row says, and tell of the answer."""
        operation = self.operation
        if body is None and operation.writes:
            body = {**operation.fixed, **_renamed(arguments, operation.body)}
        params = {name: str(value) for name, value in _renamed(arguments, operation.query).items()}
        answered = await client.ask(operation.method, self.path(arguments), params=params, body=body)
        if not isinstance(answered.said, Mapping):
            raise ToolFailed(f"{self.path(arguments)} is a list: it is a folder, or not what was asked for.")
        return operation.shape(answered.said)

    async def _list(self, client: GitHubClient, arguments: JsonObject) -> JsonObject:
        wanted = arguments.get("max_results")
        most = wanted if isinstance(wanted, int) else DEFAULT_ITEMS
        params = {name: str(value) for name, value in _renamed(arguments, self.operation.query).items()}
        items: list[JsonValue] = []
        path: str | None = self.path(arguments)
        params["per_page"] = str(min(PAGE, most + 1))
        while path is not None and len(items) <= most:
            answered = await client.ask("GET", path, params=params)
            items += [self.operation.shape(each) for each in self._items(answered.said)]
            # The address of the next page says all that was asked for.
            path, params = answered.following, {}
        return {"items": items[:most], "is_cut": len(items) > most or path is not None}

    def _items(self, said: JsonValue) -> list[JsonObject]:
        listed = said.get(self.operation.below) if self.operation.below and isinstance(said, Mapping) else said
        found = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
        leaves_out = self.operation.name == "list_issues"
        return [each for each in found if not (leaves_out and "pull_request" in each)]


async def _create_branch(tool: GitHub, client: GitHubClient, arguments: JsonObject) -> JsonObject:
    """Make it, unless it is there at this very commit."""
    base = tool.path(arguments).removesuffix("/git/refs")
    start = await client.ask("GET", f"{base}/commits/{_segment('ref', arguments['from'])}")
    sha = start.said.get("sha") if isinstance(start.said, Mapping) else None
    branch = str(arguments["branch"])
    found = await client.find(f"{base}/git/ref/heads/{_segment('path', branch)}")
    if isinstance(found, Mapping):
        told = shapes.reference(found)
        if told["sha"] != sha:
            raise ToolFailed(f"There is a branch {branch!r} already, at {told['sha']}. Choose another name.")
        return {"item": told, "was_there": True}
    return {"item": await tool.ask(client, arguments, body={"ref": f"refs/heads/{branch}", "sha": sha})}


async def _write_file(tool: GitHub, client: GitHubClient, arguments: JsonObject) -> JsonObject:
    """Write it, unless it stands there so already."""
    text = str(arguments["text"]).encode("utf-8", "replace")
    found = await client.find(tool.path(arguments), params={"ref": str(arguments["branch"])})
    if isinstance(found, Mapping) and _content(found) == text:
        return {"item": {"path": found.get("path"), "sha": found.get("sha"), "commit": None}, "was_there": True}
    body: dict[str, JsonValue] = {
        "message": arguments["message"],
        "content": base64.b64encode(text).decode(),
        "branch": arguments["branch"],
    }
    if isinstance(found, Mapping):
        body["sha"] = found.get("sha")
    return {"item": await tool.ask(client, arguments, body=body)}


async def _create_pull_request(tool: GitHub, client: GitHubClient, arguments: JsonObject) -> JsonObject:
    """Open it, unless one for the same branches is open."""
    head, owner = str(arguments["head"]), str(arguments["repository"]).partition("/")[0]
    params = {"state": "open", "base": str(arguments["base"]), "head": head if ":" in head else f"{owner}:{head}"}
    found = await client.find(tool.path(arguments), params=params)
    if isinstance(found, list) and found and isinstance(found[0], Mapping):
        return {"item": shapes.pull_request(found[0]), "was_there": True}
    return {"item": await tool.ask(client, arguments)}


async def _merge(tool: GitHub, client: GitHubClient, arguments: JsonObject) -> JsonObject:
    """Merge it, unless it is merged."""
    found = await client.find(tool.path(arguments).removesuffix("/merge"))
    if isinstance(found, Mapping) and found.get("merged") is True:
        return {"item": {"merged": True, "sha": found.get("merge_commit_sha")}, "was_there": True}
    return {"item": await tool.ask(client, arguments)}


async def _show_file(tool: GitHub, client: GitHubClient, arguments: JsonObject) -> str:
    found = await client.find(tool.path(arguments), params={"ref": str(arguments["branch"])})
    before = _content(found) if isinstance(found, Mapping) else b""
    after = str(arguments["text"]).encode("utf-8", "replace")
    return patch_of([diff_bytes(str(arguments["path"]), before, after)])


async def _show_pull_request(tool: GitHub, client: GitHubClient, arguments: JsonObject) -> str:
    base, head = (_segment("ref", arguments[name]) for name in ("base", "head"))
    answered = await client.ask("GET", f"{tool.path(arguments).removesuffix('/pulls')}/compare/{base}...{head}")
    told = shapes.comparison(answered.said if isinstance(answered.said, Mapping) else {})
    files = cast(list[JsonObject], told["files"])
    return "".join(f"--- {each.get('filename')} ({each.get('status')})\n{each.get('patch') or ''}\n" for each in files)


def _content(found: JsonObject) -> bytes:
    try:
        return base64.b64decode(str(found.get("content", "")))
    except ValueError:
        return b""


def _renamed(arguments: JsonObject, names: Mapping[str, str]) -> dict[str, JsonValue]:
    return {theirs: arguments[ours] for ours, theirs in names.items() if ours in arguments}


def _segment(name: str, value: JsonValue) -> str:
    # A branch may hold slashes, and a path does; nothing in it may lead elsewhere.
    text = quote(str(value), safe="/")
    if any(part in {".", ".."} for part in text.split("/")):
        raise ToolFailed(f"{name} {str(value)!r} would lead elsewhere. Correct it.")
    return text


_DOINGS: Mapping[str, Doing] = {
    "create_branch": _create_branch,
    "write_file": _write_file,
    "create_pull_request": _create_pull_request,
    "merge_pull_request": _merge,
}
_PREVIEWS: Mapping[str, Callable[[GitHub, GitHubClient, JsonObject], Awaitable[str]]] = {
    "write_file": _show_file,
    "create_pull_request": _show_pull_request,
}


def _maker(operation: Operation) -> Maker:
    return lambda room: GitHub(operation, room)


GITHUB_TOOLS: Mapping[str, Maker] = {name: _maker(operation) for name, operation in OPERATIONS.items()}
"""By name."""
