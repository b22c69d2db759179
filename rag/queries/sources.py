# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Sources, their revisions and readings, as one actor sees them. Fetching is the check."""

from dataclasses import dataclass
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Project
from accounts.queries.access import id_in, insist
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from rag.errors.knowledge import IngestionNotFound, SourceNotFound
from rag.models import Access, Ingestion, KnowledgeBase, Revision, Source
from rag.queries.knowledge_bases import access_knowledge_base, seen_by


@dataclass(frozen=True, slots=True)
class SourceFilter:
    """Which sources or readings: of a knowledge base, a project, a source; of a kind; in a state."""

    base: str = ""
    project: Project | None = None
    source: str = ""
    kind: str = ""
    state: str = ""


_EVERYTHING = SourceFilter()


@in_organization
def access_source(
    actor: Actor, source: UUID | str, *, to: Permission = Permission.SEE, holding: bool = False
) -> Source:
    """Return one source, its knowledge base with it. Raises SourceNotFound, NotAllowed."""
    rows = visible_sources(actor)
    rows = rows.select_for_update(of=("self",)) if holding else rows
    id_ = id_in(source)
    found = rows.filter(pk=id_).first() if id_ else None
    if found is None:
        raise SourceNotFound(str(source))
    insist_on_base(actor, to, found.base)
    return found


@in_organization
def list_sources(
    actor: Actor, *, which: SourceFilter = _EVERYTHING, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[Source]:
    """Return the sources that the actor sees, newest first. Raises KnowledgeBaseNotFound kinds."""
    rows = visible_sources(actor)
    if which.base:
        rows = rows.filter(base=access_knowledge_base(actor, which.base))
    if which.project is not None:
        rows = rows.filter(base__project=which.project)
    if which.kind:
        rows = rows.filter(kind=which.kind)
    if which.state:
        rows = rows.filter(state=which.state)
    return page_of(rows, cursor=cursor, limit=limit)


@in_organization
def list_revisions(
    actor: Actor, source: UUID | str, *, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[Revision]:
    """Return the states of a source that are known, newest first. Raises SourceNotFound."""
    row = access_source(actor, source)
    rows = Revision.objects.for_organization(actor.organization_id).filter(source=row)
    return page_of(rows, cursor=cursor, limit=limit)


@in_organization
def access_ingestion(
    actor: Actor, ingestion: UUID | str, *, to: Permission = Permission.SEE, holding: bool = False
) -> Ingestion:
    """Return one reading. Raises IngestionNotFound, NotAllowed."""
    rows = visible_ingestions(actor)
    rows = rows.select_for_update(of=("self",)) if holding else rows
    id_ = id_in(ingestion)
    found = rows.filter(pk=id_).first() if id_ else None
    if found is None:
        raise IngestionNotFound(str(ingestion))
    insist_on_base(actor, to, found.base)
    return found


@in_organization
def list_ingestions(
    actor: Actor, *, which: SourceFilter = _EVERYTHING, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[Ingestion]:
    """Return the readings that the actor sees, newest first. Raises KnowledgeBaseNotFound, SourceNotFound kinds."""
    rows = visible_ingestions(actor)
    if which.base:
        rows = rows.filter(base=access_knowledge_base(actor, which.base))
    if which.source:
        rows = rows.filter(source=access_source(actor, which.source))
    if which.project is not None:
        rows = rows.filter(base__project=which.project)
    if which.kind:
        rows = rows.filter(kind=which.kind)
    if which.state:
        rows = rows.filter(state=which.state)
    return page_of(rows, cursor=cursor, limit=limit)


@in_organization
def newest_ingestions(actor: Actor, base: KnowledgeBase) -> dict[UUID | None, Ingestion]:
    """Return the newest reading of each source of a knowledge base; under None, that into another index."""
    rows = visible_ingestions(actor).filter(base=base).order_by("source", "-id").distinct("source")
    return {row.source_id: row for row in rows}


def visible_sources(actor: Actor) -> OrganizationQuerySet[Source]:
    """Return the query for the sources an actor sees; to be read inside the actor's organization."""
    rows = Source.objects.for_organization(actor.organization_id).filter(deleted_at=None, base__deleted_at=None)
    return rows.filter(seen_by(actor, base="base__")).select_related("base__project__team", "made_by")


def visible_ingestions(actor: Actor) -> OrganizationQuerySet[Ingestion]:
    """Return the query for the readings an actor sees, but those of sources that are deleted."""
    rows = Ingestion.objects.for_organization(actor.organization_id).filter(base__deleted_at=None)
    rows = rows.exclude(source__deleted_at__isnull=False).filter(seen_by(actor, base="base__"))
    return rows.select_related("base__project__team", "source", "index")


def insist_on_base(actor: Actor, permission: Permission, base: KnowledgeBase) -> None:
    """Raise NotAllowed unless the actor may do so to what is in a knowledge base they see."""
    if permission is not Permission.SEE or base.access != Access.ORGANIZATION:
        insist(actor, permission, base)
