# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeping the vectors of an organization's texts, and letting go of them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from accounts.queries.lookups import list_organization_ids
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.embeddings import Vector
from llm.engine.vectors import packed
from llm.models import KeptEmbedding
from llm.queries.embeddings import kept_embeddings
from llm.tasks import purge_embeddings


def recall_embeddings(organization_id: UUID, keys: Sequence[bytes]) -> Mapping[bytes, Vector]:
    """Return what an organization keeps of these, and note that it was wanted today."""
    with tenant(organization_id):
        kept = kept_embeddings(organization_id, keys)
        if kept:
            today = clock.now().date()
            rows = KeptEmbedding.objects.for_organization(organization_id).filter(key__in=list(kept))
            # Mostly none: a vector that was wanted today already is not written again.
            rows.filter(used_on__lt=today).update(used_on=today)
        return kept


def keep_embeddings(organization_id: UUID, vectors: Mapping[bytes, Vector]) -> None:
    """Keep vectors for whoever in the organization wants them next."""
    today = clock.now().date()
    rows = [
        KeptEmbedding(organization_id=organization_id, key=key, vector=packed(vector), used_on=today)
        # In one order, so that two who keep the same do not wait for each other in a circle.
        for key, vector in sorted(vectors.items())
    ]
    with tenant(organization_id):
        KeptEmbedding.objects.bulk_create(rows, ignore_conflicts=True)


def forget_embeddings(organization_id: UUID, keys: Sequence[bytes] | None = None) -> int:
    """Let go of these vectors, or of all that an organization keeps; return how many there were."""
    with tenant(organization_id):
        rows = KeptEmbedding.objects.for_organization(organization_id)
        return (rows if keys is None else rows.filter(key__in=list(keys))).delete()[0]


def purge_everywhere() -> None:
    """Have every organization let go of what nobody wanted for CODEXOS_EMBEDDING_DAYS."""
    for organization_id in list_organization_ids():
        purge_embeddings.delay(str(organization_id))
