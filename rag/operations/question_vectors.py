# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A question as a vector, by the model that an index was made with, and whether a model's name embeds at all."""

import asyncio
from functools import partial

from asgiref.sync import async_to_sync

from accounts.actor import Actor
from accounts.models import Project
from codexos.kernel.embeddings import Vector
from llm.errors import ModelNotConfigured, ModelTimedOut
from llm.operations.askers import Asker
from llm.operations.embed import embed_texts
from llm.operations.embedded_model import embedded_model
from llm.queries.catalogs import load_catalog
from llm.queries.embedders import find_embedder
from rag.models import KnowledgeBase, KnowledgeIndex

MOST_SECONDS = 30.0


def check_embedder(project: Project, model: str) -> None:
    """Check that a model of this name embeds here. One whose key is still missing may be named before it has one.

    Raises ModelUnknown, ModelSwitchedOff, EmbeddingsNotOffered.
    """
    try:
        find_embedder(load_catalog(project.organization_id), model, project_id=project.pk)
    except ModelNotConfigured:
        return


def embed_question(actor: Actor, text: str, *, base: KnowledgeBase, index: KnowledgeIndex) -> Vector:
    """Return a question's vector. Raises ModelTimedOut and what embed_texts raises."""
    project = base.project
    asker = Asker(actor.organization_id, team_id=project.team_id, project_id=project.pk, person_id=actor.person_id)
    return async_to_sync(_embed)(text, asker=asker, model=index.model)


async def _embed(text: str, *, asker: Asker, model: str) -> Vector:
    # Whoever has the embedded model in memory uses it; the web process never loads it.
    apart = not embedded_model().is_loaded
    try:
        async with asyncio.timeout(MOST_SECONDS):
            # An index without a name of its own was made with the installation's model.
            embed = partial(embed_texts, model=model) if model else embed_texts
            made = await embed([text], asker=asker, purpose="query", apart=apart)
    except TimeoutError:
        message = f"The question was not embedded within {MOST_SECONDS:.0f} seconds. Ask again."
        raise ModelTimedOut(message, model=model) from None
    return made.whole()[0]
