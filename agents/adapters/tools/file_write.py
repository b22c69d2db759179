# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""FileWrite: writes, edits, fetches or removes one file of the run's workspace, or stores one in its project."""

import unicodedata
from collections.abc import Mapping

from agents.adapters.folders import Folder
from agents.adapters.tools.file_read import LARGEST_BYTES, SCOPE, text_of
from agents.adapters.tools.project_files import read_project_bytes, write_project_file
from agents.adapters.tools.room import ToolRoom
from agents.adapters.workspaces.workspace import TOLD_SCHEMA
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from agents.engine.workspaces.diffs import diff_bytes, patch_of
from agents.engine.workspaces.errors import WorkspaceFileNotFound
from agents.engine.workspaces.paths import file_to_write
from agents.errors import ToolFailed
from agents.queries.tool_files import FOLDER
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue

LARGEST_FETCHED = 100 * 1024 * 1024
MOST_SHOWN = 20_000
_WAYS = ("text", "new_text", "from_project", "remove")


def _touches(arguments: JsonObject) -> tuple[str, ...]:
    if arguments.get("scope") != "project":
        # The workspace is the run's own: what stands there is seen by nobody else and undone with a step.
        return ("read",)
    # What stands in the project's folder of tools is code that other runs call.
    path = unicodedata.normalize("NFC", str(arguments.get("path", ""))).strip()
    return ("write", "exec") if path.casefold().startswith(FOLDER) else ("write",)


def _labels_in(result: JsonValue) -> frozenset[str]:
    """Say that a patch shows what stood in the file before, which anybody may have written."""
    diff = result.get("diff") if isinstance(result, Mapping) else None
    hunks = [line for line in str(diff or "").split("\n") if line.startswith("@@ ")]
    return frozenset() if all(line.startswith("@@ -0,0 ") for line in hunks) else frozenset({"tool:FileWrite"})


_SPEC = ToolSpec(
    name="FileWrite",
    description=(
        "Write one file: all of its text, or put new_text in place of old_text, which must stand there exactly once. "
        "Or remove it, or fetch it from the project's files into the workspace."
    ),
    schema={
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1, "maxLength": 1000, "description": "Such as src/app.py."},
            "text": {"type": "string", "description": "The whole file, instead of whatever stands there."},
            "old_text": {"type": "string", "minLength": 1, "description": "What to replace, with its white space."},
            "new_text": {"type": "string"},
            "remove": {"const": True},
            "from_project": {"type": "string", "description": "The path of a project's file to copy here."},
            "executable": {"type": "boolean", "description": "Whether it is a program that may be started."},
            "scope": SCOPE,
        },
        "required": ["path"],
        "additionalProperties": False,
        "dependentRequired": {"old_text": ["new_text"], "new_text": ["old_text"]},
    },
    result_schema={
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "size": {"type": "integer"},
            "diff": {"type": "string", "description": "What changed, as a patch; cut where it is long."},
            "workspace": TOLD_SCHEMA,
        },
        "required": ["path", "diff"],
        "additionalProperties": False,
    },
    capabilities=("read", "write", "exec"),
    touches=_touches,
    # A turn with the workspace begins with the files it began with the first time; the project keeps versions.
    repeats=lambda _arguments: True,
    content=frozenset({"text", "old_text", "new_text"}),
    gives_untrusted=False,
    keeps_files=True,
    labels_in=_labels_in,
)


class FileWrite:
    """Writes what a run writes."""

    def __init__(self, room: ToolRoom) -> None:
        self._room = room

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return _SPEC

    async def preview(self, arguments: JsonObject) -> str | None:
        """Return what a call would change, as a patch."""
        path, before = str(arguments["path"]), b""
        if arguments.get("scope") != "project":
            workspace = await self._room.workspace()
            async with workspace.look() as folder:
                before = await _content(folder, path) or b""
        fetched = await self._fetched(arguments)
        return _diff(path, before, _after(path, before, arguments) if fetched is None else fetched)

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return what changed. Raises ToolFailed, WorkspacePathInvalid, WorkspaceFull and what storing raises."""
        ways = [way for way in _WAYS if way in arguments]
        if len(ways) != 1:
            raise ToolFailed("Say one of: text; old_text and new_text; remove; from_project.")
        if arguments.get("scope") == "project":
            return await self._store(arguments)
        path = file_to_write(str(arguments["path"]))
        fetched = await self._fetched(arguments)
        workspace = await self._room.workspace()
        async with workspace.turn(on) as turn:
            before = await _content(turn.folder, path)
            if "remove" in arguments:
                if not await turn.folder.remove(path):
                    raise WorkspaceFileNotFound(path=path)
                after = b""
            else:
                after = _after(path, before, arguments) if fetched is None else fetched
                mode = "100755" if arguments.get("executable") is True else "100644"
                await turn.folder.write(path, after, mode=mode)
        # Of what was fetched nothing is shown: it is read as any file is, and labeled as that.
        diff = _diff(path, before or b"", after) if fetched is None else f"{path}: fetched\n"
        return {"path": path, "size": len(after), "diff": diff, "workspace": turn.told}

    async def _fetched(self, arguments: JsonObject) -> bytes | None:
        wanted = arguments.get("from_project")
        return await read_project_bytes(self._room, wanted, most=LARGEST_FETCHED) if isinstance(wanted, str) else None

    async def _store(self, arguments: JsonObject) -> JsonValue:
        text = arguments.get("text")
        if not isinstance(text, str):
            raise ToolFailed("A project's file is written whole: say its text.")
        path, content = str(arguments["path"]), text.encode("utf-8", "replace")
        is_changed = await write_project_file(self._room, path, content)
        said = f"{path}: stored\n" if is_changed else ""
        return {"path": path, "size": len(content), "diff": said}


async def _content(folder: Folder, path: str) -> bytes | None:
    try:
        content, size = await folder.read(path, length=LARGEST_BYTES)
    except WorkspaceFileNotFound:
        return None
    if size > LARGEST_BYTES:
        raise ToolFailed(f"{path!r} has {size} bytes; files of more than {LARGEST_BYTES} are not edited here.")
    return content


def _after(path: str, before: bytes | None, arguments: JsonObject) -> bytes:
    text, old, new = arguments.get("text"), arguments.get("old_text"), arguments.get("new_text")
    if isinstance(text, str):
        return text.encode("utf-8", "replace")
    if not isinstance(old, str) or not isinstance(new, str):
        return b""
    if before is None:
        raise WorkspaceFileNotFound(path=path)
    standing = text_of(path, before)
    if (count := standing.count(old)) != 1:
        advice = "Read the file and quote it exactly." if count == 0 else "Quote more lines around it."
        raise ToolFailed(f"old_text stands {count} times in {path!r}, so it is not clear what to replace. {advice}")
    return standing.replace(old, new).encode("utf-8", "replace")


def _diff(path: str, before: bytes, after: bytes) -> str:
    try:
        return patch_of([diff_bytes(path, before, after)])[:MOST_SHOWN] if before != after else ""
    except CodexosError:
        return ""
