# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Switching a base to another index: by a person, or after its test."""

from contextlib import suppress
from uuid import UUID

from django.db.transaction import on_commit

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel import clock
from rag.errors.golden import IndexKeptBack
from rag.errors.ingestions import IndexNotSwitchable
from rag.errors.knowledge import SourceNotFound
from rag.models import Document, DocumentState, IndexState, IngestionKind, KnowledgeBase, KnowledgeIndex
from rag.operations.ingestions import begin_ingestion
from rag.queries.golden import refusal_of
from rag.queries.knowledge_bases import access_knowledge_base
from rag.tasks import drop_old_index
from rag.workers.indexes import use_index
from rag.workers.planning import missing_in


@in_organization
def switch_index(actor: Actor, base: UUID | str, number: int, *, all_the_same: bool = False) -> KnowledgeIndex:
    """Let a base use an index that is ready; ``all_the_same`` also one that the gate keeps back.

    Raises KnowledgeBaseNotFound kinds, NotAllowed, IndexNotSwitchable, IndexKeptBack.
    """
    held = access_knowledge_base(actor, base, to=Permission.WRITE_FILES, holding=True)
    indexes = KnowledgeIndex.objects.for_organization(actor.organization_id).filter(base=held)
    index = indexes.filter(number=number).first()
    if index is None or index.state != IndexState.READY:
        raise IndexNotSwitchable(number=number, state="gone" if index is None else index.state)
    refusal = refusal_of(index)
    if refusal and not all_the_same:
        raise IndexKeptBack(number=number, because=refusal)
    before = held.active_index
    details = {"kept_back": refusal} if refusal else {}
    record_event(
        actor,
        "knowledge_base.switched",
        about=held,
        index=number,
        before=before.number if before else None,
        **details,
    )
    switch_held(held, index, by=actor.label)
    index.refresh_from_db(fields=["state"])
    return index


def switch_held(base: KnowledgeBase, index: KnowledgeIndex, *, by: str) -> None:
    """Let a base, which is held, use an index that was ready for a while: what came meanwhile is taken into it."""
    before = base.active_index
    came = missing_in(base, index, in_use=base.active_index_id)
    late = list(came.values_list("pk", "source_id"))
    use_index(base, index)
    rows = Document.objects.for_organization(base.organization_id).filter(pk__in=[pk for pk, _ in late])
    rows.update(state=DocumentState.WAITING, updated_at=clock.now())
    for source in dict.fromkeys(source for _, source in late):
        # One that was deleted meanwhile has nothing to bring any more.
        with suppress(SourceNotFound):
            begin_ingestion(base.organization_id, source, kind=IngestionKind.UPLOAD, started_by=by)
    if before is not None:
        organization, old = str(base.organization_id), str(before.pk)
        on_commit(lambda: drop_old_index.delay(organization, old), robust=True)
