# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What rag needs from the world: a place that keeps bytes by their hash, and sources that knowledge is read from."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable
from uuid import UUID

from codexos.kernel.jsontypes import JsonObject


@dataclass(frozen=True, slots=True)
class BlobKey:
    """Which bytes: those of one organization with this SHA-256 (hex). Two organizations never share any."""

    organization_id: UUID
    sha256: str


class BlobStore(Protocol):
    """Keeps bytes for good. Every method raises StorageUnreachable where the place cannot be used."""

    def keep(self, key: BlobKey, source: Path) -> None:
        """Store the content of the file ``source``, all or nothing; may move it away. Raises StorageFull."""

    def read(self, key: BlobKey, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield the bytes, or ``length`` of them from ``start``. Opens at once. Raises BlobMissing."""

    def remove(self, key: BlobKey) -> None:
        """Forget the bytes; does nothing where they are gone already."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of a source, as the source tells of it. ``name`` is what it is known by: the same name, the same state.

    A commit's name is its hash. A source that has no names of its own leaves it empty: each reading is one then.
    """

    name: str = ""
    commit: str = ""
    branch: str = ""
    at: datetime | None = None
    author: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document that a source holds.

    ``mark`` says without reading whether the content is another than before: a hash, an ETag, a size with a time.
    Where it is empty, only reading tells. ``moved_from`` is the path that the same document had before, where the
    source knows. ``skipped`` says in a sentence why the source will not give it, such as a file that lies in LFS.
    """

    path: str
    mark: str = ""
    size: int | None = None
    changed_at: datetime | None = None
    moved_from: str = ""
    title: str = ""
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """What a source holds, seen from a cursor.

    ``entries`` is everything where ``is_whole``, else what is new or changed since the cursor. It is streamed, and may
    raise in the middle: then nothing is taken as gone. ``removed`` is what the source says itself that somebody took
    away, as a commit does. Of a whole list also that is missing which is not in it, and gone when it is missing a
    second time; ``is_sure`` where the list is the truth itself, and no sight of it that a lost disk could spoil.
    ``cursor`` is kept once everything listed has been taken up.
    """

    revision: Revision
    entries: Iterable[Entry]
    cursor: JsonObject
    removed: Iterable[str] = ()
    is_whole: bool = True
    is_sure: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a document, streamed. ``mark`` is what it is known by from now on, where reading told it.

    ``kept`` is the SHA-256 of bytes that the organization keeps as a blob already; they are not copied then.
    """

    pieces: Iterable[bytes] = ()
    kept: str = ""
    mark: str = ""
    media_type: str = ""
    title: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """Which source is read, and what for: ``config`` as it was set up, and ``secret`` opened ("" where it has none).

    ``folder`` is its own on this machine. What lies in it may be gone at the next reading, which then makes it anew.
    """

    organization_id: UUID
    source_id: UUID
    kind: str
    folder: Path
    config: JsonObject = field(default_factory=dict)
    secret: str = field(default="", repr=False)


class SourceReader(Protocol):
    """Reads one source. Raises CodexosError kinds: a retryable one is tried again later, another fails the reading.

    ``look`` and ``read`` may be called by different processes: what was listed is read later, by whoever goes on.
    """

    keeps_history: bool
    """Whether what stood there at an older revision stays findable at it."""

    def look(self, cursor: JsonObject) -> Delta:
        """Say what there is, seen from what was kept at the end of the last reading ({} at the first)."""

    def read(self, path: str, *, revision: Revision, mark: str) -> Content | None:
        """Return what stands at a path at a revision; None where it is still what ``mark`` stands for.

        Raises DocumentGone (rag.errors) where it is not there any more.
        """

    def close(self) -> None:
        """Let go of what was opened. The reader is not used after it."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that one change replaced: ``count`` lines from ``line`` now, where before ``was_count`` stood at ``was``.

    Nothing is left of what was only taken away: ``count`` is 0 then, and ``line`` the one above it.
    """

    line: int
    count: int
    was: int
    was_count: int


@dataclass(frozen=True, slots=True)
class PastChange:
    """What one commit did to one path. ``moved_from`` is the path it had before, "" where it was there already."""

    path: str
    commit: str
    at: datetime
    author: str
    subject: str
    hunks: tuple[Hunk, ...] = ()
    moved_from: str = ""
    is_removed: bool = False


@dataclass(frozen=True, slots=True)
class Blame:
    """Lines (from 1, both included) that the same commit wrote last."""

    lines: tuple[int, int]
    commit: str
    at: datetime
    author: str
    subject: str


@runtime_checkable
class HistoryReader(Protocol):
    """Tells how the documents of a source came to be what they are. Raises CodexosError kinds, as SourceReader does."""

    def leads(self, *, since: str, until: str) -> bool:
        """Tell whether ``until`` was made from ``since``: not so where a branch was pushed by force."""

    def changes(self, *, since: str, until: str) -> Iterator[PastChange]:
        """Yield what commits changed, oldest first: after ``since`` ("": as far back as is kept) to ``until``."""

    def blame(self, path: str, *, commit: str, lines: tuple[int, int]) -> list[Blame]:
        """Return who wrote these lines of a path last, as of a commit; nothing where they do not stand there."""


class Reranker(Protocol):
    """Reads a question beside each text that was found for it, and says how well they fit."""

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return one number for each text, higher where it fits better. Raises RerankerUnavailable."""
