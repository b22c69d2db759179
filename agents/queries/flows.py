# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading flows. Fetching is the check."""

from collections.abc import Sequence

from accounts.actor import Actor
from accounts.models import Project
from accounts.queries.access import insist, named
from accounts.queries.pages import Page, page_of
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from agents.errors import FlowNotFound
from agents.models import Flow


@in_organization
def access_flow(
    actor: Actor, id_or_slug: str, *, to: Permission = Permission.SEE, project: Project | None = None
) -> Flow:
    """Return one flow. Raises FlowNotFound, NotAllowed."""
    found = _visible_flows(actor).filter(named(id_or_slug))
    if project is not None:
        found = found.filter(project=project)
    flow = found.order_by("id").first()
    if flow is None:
        raise FlowNotFound(f"No flow {id_or_slug!r}. Check its id or short name, or list /api/v1/flows/.")
    insist(actor, to, flow)
    return flow


@in_organization
def list_flows(actor: Actor, *, cursor: str | None = None, limit: int = 50) -> Page[Flow]:
    """Return the flows the actor may see, newest first."""
    return page_of(_visible_flows(actor), cursor=cursor, limit=limit)


@in_organization
def list_runnable_flows(actor: Actor) -> Sequence[Flow]:
    """Return the published flows the actor may run, by name."""
    flows = _visible_flows(actor).exclude(published=None).order_by("name")[:200]
    return [flow for flow in flows if actor.may(Permission.RUN_FLOWS, flow)]


def choose_runnable_flow(actor: Actor, named: str | None) -> Flow | None:
    """Return the flow that was named, or the first one there is to run. Raises FlowNotFound, NotAllowed."""
    if named:
        return access_flow(actor, named, to=Permission.RUN_FLOWS)
    return next(iter(list_runnable_flows(actor)), None)


def _visible_flows(actor: Actor) -> OrganizationQuerySet[Flow]:
    flows = Flow.objects.for_organization(actor.organization_id).select_related("project", "published", "owner")
    if not actor.sees_every_team:
        flows = flows.filter(project__team_id__in=actor.team_ids)
    if actor.project_id is not None:
        flows = flows.filter(project_id=actor.project_id)
    return flows
