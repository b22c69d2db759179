# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Giving staged chunks their vectors, some at a time. What is written or kept by then is never asked for again."""

import time
from collections.abc import Sequence
from uuid import UUID

from asgiref.sync import async_to_sync

from accounts.tenancy import tenant
from codexos.kernel.embeddings import Embedded, Vector
from codexos.kernel.errors import CodexosError
from llm.operations.embed import embed_texts
from rag.adapters.chunk_rows import keep_vectors, next_unembedded
from rag.errors.ingestions import EmbedderChanged
from rag.models import KnowledgeIndex
from rag.workers.work import Work

AT_ONCE = 64
"""So many texts are the most that is asked for twice where a worker dies while its embedder works."""


def embed_documents(work: Work, document_ids: Sequence[UUID], *, until: float) -> dict[UUID, CodexosError]:
    """Embed what is staged of some documents, for as long as there is time; return what some documents failed with.

    Raises HoldLost, and what stands in the way of all texts: limits, budgets, keys, a provider that is away.
    """
    failed: dict[UUID, CodexosError] = {}
    is_time_left = True
    while is_time_left:
        left = [id_ for id_ in document_ids if id_ not in failed]
        with tenant(work.organization_id):
            rows = next_unembedded(work.index.pk, left, limit=AT_ONCE)
        if not rows:
            break
        work.hold.check()
        embedded = _embed(work, [text for _, _, text in rows])
        vectors: dict[UUID, Vector] = {}
        for (chunk_id, document_id, _), each in zip(rows, embedded.vectors, strict=True):
            if isinstance(each, CodexosError):
                failed[document_id] = each
            else:
                vectors[chunk_id] = each
        _raise_for_all(failed, vectors)
        _keep(work, embedded, vectors)
        # However short a slice is, it brings something on.
        is_time_left = time.monotonic() < until
    return failed


def _embed(work: Work, texts: Sequence[str]) -> Embedded:
    ask = async_to_sync(embed_texts)
    return ask(texts, asker=work.asker, model=work.index.model) if work.index.model else ask(texts, asker=work.asker)


def _raise_for_all(failed: dict[UUID, CodexosError], vectors: dict[UUID, Vector]) -> None:
    """Where none could be embedded for something that passes, no document is to blame."""
    if vectors or not failed:
        return
    passing = next((error for error in failed.values() if error.retryable), None)
    if passing is not None:
        raise passing


def _keep(work: Work, embedded: Embedded, vectors: dict[UUID, Vector]) -> None:
    if not vectors:
        return
    dimensions = len(next(iter(vectors.values())))
    with tenant(work.organization_id):
        work.hold.note(embedded=len(vectors))
        _agree(work, embedded.identity, dimensions)
        keep_vectors(vectors)


def _agree(work: Work, identity: str, dimensions: int) -> None:
    """See to it that all vectors of an index are of one maker. Raises EmbedderChanged."""
    index = work.index
    if (index.identity, index.dimensions) == (identity, dimensions):
        return
    rows = KnowledgeIndex.objects.for_organization(work.organization_id).filter(pk=index.pk)
    row = rows.select_for_update().get()
    if row.identity and (row.identity, row.dimensions) != (identity, dimensions):
        raise EmbedderChanged(model=row.model, was=row.identity, now=identity)
    rows.update(identity=identity, dimensions=dimensions)
    index.identity, index.dimensions = identity, dimensions
