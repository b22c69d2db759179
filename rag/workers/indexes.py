# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Switching a knowledge base from one index to another: one update, and the next question is asked of the other."""

from django.db import connection

from codexos.kernel import clock
from rag.models import IndexState, KnowledgeBase, KnowledgeIndex

# What people see of a document is what the index in use has of it.
_SHOW = """
update rag_document d set chunk_count = p.chunk_count,
    state = case when p.error_code <> '' and p.sha256 = '' then 'failed' else d.state end,
    error_code = case when p.error_code <> '' then p.error_code else d.error_code end,
    reason = case when p.error_code <> '' then p.reason else d.reason end
from rag_indexeddocument p
where d.base_id = %s and p.document_id = d.id and p.index_id = %s and d.state = 'ready'
"""


def use_index(base: KnowledgeBase, index: KnowledgeIndex) -> None:
    """Let a base, which is held, use an index from now on; the one before goes. Must run inside the organization."""
    now = clock.now()
    rows = KnowledgeIndex.objects.for_organization(base.organization_id).filter(base=base)
    rows.filter(state=IndexState.ACTIVE).exclude(pk=index.pk).update(state=IndexState.RETIRED, made_at=now)
    rows.filter(pk=index.pk).update(state=IndexState.ACTIVE, made_at=now)
    bases = KnowledgeBase.objects.for_organization(base.organization_id).filter(pk=base.pk)
    bases.update(active_index=index, updated_at=now)
    with connection.cursor() as cursor:
        cursor.execute(_SHOW, [base.pk, index.pk])
