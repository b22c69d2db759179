# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps answers for exactly the same request of the same organization, where a step wants that."""

import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.db.models import F, Sum

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.queries.access import insist_in_organization
from accounts.roles import Permission
from accounts.tenancy import in_organization, tenant
from codexos.kernel import clock
from codexos.kernel.chat import ChatAnswer, ChatModel, ChatRequest, Delta, Usage
from llm.engine.kept_answers import LARGEST_ANSWER, answer_data, answer_from, key_of
from llm.models import CallOutcome, KeptAnswer
from llm.operations.askers import Asker
from llm.operations.calls import CallBegun, CallEnded, write_call
from llm.operations.known_costs import known_costs
from llm.operations.threads import InThread

PIECE_CHARACTERS = 200
_AWAY = (OperationalError, InterfaceError)
_ZERO = Decimal(0)

logger = logging.getLogger(__name__)


class Caching:
    """Keeps the port ``ChatModel`` by another model, and gives again what it has answered to the very same request.

    ``resolved`` says who answers for the name that is asked: where a route is changed, what it answered counts no more.
    Only whole answers are kept: none that was cut off, held back, or is not what was asked for.
    """

    def __init__(self, model: ChatModel, *, asker: Asker, in_thread: InThread, resolved: str) -> None:
        self._model = model
        self._asker = asker
        self._in_thread = in_thread
        self._resolved = resolved

    def input_budget(self, model: str) -> int:
        """See the port."""
        return self._model.input_budget(model)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """See the port."""
        key = key_of(request, resolved=self._resolved) if request.caches else ""
        if key and (kept := await self._found(key)) is not None:
            for text in _pieces_of(kept.text):
                yield Delta(text)
            yield kept
            return
        async with aclosing(self._model.stream(request)) as pieces:
            async for piece in pieces:
                if key and isinstance(piece, ChatAnswer):
                    await self._keep(key, piece)
                yield piece

    async def _found(self, key: str) -> ChatAnswer | None:
        try:
            return await self._in_thread(find_kept, self._asker, key)
        except _AWAY:
            return None

    async def _keep(self, key: str, answer: ChatAnswer) -> None:
        """Keep an answer; one that cannot be kept is given all the same."""
        if answer.finish_reason not in {"stop", "tool_calls"} or not (answer.text or answer.calls):
            return
        try:
            costs = await known_costs.of(self._asker.organization_id, in_thread=self._in_thread)
            limits: dict[str, Any] = {"key": key, "seconds": costs.cache_seconds, "most_bytes": costs.cache_bytes}
            await self._in_thread(keep, self._asker.organization_id, answer, **limits)
        except Exception:
            logger.warning("an answer could not be kept", exc_info=True)


def find_kept(asker: Asker, key: str) -> ChatAnswer | None:
    """Return a kept answer, and write down that it was given again."""
    organization_id = asker.organization_id
    with tenant(organization_id):
        rows = KeptAnswer.objects.for_organization(organization_id).filter(key=key, expires_at__gt=clock.now())
        kept = rows.first()
        if kept is None:
            return None
        rows.update(hits=F("hits") + 1)
        begun = CallBegun(asker, "cache", "", kept.model, wants_cache=True)
        write_call(begun, CallEnded(CallOutcome.CACHED, Usage(), _ZERO, saved_usd=kept.cost_usd))
        answer = answer_from(kept.answer)
        return replace(answer, is_cached=True, saved_usd=kept.cost_usd, usage=Usage(), attempts=())


def keep(organization_id: UUID, answer: ChatAnswer, *, key: str, seconds: int, most_bytes: int) -> None:
    """Keep an answer for so long; the oldest go where there would be too many bytes."""
    data, size = answer_data(answer)
    if not seconds or size > min(LARGEST_ANSWER, most_bytes):
        return
    with tenant(organization_id):
        rows = KeptAnswer.objects.for_organization(organization_id)
        row = KeptAnswer(
            organization_id=organization_id,
            key=key,
            model=answer.model[:200],
            answer=data,
            bytes=size,
            cost_usd=answer.usage.cost_usd,
            expires_at=clock.now() + timedelta(seconds=seconds),
        )
        rows.filter(key=key).delete()
        KeptAnswer.objects.bulk_create([row], ignore_conflicts=True)
        _make_room(organization_id, most_bytes=most_bytes)


@in_organization
def purge_kept(actor: Actor) -> int:
    """Let go of every kept answer; return how many. Raises NotAllowed."""
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    count = KeptAnswer.objects.for_organization(actor.organization_id).delete()[0]
    record_event(actor, "kept_answers.purged", count=count)
    return count


def drop_expired(organization_id: UUID) -> int:
    """Let go of what is kept for too long; return how many."""
    with tenant(organization_id):
        return KeptAnswer.objects.for_organization(organization_id).filter(expires_at__lte=clock.now()).delete()[0]


def _make_room(organization_id: UUID, *, most_bytes: int) -> None:
    rows = KeptAnswer.objects.for_organization(organization_id)
    held = rows.aggregate(sum=Sum("bytes"))["sum"] or 0
    for row in rows.order_by("id").only("id", "bytes").iterator(chunk_size=100) if held > most_bytes else ():
        if held <= most_bytes:
            return
        rows.filter(pk=row.pk).delete()
        held -= row.bytes


def _pieces_of(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE_CHARACTERS):
        yield text[start : start + PIECE_CHARACTERS]
