# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Vectors that are kept."""

from collections.abc import Collection, Mapping
from uuid import UUID

from codexos.kernel.embeddings import Vector
from llm.engine.vectors import unpacked
from llm.models import KeptEmbedding


def kept_embeddings(organization_id: UUID, keys: Collection[bytes]) -> Mapping[bytes, Vector]:
    """Return what an organization keeps of these."""
    rows = KeptEmbedding.objects.for_organization(organization_id).filter(key__in=list(keys))
    return {bytes(key): unpacked(bytes(vector)) for key, vector in rows.values_list("key", "vector")}


def count_kept_embeddings(organization_id: UUID) -> int:
    """Return how many vectors an organization keeps."""
    return KeptEmbedding.objects.for_organization(organization_id).count()
