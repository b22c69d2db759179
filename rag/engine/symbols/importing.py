# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a file takes from others, and where that would stand.

An import is written in its language's own way; its target is the end of a path, without suffix, as files of the
knowledge base have it: *from .auth import login* in *app/views.py* leads to *app/auth*. Whether a document is meant is
asked by comparing ends of paths, for what comes before (a module's host, a folder of sources) is not to be known.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence

from rag.engine.symbols.captures import Match
from rag.engine.symbols.facts import LONGEST_TARGET, Import

MOST_IMPORTS = 2_000
_MOST_NAMES = 100
_SCRIPTS = frozenset({"javascript", "typescript", "tsx"})
_SUFFIX = re.compile(r"\.(?:py|[cm]?[jt]sx?|rb|php|inc|sh|bash|vue|json|h|hpp|hh|hxx)\Z")
DOORS = frozenset({"__init__", "index", "mod", "lib", "main"})
"""Files that stand for the folder they lie in."""


def read_imports(source: bytes, matches: Sequence[Match], *, language: str, path: str) -> list[Import]:
    """Return what the file at ``path`` imports, each module once for every target."""
    names: dict[tuple[str, int], list[str]] = {}
    for match in matches:
        found = {capture.name: capture for capture in match}
        if "import" not in found or "module" not in found:
            continue
        module = found["module"].text(source).strip("\"'<> ")
        taken = names.setdefault((module, found["import"].first_line), [])
        if "imported" in found:
            taken.append(found["imported"].text(source))
    imports: dict[tuple[str, str], Import] = {}
    for (written, line), taken in names.items():
        for one in _read(written, taken, line=line, language=language, path=path):
            imports.setdefault((one.module, one.target), one)
    return list(imports.values())[:MOST_IMPORTS]


def _read(written: str, taken: Sequence[str], *, line: int, language: str, path: str) -> Iterator[Import]:
    if language == "rust":
        for module in _unfold(written):
            names = _last(module.removesuffix("::self"), "::")
            yield from _import(module, _rust_targets(module, path), names, line=line)
        return
    targets = _targets(written, taken, language=language, path=path)
    names = tuple(dict.fromkeys(taken))[:_MOST_NAMES] or _own_name(written, language)
    yield from _import(written, targets, names, line=line)


def _import(module: str, targets: Sequence[str], names: tuple[str, ...], *, line: int) -> Iterator[Import]:
    for target in dict.fromkeys(targets):
        if target and len(target) <= LONGEST_TARGET:
            yield Import(module[:LONGEST_TARGET], target, names, line)


def _own_name(written: str, language: str) -> tuple[str, ...]:
    separator = {"java": ".", "csharp": ".", "php": "\\"}.get(language)
    if separator is None or separator not in written:
        return ()
    return _last(written, separator)


def _last(module: str, separator: str) -> tuple[str, ...]:
    name = module.rpartition(separator)[2]
    return (name,) if name.isidentifier() else ()


def _targets(written: str, taken: Sequence[str], *, language: str, path: str) -> list[str]:
    folder = posixpath.dirname(path)
    if language == "python":
        return _python_targets(written, taken, folder)
    if language in ("java", "csharp"):
        return [written.replace(".", "/")]
    if language == "php" and ("\\" in written or taken):
        base = written.strip("\\").replace("\\", "/")
        return [f"{base}/{name}" for name in taken] or [base]
    if language in _SCRIPTS:
        return [_script_target(written, folder)]
    if language == "go":
        return [written]
    # What is left names a file: C, C++, Ruby, PHP, Bash. It may be meant from here, or from some root.
    plain = _SUFFIX.sub("", written.lstrip("$"))
    return [_joined(folder, plain), posixpath.normpath(plain).lstrip("./")] if plain else []


def _python_targets(written: str, taken: Sequence[str], folder: str) -> list[str]:
    module = written.lstrip(".")
    dots = len(written) - len(module)
    base = module.replace(".", "/")
    if dots:
        up = _joined(folder, "/".join([".."] * (dots - 1)))
        base = "/".join(part for part in (up, base) if part)
    # A name may be a module of its own, and then it is what is meant.
    return [base, *(f"{base}/{name}" if base else name for name in taken if name == name.lower())]


def _script_target(written: str, folder: str) -> str:
    plain = _SUFFIX.sub("", written)
    if plain.startswith("."):
        plain = _joined(folder, plain)
    plain = re.sub(r"^[@~]/", "", plain)
    return plain.removesuffix("/index") or "index"


def _joined(folder: str, rest: str) -> str:
    joined = posixpath.normpath(posixpath.join("/", folder, rest))
    return joined.strip("/")


def _unfold(written: str) -> list[str]:
    """Return *a::{b, c::d}* as *a::b* and *a::c::d*."""
    found: list[str] = []
    prefixes: list[str] = []
    pending = ""
    for part in re.split(r"([{},])", re.sub(r"\sas\s+\w+|\s", "", written)):
        if part == "{":
            prefixes.append(pending)
            pending = ""
        elif part in ("}", ","):
            if pending:
                found.append("".join([*prefixes, pending]))
            pending = ""
            if part == "}" and prefixes:
                prefixes.pop()
        else:
            pending += part
    if pending:
        found.append("".join([*prefixes, pending]))
    return found[:_MOST_NAMES]


def _rust_targets(module: str, path: str) -> list[str]:
    parts = [part for part in module.split("::") if part]
    # What is taken by a star, or as itself, is the module before it and nothing in that.
    is_module = parts[-1:] in (["*"], ["self"]) and len(parts) > 1
    parts, here = parts[:-1] if is_module else parts, _rust_module(path)
    if parts[:1] == ["crate"]:
        whole = "/".join(parts[1:])
    elif parts[:1] in (["self"], ["super"]):
        while parts[:1] in (["self"], ["super"]):
            here = posixpath.dirname(here) if parts.pop(0) == "super" else here
        whole = "/".join(part for part in (here, *parts) if part)
    elif len(parts) == 1:
        return [f"{here}/{parts[0]}".strip("/"), parts[0]]
    else:
        whole = "/".join(parts)
    # The last name is a module, or something in one.
    return [whole] if is_module else [whole, posixpath.dirname(whole)]


def _rust_module(path: str) -> str:
    folder, name = posixpath.split(path)
    return folder if name in ("mod.rs", "lib.rs", "main.rs") else _SUFFIX.sub("", path.removesuffix(".rs"))


def ends_of(path: str) -> list[str]:
    """Return what an import that means the file at ``path`` may end with: its path without suffix, or its folder."""
    folder, name = posixpath.split(path)
    stem = name.partition(".")[0] if not name.startswith(".") else name
    whole = f"{folder}/{stem}" if folder else stem
    is_folder_meant = stem in DOORS or name.endswith((".go", ".cs"))
    return [whole, folder] if folder and is_folder_meant else [whole]


def leaf_of(target: str) -> str:
    """Return the last name of a target or of an end, by which they are looked up."""
    return target.rpartition("/")[2]


def is_meant(target: str, end: str) -> bool:
    """Tell whether an import's target leads to what has this end."""
    wanted, there = target.split("/"), end.split("/")
    shorter = min(len(wanted), len(there))
    if wanted[-shorter:] != there[-shorter:]:
        return False
    # One name alone is too little, unless it stands at the root or right below it.
    return shorter > 1 or len(there) <= _NEAR_ROOT


_NEAR_ROOT = 2
