# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Providers and deployments of an organization, for everybody in it. Fetching is the check."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from accounts.actor import Actor
from accounts.queries.access import id_in, insist_in_organization
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.roles import Permission
from accounts.tenancy import OrganizationModel, OrganizationQuerySet, in_organization
from llm.errors import DeploymentNotFound, ProviderNotFound
from llm.models import Deployment, Provider

M = TypeVar("M", bound=OrganizationModel)

MANAGE = Permission.MANAGE_ORGANIZATION


def may_manage_models(actor: Actor) -> bool:
    """Tell whether providers, deployments and the organization's routes are the actor's to change."""
    return actor.project_id is None and actor.may_in_organization(MANAGE)


def may_see_keys(actor: Actor) -> bool:
    """Tell whether an actor is told where providers' keys lie in the vault: whoever may use a vault."""
    return actor.may_somewhere(Permission.ACCESS_VAULT)


def row_of(rows: OrganizationQuerySet[M], given: UUID | str, *, holding: bool) -> M | None:
    """Return the row with an id, held until the transaction ends where that is wanted; None where there is none."""
    rows = rows.select_for_update(of=("self",)) if holding else rows
    id_ = id_in(given)
    return rows.filter(pk=id_).first() if id_ else None


@in_organization
def list_providers(actor: Actor, *, cursor: str | None = None, limit: int = PAGE_LIMIT) -> Page[Provider]:
    """Return the organization's providers, newest first."""
    return page_of(_providers(actor), cursor=cursor, limit=limit)


@in_organization
def access_provider(actor: Actor, provider: UUID | str, *, to_change: bool = False, holding: bool = False) -> Provider:
    """Return a provider by its id. Raises ProviderNotFound; NotAllowed where it is to be changed by who may not."""
    found = row_of(_providers(actor), provider, holding=holding)
    if found is None:
        raise ProviderNotFound(f"No provider {str(provider)[:100]!r} here. GET /api/v1/model-providers/ lists them.")
    if to_change:
        insist_in_organization(actor, MANAGE)
    return found


@in_organization
def list_deployments(
    actor: Actor, *, provider: Provider | None = None, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[Deployment]:
    """Return the organization's deployments, newest first, of one provider or of all."""
    rows = _deployments(actor)
    return page_of(rows if provider is None else rows.filter(provider=provider), cursor=cursor, limit=limit)


@in_organization
def all_deployments(actor: Actor) -> Sequence[Deployment]:
    """Return all of them by their names, to choose from."""
    return list(_deployments(actor).order_by("name")[:1_000])


@in_organization
def access_deployment(
    actor: Actor, deployment: UUID | str, *, to_change: bool = False, holding: bool = False
) -> Deployment:
    """Return a deployment by its id. Raises DeploymentNotFound; NotAllowed as ``access_provider`` does."""
    found = row_of(_deployments(actor), deployment, holding=holding)
    if found is None:
        raise DeploymentNotFound(f"No deployment {str(deployment)[:100]!r} here. GET /api/v1/deployments/ lists them.")
    if to_change:
        insist_in_organization(actor, MANAGE)
    return found


def _providers(actor: Actor) -> OrganizationQuerySet[Provider]:
    return Provider.objects.for_organization(actor.organization_id).select_related("key_team", "key_project")


def _deployments(actor: Actor) -> OrganizationQuerySet[Deployment]:
    rows = Deployment.objects.for_organization(actor.organization_id)
    return rows.select_related("provider", "provider__key_project")
