# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What agents keep, as people see it. Fetching is the check."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from accounts.actor import Actor
from accounts.queries.access import insist
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.queries.projects import access_project
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from agents.errors import MemoryEntryNotFound
from agents.models import MemoryEntry, MemoryScope
from codexos.kernel.ids import parse_id

LONGEST_SEARCH = 200
CHANGE = Permission.CREATE_AGENTS
"""Whoever may make agents in a project changes what they remember there."""


@dataclass(frozen=True, slots=True)
class MemoryFilter:
    """Which entries: of a scope, a project, a flow or a conversation; with these words; waiting for a person or not."""

    scope: str = ""
    project: str = ""
    flow: str = ""
    conversation: str = ""
    search: str = ""
    quarantined: bool | None = None


@in_organization
def list_memory(
    actor: Actor, *, which: MemoryFilter, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[MemoryEntry]:
    """Return the entries that the actor sees, newest first. Raises ProjectNotFound."""
    rows = visible_memory(actor)
    if which.scope:
        rows = rows.filter(scope=which.scope)
    if which.project:
        rows = rows.filter(project_id=access_project(actor, which.project).pk)
    if which.flow:
        flow_id = parse_id(which.flow)
        rows = rows.filter(flow_id=flow_id) if flow_id is not None else rows.none()
    if which.conversation:
        rows = rows.filter(scope=MemoryScope.CONVERSATION, place=which.conversation)
    if which.quarantined is not None:
        rows = rows.filter(is_quarantined=which.quarantined)
    words = which.search[:LONGEST_SEARCH].strip()
    if not words:
        return page_of(rows, cursor=cursor, limit=limit)
    written = rows.alias(written=Cast("value", TextField()))
    found = written.filter(Q(key__icontains=words) | Q(written__icontains=words))
    return page_of(found, cursor=cursor, limit=limit)


@in_organization
def count_quarantined(actor: Actor) -> int:
    """Return how many entries wait for a person, of those the actor sees."""
    return visible_memory(actor).filter(is_quarantined=True).count()


@in_organization
def access_memory(
    actor: Actor, entry: UUID | str, *, to: Permission = Permission.SEE, holding: bool = False
) -> MemoryEntry:
    """Return one entry. Raises MemoryEntryNotFound, NotAllowed."""
    wanted = parse_id(str(entry))
    rows = visible_memory(actor)
    rows = rows.select_for_update(of=("self",)) if holding else rows
    found = rows.filter(pk=wanted).first() if wanted else None
    if found is None:
        raise MemoryEntryNotFound(f"No memory entry {str(entry)[:100]!r}. GET /api/v1/memory/ lists them.")
    insist(actor, to, found)
    return found


def may_change_memory(actor: Actor, entry: MemoryEntry) -> bool:
    """Tell whether an entry is the actor's to change, to accept and to have forgotten."""
    return actor.may(CHANGE, entry)


def visible_memory(actor: Actor) -> OrganizationQuerySet[MemoryEntry]:
    """Return the entries that an actor sees."""
    rows = MemoryEntry.objects.for_organization(actor.organization_id)
    rows = rows.select_related("project", "flow", "changed_by").defer("flow__draft", "flow__source")
    if not actor.sees_every_team:
        rows = rows.filter(project__team_id__in=actor.team_ids)
    return rows if actor.project_id is None else rows.filter(project_id=actor.project_id)
