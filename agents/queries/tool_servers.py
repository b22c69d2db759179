# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tool servers of an organization: the whole organization's, and those of the projects an actor sees."""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db.models import Q

from accounts.actor import Actor
from accounts.models import Project
from accounts.queries.access import id_in, insist, insist_in_organization
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization, tenant
from agents.errors import ToolServerNotFound
from agents.models import Flow, ToolServer

MANAGE_OF_ORGANIZATION = Permission.MANAGE_ORGANIZATION
MANAGE_OF_PROJECT = Permission.CREATE_AGENTS


@in_organization
def list_tool_servers(
    actor: Actor, *, project: Project | None = None, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[ToolServer]:
    """Return the tool servers the actor sees, newest first: all, or those that serve one project."""
    rows = _visible(actor).defer("document")
    if project is not None:
        rows = rows.filter(_serving(project.pk))
    return page_of(rows, cursor=cursor, limit=limit)


@in_organization
def access_tool_server(
    actor: Actor, server: UUID | str, *, to_change: bool = False, holding: bool = False
) -> ToolServer:
    """Return a tool server by its id. Raises ToolServerNotFound; NotAllowed to change it for who may not."""
    rows = _visible(actor).select_for_update(of=("self",)) if holding else _visible(actor)
    id_ = id_in(server)
    found = rows.filter(pk=id_).first() if id_ else None
    if found is None:
        raise ToolServerNotFound(f"No tool server {str(server)[:100]!r}. GET /api/v1/tool-servers/ lists them.")
    if to_change:
        insist_may_manage(actor, found.project)
    return found


def insist_may_manage(actor: Actor, project: Project | None) -> None:
    """Raise NotAllowed unless the actor may manage tool servers of a project, or, of None, of the organization."""
    if project is None:
        insist_in_organization(actor, MANAGE_OF_ORGANIZATION)
    else:
        insist(actor, MANAGE_OF_PROJECT, project)


def may_manage_server(actor: Actor, server: ToolServer) -> bool:
    """Tell whether a tool server is the actor's to change."""
    if server.project is None:
        return actor.project_id is None and actor.may_in_organization(MANAGE_OF_ORGANIZATION)
    return actor.may(MANAGE_OF_PROJECT, server.project)


def servers_serving(
    organization_id: UUID, project_id: UUID | None, *, names: Collection[str] | None = None
) -> Sequence[ToolServer]:
    """Return the servers that serve a project, a project's own in place of the organization's of the same name."""
    with tenant(organization_id):
        rows = ToolServer.objects.for_organization(organization_id).filter(_serving(project_id)).defer("document")
        if names is not None:
            rows = rows.filter(name__in=names)
        found = {row.name: row for row in sorted(rows, key=lambda row: row.project_id is not None)}
        return sorted(found.values(), key=lambda row: row.name)


def flows_serving(organization_id: UUID, project_id: UUID, *, slugs: Collection[str] | None = None) -> Sequence[Flow]:
    """Return the published flows of a project, which agents may be given as tools."""
    with tenant(organization_id):
        rows = Flow.objects.for_organization(organization_id).filter(project_id=project_id, archived_at=None)
        if slugs is not None:
            rows = rows.filter(slug__in=slugs)
        found = rows.exclude(published=None).select_related("published").defer("draft", "source").order_by("slug")
        return list(found[:500])


def _serving(project_id: UUID | None) -> Q:
    return Q(project=None) if project_id is None else Q(project=None) | Q(project_id=project_id)


def _visible(actor: Actor) -> OrganizationQuerySet[ToolServer]:
    rows = ToolServer.objects.for_organization(actor.organization_id).select_related("project", "changed_by")
    if not actor.sees_every_team:
        rows = rows.filter(Q(project=None) | Q(project__team_id__in=actor.team_ids))
    if actor.project_id is not None:
        rows = rows.filter(_serving(actor.project_id))
    return rows
