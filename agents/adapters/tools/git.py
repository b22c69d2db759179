# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Git.*: a repository in the run's workspace, from its clone to a pushed branch. Git runs only in the sandbox."""

import asyncio
import re
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings

from agents.adapters.folders import Folder
from agents.adapters.tools.git_jobs import Remote, inside, name_of, remote_at, run_local, run_outside
from agents.adapters.tools.git_pushes import PREVIEW_SECONDS, Push, repository_of, unshown, what_is_pushed
from agents.adapters.tools.room import Maker, ToolRoom
from agents.adapters.tools.vault_keys import DEFAULT_KEY, key_for
from agents.adapters.workspaces.workspace import TOLD_SCHEMA
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from agents.engine.workspaces.errors import WorkspaceFileInvalid, WorkspaceFileNotFound, WorkspaceFull
from agents.engine.workspaces.paths import workspace_folder, workspace_path
from agents.errors import ToolFailed
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue

DEFAULT_DEPTH = 50
DEFAULT_COMMITS = 20
LONGEST_TEXT = 200_000
_MOST_FOLDERS = 50

_FOLDER: JsonObject = {
    "type": "string",
    "maxLength": 400,
    "description": "The checkout's folder in the workspace; not needed where there is one alone.",
}
_URL: JsonObject = {"type": "string", "minLength": 1, "maxLength": 2000, "description": "Its https:// address."}
_NAME: JsonObject = {"type": "string", "minLength": 1, "maxLength": 200}
_PATHS: JsonObject = {"type": "array", "items": {"type": "string", "maxLength": 1000}, "minItems": 1, "maxItems": 500}
_TOKEN: JsonObject = {
    "type": "string",
    "description": "A key of the vault, where a flow hands one on; else at GitHub the secret github is used.",
}
_RESULT: JsonObject = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "What git says."},
        "folder": {"type": "string"},
        "branch": {"type": "string"},
        "commit": {"type": "string"},
        "is_cut": {"type": "boolean"},
        "workspace": TOLD_SCHEMA,
    },
    "required": ["text"],
    "additionalProperties": False,
}
_STATUS = ("status", "--porcelain=v2", "--branch", "--untracked-files=all")
_DIFF = ("diff", "--no-ext-diff", "--no-textconv", "--no-color")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
Doing = Callable[["Git", JsonObject, Occasion], Awaitable[JsonObject]]


@dataclass(frozen=True, slots=True)
class _Command:
    """One thing git does: what it takes, and how it is done."""

    description: str
    do: Doing
    takes: Mapping[str, JsonObject] = field(default_factory=dict)
    required: Sequence[str] = ()
    reads_only: bool = False
    content: frozenset[str] = frozenset()


class Git:
    """One of git's commands, in the workspace of a run."""

    def __init__(self, name: str, room: ToolRoom) -> None:
        self.name = name
        self.room = room
        self._command = _COMMANDS[name]
        self._shown: dict[str, str] = {}

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        command, by_web = self._command, "url" in self._command.takes
        takes = command.takes if self.name == "clone" else {**command.takes, "folder": _FOLDER}
        return ToolSpec(
            name=f"Git.{self.name}",
            description=command.description,
            schema={
                "type": "object",
                "properties": dict(takes),
                "required": list(command.required),
                "additionalProperties": False,
            },
            result_schema=_RESULT,
            capabilities=self._capabilities(("egress:*", f"secret:{DEFAULT_KEY}") if by_web else ()),
            touches=self._touches,
            reads_only=command.reads_only,
            # Pushing the same commit to the same branch again changes nothing, nor does a turn with the workspace.
            repeats=lambda _arguments: True,
            content=command.content,
            keeps_files=True,
            takes_files=lambda _arguments: self.name == "push",
            gives_untrusted=self.name != "push",
            timeout_seconds=400,
        )

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return what git says. Raises ToolFailed, ToolUnavailable, WorkspaceFull, SandboxUnavailable and others."""
        return await self._command.do(self, arguments, on)

    async def preview(self, arguments: JsonObject) -> str | None:
        """Return what a push would send: its commits, and what they change; or that this cannot be shown."""
        if self.name != "push":
            return None
        remote = remote_at(str(arguments.get("url", "")))
        workspace = await self.room.workspace()
        known = await workspace.commits_at(repository_of(remote))
        try:
            # In good time: people wait for it, and not for long.
            async with asyncio.timeout(PREVIEW_SECONDS), workspace.look() as folder:
                push = await standing_push(folder, arguments)
                said = await what_is_pushed(folder, push, remote=remote, known=known)
        except (TimeoutError, ToolFailed, WorkspaceFull) as error:
            return unshown(error)
        self._shown[call_words(arguments)] = push.commit
        return said

    def shown_commit(self, arguments: JsonObject) -> str | None:
        """Return the commit that was last shown for such a call; once."""
        return self._shown.pop(call_words(arguments), None)

    def _touches(self, arguments: JsonObject) -> tuple[str, ...]:
        if "url" not in self._command.takes:
            return self._capabilities(())
        try:
            remote = remote_at(str(arguments.get("url", "")))
        except CodexosError:
            return self._capabilities(("egress:*",))
        port = urlsplit(remote.url).port
        more = [f"egress:{remote.host}:{port}" if port else f"egress:{remote.host}"]
        if "token" not in arguments and is_at_github(remote):
            more.append(f"secret:{DEFAULT_KEY}")
        return self._capabilities(more)

    def _capabilities(self, more: Sequence[str]) -> tuple[str, ...]:
        return ("write" if self.name == "push" else "read", *more)

    async def key(self, remote: Remote, arguments: JsonObject, *, call: str) -> str | None:
        """Return the key to sign in with: the one handed on, or at GitHub the one in the vault."""
        if "token" not in arguments and not is_at_github(remote):
            return None
        return await key_for(self.room, arguments, tool=f"Git.{self.name}", call=call)


def call_words(arguments: JsonObject) -> str:
    """Return what tells pushes apart."""
    # The key is not among them: what a call would do is looked at before any is opened.
    return repr([arguments.get(name) for name in ("url", "branch", "folder")])


def is_at_github(remote: Remote) -> bool:
    """Whether a repository lies where GitHub's secret is for."""
    api = urlsplit(settings.GITHUB_URL)
    host = "github.com" if api.hostname == "api.github.com" else api.hostname
    port = f":{api.port}" if api.port else ""
    return remote.origin == f"{api.scheme}://{host}{port}"


async def find_checkout(folder: Folder, arguments: JsonObject) -> str:
    """Return the folder of the checkout that is meant. Raises ToolFailed."""
    wanted = arguments.get("folder")
    if isinstance(wanted, str) and workspace_folder(wanted):
        return workspace_folder(wanted)
    if await _is_checkout(folder, ""):
        return ""
    names = [each.path for each in await folder.list_top() if each.kind == "folder"]
    found = [name for name in names[:_MOST_FOLDERS] if await _is_checkout(folder, f"{name}/")]
    if len(found) != 1:
        raise ToolFailed("Clone a repository first." if not found else f"Say which folder: {', '.join(found)}.")
    return found[0]


async def _is_checkout(folder: Folder, prefix: str) -> bool:
    with suppress(WorkspaceFileNotFound, WorkspaceFileInvalid):
        return bool((await folder.read(f"{prefix}.git/HEAD", length=100))[1])
    return False


async def _clone(tool: Git, arguments: JsonObject, on: Occasion) -> JsonObject:
    remote = remote_at(str(arguments["url"]))
    key = await tool.key(remote, arguments, call=on.key)
    last = urlsplit(remote.url).path.rstrip("/").rpartition("/")[2].removesuffix(".git") or "repository"
    place = workspace_path(str(arguments.get("into") or last))
    depth = arguments.get("depth")
    words = ["clone", "--no-checkout", "--no-tags", "--single-branch", "--template="]
    words += [f"--depth={depth if isinstance(depth, int) else DEFAULT_DEPTH}"]
    if isinstance(branch := arguments.get("branch"), str):
        words += ["--branch", name_of(branch, what="branch")]
    script = [f"$GIT {shlex.join([*words, '--', remote.url, inside(place)])}"]
    workspace = await tool.room.workspace()
    async with workspace.turn(on) as turn:
        turn.is_base = True
        await run_outside(turn.folder, tool.room, remote, script=script, key=key)
        # Only now, without any key or network, do files of strangers get to stand anywhere.
        said = await run_local(turn.folder, place, ["checkout", "-q", "HEAD", "--"], _STATUS)
        told = _standing(said)
        # Nothing of strangers has run there yet that could have said another.
        turn.remotes[repository_of(remote)] = str(told["commit"])
    return {**told, "text": f"Cloned into {place}.", "folder": place, "workspace": turn.told}


async def _push(tool: Git, arguments: JsonObject, on: Occasion) -> JsonObject:
    remote = remote_at(str(arguments["url"]))
    key = await tool.key(remote, arguments, call=on.key)
    workspace = await tool.room.workspace()
    async with workspace.look() as folder:
        push = await standing_push(folder, arguments)
        if (tool.shown_commit(arguments) or push.commit) != push.commit:
            # Another call had its turn between the last look and this one.
            raise ToolFailed("The checkout stands at another commit than was shown. Call it again to ask anew.")
        own = f"{inside(push.checkout)}/.git"
        # From a place of its own, on the objects alone: no setting of the checkout has a say in where this goes.
        script = [
            "$GIT init -q --bare /tmp/way",
            f"if [ -f {shlex.quote(own)}/shallow ]; then cat {shlex.quote(own)}/shallow >/tmp/way/shallow; fi",
            f"export GIT_ALTERNATE_OBJECT_DIRECTORIES={shlex.quote(own)}/objects",
            "cd /tmp/way",
            f"$GIT push --porcelain {shlex.quote(remote.url)} {shlex.quote(f'{push.commit}:refs/heads/{push.branch}')}",
        ]
        said = await run_outside(folder, tool.room, remote, script=script, key=key)
    return {"text": _text(said), "branch": push.branch, "commit": push.commit, "folder": push.checkout}


async def standing_push(folder: Folder, arguments: JsonObject) -> Push:
    """Return what a push means by what the checkout stands at now. Raises ToolFailed."""
    checkout = await find_checkout(folder, arguments)
    told = _standing(await run_local(folder, checkout, _STATUS))
    branch = name_of(str(arguments.get("branch") or told.get("branch") or ""), what="branch")
    return Push(checkout, str(told["commit"]), branch)


async def _status(tool: Git, arguments: JsonObject, _on: Occasion) -> JsonObject:
    return await _look(tool, arguments, ["status", "--short", "--branch", "--untracked-files=all"])


async def _diff(tool: Git, arguments: JsonObject, _on: Occasion) -> JsonObject:
    revisions = [name_of(str(arguments[name]), what="commit") for name in ("from", "to") if name in arguments]
    staged = ["--cached"] if arguments.get("staged") is True else []
    return await _look(tool, arguments, [*_diff_words(*revisions), *staged, "--", *_paths(arguments)])


async def _log(tool: Git, arguments: JsonObject, _on: Occasion) -> JsonObject:
    most = arguments.get("max_commits")
    words = ["log", f"--max-count={most if isinstance(most, int) else DEFAULT_COMMITS}", "--no-decorate", "--date=iso"]
    ref = [name_of(str(arguments["ref"]), what="commit")] if "ref" in arguments else []
    return await _look(tool, arguments, [*words, *ref, "--", *_paths(arguments)])


async def _branch(tool: Git, arguments: JsonObject, on: Occasion) -> JsonObject:
    start = [name_of(str(arguments["from"]), what="commit")] if "from" in arguments else []
    return await _change(
        tool, arguments, on, commands=[["checkout", "-q", "-b", name_of(str(arguments["name"]), what="branch"), *start]]
    )


async def _checkout(tool: Git, arguments: JsonObject, on: Occasion) -> JsonObject:
    ref = [name_of(str(arguments["ref"]), what="commit")] if "ref" in arguments else []
    paths = _paths(arguments)
    if not ref and not paths:
        raise ToolFailed("Say ref, or the paths to bring back.")
    return await _change(tool, arguments, on, commands=[["checkout", "-q", *ref, "--", *paths]])


async def _add(tool: Git, arguments: JsonObject, on: Occasion) -> JsonObject:
    return await _change(tool, arguments, on, commands=[["add", "-A", "--", *(_paths(arguments) or ["."])]])


async def _commit(tool: Git, arguments: JsonObject, on: Occasion) -> JsonObject:
    paths = _paths(arguments)
    add = [] if arguments.get("staged_only") is True else [["add", "-A", "--", *(paths or ["."])]]
    words = ["commit", "--no-verify", "--quiet", "-m", str(arguments["message"])]
    if isinstance(author := arguments.get("author"), str):
        words += ["--author", author]
    return await _change(tool, arguments, on, commands=[*add, words])


async def _look(tool: Git, arguments: JsonObject, words: Sequence[str]) -> JsonObject:
    workspace = await tool.room.workspace()
    async with workspace.look() as folder:
        checkout = await find_checkout(folder, arguments)
        # Even looking writes an index anew, unless told otherwise.
        said = _text(await run_local(folder, checkout, ["--no-optional-locks", *words]))
    return {"text": said[:LONGEST_TEXT], "folder": checkout, "is_cut": len(said) > LONGEST_TEXT}


async def _change(tool: Git, arguments: JsonObject, on: Occasion, *, commands: Sequence[Sequence[str]]) -> JsonObject:
    workspace = await tool.room.workspace()
    async with workspace.turn(on) as turn:
        checkout = await find_checkout(turn.folder, arguments)
        said = await run_local(turn.folder, checkout, *commands, _STATUS)
    return {**_standing(said), "text": _text(said)[:LONGEST_TEXT], "folder": checkout, "workspace": turn.told}


def _standing(status: bytes) -> dict[str, JsonValue]:
    """Return the commit and the branch that a checkout stands at, by what ``_STATUS`` says. Raises ToolFailed."""
    heads = dict(line[2:].split(" ", 1) for line in _text(status).splitlines() if line.startswith("# branch."))
    commit, branch = heads.get("branch.oid", ""), heads.get("branch.head", "")
    if not _SHA.fullmatch(commit):
        raise ToolFailed("The checkout stands at no commit. Commit something first.")
    return {"commit": commit} if branch.startswith("(") else {"commit": commit, "branch": branch}


def _diff_words(*revisions: str) -> list[str]:
    return [*_DIFF, *revisions]


def _paths(arguments: JsonObject) -> list[str]:
    paths = arguments.get("paths")
    return [workspace_path(str(path)) for path in paths] if isinstance(paths, list | tuple) else []


def _text(said: bytes) -> str:
    return said.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


_COMMANDS: Mapping[str, _Command] = {
    "clone": _Command(
        "Clone a repository into the workspace: its newest commits, in a folder of its own.",
        _clone,
        {
            "url": _URL,
            "branch": {**_NAME, "description": "The default branch if left out."},
            "depth": {"type": "integer", "minimum": 1, "maximum": 100_000, "description": "How many commits; 50."},
            "into": {"type": "string", "maxLength": 400, "description": "The folder; its name if left out."},
            "token": _TOKEN,
        },
        ["url"],
    ),
    "status": _Command("Say which files changed, which are staged, and on which branch.", _status, reads_only=True),
    "diff": _Command(
        "Show what changed: in the files since the last commit, staged, or between two commits.",
        _diff,
        {"from": _NAME, "to": _NAME, "staged": {"type": "boolean"}, "paths": _PATHS},
        reads_only=True,
    ),
    "log": _Command(
        "Show commits, newest first.",
        _log,
        {"ref": _NAME, "paths": _PATHS, "max_commits": {"type": "integer", "minimum": 1, "maximum": 200}},
        reads_only=True,
    ),
    "branch": _Command("Make a branch and switch to it.", _branch, {"name": _NAME, "from": _NAME}, ["name"]),
    "checkout": _Command(
        "Switch to a branch or commit, or bring files back as they were.", _checkout, {"ref": _NAME, "paths": _PATHS}
    ),
    "add": _Command("Stage changes: of all files, or of some.", _add, {"paths": _PATHS}),
    "commit": _Command(
        "Commit all changes, or those of some files.",
        _commit,
        {
            "message": {"type": "string", "minLength": 1, "maxLength": 10_000},
            "paths": _PATHS,
            "staged_only": {"type": "boolean", "description": "Commit what is staged and nothing else."},
            "author": {"type": "string", "maxLength": 300, "description": "Name <address>"},
        },
        ["message"],
        content=frozenset({"message"}),
    ),
    "push": _Command(
        "Push the checkout's newest commit to a branch of a repository. Nothing there is ever overwritten.",
        _push,
        {"url": _URL, "branch": {**_NAME, "description": "The current one if left out."}, "token": _TOKEN},
        ["url"],
    ),
}


def _maker(name: str) -> Maker:
    return lambda room: Git(name, room)


GIT_TOOLS: Mapping[str, Maker] = {f"Git.{name}": _maker(name) for name in _COMMANDS}
"""By name."""
