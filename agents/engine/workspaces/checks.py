# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is looked at before files that a model wrote are put anywhere: their paths, their sizes, and their grammar.

Nothing is run. Code with brackets within brackets without end is not even read: parsers are known to fall over it.
"""

import ast
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import yaml

from agents.engine.workspaces.errors import WorkspacePathInvalid
from agents.engine.workspaces.paths import file_to_write
from codexos.kernel.jsontypes import JsonValue

MOST_FILES = 50
LARGEST_FILE = 400_000
LARGEST_TOGETHER = 2_000_000
DEEPEST = 80
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file as a model wrote it."""

    path: str
    text: str


def read_files(answer: JsonValue, *, folder: str = "") -> tuple[list[WrittenFile], list[str]]:
    """Return the files of an answer, and what is wrong with them: each problem names its file."""
    listed = answer.get("files") if isinstance(answer, Mapping) else None
    if not isinstance(listed, list) or not listed:
        return [], ["There are no files in the answer."]
    if len(listed) > MOST_FILES:
        return [], [f"There are {len(listed)} files; at most {MOST_FILES} are written at once."]
    files, problems = _each(listed, folder)
    if sum(len(file.text) for file in files) > LARGEST_TOGETHER:
        problems.append(f"The files have more than {LARGEST_TOGETHER} characters together.")
    paths = [file.path for file in files]
    problems += [f"{path}: written twice." for path in sorted({path for path in paths if paths.count(path) > 1})]
    return files, problems


def _each(listed: Sequence[JsonValue], folder: str) -> tuple[list[WrittenFile], list[str]]:
    files: list[WrittenFile] = []
    problems: list[str] = []
    for entry in listed:
        path, text = (entry.get("path"), entry.get("text")) if isinstance(entry, Mapping) else (None, None)
        if not isinstance(path, str) or not isinstance(text, str):
            problems.append("A file has no path or no text.")
            continue
        try:
            place = file_to_write(path)
        except WorkspacePathInvalid as error:
            problems.append(f"{path[:100]}: {error.message}")
            continue
        if folder and not place.startswith(f"{folder}/"):
            problems.append(f"{place}: it does not lie in {folder}.")
        elif trouble := grammar_trouble(place, text):
            problems.append(f"{place}: {trouble}")
        files.append(WrittenFile(place, text))
    return files, problems


def grammar_trouble(path: str, text: str) -> str | None:
    """Say what is wrong with a text by the grammar its name promises; None where nothing is, or nobody knows it."""
    if len(text) > LARGEST_FILE:
        return f"it has more than {LARGEST_FILE} characters."
    read = _READERS.get(path.lower().rpartition(".")[2])
    if read is None:
        return None
    if _depth(text) > DEEPEST:
        return f"its brackets are nested more than {DEEPEST} deep."
    try:
        read(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())[:300]
        return f"it cannot be read: {said or type(error).__name__}."
    return None


def _depth(text: str) -> int:
    depth = deepest = 0
    for letter in text:
        if letter in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif letter in _CLOSING:
            depth = max(0, depth - 1)
    return deepest


def _read_yaml(text: str) -> None:
    # Events alone: nothing is made of what it says, so no alias grows.
    for _ in yaml.parse(text, Loader=yaml.SafeLoader):
        pass


_READERS: Mapping[str, Callable[[str], object]] = {
    "py": ast.parse,
    "pyi": ast.parse,
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": _read_yaml,
    "yml": _read_yaml,
}
