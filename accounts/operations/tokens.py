# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""API tokens: issued once, kept as a keyed hash, checked on every call."""

import re
import secrets
import string
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import cast
from uuid import UUID

from django.conf import settings
from django.utils.functional import SimpleLazyObject

from accounts.actor import Actor, ActorKind
from accounts.models import ApiToken, Person, Project
from accounts.operations.audit import record_event
from accounts.operations.names import clean_name
from accounts.queries.access import insist_in_organization, insist_person
from accounts.queries.grants import OpenedToken, actor_of, open_token
from accounts.queries.projects import access_project
from accounts.queries.tokens import access_token
from accounts.roles import Permission, TokenScope, permissions_of_scopes
from accounts.tenancy import in_organization, tenant
from codexos.kernel import clock
from codexos.kernel.errors import InvalidInput, LimitReached
from codexos.kernel.ids import ProjectId, TokenId
from codexos.kernel.sealing import mac

PREFIX = "cos_pat_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SHAPE = re.compile(rf"{PREFIX}([0-9A-Za-z]{{30}})([0-9A-Za-z]{{6}})")
LONGEST_LIFE = timedelta(days=365)
LIVES_IN_DAYS = (7, 30, 90, 365)
"""What a person may choose from when making a token."""
MOST_TOKENS = 50
_USE_IS_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token at the one moment its value is known."""

    token: ApiToken
    value: str


@in_organization
def issue_token(
    actor: Actor,
    *,
    name: str,
    scopes: Iterable[TokenScope] = tuple(TokenScope),
    expires_at: datetime | None = None,
    project: Project | None = None,
) -> IssuedToken:
    """Make an API token for the actor's person; the value is returned here and never again.

    Without ``expires_at`` it lives for LONGEST_LIFE. Raises NotAllowed for tokens: a key that leaked must not be able
    to make another that outlives it. Raises NameInvalid, InvalidInput, ProjectNotFound, LimitReached.
    """
    insist_person(actor)
    _check_room_for_another(actor)
    value = _new_value()
    token = ApiToken.objects.create(
        organization_id=actor.organization_id,
        person_id=actor.person_id,
        name=clean_name(name),
        project=access_project(actor, project.pk) if project else None,
        scopes=_checked_scopes(scopes),
        token_hash=hash_token(value),
        hint=value[-4:],
        expires_at=_checked_end(expires_at),
    )
    record_event(actor, "token.issued", about=token, scopes=list(token.scopes))
    return IssuedToken(token, value)


@in_organization
def revoke_token(actor: Actor, *, token_id: UUID | str) -> None:
    """End a token at once: one's own, or anybody's for who manages users. Raises TokenNotFound, NotAllowed."""
    token = access_token(actor, token_id)
    if actor.kind is not ActorKind.PERSON and token.pk != actor.token_id:
        insist_in_organization(actor, Permission.MANAGE_USERS)
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        token.save(update_fields=["revoked_at"])
        record_event(actor, "token.revoked", about=token, person=token.person.email)


def revoke_tokens_of(person_id: UUID, *, organization_id: UUID) -> None:
    """End every token of a person for one organization; the caller has decided and audits it."""
    rows = ApiToken.objects.for_organization(organization_id).filter(person_id=person_id, revoked_at=None)
    rows.update(revoked_at=clock.now())


def _check_room_for_another(actor: Actor) -> None:
    held = ApiToken.objects.for_organization(actor.organization_id).filter(
        person_id=actor.person_id, revoked_at=None, expires_at__gt=clock.now()
    )
    if held.count() >= MOST_TOKENS:
        raise LimitReached(f"You have {MOST_TOKENS} API tokens here already. Revoke one that is not used any more.")


def _checked_scopes(scopes: Iterable[TokenScope]) -> list[str]:
    chosen = set(scopes)
    if not chosen:
        raise _invalid("scopes", f"Choose at least one scope of {', '.join(TokenScope)}.")
    return sorted(chosen)


def _checked_end(expires_at: datetime | None) -> datetime:
    latest = clock.now() + LONGEST_LIFE
    if expires_at is None:
        return latest
    if not clock.now() < expires_at <= latest:
        raise _invalid(
            "expires_at", f"A token ends within {LONGEST_LIFE.days} days from now; choose a day before that."
        )
    return expires_at


def _invalid(place: str, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"place": place, "message": message}])


def actor_from_token(value: str) -> tuple[Person, Actor] | None:
    """Return who a token speaks for, None where it is malformed, unknown, revoked, expired or its person is gone.

    The person is read when somebody looks: the Actor knows all that most requests ask.
    """
    token = open_token(hash_token(value)) if is_well_formed(value) else None
    if token is None:
        return None
    _note_use(token)
    person = SimpleLazyObject(lambda: Person.objects.get(pk=token.person_id))
    return cast(Person, person), _actor_of(token._replace(last_used_at=None))


# The database says each time what a token opens; the same words make the same Actor, which nobody can change.
@lru_cache(maxsize=1024)
def _actor_of(token: OpenedToken) -> Actor:
    return replace(
        actor_of(token.standing, person_id=token.person_id, organization_id=token.organization_id),
        kind=ActorKind.TOKEN,
        token_id=TokenId(token.id),
        project_id=ProjectId(token.project_id) if token.project_id else None,
        limit=permissions_of_scopes(frozenset(map(TokenScope, token.scopes))),
    )


def _note_use(token: OpenedToken) -> None:
    now = clock.now()
    # A busy token would otherwise turn every read into a write.
    if token.last_used_at is None or now - token.last_used_at > _USE_IS_NOTED_EVERY:
        with tenant(token.organization_id):
            ApiToken.objects.for_organization(token.organization_id).filter(pk=token.id).update(last_used_at=now)


def hash_token(value: str) -> bytes:
    """Return the keyed hash under which a token is kept (32 bytes)."""
    return mac(settings.API_TOKEN_KEY, value.encode())


def is_well_formed(value: str) -> bool:
    """Tell whether a token has our shape and checksum, so that a mistyped one costs no query."""
    match = _SHAPE.fullmatch(value)
    return match is not None and _checksum(match[1]) == match[2]


def _new_value() -> str:
    body = "".join(secrets.choice(_ALPHABET) for _ in range(30))
    return f"{PREFIX}{body}{_checksum(body)}"


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        digits = _ALPHABET[rest] + digits
    return digits
