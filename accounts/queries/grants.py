# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Builds the Actor: a person's role and grants in one organization, read in one statement (sql/standing.sql)."""

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from accounts.actor import Actor, ActorKind
from accounts.models import Person
from accounts.roles import Permission, Role
from codexos.kernel import clock
from codexos.kernel.ids import OrganizationId, PersonId


class Standing(NamedTuple):
    """Who somebody is in an organization, as the database says it."""

    email: str
    role: str
    break_glass_id: UUID | None
    grants: tuple[str, ...]


class OpenedToken(NamedTuple):
    """A token that still opens something, and the standing of its person."""

    id: UUID
    organization_id: UUID
    person_id: UUID
    project_id: UUID | None
    scopes: tuple[str, ...]
    last_used_at: datetime | None
    standing: Standing


def load_actor(person: Person, *, organization_id: UUID) -> Actor | None:
    """Return who ``person`` is in an organization: a member, a system admin under break-glass, or None."""
    row = _first("select * from app.standing_of(%s, %s, %s)", person.pk, organization_id, clock.now())
    return actor_of(_standing(row), person_id=person.pk, organization_id=organization_id) if row else None


def load_actors(people: Collection[UUID], *, organization_id: UUID) -> dict[UUID, Actor]:
    """Return who these people are in an organization, asked for at once; who is nobody there is left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select p.id, s.* from unnest(%s::uuid[]) p(id) cross join lateral app.standing_of(p.id, %s, %s) s",
            [list(people), organization_id, clock.now()],
        )
        return {
            person_id: actor_of(_standing(standing), person_id=person_id, organization_id=organization_id)
            for person_id, *standing in cursor.fetchall()
        }


def open_token(token_hash: bytes) -> OpenedToken | None:
    """Return the API token with this hash, None where it is unknown, revoked, expired or its person gone."""
    row = _first("select * from app.open_api_token(%s, %s)", token_hash, clock.now())
    if row is None:
        return None
    token_id, organization_id, person_id, project_id, scopes, last_used_at, *standing = row
    return OpenedToken(
        token_id, organization_id, person_id, project_id, tuple(scopes), last_used_at, standing=_standing(standing)
    )


def _standing(row: Iterable[Any]) -> Standing:
    email, role, break_glass_id, grants = row
    # Standings are looked up by, so nothing in one may change.
    return Standing(email, role, break_glass_id, tuple(grants))


def actor_of(standing: Standing, *, person_id: UUID, organization_id: UUID) -> Actor:
    """Return the Actor of a standing."""
    role = Role(standing.role)
    # A system admin's yes holds wherever they stand, whatever the membership says.
    everything = {organization_id: frozenset(Permission)}
    return Actor(
        kind=ActorKind.PERSON,
        person_id=PersonId(person_id),
        organization_id=OrganizationId(organization_id),
        role=role,
        label=standing.email,
        grants=everything if role is Role.SYSTEM_ADMIN else _grants(standing.grants),
        break_glass_id=standing.break_glass_id,
    )


def _grants(lines: Iterable[str]) -> dict[UUID, frozenset[Permission]]:
    parts = (line.partition(":") for line in lines)
    return {UUID(container): _permissions(codenames) for container, _, codenames in parts}


@lru_cache(maxsize=1024)
def _permissions(codenames: str) -> frozenset[Permission]:
    return frozenset(map(Permission, codenames.split(",")))


def _first(question: str, *parameters: Any) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(question, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row
