# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Between the folder of a workspace and where its bytes are kept: a pack of what is new, and a folder made anew."""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agents.adapters.database_threads import DatabaseThreads
from agents.adapters.folders import Folder, Incoming, parts_of
from agents.adapters.workspaces.past import RunPast
from agents.engine.workspaces.contents import (
    LONGEST_READ,
    Index,
    Kept,
    Place,
    Stretch,
    new_paths,
    stretches,
    wanted_hashes,
)
from agents.engine.workspaces.errors import WorkspaceFull, WorkspacesUnavailable
from agents.engine.workspaces.manifests import FOLDER, FileState, Manifest, compare

MOST_GONE = 2_000


async def pack_files(
    folder: Folder, states: Manifest, *, known: Index, past: RunPast, in_thread: DatabaseThreads
) -> Index:
    """Keep the contents that are not kept yet, behind one another; return where each stands."""
    paths = new_paths(states, known)
    if not paths:
        return {}
    # Without a name, so that it is gone with this process, however that ends.
    with tempfile.TemporaryFile() as pack:
        places = await _write_pack(folder, states, paths=paths, write=pack.write)
        pack.seek(0)
        sha256 = await in_thread(past.keep_pack, pack)
    return {content: Place(sha256, start, size) for content, (start, size) in places.items()}


async def fill(folder: Folder, kept: Kept, *, past: RunPast, in_thread: DatabaseThreads) -> None:
    """Have a folder hold exactly what is kept, changing only what is other there."""
    try:
        scan = await folder.scan()
        present: Manifest | None = None if scan.left_out else scan.files
    except WorkspaceFull:
        present = None
    changes = compare(present or {}, kept.states)
    gone = [change.path for change in changes if change.before is not None]
    is_clean = present is None or len(gone) > MOST_GONE
    wanted = kept.states if is_clean else {each.path: each.after for each in changes if each.after is not None}
    await folder.put((), gone=() if is_clean else gone, is_clean=is_clean)
    await _put_simple(folder, wanted)
    await _put_contents(folder, wanted, index=kept.index, source=_Source(past, in_thread))


async def _write_pack(
    folder: Folder, states: Manifest, *, paths: Sequence[str], write: Callable[[bytes], object]
) -> Mapping[str, tuple[int, int]]:
    places: dict[str, tuple[int, int]] = {}
    end = 0
    async for path, _, parts in folder.get(paths):
        digest, start = hashlib.sha256(), end
        async for part in parts:
            digest.update(part)
            write(part)
            end += len(part)
        if digest.hexdigest() != states[path].sha256:
            raise WorkspacesUnavailable(because=f"{path!r} changed while it was read")
        places[states[path].sha256] = (start, end - start)
    return places


async def _put_simple(folder: Folder, wanted: Mapping[str, FileState]) -> None:
    """Put what has no bytes: empty folders and empty files."""
    simple = [(path, state) for path, state in wanted.items() if state.mode == FOLDER or not state.size]
    if simple:
        await folder.put(Incoming(path, state.mode, 0, _none()) for path, state in simple)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the bytes of kept files come from."""

    past: RunPast
    in_thread: DatabaseThreads

    async def read(self, place: Place) -> bytes:
        return await self.in_thread(self.past.read, place.pack, start=place.start, length=place.size)

    async def read_on(self, place: Place) -> AsyncIterator[bytes]:
        for begin in range(0, place.size, LONGEST_READ):
            length = min(LONGEST_READ, place.size - begin)
            async for part in parts_of(await self.read(Place(place.pack, place.start + begin, length))):
                yield part


async def _put_contents(folder: Folder, wanted: Mapping[str, FileState], *, index: Index, source: _Source) -> None:
    paths: dict[str, list[str]] = {}
    for path, state in wanted.items():
        if state.mode != FOLDER and state.size:
            paths.setdefault(state.sha256, []).append(path)
    for stretch in stretches(wanted_hashes(wanted.values()), index):
        if stretch.end - stretch.start > LONGEST_READ:
            # One content, too long to be held at once.
            place = index[stretch.contents[0][0]]
            for path in paths[stretch.contents[0][0]]:
                await folder.put([Incoming(path, wanted[path].mode, place.size, source.read_on(place))])
            continue
        content = await source.read(Place(stretch.pack, stretch.start, stretch.end - stretch.start))
        await folder.put(_files_in(stretch, content, wanted=wanted, paths=paths))


def _files_in(
    stretch: Stretch, content: bytes, *, wanted: Mapping[str, FileState], paths: Mapping[str, Sequence[str]]
) -> Iterator[Incoming]:
    for sha256, start, size in stretch.contents:
        begin = start - stretch.start
        for path in paths[sha256]:
            yield Incoming(path, wanted[path].mode, size, parts_of(content[begin : begin + size]))


async def _none() -> AsyncIterator[bytes]:
    return
    yield b""
