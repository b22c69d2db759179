# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Cuts a document that was read into pieces, as the settings say. Pure, streaming, and always the same."""

from collections.abc import Iterable, Iterator
from itertools import count

from rag.engine.chunking.atoms import Atom, Seam, atoms_of, gap_between
from rag.engine.chunking.context import context_of, place_of
from rag.engine.chunking.measures import TENTHS, is_foreign
from rag.engine.chunking.packing import Room, Run, pack
from rag.engine.parsed import Block, ChunkSettings, Parsed, Piece, Strategy

_WITHIN_A_WINDOW = 3
_ATOMS_IN_A_PIECE = 4
# What embedders put around each text.
_MARKS = 2 * TENTHS
_BY_MEDIA_TYPE: dict[str, Strategy] = {
    "text/markdown": "markdown",
    "text/x-rst": "markdown",
    "text/html": "html",
    "application/pdf": "pdf",
    "application/json": "json",
    "application/jsonl": "json",
    "text/csv": "json",
    "text/tab-separated-values": "json",
    "text/plain": "sliding",
}


def cut(parsed: Parsed, settings: ChunkSettings) -> Iterator[Piece]:
    """Yield the pieces of a document, while it is still being read."""
    strategy = strategy_for(parsed, settings)
    numbers = count()
    for run in pack(_atoms(parsed.blocks, strategy, settings), _room(strategy, settings)):
        runs = list(_children(run, settings)) if settings.parent else [run]
        parent = None
        for child in runs:
            number = next(numbers)
            if settings.parent and parent is None:
                parent = number
            yield _piece(child, ordinal=number, parent=parent)


def strategy_for(parsed: Parsed, settings: ChunkSettings) -> Strategy:
    """Return how a document is cut: as it is said, or else as its kind of content asks for."""
    if settings.strategy != "auto":
        return settings.strategy
    if parsed.language:
        return "code"
    return _BY_MEDIA_TYPE.get(parsed.media_type, "markdown")


def _room(strategy: Strategy, settings: ChunkSettings) -> Room:
    cost = settings.window * 100 * TENTHS if settings.parent else settings.word_pieces * TENTHS - _MARKS
    if strategy == "sliding":
        return Room(words=settings.window, cost=cost, overlap=settings.overlap, least_filled=0.85)
    overlap = 0 if strategy in {"code", "json"} or settings.parent else settings.overlap
    return Room(
        words=settings.window, cost=cost, overlap=overlap, joined=settings.window // _WITHIN_A_WINDOW, is_even=True
    )


def _children(run: Run, settings: ChunkSettings) -> Iterator[Run]:
    words = max(1, settings.window // _WITHIN_A_WINDOW)
    return pack(run, Room(words=words, cost=settings.word_pieces * TENTHS - _MARKS, joined=words, is_even=True))


def _atoms(blocks: Iterable[Block], strategy: Strategy, settings: ChunkSettings) -> Iterator[Atom]:
    most = settings.word_pieces * TENTHS // _ATOMS_IN_A_PIECE
    before: Block | None = None
    foreign = False
    for block in blocks:
        if block.kind != "code" and (told := is_foreign(block.text)) is not None:
            foreign = told
        seam = _seam(before, block, strategy)
        gap = gap_between(before, block)
        yield from atoms_of(block, gap=gap, seam=seam, most_cost=most, foreign=foreign and block.kind != "code")
        before = block


def _seam(before: Block | None, block: Block, strategy: Strategy) -> Seam:
    if before is None:
        return Seam.BREAK
    if strategy == "sliding":
        return Seam.BLOCK
    if strategy == "pdf":
        return Seam.BREAK if block.place.page != before.place.page else Seam.BLOCK
    if strategy == "json":
        return Seam.GROUP
    if before.kind == "heading" and before.headings == block.headings:
        return Seam.WORD
    if block.place.page == before.place.page and _is_inside(before, block):
        return Seam.INNER
    return Seam.GROUP if _begins_group(before, block) else Seam.BLOCK


def _is_inside(before: Block, block: Block) -> bool:
    held = len(before.headings)
    return 0 < held < len(block.headings) and block.headings[:held] == before.headings


def _begins_group(before: Block, block: Block) -> bool:
    return block.kind == "heading" or block.headings != before.headings or block.place.page != before.place.page


def _piece(run: Run, *, ordinal: int, parent: int | None) -> Piece:
    text = run[0].text + "".join(atom.gap + atom.text for atom in run[1:])
    return Piece(ordinal=ordinal, text=text, context=context_of(run), place=place_of(run), parent=parent)
