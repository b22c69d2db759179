# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Texts that programs have embedded, outside of any run: for the books and budgets of whoever asks."""

import asyncio
from collections.abc import Sequence

from asgiref.sync import async_to_sync

from accounts.actor import Actor
from accounts.queries.access import insist
from accounts.queries.projects import access_project, only_project
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel.embeddings import Embedded, Purpose
from llm.errors import EmbeddingsTooMany, ModelTimedOut
from llm.operations.askers import Asker
from llm.operations.embed import embed_texts

MOST_TEXTS = 256
MOST_CHARACTERS = 1_000_000
MOST_SECONDS = 60.0


def embed_for(
    actor: Actor, texts: Sequence[str], *, model: str, purpose: Purpose = "document", project: str | None = None
) -> Embedded:
    """Embed texts in a project that the actor may run flows in; what is wrong with one text stands in its place.

    Raises ProjectNotFound, NotAllowed, EmbeddingsTooMany, ModelTimedOut and what embed_texts raises.
    """
    size = sum(map(len, texts))
    if len(texts) > MOST_TEXTS or size > MOST_CHARACTERS:
        raise EmbeddingsTooMany(texts=len(texts), characters=size, most=MOST_TEXTS, most_characters=MOST_CHARACTERS)
    return async_to_sync(_embed)(texts, asker=_asker(actor, project), model=model, purpose=purpose)


@in_organization
def _asker(actor: Actor, project: str | None) -> Asker:
    place = access_project(actor, project, to=Permission.RUN_FLOWS) if project else only_project(actor)
    insist(actor, Permission.RUN_FLOWS, place)
    return Asker(actor.organization_id, team_id=place.team_id, project_id=place.pk, person_id=actor.person_id)


async def _embed(texts: Sequence[str], *, asker: Asker, model: str, purpose: Purpose) -> Embedded:
    try:
        async with asyncio.timeout(MOST_SECONDS):
            return await embed_texts(texts, asker=asker, model=model, purpose=purpose, apart=True)
    except TimeoutError:
        raise ModelTimedOut(
            f"The texts were not embedded within {MOST_SECONDS:.0f} seconds. What was made is kept; send them again."
        ) from None
