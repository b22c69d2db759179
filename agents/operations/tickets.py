# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tickets: a browser's page cannot send a header with a WebSocket, so it asks for a ticket first and shows that.

A ticket opens one run, once, within a minute. It is sealed: it says nothing to who reads it, and cannot be made,
changed or used for another run without our key.
"""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from django.conf import settings

from accounts.actor import Actor, ActorKind
from accounts.models import Person
from accounts.queries.grants import load_actor
from accounts.queries.tokens import is_token_open
from accounts.roles import Permission
from agents.adapters.tickets import use_once
from agents.errors import TicketInvalid
from agents.queries.runs import access_run
from codexos.kernel import clock
from codexos.kernel.ids import ProjectId, TokenId
from codexos.kernel.sealing import SealBroken, associate, derive_key, open_sealed, seal

LIFE = timedelta(seconds=60)
_LONGEST = 2_000
_NO_TICKET = "This ticket is not for this run, or is no ticket. Ask for another one."


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket at the one moment its value is known."""

    value: str
    expires_at: datetime


def issue_ticket(actor: Actor, *, run_id: UUID | str) -> Ticket:
    """Return a ticket to follow a run as the actor. Raises RunNotFound, NotAllowed."""
    run = access_run(actor, run_id)
    expires_at = clock.now() + LIFE
    said = {
        "organization": str(actor.organization_id),
        "person": str(actor.person_id),
        "expires_at": expires_at.isoformat(),
        "token": str(actor.token_id) if actor.token_id else None,
        "project": str(actor.project_id) if actor.project_id else None,
        "limit": None if actor.limit is None else sorted(actor.limit),
    }
    sealed = seal(_key(), json.dumps(said).encode(), associated=_place(run.id))
    return Ticket(urlsafe_b64encode(sealed).decode().rstrip("="), expires_at)


def redeem_ticket(value: str, *, run_id: UUID) -> Actor:
    """Return whom a ticket for a run stands for, as they are allowed now. Raises TicketInvalid, Unavailable.

    Whoever was removed since it was made, or whose token was revoked, comes in no more.
    """
    sealed = _decoded(value)
    said = _open(sealed, run_id=run_id)
    if datetime.fromisoformat(str(said["expires_at"])) <= clock.now():
        raise TicketInvalid("This ticket has expired. Ask for another one.")
    # Who may not come in does not use it up: nothing about it is told to them either.
    actor = _actor_of(said)
    # By what is sealed, since one value can be spelled in several ways.
    if not use_once(hashlib.sha256(sealed).digest(), seconds=2 * int(LIFE.total_seconds()), url=settings.REDIS_URL):
        raise TicketInvalid("This ticket was used already. Ask for another one.")
    return actor


def _decoded(value: str) -> bytes:
    try:
        return urlsafe_b64decode(value[:_LONGEST].encode("ascii") + b"==")
    except ValueError as error:
        raise TicketInvalid(_NO_TICKET) from error


def _open(sealed: bytes, *, run_id: UUID) -> dict[str, object]:
    try:
        said: dict[str, object] = json.loads(open_sealed(_key(), sealed, associated=_place(run_id)))
    except SealBroken as error:
        raise TicketInvalid(_NO_TICKET) from error
    return said


def _actor_of(said: dict[str, object]) -> Actor:
    person, organization_id = Person(pk=UUID(str(said["person"]))), UUID(str(said["organization"]))
    actor = load_actor(person, organization_id=organization_id)
    token_id = UUID(str(said["token"])) if said["token"] else None
    if actor is None or (token_id and not is_token_open(token_id, organization_id=organization_id)):
        raise TicketInvalid("Who asked for this ticket may not come in any more.")
    if token_id is None:
        return actor
    limit = said["limit"]
    return replace(
        actor,
        kind=ActorKind.TOKEN,
        token_id=TokenId(token_id),
        project_id=ProjectId(UUID(str(said["project"]))) if said["project"] else None,
        limit=frozenset(map(Permission, limit)) if isinstance(limit, list) else None,
    )


def _place(run_id: UUID) -> bytes:
    return associate("ticket", str(run_id))


@cache
def _key() -> bytes:
    return derive_key(settings.MASTER_KEY, purpose="agents/ticket")
