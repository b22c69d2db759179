# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking a reranker, where one is set up. Without one, what was found stands in the order in which it was found."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from codexos.kernel.errors import Unavailable
from rag.adapters.reranking import chosen_reranker
from rag.engine.base_settings import BaseSettings
from rag.models import KnowledgeBase

MOST_RERANKED = 50
NONE_SET_UP = "No reranker is set up here, so passages stand in the order of words and meaning."


def reranked(
    question: str, texts: Mapping[UUID, str], *, bases: Sequence[KnowledgeBase], notes: list[str]
) -> dict[UUID, float]:
    """Return a score for each text; none where nobody scores them, which ``notes`` then tell why."""
    names = {BaseSettings.from_json(base.settings).rerank_model for base in bases}
    reranker = chosen_reranker(names.pop() if len(names) == 1 else "")
    if reranker is None:
        notes.append(NONE_SET_UP)
        return {}
    try:
        scores = reranker.scores(question, list(texts.values()))
    except Unavailable as error:
        notes.append(f"{error.message} Passages stand in the order of words and meaning.")
        return {}
    return dict(zip(texts, scores, strict=True))
