# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""FileSearch: files of the run's workspace or of its project by their names, and lines by what stands in them."""

from fnmatch import fnmatchcase
from typing import Any

from agents.adapters.tools.file_read import SCOPE
from agents.adapters.tools.project_files import search_project
from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from agents.errors import ToolFailed
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST = 200

_SPEC = ToolSpec(
    name="FileSearch",
    description=(
        "Find files by name (files: *.py, src/**/test_*.py) and, with text or regex, the lines in them that fit. "
        "Files of a project are found by name alone."
    ),
    schema={
        "type": "object",
        "properties": {
            "files": {"type": "string", "maxLength": 300, "description": "Names with * and ?; all files if left out."},
            "text": {"type": "string", "minLength": 1, "maxLength": 1000, "description": "What stands in a line."},
            "regex": {"type": "string", "minLength": 1, "maxLength": 1000, "description": "A regular expression."},
            "any_case": {"type": "boolean"},
            "max_results": {"type": "integer", "minimum": 1, "maximum": MOST},
            "scope": SCOPE,
        },
        "additionalProperties": False,
    },
    result_schema={
        "type": "object",
        "properties": {
            "matches": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "path": {"type": "string"},
                        "line": {"type": "integer"},
                        "text": {"type": "string"},
                    },
                    "required": ["path"],
                    "additionalProperties": False,
                },
            },
            "text": {"type": "string", "description": "All matches as one text."},
            "is_cut": {"type": "boolean", "description": "True where there are more."},
        },
        "required": ["matches", "text", "is_cut"],
        "additionalProperties": False,
    },
    capabilities=("read",),
    reads_only=True,
)


class FileSearch:
    """Finds what a run has before it."""

    def __init__(self, room: ToolRoom) -> None:
        self._room = room

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return _SPEC

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return what fits, by path and line. Raises ToolFailed, WorkspaceFileInvalid."""
        if "text" in arguments and "regex" in arguments:
            raise ToolFailed("Say text or regex, not both.")
        wanted = arguments.get("max_results")
        most = wanted if isinstance(wanted, int) else 50
        if arguments.get("scope") == "project":
            return await self._in_project(arguments, most=most)
        asked: dict[str, Any] = {"most": most, "any_case": arguments.get("any_case") is True}
        asked["glob"] = str(arguments.get("files", ""))
        asked["text"] = arguments.get("text") or arguments.get("regex")
        asked["is_pattern"] = "regex" in arguments
        workspace = await self._room.workspace()
        async with workspace.look() as folder:
            found, is_cut = await folder.search(**asked)
        matches: list[JsonObject] = [
            {"path": each.path, "line": each.line, "text": each.text} if each.line else {"path": each.path}
            for each in found
        ]
        return _told(matches, is_cut=is_cut)

    async def _in_project(self, arguments: JsonObject, *, most: int) -> JsonObject:
        if "text" in arguments or "regex" in arguments:
            raise ToolFailed(
                "Files of a project are found by name alone: fetch them into the workspace to look inside."
            )
        glob = str(arguments.get("files", "")) or "*"
        prefix = glob.partition("*")[0].partition("?")[0].partition("[")[0] if "/" in glob else ""
        files = [path for path, _ in await search_project(self._room, prefix) if _is_named(path, glob)]
        return _told([{"path": path} for path in files[:most]], is_cut=len(files) > most)


def _is_named(path: str, glob: str) -> bool:
    return fnmatchcase(path if "/" in glob else path.rpartition("/")[2], glob.replace("**/", "*"))


def _told(matches: list[JsonObject], *, is_cut: bool) -> JsonObject:
    lines = [
        f"{each['path']}:{each['line']}: {each['text']}" if "line" in each else str(each["path"]) for each in matches
    ]
    return {"matches": list(matches), "text": "\n".join(lines) or "Nothing fits.", "is_cut": is_cut}
