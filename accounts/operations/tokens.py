# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""API tokens: issued once, kept as a keyed hash, checked on every call."""

import re
import secrets
import string
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from django.conf import settings

from accounts.actor import Actor, ActorKind
from accounts.errors import TokenNotFound
from accounts.models import ApiToken, Person, Project
from accounts.operations.audit import record_event
from accounts.queries.grants import load_actor
from accounts.queries.lookups import find_api_token
from accounts.roles import TokenScope, permissions_of_scopes
from accounts.tenancy import in_organization, tenant
from codexos.kernel import clock
from codexos.kernel.ids import ProjectId, TokenId
from codexos.kernel.sealing import mac

PREFIX = "cos_pat_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SHAPE = re.compile(rf"{PREFIX}([0-9A-Za-z]{{30}})([0-9A-Za-z]{{6}})")
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
    """Make an API token for the actor's person; the value is returned here and never again."""
    value = _new_value()
    token = ApiToken.objects.create(
        organization_id=actor.organization_id,
        person_id=actor.person_id,
        name=name,
        project=project,
        scopes=sorted(scopes),
        token_hash=hash_token(value),
        hint=value[-4:],
        expires_at=expires_at,
    )
    record_event(actor, "token.issued", about=token, scopes=list(token.scopes))
    return IssuedToken(token, value)


@in_organization
def revoke_token(actor: Actor, *, token_id: UUID) -> None:
    """End a token of the actor's own at once. Raises TokenNotFound."""
    token = (
        ApiToken.objects.for_organization(actor.organization_id).filter(pk=token_id, person_id=actor.person_id).first()
    )
    if token is None:
        raise TokenNotFound(f"No API token {token_id}. It may be gone, or somebody else's.")
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        token.save(update_fields=["revoked_at"])
        record_event(actor, "token.revoked", about=token)


def actor_from_token(value: str) -> tuple[Person, Actor] | None:
    """Return who a token speaks for, None where it is malformed, unknown, revoked, expired or its person is gone."""
    if not is_well_formed(value):
        return None
    found = find_api_token(hash_token(value))
    if found is None:
        return None
    with tenant(found.organization_id):
        token = (
            ApiToken.objects.for_organization(found.organization_id)
            .select_related("person")
            .filter(pk=found.id)
            .first()
        )
        if token is None or not token.is_good(clock.now()):
            return None
        actor = load_actor(token.person, organization_id=found.organization_id)
        if actor is None:
            return None
        _note_use(token)
        return token.person, _narrowed(actor, token)


def _narrowed(actor: Actor, token: ApiToken) -> Actor:
    return replace(
        actor,
        kind=ActorKind.TOKEN,
        token_id=TokenId(token.id),
        project_id=ProjectId(cast(UUID, token.project_id)) if token.project_id else None,
        limit=permissions_of_scopes(frozenset(TokenScope(scope) for scope in token.scopes)),
    )


def _note_use(token: ApiToken) -> None:
    now = clock.now()
    # A busy token would otherwise turn every read into a write.
    if token.last_used_at is None or now - token.last_used_at > _USE_IS_NOTED_EVERY:
        ApiToken.objects.for_organization(token.organization_id).filter(pk=token.pk).update(last_used_at=now)


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
