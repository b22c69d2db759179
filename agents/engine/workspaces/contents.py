# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where the bytes of a snapshot's files are kept: behind one another in packs, each content once."""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agents.engine.workspaces.manifests import FOLDER, FileState, Manifest, read_states, write_states

GAP_BYTES = 256 * 1024
"""What lies between two wanted contents of a pack is read along where it is no more than this."""
LONGEST_READ = 8 * 1024 * 1024
_LARGEST_TEXT = 256 * 1024 * 1024
_MOST_REMOTES = 50
_MOST_COMMITS = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where a content stands: in which pack, from which byte on."""

    pack: str
    start: int
    size: int


Index = Mapping[str, Place]
"""By the content's hash."""


Remotes = Mapping[str, Sequence[str]]
"""By the address of a repository elsewhere, the commits it was seen to have, the newest last."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A state of a workspace that can be had again: what stands where, and where its bytes are.

    ``remotes`` is kept beside the files: nothing that runs on them has a say in it.
    """

    states: Manifest = field(default_factory=dict)
    index: Index = field(default_factory=dict)
    remotes: Remotes = field(default_factory=dict)

    @property
    def packs(self) -> set[str]:
        """The packs that are needed for it."""
        return {self.index[sha256].pack for sha256 in wanted_hashes(self.states.values())}

    def after(self, states: Manifest, added: Index, remotes: Mapping[str, str] | None = None) -> "Kept":
        """Return another state, with what was kept for it beside what was kept before; ``remotes`` have a commit."""
        known = {**self.index, **added}
        index = {sha256: known[sha256] for sha256 in wanted_hashes(states.values())}
        return Kept(states, index, _seen_at(self.remotes, remotes or {}))


def _seen_at(before: Remotes, now: Mapping[str, str]) -> Remotes:
    seen = {url: list(commits) for url, commits in before.items()}
    for url, commit in now.items():
        others = [each for each in seen.pop(url, []) if each != commit]
        seen[url] = [*others, commit][-_MOST_COMMITS:]
    return dict(list(seen.items())[-_MOST_REMOTES:])


def wanted_hashes(states: Iterable[FileState]) -> set[str]:
    """Return the hashes of all contents: a folder has none, and of nothing nothing need be kept."""
    return {state.sha256 for state in states if state.mode != FOLDER and state.size}


def new_paths(states: Manifest, known: Index) -> list[str]:
    """Return one path for each content that is not kept yet."""
    by_hash: dict[str, str] = {}
    for path in sorted(states):
        state = states[path]
        if state.mode != FOLDER and state.size and state.sha256 not in known:
            by_hash.setdefault(state.sha256, path)
    return sorted(by_hash.values())


def write_kept(kept: Kept) -> bytes:
    """Write a state down."""
    places = {sha256: [place.pack, place.start, place.size] for sha256, place in kept.index.items()}
    told: dict[str, object] = {"states": write_states(kept.states), "places": places}
    if kept.remotes:
        told["remotes"] = {url: list(commits) for url, commits in kept.remotes.items()}
    return zlib.compress(json.dumps(told, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass"), 6)


def read_kept_state(written: bytes) -> Kept:
    """Read it back. Raises ValueError."""
    told = json.loads(_unpacked(written))
    places = {sha256: Place(str(pack), int(start), int(size)) for sha256, (pack, start, size) in told["places"].items()}
    return Kept(read_states(told["states"]), places, told.get("remotes", {}))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a pack that is read at once, with what stands in it: hash, start and size."""

    pack: str
    start: int
    end: int
    contents: Sequence[tuple[str, int, int]]


def stretches(hashes: Iterable[str], index: Index) -> Iterator[Stretch]:
    """Return what to read for these contents: neighbors together, no stretch longer than need be."""
    wanted = sorted((index[sha256].pack, index[sha256].start, index[sha256].size, sha256) for sha256 in set(hashes))
    gathered: list[tuple[str, int, int, str]] = []
    for each, following in pairwise([*wanted, None]):
        if each is None:
            continue
        gathered.append(each)
        if following is None or _is_apart(gathered, following):
            pack, start = gathered[0][0], gathered[0][1]
            contents = [(sha256, begin, size) for _, begin, size, sha256 in gathered]
            yield Stretch(pack, start, each[1] + each[2], contents)
            gathered = []


def _is_apart(gathered: Sequence[tuple[str, int, int, str]], following: tuple[str, int, int, str]) -> bool:
    pack, start = gathered[0][0], gathered[0][1]
    end = gathered[-1][1] + gathered[-1][2]
    is_far = following[0] != pack or following[1] - end > GAP_BYTES
    return is_far or following[1] + following[2] - start > LONGEST_READ


def _unpacked(written: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(written, _LARGEST_TEXT)
    if unpacker.unconsumed_tail:
        raise ValueError("a state of a workspace is longer than any is")
    return text
