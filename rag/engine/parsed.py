# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a document is between its bytes and its chunks: blocks in their order, then pieces."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from rag.engine.passages import Place
from rag.errors import ChunkingInvalid

BlockKind = Literal["prose", "code", "table", "record", "heading"]
Strategy = Literal["auto", "sliding", "markdown", "code", "pdf", "json", "html"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
FEWEST_WORDS, MOST_WORDS = 20, 4_000
FEWEST_WORD_PIECES, MOST_WORD_PIECES = 64, 32_768


@dataclass(frozen=True, slots=True)
class Block:
    """A run of text that stands in one place. ``headings`` says what it is under, outermost first.

    In code the headings are the scopes and the signature it belongs to; in a table the name of its sheet. A ``record``
    is a line of data by itself; a ``heading`` is the line of a heading, which its own ``headings`` end with.
    """

    text: str
    place: Place
    headings: tuple[str, ...] = ()
    kind: BlockKind = "prose"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document that was read. Its blocks come as they are read, once; ``pages`` is None where there are no pages.

    ``language`` is the programming language of code ("python"), and "" else.
    """

    title: str
    media_type: str
    language: str
    blocks: Iterable[Block]
    pages: int | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """What becomes a chunk. ``context`` is shown and embedded before the text: headings, or scopes and a signature.

    ``parent`` is the ordinal of the first piece of the passage this one is a part of: all pieces with the same parent,
    one after another, are the parent. It is None where parents are not asked for. Nothing is kept twice for it.
    """

    ordinal: int
    text: str
    context: str
    place: Place
    parent: int | None = None

    @property
    def embedded_text(self) -> str:
        """Return what is embedded for the piece, and what its identity is the hash of."""
        return f"{self.context}\n\n{self.text}" if self.context else self.text


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """How a document is cut: at most ``window`` words a piece, ``overlap`` of them again where text is cut in its flow.

    No piece has more than ``word_pieces`` of an embedder's units with its context, for what is beyond would be kept and
    never found by its meaning: 256 is what the embedded model takes in. With ``parent`` pieces are a third of a window,
    and the window is what is shown for them.
    """

    strategy: Strategy = "auto"
    window: int = 300
    overlap: int = 50
    parent: bool = False
    word_pieces: int = 256

    def as_json(self) -> dict[str, Any]:
        """Return the settings by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, asked: Mapping[str, Any]) -> "ChunkSettings":
        """Return the settings that are asked for, the usual ones where nothing is said. Raises ChunkingInvalid."""
        usual = cls()
        if strange := sorted(set(asked) - set(usual.as_json())):
            raise ChunkingInvalid(strange[0], because="there is no such setting")
        settings = replace(usual, **{name: value for name, value in asked.items() if value is not None})
        _check_number("window", settings.window, fewest=FEWEST_WORDS, most=MOST_WORDS)
        if asked.get("overlap") is None:
            settings = replace(settings, overlap=min(usual.overlap, settings.window // 6))
        settings.check()
        return settings

    def check(self) -> None:
        """Raise ChunkingInvalid where the settings make no sense."""
        if self.strategy not in STRATEGIES:
            raise ChunkingInvalid("strategy", because=f"{self.strategy!r} is none of {', '.join(STRATEGIES)}")
        if not isinstance(self.parent, bool):
            raise ChunkingInvalid("parent", because="it must be true or false")
        _check_number("window", self.window, fewest=FEWEST_WORDS, most=MOST_WORDS)
        _check_number("overlap", self.overlap, fewest=0, most=self.window // 2)
        _check_number("word_pieces", self.word_pieces, fewest=FEWEST_WORD_PIECES, most=MOST_WORD_PIECES)


def _check_number(name: str, value: object, *, fewest: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not fewest <= value <= most:
        raise ChunkingInvalid(name, because=f"it must be a whole number from {fewest} to {most}")
