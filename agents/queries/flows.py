# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading flows. Fetching is the check."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Project
from accounts.queries.access import insist, named
from accounts.queries.pages import Page, listing, prepared_page
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from agents.errors import FlowAmbiguous, FlowNotFound
from agents.models import Flow
from codexos.kernel.errors import NotAllowed

MOST_NAMES = 200
# A list leaves out what only one flow's own page shows: documents and their texts may be large.
_LISTED = (
    *("id", "organization", "slug", "name", "draft_hash", "revision", "archived_at", "created_at", "updated_at"),
    *("concurrency", "concurrency_scope", "published__number", "published__document_hash", "owner__name"),
    *("owner__email", "project__organization", "project__team", "project__name", "project__slug"),
)


@in_organization
def access_flow(
    actor: Actor, id_or_slug: UUID | str, *, to: Permission = Permission.SEE, project: Project | None = None
) -> Flow:
    """Return one flow. Raises FlowNotFound, FlowAmbiguous, NotAllowed."""
    found = visible_flows(actor).filter(named(id_or_slug))
    if project is not None:
        found = found.filter(project=project)
    flows = list(found.order_by("id")[:2])
    if not flows:
        raise FlowNotFound(f"No flow {str(id_or_slug)!r}. Check its id or short name, or list /api/v1/flows/.")
    if len(flows) > 1:
        raise _ambiguous(str(id_or_slug), found)
    insist(actor, to, flows[0])
    return flows[0]


@in_organization
def access_changeable_flow(actor: Actor, id_or_slug: UUID | str) -> Flow:
    """Return one flow that is the actor's to change. Raises FlowNotFound, FlowAmbiguous, NotAllowed."""
    flow = access_flow(actor, id_or_slug)
    if may_change_flow(actor, flow):
        return flow
    if flow.is_team_template:
        insist(actor, Permission.MODIFY_TEAM_TEMPLATES, flow)
    insist(actor, Permission.CREATE_AGENTS, flow)
    raise NotAllowed(f"Flow {flow.slug!r} belongs to {flow.owner}. Fork it to make it your own, or ask them.")


def may_change_flow(actor: Actor, flow: Flow) -> bool:
    """Tell whether a flow is the actor's to change: their own, or a template of a team they lead."""
    if flow.is_team_template:
        return actor.may(Permission.MODIFY_TEAM_TEMPLATES, flow)
    return flow.owner_id == actor.person_id and actor.may(Permission.CREATE_AGENTS, flow)


@in_organization
def list_flows(
    actor: Actor,
    *,
    archived: bool = False,
    project: Project | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Flow]:
    """Return the flows the actor may see, newest first: those in use or those put away. Documents stay unread."""
    project_id = None if project is None else project.pk
    return prepared_page(_LISTED_FLOWS, actor, project_id, cursor=cursor, limit=limit, archived=archived)


@in_organization
def count_flows(actor: Actor, *, archived: bool = False) -> int:
    """Return how many flows the actor sees."""
    return visible_flows(actor).filter(archived_at__isnull=not archived).count()


@in_organization
def list_runnable_flows(actor: Actor) -> Sequence[Flow]:
    """Return the published flows the actor may run, by name."""
    flows = visible_flows(actor).filter(archived_at=None).exclude(published=None).order_by("name")[:200]
    return [flow for flow in flows if actor.may(Permission.RUN_FLOWS, flow)]


@in_organization
def list_flow_names(actor: Actor) -> Sequence[tuple[UUID, str]]:
    """Return id and name of the flows the actor sees, by name: for choosing one."""
    return list(visible_flows(actor).order_by("name", "id").values_list("id", "name")[:MOST_NAMES])


@in_organization
def name_flows(actor: Actor, flow_ids: Sequence[UUID] | None = None) -> Mapping[UUID, str]:
    """Return what flows of the organization are called, for those who see what they cost; by default the latest."""
    rows = Flow.objects.for_organization(actor.organization_id)
    named = rows.order_by("-pk")[:MOST_NAMES] if flow_ids is None else rows.filter(pk__in=flow_ids)
    return dict(named.values_list("id", "name"))


def choose_runnable_flow(actor: Actor, named: str | None) -> Flow | None:
    """Return the flow that was named, or the first one there is to run. Raises FlowNotFound, NotAllowed."""
    if named:
        return access_flow(actor, named, to=Permission.RUN_FLOWS)
    return next(iter(list_runnable_flows(actor)), None)


def visible_flows(actor: Actor) -> OrganizationQuerySet[Flow]:
    """Return the query for the flows an actor sees; to be read inside its organization."""
    flows = Flow.objects.for_organization(actor.organization_id).select_related(
        "project", "published", "owner", "edited_by"
    )
    if not actor.sees_every_team:
        flows = flows.filter(project__team_id__in=actor.team_ids)
    if actor.project_id is not None:
        flows = flows.filter(project_id=actor.project_id)
    return flows


def _ambiguous(slug: str, found: OrganizationQuerySet[Flow]) -> FlowAmbiguous:
    places = ", ".join(found.order_by("project__slug").values_list("project__slug", flat=True)[:10])
    message = f"Flows called {slug!r} stand in several projects: {places}. Name one by its id, or say the project_id."
    return FlowAmbiguous(message, errors=[{"place": "project_id", "message": message}])


def _listed_flows(actor: Actor, project_id: UUID | None, *, archived: bool) -> OrganizationQuerySet[Flow]:
    flows = visible_flows(actor).filter(archived_at__isnull=not archived)
    flows = flows.select_related(None).select_related("project", "published", "owner").only(*_LISTED)
    return flows if project_id is None else flows.filter(project_id=project_id)


_LISTED_FLOWS = listing(_listed_flows)
