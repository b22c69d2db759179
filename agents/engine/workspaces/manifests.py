# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a workspace holds, file by file, as one value with one hash; and how two such values differ."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from codexos.kernel.jsontypes import JsonObject, JsonValue

FILE, PROGRAM, LINK, FOLDER = "100644", "100755", "120000", "040000"
MODES = frozenset({FILE, PROGRAM, LINK, FOLDER})
"""As git writes them. A link is kept as its text and followed by nobody here; a folder only where it is empty."""

MOST_TOLD = 50
"""How many changed paths a tool's result names."""

ChangeKind = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class FileState:
    """What stands at a path: its mode, and the hash and size of its bytes."""

    mode: str
    sha256: str
    size: int

    @property
    def is_text_like(self) -> bool:
        """Whether its bytes may be shown as a file's: a folder has none."""
        return self.mode != FOLDER


Manifest = Mapping[str, FileState]
EMPTY: Manifest = {}


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a path between two states; ``before`` or ``after`` is None where nothing stood there."""

    path: str
    before: FileState | None
    after: FileState | None

    @property
    def kind(self) -> ChangeKind:
        """In a word."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


def tree_hash(manifest: Manifest) -> str:
    """Return what two folders with the same files share: a SHA-256, in hex."""
    digest = hashlib.sha256(b"codexos tree 1\n")
    for path in sorted(manifest):
        state = manifest[path]
        digest.update(f"{state.mode} {state.sha256} {state.size} ".encode() + path.encode("utf-8", "surrogateescape"))
        digest.update(b"\0")
    return digest.hexdigest()


def compare(before: Manifest, after: Manifest) -> list[Change]:
    """List what differs, by path. A file that only moved is one that went and one that came."""
    paths = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return [Change(path, before.get(path), after.get(path)) for path in sorted(paths)]


def visible(changes: Sequence[Change]) -> list[Change]:
    """Leave out what git keeps for itself, and empty folders: people look at files."""
    return [change for change in changes if not is_hidden(change.path) and not _is_folder(change)]


def is_hidden(path: str) -> bool:
    """Whether a path lies in a folder of git's own."""
    return ".git" in path.split("/")


def total_bytes(manifest: Manifest) -> int:
    """Return how much all files hold together."""
    return sum(state.size for state in manifest.values())


def told_changes(changes: Sequence[Change]) -> list[JsonValue]:
    """Say what changed in a tool's result: at most ``MOST_TOLD`` paths, then how many more."""
    seen = visible(changes)
    told: list[JsonValue] = [f"{change.kind} {change.path}" for change in seen[:MOST_TOLD]]
    return [*told, f"and {len(seen) - MOST_TOLD} more"] if len(seen) > MOST_TOLD else told


def write_states(manifest: Manifest) -> JsonObject:
    """Say a manifest in JSON."""
    return {path: [state.mode, state.sha256, state.size] for path, state in manifest.items()}


def read_states(told: JsonValue) -> dict[str, FileState]:
    """Read what ``write_states`` has written. Raises ValueError for anything else."""
    if not isinstance(told, Mapping):
        raise ValueError("a manifest is an object")
    return {path: _state(entry) for path, entry in told.items()}


def write_manifest(manifest: Manifest) -> bytes:
    """Write a manifest down, the same bytes for the same files."""
    return json.dumps(write_states(manifest), sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _state(entry: JsonValue) -> FileState:
    match entry:
        case [str(mode), str(sha256), int(size)] if mode in MODES:
            return FileState(mode, sha256, size)
        case _:
            raise ValueError("an entry of a manifest is a mode, a hash and a size")


def _is_folder(change: Change) -> bool:
    return FOLDER in {state.mode for state in (change.before, change.after) if state is not None}
