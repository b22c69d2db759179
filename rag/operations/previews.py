# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Shows how a document would be cut, before anything of it is kept or embedded."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from accounts.actor import Actor
from rag.adapters.blobs import read_whole
from rag.adapters.parsing.reading import Limits, reading
from rag.engine.base_settings import BaseSettings
from rag.engine.chunking.cutting import cut, strategy_for
from rag.engine.chunking.measures import count_words, pieces_in
from rag.engine.parsed import ChunkSettings, Parsed, Piece, Strategy
from rag.engine.ports import BlobKey
from rag.errors import DocumentUnreadable
from rag.errors.knowledge import KnowledgeBaseInvalid
from rag.queries.documents import access_document
from rag.queries.knowledge_bases import access_knowledge_base

MOST_SHOWN = 100
MOST_COUNTED = 2_000
# Somebody waits for it: less than is given to documents that are kept.
_LIMITS = Limits(
    file_bytes=32 * 1024 * 1024, memory_bytes=768 * 1024 * 1024, cpu_seconds=15, seconds=20.0, turn_seconds=5.0
)


@dataclass(frozen=True, slots=True)
class ShownPiece:
    """A piece, how many words it has, and how much of an embedder's room it takes, about."""

    piece: Piece
    words: int
    word_pieces: int


@dataclass(frozen=True, slots=True)
class ChunkPreview:
    """What would come of a document: its first pieces, and of how many. ``is_whole``: all of them were counted."""

    title: str
    media_type: str
    language: str
    pages: int | None
    strategy: Strategy
    pieces: tuple[ShownPiece, ...]
    count: int
    is_whole: bool


def preview_chunks(
    actor: Actor,
    base: UUID | str,
    *,
    chunking: Mapping[str, Any],
    document: str | None = None,
    text: str | None = None,
    name: str = "",
) -> tuple[ChunkPreview, ChunkSettings]:
    """Cut a document of a knowledge base, or a text under a name, by the base's settings with ``chunking`` over them.

    Raises KnowledgeBaseNotFound kinds, KnowledgeBaseInvalid, ChunkingInvalid, and what previewing raises.
    """
    row = access_knowledge_base(actor, base)
    settings = BaseSettings.from_json(row.settings).changed({"chunking": chunking}).chunking
    if (document is None) == (text is None):
        raise KnowledgeBaseInvalid("document_id", "Say which document by its id, or send a text; one of the two.")
    if text is not None:
        return preview_text(text, path=name, settings=settings), settings
    return preview_document(actor, document or "", settings=settings), settings


def preview_document(
    actor: Actor, document: UUID | str, *, settings: ChunkSettings, most: int = MOST_SHOWN
) -> ChunkPreview:
    """Cut a document of a knowledge base as the settings say.

    Raises DocumentNotFound, BlobMissing, StorageUnreachable, and what preview_content raises.
    """
    found = access_document(actor, document)
    if found.blob_id is None:
        raise DocumentUnreadable(
            found.path,
            reason="not_kept",
            because="it has not been fetched yet",
            advice="Synchronize its source, or paste a text instead.",
        )
    content = read_whole(BlobKey(actor.organization_id, found.sha256))
    return preview_content(content, path=found.path, media_type=found.media_type, settings=settings, most=most)


def preview_text(text: str, *, path: str = "", settings: ChunkSettings, most: int = MOST_SHOWN) -> ChunkPreview:
    """Cut a text that somebody pasted; its kind is told by the name it is given, and is Markdown without one."""
    return preview_content([text.encode()], path=path or "pasted.md", settings=settings, most=most)


def preview_content(
    content: Iterable[bytes], *, path: str, media_type: str = "", settings: ChunkSettings, most: int = MOST_SHOWN
) -> ChunkPreview:
    """Cut a document that is not kept. Raises DocumentUnreadable, ReaderBusy, ReaderBroken, StorageFull."""
    with reading(content, path=path, media_type=media_type, limits=_LIMITS) as parsed:
        pieces = cut(parsed, settings)
        return _preview(parsed, pieces, settings, most=min(most, MOST_SHOWN))


def _preview(parsed: Parsed, pieces: Iterator[Piece], settings: ChunkSettings, *, most: int) -> ChunkPreview:
    shown = tuple(
        ShownPiece(piece, count_words(piece.text), pieces_in(piece.embedded_text)) for piece in islice(pieces, most)
    )
    # Those that are not shown are only counted, and not all of them: then there are more than so many.
    further = sum(1 for _ in islice(pieces, MOST_COUNTED - len(shown)))
    return ChunkPreview(
        title=parsed.title,
        media_type=parsed.media_type,
        language=parsed.language,
        pages=parsed.pages,
        strategy=strategy_for(parsed, settings),
        pieces=shown,
        count=len(shown) + further,
        is_whole=next(pieces, None) is None,
    )
