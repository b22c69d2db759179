# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking for a knowledge test; the clock has it run (see rag.operations.knowledge_tests)."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rag.engine.base_settings import BaseSettings
from rag.models import GoldenQuestion, KnowledgeBase, KnowledgeIndex, KnowledgeTest, KnowledgeTestCause

USUAL_K = 5


def search_of(settings: BaseSettings) -> dict[str, Any]:
    """Return how questions are asked by some settings, as a test keeps it."""
    return {**asdict(settings.search), "mode": settings.search.mode.value, "rerank": settings.rerank}


def is_testable(base: KnowledgeBase) -> bool:
    """Tell whether a base has golden questions. Must run inside the organization."""
    return GoldenQuestion.objects.for_organization(base.organization_id).filter(base=base).exists()


def queue_test(
    base: KnowledgeBase,
    index: KnowledgeIndex,
    *,
    cause: KnowledgeTestCause,
    started_by: str,
    k: int = USUAL_K,
    search: Mapping[str, Any] | None = None,
    switches: bool = False,
) -> KnowledgeTest:
    """Have an index tested, with the base's way of searching unless another is said."""
    usual = search_of(BaseSettings.from_json(base.settings))
    asked = dict(search) if search is not None else usual
    return KnowledgeTest.objects.create(
        organization_id=base.organization_id,
        base=base,
        index=index,
        number=index.number,
        settings_revision=base.revision,
        cause=cause,
        k=k,
        search=asked,
        is_plain=index.pk == base.active_index_id and asked == usual,
        switches=switches,
        started_by=started_by[:254],
    )
