# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The files of a run's project, read and written as the person it acts for, with what they may at that moment."""

from accounts.actor import Actor
from agents.adapters.standing import Standing
from agents.adapters.tools.room import ToolRoom
from agents.errors import ToolFailed
from codexos.kernel.errors import NotAllowed
from llm.operations.threads import InThread
from rag.operations.contents import read_content, read_text
from rag.operations.files import store_file
from rag.queries.files import find_current, list_files

MOST_SEARCHED = 500


async def read_project_text(room: ToolRoom, path: str) -> tuple[str, bytes]:
    """Return the path in its one spelling, and the text there as UTF-8. Raises as ``read_text`` does, ToolFailed."""
    standing, in_thread = _at_hand(room)
    found = await in_thread(_read_text, standing, path)
    return found[0], found[1].encode("utf-8", "replace")


async def read_project_bytes(room: ToolRoom, path: str, *, most: int) -> bytes:
    """Return what a file of the project holds. Raises as ``find_current`` does, ToolFailed where it is too long."""
    standing, in_thread = _at_hand(room)
    return await in_thread(_read_bytes, standing, path, most)


async def write_project_file(room: ToolRoom, path: str, content: bytes) -> bool:
    """Store a file in the project; whether it is other now. Raises as ``store_file`` does, ToolFailed."""
    standing, in_thread = _at_hand(room)
    return await in_thread(_write, standing, path, content)


async def search_project(room: ToolRoom, prefix: str) -> list[tuple[str, int]]:
    """Return paths and sizes of the project's files."""
    standing, in_thread = _at_hand(room)
    return await in_thread(_list, standing, prefix)


def _at_hand(room: ToolRoom) -> tuple[Standing, InThread]:
    if room.standing is None or room.in_thread is None:
        raise ToolFailed("There is no project here. Run the flow in one, or use the scope 'workspace'.")
    return room.standing, room.in_thread


def _actor(standing: Standing) -> Actor:
    actor = standing.load_actor()
    if actor is None:
        raise NotAllowed(f"{standing.name} is no longer a member of this organization, so no file is touched for them.")
    return actor


def _read_text(standing: Standing, path: str) -> tuple[str, str]:
    found, text, _ = read_text(_actor(standing), standing.project_id, [path])[0]
    return found, text


def _read_bytes(standing: Standing, path: str, most: int) -> bytes:
    version = find_current(_actor(standing), standing.project_id, [path])[0]
    if version.size > most:
        raise ToolFailed(f"{path!r} has {version.size} bytes; at most {most} are taken into a workspace.")
    return b"".join(read_content(version))


def _write(standing: Standing, path: str, content: bytes) -> bool:
    stored = store_file(_actor(standing), standing.project_id, path=path, chunks=[content], expected_bytes=len(content))
    return stored.is_changed


def _list(standing: Standing, prefix: str) -> list[tuple[str, int]]:
    actor, cursor = _actor(standing), None
    found: list[tuple[str, int]] = []
    while len(found) < MOST_SEARCHED:
        page = list_files(actor, standing.project_id, prefix=prefix, cursor=cursor, limit=100)
        found += [(file.path, file.current.size) for file in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    return found
