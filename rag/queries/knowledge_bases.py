# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Knowledge bases as one actor sees them. Fetching is the check."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, Sum

from accounts.actor import Actor
from accounts.models import Project
from accounts.queries.access import insist, named
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from rag.errors.knowledge import KnowledgeBaseAmbiguous, KnowledgeBaseNotFound
from rag.models import Access, Document, DocumentState, Ingestion, KnowledgeBase, KnowledgeIndex, Source

_MOST_COMPARED = 500
_MOST_NEAR = 3
_NOTHING = dict.fromkeys(("documents", "ready", "failed", "chunks", "size_bytes"), 0)
MOST_ASKED = 50
"""So many knowledge bases are searched for one question."""


@dataclass(frozen=True, slots=True)
class BaseFigures:
    """How much a knowledge base holds, and how many of its documents stand where."""

    sources: int
    documents: int
    ready: int
    failed: int
    waiting: int
    chunks: int
    size_bytes: int


@in_organization
def access_knowledge_base(
    actor: Actor,
    id_or_slug: UUID | str,
    *,
    to: Permission = Permission.SEE,
    project: Project | None = None,
    holding: bool = False,
) -> KnowledgeBase:
    """Return one knowledge base. Raises KnowledgeBaseNotFound, KnowledgeBaseAmbiguous, NotAllowed."""
    rows = visible_bases(actor)
    rows = rows.select_for_update(of=("self",)) if holding else rows
    found = rows.filter(named(id_or_slug))
    bases = list((found.filter(project=project) if project is not None else found).order_by("pk")[:_MOST_NEAR])
    if not bases:
        raise KnowledgeBaseNotFound(str(id_or_slug), near=_near(actor, str(id_or_slug)))
    if len(bases) > 1:
        raise KnowledgeBaseAmbiguous(str(id_or_slug), ids=[str(base.pk) for base in bases])
    _insist(actor, to, bases[0])
    return bases[0]


@in_organization
def list_knowledge_bases(
    actor: Actor,
    *,
    project: Project | None = None,
    tag: str = "",
    search: str = "",
    cursor: str | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[KnowledgeBase]:
    """Return the knowledge bases that the actor sees, newest first: all, a project's, those with a tag or a word."""
    rows = visible_bases(actor)
    if project is not None:
        rows = rows.filter(project=project)
    if tag:
        rows = rows.filter(tags__contains=[tag])
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(slug__icontains=search) | Q(description__icontains=search))
    return page_of(rows, cursor=cursor, limit=limit)


@in_organization
def bases_to_ask(
    actor: Actor, *, project: Project | None = None, names: Collection[UUID | str] = ()
) -> Sequence[KnowledgeBase]:
    """Return the named knowledge bases, or all of a project, to be searched for a question.

    A name is first one of the project, then one of another that is open to the organization. Raises
    KnowledgeBaseNotFound, KnowledgeBaseAmbiguous.
    """
    if not names:
        rows = visible_bases(actor)
        return list((rows.filter(project=project) if project is not None else rows).order_by("pk")[:MOST_ASKED])
    return [_asked(actor, name, project=project) for name in dict.fromkeys(names)]


@in_organization
def figures_of(actor: Actor, base: KnowledgeBase) -> BaseFigures:
    """Count what a knowledge base holds."""
    return figures_of_each(actor, [base])[base.pk]


@in_organization
def figures_of_each(actor: Actor, bases: Collection[KnowledgeBase]) -> dict[UUID, BaseFigures]:
    """Count what each of several knowledge bases holds, in two questions."""
    documents = Document.objects.for_organization(actor.organization_id).filter(base__in=bases)
    here = documents.exclude(state=DocumentState.REMOVED).exclude(source__deleted_at__isnull=False)
    counted = (
        here.order_by()
        .values("base_id")
        .annotate(
            documents=Count("pk"),
            ready=Count("pk", filter=Q(state=DocumentState.READY)),
            failed=Count("pk", filter=Q(state=DocumentState.FAILED)),
            pieces=Sum("chunk_count", default=0),
            size_bytes=Sum("size", default=0),
        )
    )
    found = {row["base_id"]: _counts(row) for row in counted}
    sources = Source.objects.for_organization(actor.organization_id).filter(base__in=bases, deleted_at=None)
    connected = dict(sources.order_by().values_list("base_id").annotate(Count("pk")))
    return {base.pk: _figures(found.get(base.pk, _NOTHING), sources=connected.get(base.pk, 0)) for base in bases}


@in_organization
def list_indexes(
    actor: Actor, base: UUID | str, *, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[KnowledgeIndex]:
    """Return the indexes of a knowledge base, newest first. Raises KnowledgeBaseNotFound."""
    row = access_knowledge_base(actor, base)
    rows = KnowledgeIndex.objects.for_organization(actor.organization_id).filter(base=row)
    return page_of(rows, cursor=cursor, limit=limit)


@in_organization
def open_ingestions(actor: Actor, base: KnowledgeBase) -> Sequence[Ingestion]:
    """Return the readings of a knowledge base that have not come to their end."""
    rows = Ingestion.objects.for_organization(actor.organization_id).filter(base=base)
    return list(rows.filter(state__in=["queued", "running", "paused"]).select_related("base__project", "source")[:100])


def visible_bases(actor: Actor) -> OrganizationQuerySet[KnowledgeBase]:
    """Return the query for the knowledge bases an actor sees; to be read inside the actor's organization."""
    rows = KnowledgeBase.objects.for_organization(actor.organization_id).filter(deleted_at=None)
    rows = rows.select_related("project__team", "made_by", "active_index")
    return rows.filter(seen_by(actor))


def seen_by(actor: Actor, *, base: str = "") -> Q:
    """Return the condition for what an actor sees of knowledge; ``base`` is the way to it, such as ``source__base__``.

    A token narrowed to a project sees that one's alone, and each person's role decides, whatever scopes a token has.
    """
    seen = Q()
    if actor.project_id is not None:
        seen &= Q(**{f"{base}project_id": actor.project_id})
    if not actor.sees_every_team:
        seen &= Q(**{f"{base}project__team_id__in": actor.team_ids}) | Q(**{f"{base}access": Access.ORGANIZATION})
    if _leads(actor, actor.organization_id):
        return seen
    led = [team_id for team_id in actor.team_ids if _leads(actor, team_id)]
    is_open = ~Q(**{f"{base}access": Access.MAKERS})
    return seen & (is_open | Q(**{f"{base}made_by_id": actor.person_id}) | Q(**{f"{base}project__team_id__in": led}))


def may_change_base(actor: Actor, base: KnowledgeBase) -> bool:
    """Tell whether a knowledge base is the actor's to change; they see it already."""
    return actor.may(Permission.WRITE_FILES, base)


def _counts(row: Mapping[str, Any]) -> dict[str, int]:
    return {**{name: row[name] for name in _NOTHING if name != "chunks"}, "chunks": row["pieces"]}


def _figures(counted: Mapping[str, int], *, sources: int) -> BaseFigures:
    waiting = counted["documents"] - counted["ready"] - counted["failed"]
    return BaseFigures(sources=sources, waiting=waiting, **counted)


def _leads(actor: Actor, container_id: UUID) -> bool:
    return Permission.MANAGE_PROJECTS in actor.grants.get(container_id, frozenset())


def _insist(actor: Actor, permission: Permission, base: KnowledgeBase) -> None:
    # What is open to the organization is seen by people who are in no team of its project.
    if permission is Permission.SEE and base.access == Access.ORGANIZATION:
        return
    insist(actor, permission, base)


def _asked(actor: Actor, name: UUID | str, *, project: Project | None) -> KnowledgeBase:
    if project is not None:
        own = visible_bases(actor).filter(named(name), project=project).first()
        if own is not None:
            return own
    return access_knowledge_base(actor, name)


def _near(actor: Actor, wanted: str) -> list[str]:
    known = list(visible_bases(actor).order_by("pk").values_list("slug", flat=True)[:_MOST_COMPARED])
    return get_close_matches(wanted, dict.fromkeys(known), n=_MOST_NEAR)
