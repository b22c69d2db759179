# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What may be asked before an organization is known; answered by the functions of accounts/sql/lookups.sql."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.roles import Role


@dataclass(frozen=True, slots=True)
class Belonging:
    """One organization a person is a member of."""

    organization_id: UUID
    slug: str
    name: str
    role: Role
    is_personal: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A row found by the hash of its token, and whose it is."""

    id: UUID
    organization_id: UUID


def list_belongings(person_id: UUID) -> list[Belonging]:
    """Return the organizations a person is a member of: shared ones by name, the personal one last."""
    rows = _ask("select * from app.memberships_of(%s)", person_id)
    return [Belonging(id_, slug, name, Role(role), personal) for id_, slug, name, role, personal in rows]


def find_invitation(token_hash: bytes) -> Found | None:
    """Return the invitation with this hash, if there is one."""
    return _first("select id, organization_id from app.find_invitation(%s)", token_hash)


def is_slug_taken(slug: str) -> bool:
    """Tell whether an organization has this short name."""
    return bool(_ask("select app.is_slug_taken(%s)", slug)[0][0])


def list_organizations_with_unsent_events() -> list[UUID]:
    """Return the organizations whose outbox holds something."""
    return [row[0] for row in _ask("select app.organizations_with_unsent_events()")]


def list_organizations_with_unsealed_audit() -> list[UUID]:
    """Return the organizations whose newest audit events are not linked into their chain yet."""
    return [row[0] for row in _ask("select app.organizations_with_unsealed_audit()")]


def list_organizations_with_unsigned_audit() -> list[UUID]:
    """Return the organizations whose chain has grown since its last signed checkpoint."""
    return [row[0] for row in _ask("select app.organizations_with_unsigned_audit()")]


def list_organization_ids() -> list[UUID]:
    """Return every organization's id, for work done in each of them in turn. It opens nothing: each needs its token."""
    return [row[0] for row in _ask("select app.organization_ids()")]


def _first(question: str, token_hash: bytes) -> Found | None:
    rows = _ask(question, token_hash)
    return Found(*rows[0]) if rows else None


def _ask(question: str, *parameters: UUID | str | bytes) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question, list(parameters))
        return list(cursor.fetchall())
