# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Git in the sandbox: what every call of it is told, so that a repository runs nothing and learns nothing.

A checkout is text of strangers, and so is its configuration: sandboxed code may have written there what it liked. So
what reaches the network never reads it: it works from a place of its own, on the objects alone. Hooks, submodules,
helpers for keys, watchers and pagers are off everywhere. A key travels through a pipe to the one process that signs in.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings

from agents.adapters.folders import Folder
from agents.adapters.sandbox import Job, JobLimits, Outcome, Sandbox
from agents.adapters.tools.code_jobs import way_out
from agents.adapters.tools.room import ToolRoom
from agents.engine.workspaces.errors import WorkspaceFull
from agents.errors import ToolFailed, ToolUnavailable
from codexos.kernel.asking import RequestInvalid

NETWORK_SECONDS = 300.0
LOCAL_SECONDS = 60.0
WORK = "/work"
MEBIBYTE = 1024 * 1024
USER = "x-access-token"
"""What keys of GitHub are signed in with; others look at the key alone."""

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    # What says of objects without being them: sandboxed code may have written it.
    "core.commitGraph=false",
    "core.multiPackIndex=false",
    "pack.useBitmaps=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.pager=cat",
    "core.editor=true",
    "core.sshCommand=false",
    "core.gitProxy=",
    "core.askPass=",
    "credential.helper=",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "push.recurseSubmodules=no",
    "protocol.allow=never",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    "push.gpgSign=false",
    "diff.external=",
    "gc.auto=0",
    "maintenance.auto=false",
    "init.templateDir=",
    "init.defaultBranch=main",
    "advice.detachedHead=false",
    "safe.directory=*",
)
_BY_WEB = ("protocol.http.allow=always", "protocol.https.allow=always", "http.followRedirects=initial")
_ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108 - the slot's own
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "http:https",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_CEILING_DIRECTORIES": "/",
    # What is shown is what is pushed: a checkout puts no other commit in the place of one, and no other parents.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": "/dev/null/none",
    "GIT_AUTHOR_NAME": "CodexOS",
    "GIT_AUTHOR_EMAIL": "agent@codexos.invalid",
    "GIT_COMMITTER_NAME": "CodexOS",
    "GIT_COMMITTER_EMAIL": "agent@codexos.invalid",
    "LC_ALL": "C.UTF-8",
}
_ASK = """
printf '#!/bin/sh\\nIFS= read -r line <&3; printf "%%s\\\\n" "$line"\\n' >/tmp/ask; chmod 700 /tmp/ask
exec 3<&0 </dev/null
"""
_NOISE = (
    "remote: Enumerating",
    "remote: Counting",
    "remote: Compressing",
    "Receiving",
    "Resolving",
    "hint:",
    "Cloning",
)
_AWAY = ("Could not resolve", "Failed to connect", "timed out", "returned error: 5", "early EOF", "hung up")
_NAME = re.compile(r"(?!-)[^\x00-\x20~^:?*\[\\\x7f]{1,200}")
_TROUBLES = (
    ("File too large", "a file of it is larger than a workspace takes"),
    ("No space left", "the disk that keeps workspaces is full"),
)


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository elsewhere, at an address that names nobody."""

    url: str
    host: str
    origin: str

    @property
    def keeps_secrets(self) -> bool:
        """Whether what is sent there is read by nobody on the way."""
        if self.url.startswith("https://"):
            return True
        try:
            return ip_address(self.host).is_private
        except ValueError:
            return False


def inside(checkout: str) -> str:
    """Return where a folder of the workspace stands for what runs in the sandbox."""
    return f"{WORK}/{checkout}"


def remote_at(url: str) -> Remote:
    """Read an address. Raises RequestInvalid."""
    try:
        parts = urlsplit(url.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise RequestInvalid(place="url", because="its address cannot be read") from None
    is_plain = not (parts.username or parts.password or parts.query or parts.fragment) and "\\" not in url
    if parts.scheme not in {"http", "https"} or not parts.hostname or not is_plain or not url.isprintable():
        because = "the address of a repository is http:// or https://, a host and a path, without a name or a key"
        raise RequestInvalid(place="url", because=because)
    return Remote(url.strip(), parts.hostname, f"{parts.scheme}://{parts.hostname}{port}")


def name_of(text: str, *, what: str) -> str:
    """Return the name of a branch or a commit as git takes it. Raises ToolFailed."""
    if not _NAME.fullmatch(text) or ".." in text or text.endswith((".lock", "/", ".")) or "@{" in text:
        raise ToolFailed(f"{text[:100]!r} cannot be the name of a {what}. Correct it.")
    return text


async def run_local(folder: Folder, checkout: str, *commands: Sequence[str], seconds: float = LOCAL_SECONDS) -> bytes:
    """Run git commands in a checkout, one after another, without any network; return what the last one says.

    Raises ToolFailed with what git complains of, WorkspaceFull, SandboxUnavailable.
    """
    *before, last = (_line(command) for command in commands)
    script = [f"cd -- {shlex.quote(inside(checkout))}", *(f"{each} >/dev/null" for each in before), last]
    return await _run(_job(folder, script, seconds=seconds), folder)


async def run_apart(folder: Folder, lines: Sequence[str]) -> bytes:
    """Run shell lines of our own, git in them as ``$GIT``, in no checkout and without any network.

    Return what they say. Raises as ``run_local`` does.
    """
    script = ["cd /tmp", *(line.replace("$GIT", _git()) for line in lines)]
    return await _run(_job(folder, script, seconds=LOCAL_SECONDS), folder)


async def run_outside(
    folder: Folder, room: ToolRoom, remote: Remote, *, script: Sequence[str], key: str | None
) -> bytes:
    """Run shell lines that reach one repository elsewhere; git in them is ``$GIT`` and reads no checkout's settings.

    Raises ToolFailed with what git complains of, ToolUnavailable, WorkspaceFull, SandboxUnavailable.
    """
    if key is not None and not remote.keeps_secrets:
        raise ToolFailed(f"A key is not sent to {remote.host!r} in the open: use its https:// address.")
    web = _git(*_BY_WEB)
    lines = [_ASK if key is not None else "exec </dev/null", "cd /tmp", *(line.replace("$GIT", web) for line in script)]
    job = _job(folder, lines, seconds=NETWORK_SECONDS)
    job = replace(job, stdin=f"{USER}\n{key}\n".encode() if key is not None else b"")
    if key is not None:
        job = replace(job, env={**job.env, "GIT_ASKPASS": "/tmp/ask"})  # noqa: S108
    async with way_out(room, [remote.host]) as proxy:
        return await _run(replace(job, proxy=proxy), folder, key=key)


def _job(folder: Folder, lines: Sequence[str], *, seconds: float) -> Job:
    limits = JobLimits(
        seconds=seconds, file_bytes=512 * MEBIBYTE, memory_bytes=1024 * MEBIBYTE, output_bytes=2 * MEBIBYTE
    )
    script = "\n".join(["set -e", "umask 022", *lines])
    return Job(("/bin/sh", "-c", script), env=_ENVIRONMENT, folder=folder.name, limits=limits)


def _git(*more: str) -> str:
    return " ".join(["git", *(f"-c {shlex.quote(each)}" for each in (*_SETTINGS, *more))])


def _line(command: Sequence[str]) -> str:
    return f"{_git()} {shlex.join(command)}"


async def _run(job: Job, folder: Folder, *, key: str | None = None) -> bytes:
    outcome = await Sandbox(settings.SANDBOX_SOCKET).run(job)
    if outcome.ended_by == "folder":
        usage = await folder.usage()
        raise WorkspaceFull(
            f"The repository is larger than a workspace, which holds {usage['most_bytes']} bytes in "
            f"{usage['most_files']} files. Clone it with a smaller depth."
        )
    if outcome.exit_code:
        raise _trouble(outcome, key=key)
    return outcome.stdout


def _trouble(outcome: Outcome, *, key: str | None) -> Exception:
    if outcome.ended_by:
        return ToolFailed(f"git was ended: it reached the limit of its {outcome.ended_by}. Ask for less of it.")
    said = outcome.stderr.decode("utf-8", "replace")
    if key is not None:
        # It is told to nobody but who asks for it; should it be said all the same, it is not said on.
        said = said.replace(key, "[redacted]")
    for mark, because in _TROUBLES:
        if mark in said:
            return WorkspaceFull(f"The repository does not fit: {because}. Clone it with a smaller depth.")
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(_NOISE)]
    told = " ".join(lines[-6:])[:1000] or f"nothing (exit code {outcome.exit_code})"
    if "Authentication failed" in told or "could not read Username" in told:
        return ToolFailed(f"git was not let in: {told}. Hand on a key as token, or put one into the vault.")
    if any(mark in told for mark in _AWAY):
        return ToolUnavailable(f"git could not reach the repository: {told}. Try again later.")
    return ToolFailed(f"git said: {told}")
