# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Documents and their chunks as one actor sees them. Fetching is the check."""

import base64
import binascii
from dataclasses import dataclass
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Project
from accounts.queries.access import id_in
from accounts.queries.pages import PAGE_LIMIT, Page, check_limit, page_of
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from codexos.kernel.errors import InvalidInput
from rag.errors.knowledge import DocumentNotFound
from rag.models import Chunk, Document, DocumentState
from rag.queries.knowledge_bases import access_knowledge_base, seen_by
from rag.queries.sources import access_source, insist_on_base

_ORDINAL_BYTES = 4
_LONGEST_NUMBER = 9
_LARGEST_ORDINAL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Which documents: of a knowledge base, a source, a project; in a state; with a tag; below a path."""

    base: str = ""
    source: str = ""
    project: Project | None = None
    state: str = ""
    tag: str = ""
    prefix: str = ""
    search: str = ""


_EVERYTHING = DocumentFilter()


@in_organization
def access_document(
    actor: Actor, document: UUID | str, *, to: Permission = Permission.SEE, holding: bool = False
) -> Document:
    """Return one document, its source and knowledge base with it. Raises DocumentNotFound, NotAllowed."""
    rows = visible_documents(actor)
    rows = rows.select_for_update(of=("self",)) if holding else rows
    id_ = id_in(document)
    found = rows.filter(pk=id_).first() if id_ else None
    if found is None:
        raise DocumentNotFound(str(document))
    insist_on_base(actor, to, found.base)
    return found


@in_organization
def list_documents(
    actor: Actor, *, which: DocumentFilter = _EVERYTHING, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[Document]:
    """Return the documents that the actor sees, newest first. Raises KnowledgeBaseNotFound, SourceNotFound kinds."""
    rows = visible_documents(actor)
    if which.base:
        rows = rows.filter(base=access_knowledge_base(actor, which.base))
    if which.source:
        rows = rows.filter(source=access_source(actor, which.source))
    if which.project is not None:
        rows = rows.filter(base__project=which.project)
    for name, said in (("state", which.state), ("path__startswith", which.prefix), ("path__icontains", which.search)):
        if said:
            rows = rows.filter(**{name: said})
    if which.tag:
        rows = rows.filter(tags__contains=[which.tag])
    return page_of(rows, cursor=cursor, limit=limit)


@in_organization
def list_chunks(
    actor: Actor, document: UUID | str, *, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[Chunk]:
    """Return the chunks of a document that stand in the index in use, in their order. Raises DocumentNotFound."""
    check_limit(limit)
    row = access_document(actor, document)
    chunks = Chunk.objects.for_organization(actor.organization_id).filter(document=row, since__isnull=False, until=None)
    live = chunks.filter(index_id=row.base.active_index_id).defer("embedding", "tsv")
    # Those that did not change keep their rows, so ids say nothing of the order.
    rest = live if cursor is None else live.filter(ordinal__gt=_opened(cursor))
    found = list(rest.order_by("ordinal")[: limit + 1])
    is_more = len(found) > limit
    return Page(found[:limit], next_cursor=_sealed(found[limit - 1].ordinal) if is_more else None)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a document that somebody is led to: a chunk by its id, a line, or a page."""

    chunk: UUID | None = None
    line: int | None = None
    page: int | None = None


def spot_of(said: str) -> Spot | None:
    """Return the place that an address names: a piece's id, ``p3`` for a page, ``12`` or ``12-20`` for lines."""
    if chunk := id_in(said):
        return Spot(chunk=chunk)
    if said.startswith("p"):
        return Spot(page=number) if (number := _number(said[1:])) else None
    return Spot(line=number) if (number := _number(said.partition("-")[0])) else None


@in_organization
def find_spot(actor: Actor, document: Document, spot: Spot) -> int | None:
    """Return the ordinal of the live chunk that stands at a place; None where nothing does.

    A chunk that was replaced since is looked for by the place it had.
    """
    chunks = Chunk.objects.for_organization(actor.organization_id).filter(document=document).defer("embedding", "tsv")
    live = chunks.filter(since__isnull=False, until=None, index_id=document.base.active_index_id)
    if spot.chunk is not None:
        row = chunks.filter(pk=spot.chunk).first()
        if row is None or (row.is_live and row.index_id == document.base.active_index_id):
            return row.ordinal if row else None
        lines = row.place.get("lines") or [None]
        spot = Spot(line=lines[0], page=row.place.get("page"))
    if spot.page is not None:
        live = live.filter(place__page=spot.page)
    if spot.line is not None:
        live = live.filter(place__lines__0__lte=spot.line, place__lines__1__gte=spot.line)
    is_said = spot.page is not None or spot.line is not None
    return live.order_by("ordinal").values_list("ordinal", flat=True).first() if is_said else None


def cursor_before(ordinal: int) -> str | None:
    """Return the cursor of the list of chunks that begins with one; None where that is the first."""
    return _sealed(ordinal - 1) if ordinal > 0 else None


def visible_documents(actor: Actor) -> OrganizationQuerySet[Document]:
    """Return the query for the documents an actor sees; to be read inside the actor's organization."""
    rows = Document.objects.for_organization(actor.organization_id).exclude(state=DocumentState.REMOVED)
    rows = rows.filter(source__deleted_at=None, base__deleted_at=None).filter(seen_by(actor, base="base__"))
    return rows.select_related("base__project__team", "source")


def _number(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdigit() and len(said) < _LONGEST_NUMBER else None


def _sealed(ordinal: int) -> str:
    return base64.urlsafe_b64encode(ordinal.to_bytes(4)).decode().rstrip("=")


def _opened(cursor: str) -> int:
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError):
        raw = b""
    if len(raw) != _ORDINAL_BYTES:
        message = "This cursor is not one of ours. Take it from 'next'."
        raise InvalidInput(message, errors=[{"place": "cursor", "message": message}])
    return min(int.from_bytes(raw), _LARGEST_ORDINAL)
