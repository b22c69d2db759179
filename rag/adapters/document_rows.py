# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is written of every document that is taken in, in few statements. In the organization's transaction.

A repository has thousands, and composing statements costs more than embedding what is small.
"""

from collections.abc import Mapping
from uuid import UUID

from django.db import connection

from codexos.kernel import clock
from codexos.kernel.ids import new_id
from rag.models import Document

_HOLD = """
with b as (select id, size from rag_blob where organization_id = %s and sha256 = %s for no key update),
h as (insert into rag_blobhold (id, organization_id, created_at, blob_id, holder)
    select %s, %s, %s, b.id, %s from b on conflict do nothing)
update rag_document d set blob_id = b.id, size = b.size, sha256 = %s, mark = %s, listed = %s, commit = %s,
    changed_at = %s, updated_at = %s, title = %s, media_type = %s,
    version = d.version + case when d.sha256 in ('', %s) then 0 else 1 end
from b where d.organization_id = %s and d.id = %s
returning b.id, b.size, d.version
"""
_SETTLE_PLACES = """
update rag_indexeddocument p set sha256 = p.staged, staged = '', tries = 0, tried = '', error_code = '', reason = '',
    chunk_count = t.chunks
from unnest(%s::uuid[], %s::int[]) as t(id, chunks) where p.document_id = t.id and p.index_id = %s
"""
# Listed again meanwhile, a document waits for what it is to be next.
_SETTLE_DOCUMENTS = """
update rag_document d set state = 'ready', reason = '', error_code = '', chunk_count = t.chunks, updated_at = %s
from unnest(%s::uuid[], %s::int[]) as t(id, chunks) where d.id = t.id and d.listed = ''
"""


def hold_blob(document: Document, sha256: str) -> tuple[UUID, int, int] | None:
    """Let a document, as it is in memory, hold bytes that are kept.

    Returns the blob, its size and the document's version; None where one of the two is gone.
    """
    whose, now = document.organization_id, clock.now()
    told = [document.mark, document.listed, document.commit, document.changed_at, document.updated_at]
    names = [document.title, document.media_type]
    values = [whose, sha256, new_id(), whose, now, document.pk, sha256, *told, *names, sha256, whose, document.pk]
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, values)
        row: tuple[UUID, int, int] | None = cursor.fetchone()
        return row


def settle_documents(index_id: UUID, counts: Mapping[UUID, int], *, is_in_use: bool) -> None:
    """Write that documents have so many live chunks in an index, and of the one in use that they are ready."""
    ids, chunks = list(counts), list(counts.values())
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE_PLACES, [ids, chunks, index_id])
        if is_in_use:
            cursor.execute(_SETTLE_DOCUMENTS, [clock.now(), ids, chunks])
