# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What may be asked to run, and how much of the machine it may take. Everything a client says is checked here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from sandbox.errors import AskInvalid

WORDS = 4096
WORD_BYTES = 120_000
TEXT_BYTES = 900_000
ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
SOCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
PATH_BYTES = 1024
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one job may take. What the installation allows is one of these too, and no job gets more."""

    seconds: float = 60
    memory_bytes: int = 1024 * MIB
    processes: int = 64
    output_bytes: int = 2 * MIB
    file_bytes: int = 64 * MIB
    files: int = 20_000
    artefacts: int = 32
    artefact_bytes: int = 16 * MIB

    def within(self, caps: "Limits") -> "Limits":
        """Return these, none above what ``caps`` allows."""
        return Limits(**{each.name: min(getattr(self, each.name), getattr(caps, each.name)) for each in fields(Limits)})


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file that is put into the work folder before the command begins."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Job:
    """One command, with what it is given."""

    command: tuple[str, ...]
    env: Mapping[str, str]
    files: tuple[GivenFile, ...] = ()
    stdin_bytes: int = 0
    limits: Limits = Limits()
    folder: str | None = None
    proxy: str | None = None
    python: bool = False
    collect: bool = False
    is_live: bool = False


def read_job(asked: Mapping[str, Any], *, caps: Limits, is_live: bool = False) -> Job:
    """Return what a client asked for, within what is allowed. Raises AskInvalid."""
    return Job(
        command=_command(asked.get("command")),
        env=_environment(asked.get("env", {})),
        files=_files(asked.get("files", []), most=caps),
        stdin_bytes=_number(asked.get("stdin_bytes", 0), "stdin_bytes", most=64 * MIB),
        limits=read_limits(asked.get("limits", {}), caps=caps),
        folder=_name(asked.get("folder"), "folder"),
        proxy=_name(asked.get("proxy"), "proxy"),
        python=asked.get("python") is True,
        collect=asked.get("collect") is True,
        is_live=is_live,
    )


def read_limits(asked: object, *, caps: Limits) -> Limits:
    """Return limits as asked where they are below the caps. Raises AskInvalid for what is no limit."""
    if not isinstance(asked, Mapping):
        raise AskInvalid("limits is an object of numbers.")
    known = {each.name for each in fields(Limits)}
    for name, value in asked.items():
        if name not in known:
            raise AskInvalid(f"There is no limit {name!r}; there are {', '.join(sorted(known))}.")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 < value < 2**53:
            raise AskInvalid(f"The limit {name!r} is a number above 0.")
    whole: dict[str, Any] = {name: float(value) if name == "seconds" else int(value) for name, value in asked.items()}
    return replace(Limits(), **whole).within(caps)


def _command(asked: object) -> tuple[str, ...]:
    if not isinstance(asked, list) or not 0 < len(asked) <= WORDS or not all(_is_word(word) for word in asked):
        raise AskInvalid(f"command is a list of up to {WORDS} words without zero bytes, the program first.")
    if not asked[0] or sum(len(word) for word in asked) > TEXT_BYTES:
        raise AskInvalid("command names a program, and is not longer than the kernel takes.")
    return tuple(asked)


def _is_word(word: object) -> bool:
    return isinstance(word, str) and "\0" not in word and _size(word) <= WORD_BYTES


def _environment(asked: object) -> Mapping[str, str]:
    if not isinstance(asked, Mapping) or len(asked) > 200:
        raise AskInvalid("env is an object of up to 200 texts.")
    for name, value in asked.items():
        if not ENVIRONMENT_NAME.fullmatch(name) or not _is_word(value):
            raise AskInvalid(f"The environment variable {name!r} has a name or a value that is not taken.")
    return dict(asked)


def _files(asked: object, *, most: Limits) -> tuple[GivenFile, ...]:
    if not isinstance(asked, list) or len(asked) > min(most.files, 2000):
        raise AskInvalid("files is a list of at most 2000 files.")
    files = tuple(_file(each) for each in asked)
    if len({file.path for file in files}) < len(files):
        raise AskInvalid("files names one path twice.")
    if sum(file.size for file in files) > most.file_bytes:
        raise AskInvalid(f"The files of a job are at most {most.file_bytes} bytes together.")
    return files


def _file(asked: object) -> GivenFile:
    if not isinstance(asked, Mapping):
        raise AskInvalid("A file is an object with a path and a size.")
    path = asked.get("path")
    if not isinstance(path, str) or not is_beneath(path):
        raise AskInvalid(f"The file {path!r} does not lie in the work folder: write a path like data/table.csv.")
    return GivenFile(path, _number(asked.get("size", 0), "size", most=2**40))


def is_beneath(path: str) -> bool:
    """Whether a path is relative and stays where it begins."""
    parts = path.split("/")
    is_plain = "\0" not in path and _size(path) <= PATH_BYTES and len(parts) <= 32
    return is_plain and all(part not in {"", ".", ".."} and _size(part) < 255 for part in parts)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _name(asked: object, what: str) -> str | None:
    if asked is None:
        return None
    if not isinstance(asked, str) or not SOCKET_NAME.fullmatch(asked):
        raise AskInvalid(f"{what} is a name of letters, digits, dots, dashes and underlines.")
    return asked


def _number(asked: object, what: str, *, most: int) -> int:
    if not isinstance(asked, int) or isinstance(asked, bool) or not 0 <= asked <= most:
        raise AskInvalid(f"{what} is a whole number from 0 to {most}.")
    return asked
