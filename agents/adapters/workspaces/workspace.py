# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The workspace of one run: its calls take turns, and each that changed something leaves a state that can be had again.

A call is all or nothing: one that fails leaves the files as they were, and one that was cut and is made again begins
with the files it began with the first time. The folder itself is only where the work is done: it is made anew from what
is kept wherever it is not known to be in the state it should be in.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from agents.adapters.database_threads import DatabaseThreads
from agents.adapters.folders import Folder, FolderScan
from agents.adapters.workspaces.past import Doing, Point, RunPast
from agents.adapters.workspaces.transfer import fill, pack_files
from agents.engine.gate import Occasion
from agents.engine.workspaces.contents import Kept
from agents.engine.workspaces.manifests import Manifest, compare, told_changes, tree_hash
from codexos.kernel.chat import ContextDocument
from codexos.kernel.errors import CodexosError
from codexos.kernel.ids import new_id
from codexos.kernel.jsontypes import JsonObject, JsonValue

logger = logging.getLogger(__name__)

TOLD_SCHEMA: JsonObject = {
    "type": "object",
    "description": "The files behind this call: their hash, and what changed.",
    "properties": {
        "snapshot": {"type": "string"},
        "changed": {"type": "array", "items": {"type": "string"}},
        "left_out": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["snapshot", "changed"],
    "additionalProperties": False,
}
"""What ``Turn.told`` is, for the result schema of a tool."""


@dataclass(slots=True)
class Turn:
    """One call's time with the files. ``told`` is what its result says of them, once the turn is over.

    ``remotes`` is what it saw of repositories elsewhere: by the address of each, a commit it has.
    """

    folder: Folder
    told: JsonObject = field(default_factory=dict)
    is_base: bool = False
    remotes: dict[str, str] = field(default_factory=dict)


class Workspace:
    """The files of one run. Without a ``past`` nothing is kept: as in a trial, whose folder is swept."""

    def __init__(
        self,
        folder: Folder,
        *,
        past: RunPast | None = None,
        in_thread: DatabaseThreads | None = None,
        documents: Sequence[ContextDocument] = (),
    ) -> None:
        self.folder = folder
        self._past = past
        self._in_thread = in_thread
        self._documents = documents
        self._lock = asyncio.Lock()
        self._head: Point | None = None
        self._is_open = False
        self._was_open = False

    async def leave(self) -> None:
        """Let the folder go, where there is one: the run is over. What it held is kept elsewhere."""
        if not self._was_open:
            return
        async with self._lock:
            self._is_open = False
            try:
                await self.folder.drop()
            except CodexosError as error:
                logger.info("the folder of %s stays until it is swept: %s", self.folder.name, error)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Folder]:
        """Give the folder for reading while nobody changes it. Raises WorkspacesUnavailable, WorkspaceGone."""
        async with self._lock:
            await self._open()
            yield self.folder

    @asynccontextmanager
    async def turn(self, on: Occasion) -> AsyncIterator[Turn]:
        """Give the folder for changing; what was changed is kept behind it, or undone where the block raises.

        Raises WorkspacesUnavailable, WorkspaceFull, WorkspaceMoved, WorkspaceGone, StorageFull, StorageUnreachable.
        """
        async with self._lock:
            await self._open()
            await self._undo_cut_call(on.key)
            turn = Turn(self.folder)
            await self.folder.mark(None)
            try:
                yield turn
                await self._end(turn, on)
            except BaseException:
                await self._undo()
                raise

    async def commits_at(self, url: str) -> Sequence[str]:
        """Return the commits a repository elsewhere was seen to have, the newest last."""
        async with self._lock:
            await self._open()
            return self._head.kept.remotes.get(url, ()) if self._head else ()

    async def _open(self) -> None:
        """See to it that the folder is in the state that the run has come to."""
        if self._is_open:
            return
        self._was_open = True
        if self._past is not None and self._in_thread is not None:
            self._head = await self._in_thread(self._past.newest)
        if self._head is not None:
            await self._restore(self._head)
        else:
            await self._begin()
        self._is_open = True

    async def _begin(self) -> None:
        """Begin with the texts the run was given, or with nothing."""
        contents = {each.name: each.text.encode("utf-8", "replace") for each in self._documents}
        await self.folder.put((), is_clean=True)
        for path, content in contents.items():
            await self.folder.write(path, content)
        if contents:
            await self._keep(await self.folder.scan(), Doing(is_base=True), {})

    async def _undo_cut_call(self, key: str) -> None:
        """Where this very call was begun before and not told of, go back to what it began with."""
        head = self._head
        if head is None or head.key != key or self._past is None or self._in_thread is None:
            return
        if head.parent_id is not None:
            self._head = await self._in_thread(self._past.point, head.parent_id)
            await self._restore(self._head)
            return
        self._head = None
        await self.folder.put((), is_clean=True)

    async def _end(self, turn: Turn, on: Occasion) -> None:
        scan = await self.folder.scan()
        tree = tree_hash(scan.files)
        before = self._head.kept.states if self._head else {}
        turn.told = _told(tree, before=before, scan=scan)
        if self._head is not None and self._head.tree == tree:
            await self.folder.mark(tree)
            return
        if self._head is None and not scan.files:
            return
        await self._keep(scan, Doing(on.key, on.step, turn.is_base, scan.left_out), turn.remotes)

    async def _keep(self, scan: FolderScan, by: Doing, remotes: Mapping[str, str]) -> None:
        before = self._head.kept if self._head else Kept()
        if self._past is None or self._in_thread is None:
            seen = Kept(remotes=before.remotes).after({}, {}, remotes).remotes
            self._head = Point(new_id(), tree_hash(scan.files), Kept(scan.files, remotes=seen))
        else:
            added = await pack_files(
                self.folder, scan.files, known=before.index, past=self._past, in_thread=self._in_thread
            )
            kept = before.after(scan.files, added, remotes)
            self._head = await self._in_thread(self._past.keep, kept, before=self._head, by=by)
        await self.folder.mark(self._head.tree)

    async def _undo(self) -> None:
        """Put back what was there; where that fails, the next turn does it first."""
        self._is_open = False
        if self._past is None:
            self._is_open = True
            return
        try:
            if self._head is None:
                await self.folder.put((), is_clean=True)
                self._is_open = True
            else:
                await self._restore(self._head)
                self._is_open = True
        except CodexosError as error:
            logger.warning("the files of %s could not be put back yet: %s", self.folder.name, error)

    async def _restore(self, point: Point) -> None:
        if await self.folder.mark_of() == point.tree:
            return
        if self._past is None or self._in_thread is None:
            return
        await fill(self.folder, point.kept, past=self._past, in_thread=self._in_thread)
        await self.folder.mark(point.tree)


def _told(tree: str, *, before: Manifest, scan: FolderScan) -> JsonObject:
    changes = compare(before, scan.files)
    told: dict[str, JsonValue] = {"snapshot": tree, "changed": told_changes(changes)}
    if scan.left_out:
        told["left_out"] = [f"{path}: {because}" for path, because in scan.left_out[:20]]
    return told
