# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""API tokens: one's own; for those who manage users, all of the organization. Never their values."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.actor import Actor
from accounts.errors import TokenNotFound
from accounts.models import ApiToken
from accounts.queries.access import insist_in_organization
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.roles import Permission
from accounts.tenancy import in_organization, tenant
from codexos.kernel import clock
from codexos.kernel.ids import parse_id


@in_organization
def access_token(actor: Actor, token: UUID | str) -> ApiToken:
    """Return a token of the actor's own, or any of the organization for who manages users. Raises TokenNotFound."""
    id_ = token if isinstance(token, UUID) else parse_id(token)
    rows = _tokens(actor) if _manages_users(actor) else _own(actor)
    row = rows.filter(pk=id_).first() if id_ else None
    if row is None:
        raise TokenNotFound(f"No API token {str(token)!r}. It may be gone, or somebody else's.")
    return row


@in_organization
def list_own_tokens(actor: Actor, *, cursor: str | None = None, limit: int = PAGE_LIMIT) -> Page[ApiToken]:
    """Return the actor's person's tokens for this organization, newest first; a narrowed token sees only itself."""
    return page_of(_own(actor), cursor=cursor, limit=limit)


@in_organization
def list_organization_tokens(actor: Actor, *, cursor: str | None = None, limit: int = PAGE_LIMIT) -> Page[ApiToken]:
    """Return everybody's tokens for this organization, newest first. Raises NotAllowed."""
    insist_in_organization(actor, Permission.MANAGE_USERS)
    return page_of(_tokens(actor), cursor=cursor, limit=limit)


def is_token_open(token_id: UUID, *, organization_id: UUID) -> bool:
    """Tell whether a token still opens anything: not revoked, not expired."""
    with tenant(organization_id):
        row = ApiToken.objects.for_organization(organization_id).filter(pk=token_id).first()
    return row is not None and row.is_good(clock.now())


def _manages_users(actor: Actor) -> bool:
    return actor.project_id is None and actor.may_in_organization(Permission.MANAGE_USERS)


def _own(actor: Actor) -> "QuerySet[ApiToken]":
    rows = _tokens(actor).filter(person_id=actor.person_id)
    return rows if actor.project_id is None or actor.token_id is None else rows.filter(pk=actor.token_id)


def _tokens(actor: Actor) -> "QuerySet[ApiToken]":
    return ApiToken.objects.for_organization(actor.organization_id).select_related("person", "project")
