# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What stands where in the code of a knowledge base, and what became of it lately, as one actor sees them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.actor import Actor
from accounts.queries.access import id_in
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.tenancy import OrganizationQuerySet, in_organization
from rag.engine.symbols.facts import SymbolKind
from rag.engine.symbols.importing import ends_of, is_meant, leaf_of
from rag.engine.symbols.words import key_of, words_of
from rag.errors.knowledge import SymbolNotFound
from rag.models import (
    DocumentState,
    KnowledgeBase,
    PathHistory,
    Symbol,
    SymbolImport,
    SymbolReference,
    SymbolWord,
)
from rag.queries.knowledge_bases import access_knowledge_base

MOST_IMPORTERS = 500
_MOST_WORDS = 8
_MOST_BY_WORD = 2_000


@dataclass(frozen=True, slots=True)
class SymbolFilter:
    """Which symbols: of a name however it is spelled, with all words of a text, of a kind, below a path."""

    name: str = ""
    words: str = ""
    kind: str = ""
    prefix: str = ""


_EVERYTHING = SymbolFilter()


@dataclass(frozen=True, slots=True)
class Placed:
    """A symbol, and what changed its document last, where its source tells."""

    symbol: Symbol
    past: PathHistory | None


@in_organization
def list_symbols(
    actor: Actor,
    base: UUID | str,
    *,
    which: SymbolFilter = _EVERYTHING,
    cursor: str | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Placed]:
    """Return the symbols of a knowledge base, those read last first. Raises KnowledgeBaseNotFound kinds."""
    rows = _symbols(access_knowledge_base(actor, base))
    if which.name:
        *_, name = which.name.replace("::", ".").replace("#", ".").split(".")
        rows = rows.filter(key=key_of(name) or name)
    if which.words:
        rows = rows.filter(pk__in=_having(actor, base, words_of(which.words)))
    if which.kind:
        rows = rows.filter(kind=which.kind)
    if which.prefix:
        rows = rows.filter(document__path__startswith=which.prefix)
    page = page_of(rows, cursor=cursor, limit=limit)
    pasts = pasts_of(actor, [(row.document.source_id, row.document.path) for row in page.rows])
    return page.map(lambda row: Placed(row, pasts.get((row.document.source_id, row.document.path))))


@in_organization
def access_symbol(actor: Actor, base: UUID | str, symbol: UUID | str) -> Symbol:
    """Return one symbol. Raises KnowledgeBaseNotFound kinds, SymbolNotFound."""
    id_ = id_in(symbol)
    found = _symbols(access_knowledge_base(actor, base)).filter(pk=id_).first() if id_ else None
    if found is None:
        raise SymbolNotFound(str(symbol))
    return found


@in_organization
def list_references(
    actor: Actor, base: UUID | str, symbol: UUID | str, *, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[SymbolReference]:
    """Return who uses a symbol's name, document by document. Raises as access_symbol.

    A name is all that is compared: of two symbols with one name, each has the uses of both.
    """
    found = access_symbol(actor, base, symbol)
    rows = SymbolReference.objects.for_organization(actor.organization_id).filter(base_id=found.base_id)
    return page_of(_standing(rows.filter(name=found.name)), cursor=cursor, limit=limit)


@in_organization
def find_importers(actor: Actor, base: UUID | str, symbol: UUID | str) -> Sequence[SymbolImport]:
    """Return the imports that lead to the document in which a symbol is defined. Raises as access_symbol."""
    found = access_symbol(actor, base, symbol)
    ends = ends_of(found.document.path)
    rows = SymbolImport.objects.for_organization(actor.organization_id).filter(base_id=found.base_id)
    near = _standing(rows.filter(leaf__in={leaf_of(end) for end in ends})).order_by("document__path", "line")
    is_file = found.kind == SymbolKind.MODULE
    meant = (row for row in near[: 4 * MOST_IMPORTERS] if any(is_meant(row.target, end) for end in ends))
    # A module that is taken whole brings every name of it.
    naming = (row for row in meant if is_file or not row.names or found.name in row.names)
    return list(islice(naming, MOST_IMPORTERS))


@in_organization
def pasts_of(actor: Actor, places: Collection[tuple[UUID, str]]) -> Mapping[tuple[UUID, str], PathHistory]:
    """Return what is known of the past of paths, each named with its source."""
    sources, paths = {source for source, _ in places}, {path for _, path in places}
    rows = PathHistory.objects.for_organization(actor.organization_id).filter(source_id__in=sources, path__in=paths)
    return {(row.source_id, row.path): row for row in rows}


def _symbols(base: KnowledgeBase) -> OrganizationQuerySet[Symbol]:
    rows = Symbol.objects.for_organization(base.organization_id).filter(base=base)
    return _standing(rows)


def _standing(rows: QuerySet) -> OrganizationQuerySet:  # type: ignore[type-arg]
    here = rows.filter(~Q(document__state=DocumentState.REMOVED), document__source__deleted_at=None)
    return here.select_related("document")  # type: ignore[return-value]


def _having(actor: Actor, base: UUID | str, words: Sequence[str]) -> list[UUID]:
    """Return the symbols that have all of the words."""
    row = access_knowledge_base(actor, base)
    found: set[UUID] | None = None
    for word in words[:_MOST_WORDS]:
        rows = SymbolWord.objects.for_organization(actor.organization_id).filter(base=row, word=word)
        rows = rows if found is None else rows.filter(symbol_id__in=found)
        found = set(rows.values_list("symbol_id", flat=True)[:_MOST_BY_WORD])
    return list(found or ())
