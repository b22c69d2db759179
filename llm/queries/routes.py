# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Routes: the organization's, for everybody in it, and those of the projects an actor sees; and the rules for all."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Prefetch, Q

from accounts.actor import Actor
from accounts.queries.access import insist, insist_in_organization
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.queries.projects import visible_projects
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from llm.errors import RouteNotFound
from llm.models import ModelRules, Route, RouteStep
from llm.queries.providers import MANAGE, may_manage_models, row_of

_NEVER = datetime.fromtimestamp(0, UTC)
MANAGE_OF_PROJECT = Permission.MANAGE_PROJECTS


@in_organization
def list_routes(actor: Actor, *, cursor: str | None = None, limit: int = PAGE_LIMIT) -> Page[Route]:
    """Return the routes the actor sees, newest first."""
    return page_of(_routes(actor), cursor=cursor, limit=limit)


@in_organization
def access_route(actor: Actor, route: UUID | str, *, to_change: bool = False, holding: bool = False) -> Route:
    """Return a route by its id. Raises RouteNotFound; NotAllowed where it is to be changed by who may not."""
    found = row_of(_routes(actor), route, holding=holding)
    if found is None:
        raise RouteNotFound(f"No route {str(route)[:100]!r} that you can see. GET /api/v1/routes/ lists them.")
    if to_change:
        insist_may_change_route(actor, found)
    return found


def may_change_route(actor: Actor, route: Route) -> bool:
    """Tell whether a route is the actor's to change: as an admin, or as who manages its project."""
    if route.project is not None:
        return actor.may(MANAGE_OF_PROJECT, route.project)
    return may_manage_models(actor)


def insist_may_change_route(actor: Actor, route: Route) -> None:
    """Raise NotAllowed unless the route is the actor's to change."""
    if route.project is not None:
        insist(actor, MANAGE_OF_PROJECT, route.project)
    else:
        insist_in_organization(actor, MANAGE)


@in_organization
def access_rules(actor: Actor) -> ModelRules:
    """Return the organization's rules for models; a row that is not written yet where nobody has made any."""
    found = ModelRules.objects.for_organization(actor.organization_id).first()
    # The same each time, so that its ETag is: its id is the organization's, which the written row keeps.
    return found or ModelRules(
        id=actor.organization_id, organization_id=actor.organization_id, revision=0, updated_at=_NEVER
    )


def steps_of(route: Route) -> Sequence[RouteStep]:
    """Return a route's deployments in their order, as they were read with it."""
    return list(route.steps.all())


def _routes(actor: Actor) -> OrganizationQuerySet[Route]:
    steps = RouteStep.objects.for_organization(actor.organization_id).order_by("place")
    rows = Route.objects.for_organization(actor.organization_id).select_related("project", "project__team")
    rows = rows.filter(Q(project=None) | Q(project__in=visible_projects(actor)))
    return rows.prefetch_related(Prefetch("steps", steps.select_related("deployment", "deployment__provider")))
