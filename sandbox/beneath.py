# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reaching what lies beneath an open folder, step by step and never through a link.

Whatever a job made of its folder, and whatever it changes while this looks: each step opens one name relative to the
folder opened before it, refuses to follow a link, and asks the open descriptor what it is.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sandbox.errors import AskInvalid, Refused

DEEPEST = 60
PATH_BYTES = 4_000
NAME_BYTES = 255
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe without a writer would hold up whoever opens it, and a terminal would become ours.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at a path, and where to open it: the open folder it is a name in, for as long as the walk stays."""

    path: str
    name: str
    folder: int
    stat: os.stat_result


def steps_of(path: str) -> list[str]:
    """Return the names of a path that stays beneath where it begins. Raises AskInvalid."""
    names = path.split("/")
    is_plain = "\0" not in path and 0 < len(path.encode("utf-8", "replace")) <= PATH_BYTES and len(names) <= DEEPEST
    if not is_plain or any(
        name in {"", ".", ".."} or len(name.encode("utf-8", "replace")) > NAME_BYTES for name in names
    ):
        raise AskInvalid(f"The path {path[:100]!r} does not lie beneath the folder: write one like src/app.py.")
    return names


@contextmanager
def opened_folder(root: int, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """Give the open folder that ``names`` lead to. Raises Refused where one of them is no folder."""
    here = os.dup(root)
    try:
        for name in names:
            here = _step(here, name, make=make)
        yield here
    finally:
        os.close(here)


def open_file(root: int, path: str) -> tuple[int, os.stat_result]:
    """Return the open descriptor of a regular file, and what it is. Raises Refused."""
    *above, name = steps_of(path)
    with opened_folder(root, above) as folder:
        return open_in(folder, name, shown=path)


def open_in(folder: int, name: str, *, shown: str) -> tuple[int, os.stat_result]:
    """The same for one name in an open folder."""
    try:
        descriptor = os.open(name, _FILE, dir_fd=folder)
    except OSError as error:
        raise _refusal(shown, error) from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise Refused("not_a_file", f"{shown!r} is no regular file, so it is not read.")
    return descriptor, found


def new_file(root: int, path: str, *, is_program: bool = False) -> int:
    """Make a file anew, with the folders it lies in, instead of whatever stands at its path. Raises Refused."""
    *above, name = steps_of(path)
    with opened_folder(root, above, make=True) as folder:
        make_room(folder, name, shown=path)
        return os.open(name, _NEW_FILE, mode=0o755 if is_program else 0o644, dir_fd=folder)


def new_link(root: int, path: str, *, text: str) -> None:
    """Make a link that says ``text``. Nobody here ever follows it; inside of a slot it stays inside."""
    *above, name = steps_of(path)
    with opened_folder(root, above, make=True) as folder:
        make_room(folder, name, shown=path)
        os.symlink(text, name, dir_fd=folder)


def remove(root: int, path: str) -> bool:
    """Remove a file or a link; False where nothing stands there. Raises Refused for a folder."""
    *above, name = steps_of(path)
    try:
        with opened_folder(root, above) as folder:
            os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        raise Refused("not_a_file", f"{path!r} is a folder. Name a file.") from None
    except FileNotFoundError:
        return False
    except Refused as refused:
        if refused.code == "no_file":
            return False
        raise
    return True


def prune(root: int, path: str) -> None:
    """Remove whatever stands at a path, but for a folder that holds something; and folders that it leaves empty."""
    names = steps_of(path)
    while names:
        try:
            with opened_folder(root, names[:-1]) as folder:
                _remove_either(folder, names[-1])
        except (OSError, Refused):
            return
        names = names[:-1]


def _remove_either(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        os.rmdir(name, dir_fd=folder)


def make_room(folder: int, name: str, *, shown: str) -> None:
    """Take away what stands at a name, unless it is a folder."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    except IsADirectoryError:
        raise Refused("not_a_file", f"{shown!r} is a folder. Name a file.") from None


def walk(root: int, *, prefix: str = "", depth: int = 0, most_deep: int = DEEPEST) -> Iterator[Found]:
    """Yield everything beneath an open folder, folders before what is in them, in the order of names."""
    for name in sorted(os.listdir(root)):
        try:
            found = os.stat(name, dir_fd=root, follow_symlinks=False)
        except FileNotFoundError:
            continue
        yield Found(prefix + name, name, root, found)
        if not stat.S_ISDIR(found.st_mode) or depth >= most_deep:
            continue
        with suppress(OSError), _entered(root, name) as inner:
            yield from walk(inner, prefix=f"{prefix}{name}/", depth=depth + 1, most_deep=most_deep)


def empty(folder: int) -> None:
    """Remove everything in an open folder, whatever a job made of it."""
    for name in os.listdir(folder):
        try:
            os.unlink(name, dir_fd=folder)
        except (IsADirectoryError, PermissionError):
            with suppress(OSError):
                _remove_folder(folder, name)


def _remove_folder(folder: int, name: str) -> None:
    with _entered(folder, name) as inner:
        empty(inner)
    os.rmdir(name, dir_fd=folder)


@contextmanager
def _entered(folder: int, name: str) -> Iterator[int]:
    """Open a folder in a folder, also one that its owner shut: the service is its owner."""
    try:
        inner = os.open(name, _FOLDER, dir_fd=folder)
    except PermissionError:
        _unlock(folder, name)
        inner = os.open(name, _FOLDER, dir_fd=folder)
    try:
        if os.fstat(inner).st_mode & 0o700 != 0o700:
            os.fchmod(inner, 0o755)
        yield inner
    finally:
        os.close(inner)


def _unlock(folder: int, name: str) -> None:
    mark = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.chmod(f"/proc/self/fd/{mark}", 0o700)
    finally:
        os.close(mark)


def _step(here: int, name: str, *, make: bool) -> int:
    try:
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, mode=0o755, dir_fd=here)
        inner = os.open(name, _FOLDER, dir_fd=here)
    except OSError as error:
        raise _refusal(name, error) from None
    os.close(here)
    return inner


def _refusal(shown: str, error: OSError) -> Refused:
    if isinstance(error, FileNotFoundError):
        return Refused("no_file", f"There is no file {shown!r}. List the files.")
    if isinstance(error, NotADirectoryError) or error.errno in {40, 20}:
        return Refused("not_a_file", f"{shown!r} is a link or no folder, and is not followed.")
    return Refused("not_a_file", f"{shown!r} cannot be opened: {error.strerror}.")
