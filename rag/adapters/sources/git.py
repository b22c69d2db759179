# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A git repository as a source: the files of a branch, from one commit to the next, and what its history tells."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from django.conf import settings

from codexos.kernel.jsontypes import JsonObject
from rag.adapters.sources.git_remote import HttpRemote, LocalRemote, Remote, list_refs
from rag.adapters.sources.git_store import GitStore
from rag.engine.git_facts import LARGEST_POINTER, LFS_MARK, PathChange, TreeFile
from rag.engine.git_wire import Advertisement, Refs
from rag.engine.path_filters import holds_no_text
from rag.engine.ports import Content, Delta, Entry, Revision, SourcePlace
from rag.engine.source_configs import Repository, read_repository
from rag.errors import DocumentGone
from rag.errors.sources import GitFailed, SourceOverLimit, SourceVanished

MOST_FILES = 200_000
MOST_CHANGES = 20_000
LONGEST_PATH = 800
SMALL_FILE_BYTES = 256 * 1024
_AT_ONCE = 400
_IN_LFS = "It lies in Git LFS: the repository holds only a pointer to it."


def open_source(place: SourcePlace) -> "GitReader":
    """Return the reader of a repository; nothing is reached yet. Raises SourceInvalid, SourceVanished."""
    config = read_repository(place.config)
    if config.url.startswith("/"):
        roots = [Path(each) for each in settings.SOURCE_FOLDERS]
        return GitReader(place, config, LocalRemote(config.url, allowed=roots))
    secret = place.secret.strip()
    return GitReader(place, config, HttpRemote(config.url, key=(lambda: secret) if secret else None))


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a branch stands."""

    branch: str
    commit: str


class GitReader:
    """Keeps the port SourceReader for a repository that is fetched from a remote."""

    keeps_history = True

    def __init__(self, place: SourcePlace, repository: Repository, remote: Remote) -> None:
        self._repository = repository
        self._remote = remote
        self._store = GitStore(place.folder, where=remote.where)
        self._advertised: Advertisement | None = None

    def look(self, cursor: JsonObject) -> Delta:
        """See the port. Of a history that was written anew everything is listed; what is unchanged keeps its mark."""
        tip, filter_ = self.tip(), self._repository.filter
        kept: JsonObject = {"commit": tip.commit, "branch": tip.branch, "filter": filter_.fingerprint}
        before = str(cursor.get("commit", "")) if cursor.get("filter") == filter_.fingerprint else ""
        if not tip.commit or before == tip.commit:
            return Delta(Revision(tip.commit, tip.commit, tip.branch), (), kept, is_whole=not tip.commit)
        self._fetch(tip.commit)
        revision = self._store.revision(tip.commit, branch=tip.branch)
        changes = self._changes(before, tip.commit)
        if changes is None:
            return Delta(revision, self._listed(tip.commit), kept, is_sure=True)
        gone = (each.path for each in changes if each.is_removal and self._takes(each.path))
        removed = [path for path in gone if _spelled(path) is not None]
        return Delta(revision, self._changed(changes, before, tip.commit), kept, removed=removed, is_whole=False)

    def read(self, path: str, *, revision: Revision, mark: str) -> Content | None:
        """See the port."""
        # A document that is tried again by itself comes without a revision: what stands there now is wanted.
        commit = revision.commit or self.tip().commit
        self._fetch(commit)
        found = self._store.find(path, commit=commit)
        if found is None:
            raise DocumentGone(path)
        oid, _size = found
        return None if oid == mark else Content(self._store.content(oid), mark=oid)

    def tip(self) -> Tip:
        """Return where the branch stands now. Raises SourceVanished where there is no such branch, and others."""
        wanted = self._repository.branch
        refs = self._refs(wanted)
        if found := refs.find(wanted):
            return Tip(*found)
        if wanted or refs.branches:
            named = f"a branch or tag {wanted!r}" if wanted else "a default branch"
            raise SourceVanished(self._remote.where, because=f"the repository has not {named}")
        return Tip("", "")

    def branches(self) -> list[str]:
        """Return the names of the branches there are, the default one first."""
        refs = self._refs()
        usual = refs.find("")
        return sorted(refs.branches, key=lambda name: (usual is None or name != usual[0], name))

    def close(self) -> None:
        """See the port."""
        self._store.close()
        self._remote.close()

    def _refs(self, name: str = "") -> Refs:
        # Asked anew each time: the first dialect says in one go what it can do and what there is.
        self._advertised = self._remote.advertised()
        return list_refs(self._remote, self._advertised, name=name)

    def _advertise(self) -> Advertisement:
        self._advertised = self._advertised or self._remote.advertised()
        return self._advertised

    def _fetch(self, commit: str) -> None:
        if self._store.has(commit):
            return
        said, asked = self._advertise(), self._repository
        try:
            self._store.fetch(self._remote, said, commit=commit, depth=asked.depth, blob_bytes=asked.file_bytes)
        except SourceOverLimit:
            # Once more without its history and its larger files: most of what is large is no text.
            self._store.forget()
            if not (said.can_filter or said.can_be_shallow):
                raise
            smaller = min(asked.file_bytes, SMALL_FILE_BYTES)
            self._store.fetch(self._remote, said, commit=commit, depth=1, blob_bytes=smaller)

    def _changes(self, before: str, after: str) -> list[PathChange] | None:
        """Return what is another since a commit; None where only a whole list can tell."""
        if not self._store.has(before) or not self._store.follows(after, before):
            return None
        changes = self._store.differences(before, after, most=MOST_CHANGES + 1)
        return changes if len(changes) <= MOST_CHANGES else None

    def _listed(self, commit: str) -> Iterator[Entry]:
        files = (each for each in self._store.files(commit) if self._takes(each.path))
        yield from self._entries(_bounded(files, self._remote.where), self._times(commit))

    def _changed(self, changes: Iterable[PathChange], before: str, commit: str) -> Iterator[Entry]:
        taken = [each for each in changes if not each.is_removal and self._takes(each.path)]
        sizes = self._store.sizes([each.oid for each in taken]) if taken else {}
        files = (TreeFile(each.path, each.oid, sizes.get(each.oid)) for each in taken)
        moved = {each.path: each.moved_from for each in taken if each.moved_from and _spelled(each.moved_from)}
        yield from self._entries(files, self._times(commit, since=before), moved=moved)

    def _takes(self, path: str) -> bool:
        return not holds_no_text(path) and self._repository.filter.takes(path)

    def _times(self, commit: str, *, since: str = "") -> Mapping[str, datetime]:
        # Only a help in ranking: a repository whose log cannot be read is read all the same.
        with suppress(GitFailed):
            return self._store.last_changes(commit, since=since, most=self._repository.depth)
        return {}

    def _entries(
        self, files: Iterable[TreeFile], times: Mapping[str, datetime], *, moved: Mapping[str, str] | None = None
    ) -> Iterator[Entry]:
        stream = iter(files)
        while some := list(islice(stream, _AT_ONCE)):
            pointers = self._pointers(some)
            for file in some:
                if (path := _spelled(file.path)) is not None:
                    yield Entry(
                        path=path,
                        mark=file.oid,
                        size=file.size,
                        changed_at=times.get(file.path),
                        moved_from=(moved or {}).get(file.path, ""),
                        skipped=self._reason_against(file, is_pointer=file.oid in pointers),
                    )

    def _reason_against(self, file: TreeFile, *, is_pointer: bool) -> str:
        limit = self._repository.file_bytes
        if is_pointer:
            return _IN_LFS
        if file.size is None or file.size > limit:
            return f"It is larger than {limit:,} bytes, the most that is read of a file of this repository."
        return ""

    def _pointers(self, files: Iterable[TreeFile]) -> set[str]:
        small = [file.oid for file in files if file.size is not None and len(LFS_MARK) < file.size <= LARGEST_POINTER]
        return {oid for oid in small if b"".join(self._store.content(oid)).startswith(LFS_MARK)}


def _bounded(files: Iterable[TreeFile], where: str) -> Iterator[TreeFile]:
    for count, file in enumerate(files):
        if count >= MOST_FILES:
            raise SourceOverLimit(where, because=f"it has more than {MOST_FILES:,} files")
        yield file


def _spelled(path: str) -> str | None:
    """Return a path as it may be kept; None where it cannot be: it is no text, or too long."""
    if len(path) > LONGEST_PATH or any(character in path for character in "\0\n\r"):
        return None
    try:
        path.encode()
    except UnicodeEncodeError:
        return None
    return path
