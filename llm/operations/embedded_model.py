# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The embedded model of this process: nothing of it is loaded before the first text comes."""

from collections.abc import Sequence
from functools import cache

from django.conf import settings

from codexos.kernel.embeddings import Vector
from llm.adapters.embedders.minilm import MiniLM


@cache
def embedded_model() -> MiniLM:
    """Return it."""
    return MiniLM(settings.EMBEDDING_FOLDER, threads=max(1, settings.EMBEDDING_THREADS))


def embed_here(texts: Sequence[str]) -> Sequence[Vector]:
    """Embed in this very thread, and keep nothing. Raises EmbedderUnavailable."""
    return embedded_model().embed_now(texts)
