# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Looks up what is kept of symbols: each question one index scan, whatever the database believes of its tables.

Rows and the documents they stand in are asked for one after the other. Joined, a planner that has not counted a table
yet, as after a first ingestion, reads all of a knowledge base for a dozen rows of it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Q

from accounts.tenancy import OrganizationQuerySet
from rag.engine.symbols.facts import SymbolKind
from rag.engine.symbols.importing import is_meant, leaf_of
from rag.engine.symbols.places import Known
from rag.models import Document, DocumentState, Symbol, SymbolImport, SymbolReference, SymbolWord

_MOST_BY_NAME = 200
_MOST_BY_WORD = 3_000
_MOST_REFERENCES = 300
_COLUMNS = ("document_id", "name", "kind", "scope", "first_line", "last_line")


class Used(NamedTuple):
    """A name that a document uses: how, inside of what, on which lines."""

    document_id: UUID
    path: str
    name: str
    uses: Sequence[Mapping[str, Any]]


class Imported(NamedTuple):
    """An import of a document."""

    document_id: UUID
    module: str
    target: str
    names: Sequence[str]
    line: int


@dataclass(frozen=True, slots=True)
class SymbolRows:
    """What is kept of the symbols of some bases; ``allowed`` says which of their documents count."""

    organization_id: UUID
    base_ids: Sequence[UUID]
    allowed: Q
    _paths: dict[UUID, str | None] = field(default_factory=dict)

    def count_words(self, words: Collection[str]) -> dict[str, int]:
        """Return how many symbols have each word in their names."""
        rows = SymbolWord.objects.for_organization(self.organization_id).filter(base_id__in=self.base_ids)
        return dict(rows.filter(word__in=words).values_list("word").annotate(count=Count("pk")))

    def find_by_words(self, words: Iterable[str], counts: Mapping[str, int], *, most: int) -> list[UUID]:
        """Return the symbols whose names have the most of the words, rarer words first."""
        weights: dict[UUID, float] = {}
        left = _MOST_BY_WORD
        for word in sorted((word for word in words if word in counts), key=lambda word: counts[word]):
            rows = SymbolWord.objects.for_organization(self.organization_id)
            rows = rows.filter(base_id__in=self.base_ids, word=word)
            for symbol_id in rows.values_list("symbol_id", flat=True)[:left]:
                weights[symbol_id] = weights.get(symbol_id, 0.0) + 1.0 / (1 + counts[word])
                left -= 1
            if left <= 0:
                break
        return sorted(weights, key=lambda symbol_id: -weights[symbol_id])[:most]

    def with_keys(self, keys: Collection[str]) -> list[tuple[UUID, Known]]:
        """Return the symbols of these keys, each with its document."""
        rows = self._symbols().filter(base_id__in=self.base_ids, key__in=keys)
        return self._known(list(rows.values_list(*_COLUMNS)[:_MOST_BY_NAME]))

    def with_ids(self, symbol_ids: Collection[UUID]) -> list[tuple[UUID, Known]]:
        """Return these symbols, each with its document."""
        return self._known(list(self._symbols().filter(pk__in=symbol_ids).values_list(*_COLUMNS)))

    def uses_of(self, names: Collection[str]) -> list[Used]:
        """Return who uses these names."""
        rows = SymbolReference.objects.for_organization(self.organization_id)
        rows = rows.filter(base_id__in=self.base_ids, name__in=names)
        found = list(rows.values_list("document_id", "name", "uses")[:_MOST_REFERENCES])
        paths = self.paths_of(document for document, *_ in found)
        return [Used(document, paths[document], name, uses) for document, name, uses in found if document in paths]

    def imports_of(self, ends: Collection[str]) -> list[Imported]:
        """Return the imports that lead to documents with these ends of paths."""
        rows = SymbolImport.objects.for_organization(self.organization_id)
        rows = rows.filter(base_id__in=self.base_ids, leaf__in={leaf_of(end) for end in ends})
        columns = ("document_id", "module", "target", "names", "line")
        found = [Imported(*row) for row in rows.values_list(*columns)[:_MOST_REFERENCES]]
        meant = [row for row in found if any(is_meant(row.target, end) for end in ends)]
        paths = self.paths_of(row.document_id for row in meant)
        return [row for row in meant if row.document_id in paths]

    def paths_of(self, document_ids: Iterable[UUID]) -> dict[UUID, str]:
        """Return the paths of those of the documents that count."""
        wanted = set(document_ids)
        if unknown := wanted - self._paths.keys():
            rows = Document.objects.for_organization(self.organization_id).filter(self.allowed, pk__in=unknown)
            here = rows.exclude(state=DocumentState.REMOVED).filter(source__deleted_at=None)
            self._paths.update(dict.fromkeys(unknown))
            self._paths.update(here.values_list("pk", "path"))
        return {pk: path for pk in wanted if (path := self._paths[pk]) is not None}

    def _symbols(self) -> OrganizationQuerySet[Symbol]:
        return Symbol.objects.for_organization(self.organization_id)

    def _known(self, rows: Sequence[tuple[Any, ...]]) -> list[tuple[UUID, Known]]:
        paths = self.paths_of(document for document, *_ in rows)
        return [
            (document, Known(name, SymbolKind(kind), scope, first, last, paths[document]))
            for document, name, kind, scope, first, last in rows
            if document in paths
        ]
