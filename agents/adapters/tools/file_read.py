# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""FileRead: a text of the run's workspace or of its project, some lines at a time."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress

from agents.adapters.folders import Listed
from agents.adapters.tools.project_files import read_project_text
from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from agents.engine.workspaces.errors import WorkspaceFileInvalid
from agents.engine.workspaces.paths import workspace_folder
from codexos.kernel.jsontypes import JsonObject, JsonValue

LARGEST_BYTES = 5_000_000
MOST_LINES = 2_000
MOST_CHARACTERS = 200_000
SCOPE: JsonObject = {
    "enum": ["workspace", "project"],
    "description": "Where: workspace, the files this run works on (the default), or project, those its people keep.",
}
_KINDS = {"folder": "/", "link": " (a link)", "other": " (no file)"}

_SPEC = ToolSpec(
    name="FileRead",
    description="Read a text file, or list a folder. Lines are numbered from 1; ask for some of a long file.",
    schema={
        "type": "object",
        "properties": {
            "path": {
                "type": "string",
                "maxLength": 1000,
                "description": "Such as src/app.py; a folder, or . for all, is listed.",
            },
            "first_line": {"type": "integer", "minimum": 1},
            "lines": {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST_LINES,
                "description": "How many; 2000 if left out.",
            },
            "scope": SCOPE,
        },
        "required": ["path"],
        "additionalProperties": False,
    },
    result_schema={
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "text": {"type": "string", "description": "The lines, or the listing of a folder."},
            "first_line": {"type": "integer"},
            "last_line": {"type": "integer"},
            "line_count": {"type": "integer"},
            "size": {"type": "integer"},
            "sha256": {"type": "string", "description": "Of the whole file."},
            "is_cut": {"type": "boolean", "description": "True where there is more than is shown."},
        },
        "required": ["path", "text", "is_cut"],
        "additionalProperties": False,
    },
    capabilities=("read",),
    reads_only=True,
)


class FileRead:
    """Reads what a run has before it."""

    def __init__(self, room: ToolRoom) -> None:
        self._room = room

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return _SPEC

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return lines of a file, or what lies in a folder.

        Raises WorkspaceFileNotFound, WorkspaceFileInvalid, WorkspacePathInvalid, and what reading project files raises.
        """
        wanted = str(arguments["path"])
        if arguments.get("scope") == "project":
            return _lines(*await read_project_text(self._room, wanted), arguments)
        path = workspace_folder(wanted)
        workspace = await self._room.workspace()
        async with workspace.look() as folder:
            if not path:
                return _listed(".", *await folder.list())
            try:
                content, size = await folder.read(path, length=LARGEST_BYTES)
            except WorkspaceFileInvalid:
                listed, is_cut = await folder.list(path)
                if not listed:
                    raise
                return _listed(path, listed, is_cut)
        if size > LARGEST_BYTES:
            raise WorkspaceFileInvalid(f"{path!r} has {size} bytes; at most {LARGEST_BYTES} are read. Search in it.")
        return _lines(path, content, arguments)


def _listed(path: str, listed: Sequence[Listed], is_cut: bool) -> JsonObject:
    text = "".join(f"{each.path}{_KINDS.get(each.kind, '')}\n" for each in listed)
    return {"path": path, "text": text, "is_cut": is_cut}


def _lines(path: str, content: bytes, arguments: JsonObject) -> JsonObject:
    text = text_of(path, content)
    lines = text.splitlines(keepends=True)
    first, most = arguments.get("first_line"), arguments.get("lines")
    begin = first - 1 if isinstance(first, int) else 0
    end = begin + (most if isinstance(most, int) else MOST_LINES)
    shown = "".join(lines[begin:end])
    return {
        "path": path,
        "text": shown[:MOST_CHARACTERS],
        "first_line": begin + 1,
        "last_line": min(end, len(lines)),
        "line_count": len(lines),
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "is_cut": begin > 0 or end < len(lines) or len(shown) > MOST_CHARACTERS,
    }


def text_of(path: str, content: bytes) -> str:
    """Return the text that some bytes are. Raises WorkspaceFileInvalid where they are none."""
    if b"\0" not in content:
        with suppress(UnicodeDecodeError):
            return content.decode("utf-8-sig")
    raise WorkspaceFileInvalid(f"{path!r} is no text: it has {len(content)} bytes that cannot be shown.")
