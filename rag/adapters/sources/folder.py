# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A folder of this machine as a source, where its operator allows it. One that is not there removes nothing.

Every step is opened relative to the one before and never through a symbolic link, so nothing planted inside leads out.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from codexos.kernel.jsontypes import JsonObject
from rag.engine.path_filters import holds_no_text, ignore_spec
from rag.engine.ports import Content, Delta, Entry, Revision, SourcePlace
from rag.engine.source_configs import LocalFolder, read_local_folder
from rag.errors import DocumentGone, FileTooLarge
from rag.errors.sources import SourceInvalid, SourceOverLimit, SourceUnreachable, SourceVanished

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MOST_FILES = 200_000
DEEPEST = 40
LONGEST_PATH = 800
IGNORED = ".gitignore"
_LARGEST_IGNORE = 256 * 1024
_PIECE_BYTES = 256 * 1024
LEFT_OUT = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv"})
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not waiting: a pipe that nobody writes to would hold the reader for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def open_source(place: SourcePlace) -> "FolderReader":
    """Return the reader of a folder. Raises SourceInvalid."""
    return FolderReader(place, read_local_folder(place.config))


def allowed_roots(organization_id: UUID) -> list[Path]:
    """Return the folders that an organization may read: those of the settings, and those watched for it."""
    named: list[str] = list(settings.SOURCE_FOLDERS)
    with suppress(FileNotFoundError):
        watched = (line.partition(" ") for line in watched_list().read_text().splitlines())
        named += [path for whose, _, path in watched if whose == str(organization_id)]
    return [Path(os.path.realpath(each)) for each in named if each.startswith("/") and each.strip("/")]


def watched_list() -> Path:
    """Return the file that keeps which folders the operator opened by watching them, and for whom."""
    folder: Path = settings.CODEXOS_HOME
    return folder / "watched-folders"


def allow_root(path: Path, *, organization_id: UUID) -> None:
    """Let an organization read a folder from now on; only who may write into this installation's home gets here."""
    place = os.path.realpath(path)
    if not place.isprintable():
        raise SourceInvalid("path", because="its name has a line's end in it, or the like")
    if Path(place) not in allowed_roots(organization_id):
        with watched_list().open("a") as file:
            file.write(f"{organization_id} {place}\n")


@dataclass(frozen=True, slots=True)
class _Rules:
    """The .gitignore of one folder, and those of the folders around it."""

    prefix: str
    spec: "GitIgnoreSpec"
    outer: "_Rules | None"

    def ignores(self, path: str) -> bool:
        """Tell whether a path is ignored: the innermost file that has a say decides."""
        said = self.spec.check_file(path.removeprefix(self.prefix)).include
        if said is not None:
            return bool(said)
        return self.outer is not None and self.outer.ignores(path)


class FolderReader:
    """Keeps the port SourceReader for a folder."""

    keeps_history = False

    def __init__(self, place: SourcePlace, config: LocalFolder) -> None:
        self._organization_id = place.organization_id
        self._config = config
        self._where = config.path

    def look(self, cursor: JsonObject) -> Delta:
        """See the port. Raises SourceVanished where the folder is gone, or bare although it held something."""
        with self._root() as root, self._clear_errors():
            is_bare = not os.listdir(root)
        if is_bare and cursor.get("held"):
            raise SourceVanished(self._where, because="it is bare now, and held files before; is it mounted?")
        return Delta(Revision(), self._entries(), {"held": not is_bare})

    def read(self, path: str, *, revision: Revision, mark: str) -> Content | None:
        """See the port."""
        try:
            file = self._open(path)
        except (FileNotFoundError, NotADirectoryError):
            raise DocumentGone(path) from None
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode) or _mark(about) == mark:
            os.close(file)
            if not stat.S_ISREG(about.st_mode):
                raise DocumentGone(path)
            return None
        pieces = _pieces(file, path, most=self._config.file_bytes)
        return Content(pieces, mark=_mark(about), changed_at=_moment(about))

    def close(self) -> None:
        """See the port."""

    def _entries(self) -> Iterator[Entry]:
        with self._root() as root:
            for count, (path, about) in enumerate(self._walk(root, "", rules=None, depth=0)):
                if count >= MOST_FILES:
                    raise SourceOverLimit(self._where, because=f"it holds more than {MOST_FILES:,} files")
                yield Entry(path, _mark(about), about.st_size, _moment(about), skipped=self._reason_against(about))

    def _walk(
        self, folder: int, prefix: str, *, rules: _Rules | None, depth: int
    ) -> Iterator[tuple[str, os.stat_result]]:
        with self._clear_errors():
            names = sorted(os.listdir(folder))
            rules = _rules_in(folder, prefix, outer=rules) if IGNORED in names else rules
        for name in names:
            path = f"{prefix}{name}"
            if name in LEFT_OUT or not _is_fit(path):
                continue
            with suppress(FileNotFoundError), self._clear_errors():
                about = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISREG(about.st_mode):
                    if self._is_wanted(path, rules):
                        yield path, about
                elif stat.S_ISDIR(about.st_mode) and depth < DEEPEST and not (rules and rules.ignores(f"{path}/")):
                    yield from self._below(folder, name, prefix=f"{path}/", rules=rules, depth=depth + 1)

    def _below(
        self, folder: int, name: str, *, prefix: str, rules: _Rules | None, depth: int
    ) -> Iterator[tuple[str, os.stat_result]]:
        inner = os.open(name, _FOLDER, dir_fd=folder)
        try:
            yield from self._walk(inner, prefix, rules=rules, depth=depth)
        finally:
            os.close(inner)

    def _is_wanted(self, path: str, rules: _Rules | None) -> bool:
        return not holds_no_text(path) and self._config.filter.takes(path) and not (rules and rules.ignores(path))

    def _reason_against(self, about: os.stat_result) -> str:
        limit = self._config.file_bytes
        is_large = about.st_size > limit
        return f"It is larger than {limit:,} bytes, the most that is read of a file of this folder." if is_large else ""

    @contextmanager
    def _root(self) -> Iterator[int]:
        place = Path(os.path.realpath(self._where))
        if not any(place == root or root in place.parents for root in allowed_roots(self._organization_id)):
            because = "no folder of this machine may be read there; its operator opens it with bin/manage rag watch"
            raise SourceInvalid("path", because=because)
        try:
            root = os.open(place, _FOLDER)
        except (FileNotFoundError, NotADirectoryError):
            raise SourceVanished(self._where, because="there is no such folder; is it mounted?") from None
        except OSError as error:
            raise SourceUnreachable(self._where, because=str(error.strerror)) from None
        try:
            yield root
        finally:
            os.close(root)

    def _open(self, path: str) -> int:
        if any(each in ("", ".", "..") for each in path.split("/")):
            raise DocumentGone(path)
        *folders, name = path.split("/")
        with self._root() as root, self._clear_errors():
            at = os.dup(root)
            try:
                for each in folders:
                    outer, at = at, os.open(each, _FOLDER, dir_fd=at)
                    os.close(outer)
                return os.open(name, _FILE, dir_fd=at)
            finally:
                os.close(at)

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        """Name what the file system complains of, but for what is simply not there. Raises SourceUnreachable."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as error:
            raise SourceUnreachable(self._where, because=error.strerror or "the file system failed") from None


def _rules_in(folder: int, prefix: str, *, outer: _Rules | None) -> _Rules | None:
    try:
        file = os.open(IGNORED, _FILE, dir_fd=folder)
    except OSError:
        # A link, or not to be read: then it says nothing.
        return outer
    with os.fdopen(file, "rb") as opened:
        lines = opened.read(_LARGEST_IGNORE).decode("utf-8", "replace").splitlines()
    return _Rules(prefix, ignore_spec(lines), outer)


def _is_fit(path: str) -> bool:
    return len(path) <= LONGEST_PATH and path.isprintable()


def _mark(about: os.stat_result) -> str:
    return f"{about.st_size} {about.st_mtime_ns} {about.st_ino}"


def _moment(about: os.stat_result) -> datetime:
    return datetime.fromtimestamp(about.st_mtime, UTC)


def _pieces(file: int, path: str, *, most: int) -> Iterator[bytes]:
    with os.fdopen(file, "rb", buffering=0) as opened:
        left = most
        while piece := opened.read(_PIECE_BYTES):
            left -= len(piece)
            if left < 0:
                raise FileTooLarge(path, limit_bytes=most)
            yield piece
