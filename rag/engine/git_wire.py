# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Git's smart protocol as far as fetching goes: what is asked, and what of an answer is the pack.

Both dialects that hosts speak: version 2, and the first one, which some still answer with. One question is one request:
what is there (``read_advertisement``, ``ask_refs``), and the objects of one commit (``ask_pack``, ``PackAnswer``).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rag.errors.sources import SourceBroken

FLUSH, DELIMITER = b"0000", b"0001"
LONGEST_PACKET = 65_520
MOST_REFS = 50_000
CAPABILITIES = ("ofs-delta", "thin-pack", "no-progress")
HEADS, TAGS = "refs/heads/", "refs/tags/"
_AGENT = "agent=codexos"
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BANDS = (b"\x01", b"\x02", b"\x03")


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a host says first: its dialect, what it can do, and in the first dialect what there is."""

    version: int
    can: Mapping[str, str]
    refs: Mapping[str, str] = field(default_factory=dict)
    head: str = ""

    @property
    def object_format(self) -> str:
        """How objects are named: sha1, or sha256."""
        return self.can.get("object-format", "sha1")

    @property
    def can_filter(self) -> bool:
        """Whether large files may be left out of what is fetched."""
        return "filter" in (self.can.get("fetch", "").split() if self.version == 2 else self.can)

    @property
    def can_be_shallow(self) -> bool:
        """Whether old commits may be left out of what is fetched."""
        return "shallow" in (self.can.get("fetch", "").split() if self.version == 2 else self.can)


@dataclass(frozen=True, slots=True)
class Refs:
    """What there is: the commit of each branch and tag by its full name, and what HEAD points to."""

    commits: Mapping[str, str]
    head: str = ""

    @property
    def branches(self) -> list[str]:
        """The names of the branches."""
        return [name.removeprefix(HEADS) for name in self.commits if name.startswith(HEADS)]

    def find(self, name: str) -> tuple[str, str] | None:
        """Return (name, commit) of a branch or a tag, of the default branch for ""; None where there is none."""
        if not name:
            usual = next((each for each in (self.head, f"{HEADS}main", f"{HEADS}master") if each in self.commits), "")
            return (usual.removeprefix(HEADS), self.commits[usual]) if usual else None
        commit = self.commits.get(f"{HEADS}{name}") or self.commits.get(f"{TAGS}{name}")
        return (name, commit) if commit else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One commit with what leads to it: what is had already, how many commits back, and up to which size of a file."""

    commit: str
    had: Sequence[str] = ()
    shallow: Sequence[str] = ()
    depth: int = 0
    blob_bytes: int = 0


def packet(line: str) -> bytes:
    """Return a line as it travels."""
    content = f"{line}\n".encode()
    return b"%04x%s" % (len(content) + 4, content)


def packets(pieces: Iterable[bytes]) -> Iterator[bytes | None]:
    """Yield what the packets of a stream hold; None for the ones that only part others. Raises SourceBroken."""
    stream = _Buffered(pieces)
    while head := stream.take(4, may_end=True):
        try:
            size = int(head, 16)
        except ValueError:
            raise SourceBroken(because="it did not answer as git does") from None
        if size < 4:
            yield None
        elif size > LONGEST_PACKET:
            raise SourceBroken(because="it sent a packet longer than git allows")
        else:
            yield stream.take(size - 4)


class _Buffered:
    """Takes exactly so many bytes of a stream of pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""
        self._at = 0

    def take(self, count: int, *, may_end: bool = False) -> bytes:
        while len(self._held) - self._at < count:
            piece = next(self._pieces, None)
            if piece is None:
                if may_end and self._at == len(self._held):
                    return b""
                raise SourceBroken(because="its answer broke off")
            self._held, self._at = self._held[self._at :] + piece, 0
        self._at += count
        return self._held[self._at - count : self._at]


def read_advertisement(pieces: Iterable[bytes]) -> Advertisement:
    """Read what a host says first. Raises SourceBroken."""
    lines = (_text(each) for each in packets(pieces) if each is not None)
    first = next((line for line in lines if not line.startswith("# service=")), "")
    if first == "version 2":
        can = dict(_capability(line) for line in lines)
        return Advertisement(2, can)
    return _first_dialect(first, lines)


def _first_dialect(first: str, lines: Iterable[str]) -> Advertisement:
    line, _, said = first.partition("\0")
    can: dict[str, str] = {}
    head = ""
    for word in said.split():
        name, value = _capability(word)
        can[name] = value
        if name == "symref" and value.startswith("HEAD:"):
            head = value.removeprefix("HEAD:")
    commits = _commits([line, *lines] if line else [])
    commits.pop("capabilities^{}", None)
    return Advertisement(0, can, commits, head)


def ask_refs(advertised: Advertisement, *, name: str = "") -> bytes:
    """Return the question of the second dialect for what there is: every branch, or what a name can mean."""
    prefixes = [f"{HEADS}{name}", f"{TAGS}{name}"] if name else [HEADS]
    asked = ["peel", "symrefs", "ref-prefix HEAD", *(f"ref-prefix {prefix}" for prefix in prefixes)]
    return b"".join([*_command("ls-refs", advertised), DELIMITER, *map(packet, asked), FLUSH])


def read_refs(pieces: Iterable[bytes]) -> Refs:
    """Read the answer to ``ask_refs``. Raises SourceBroken."""
    commits: dict[str, str] = {}
    head = ""
    for content in packets(pieces):
        if content is None:
            continue
        oid, name, *more = _text(content).split(" ")
        _check_oid(oid)
        for word in more:
            if word.startswith("peeled:"):
                oid = word.removeprefix("peeled:")
            elif word.startswith("symref-target:") and name == "HEAD":
                head = word.removeprefix("symref-target:")
        _put(commits, name, oid)
    return Refs(commits, head)


def ask_pack(advertised: Advertisement, wanted: Wanted) -> bytes:
    """Return the question for a commit's objects, said in one go: nothing is negotiated."""
    shallow = [f"shallow {oid}" for oid in wanted.shallow]
    shallow += [f"deepen {wanted.depth}"] if wanted.depth and advertised.can_be_shallow else []
    limit = [f"filter blob:limit={wanted.blob_bytes}"] if wanted.blob_bytes and advertised.can_filter else []
    had = [f"have {oid}" for oid in wanted.had]
    if advertised.version == 2:
        asked = [*CAPABILITIES, *shallow, *limit, f"want {wanted.commit}", *had, "done"]
        return b"".join([*_command("fetch", advertised), DELIMITER, *map(packet, asked), FLUSH])
    known = [each for each in (*CAPABILITIES, "side-band-64k", "shallow", "filter") if each in advertised.can]
    first = f"want {wanted.commit} {' '.join([*known, _AGENT])}"
    return b"".join([*map(packet, (first, *shallow, *limit)), FLUSH, *map(packet, (*had, "done"))])


class PackAnswer:
    """The answer to ``ask_pack``: what it says of old commits, then the bytes of the pack as they come."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._packets = packets(pieces)
        self.shallow: set[str] = set()
        self.unshallow: set[str] = set()

    def pack(self) -> Iterator[bytes]:
        """Yield the pack. Raises SourceBroken with what the host complains of."""
        has_begun = False
        for content in self._packets:
            if content is None:
                if has_begun:
                    return
            elif content[:1] in _BANDS:
                has_begun = True
                yield from _of_band(content)
            else:
                self._note(_text(content))
        if not has_begun:
            raise SourceBroken(because="it sent none of the commit's files")

    def _note(self, line: str) -> None:
        word, _, oid = line.partition(" ")
        match word:
            case "ERR":
                raise SourceBroken(because=f"it said: {oid[:300]}")
            case "shallow":
                self.shallow.add(_check_oid(oid))
            case "unshallow":
                self.unshallow.add(_check_oid(oid))


def _of_band(content: bytes) -> Iterator[bytes]:
    if content[:1] == b"\x01":
        yield content[1:]
    elif content[:1] == b"\x03":
        raise SourceBroken(because=f"it said: {_text(content[1:])[:300]}")


def _command(name: str, advertised: Advertisement) -> list[bytes]:
    said = [f"command={name}", _AGENT]
    if "object-format" in advertised.can:
        said.append(f"object-format={advertised.object_format}")
    return [packet(each) for each in said]


def _capability(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value


def _commits(lines: Iterable[str]) -> dict[str, str]:
    commits: dict[str, str] = {}
    for line in lines:
        oid, _, name = line.partition(" ")
        _check_oid(oid)
        # The commit that an annotated tag stands for comes after it, under its name with ^{}.
        _put(commits, name.removesuffix("^{}") if name != "capabilities^{}" else name, oid)
    return commits


def _put(commits: dict[str, str], name: str, oid: str) -> None:
    commits[name] = _check_oid(oid)
    if len(commits) > MOST_REFS:
        raise SourceBroken(because=f"it has more than {MOST_REFS:,} branches and tags")


def _check_oid(oid: str) -> str:
    if not _OID.fullmatch(oid):
        raise SourceBroken(because=_said(oid))
    return oid


def _said(line: str) -> str:
    return f"it said: {line[4:300]}" if line.startswith("ERR") else "it did not answer as git does"


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").removesuffix("\n")
