# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Knowledge bases whose chunks stand there as ingestion leaves them, with vectors that a test can foretell.

A vector here has one direction for each topic; what a text means is said beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from accounts.models import Project
from accounts.tenancy import tenant
from rag.engine.terms import search_vector
from rag.models import (
    Chunk,
    Document,
    DocumentState,
    IndexState,
    KnowledgeBase,
    KnowledgeIndex,
    Revision,
    Source,
    SourceKind,
)
from tests.factories import Someone

TOPICS = ("wings", "slabs", "users", "money", "nothing")


def meaning(**topics: float) -> list[float]:
    """Return the direction of what is about these topics."""
    numbers = [topics.get(topic, 0.01) for topic in TOPICS]
    length = sum(number * number for number in numbers) ** 0.5
    return [number / length for number in numbers]


@dataclass
class Shelf:
    """A base with one source and one index."""

    base: KnowledgeBase
    source: Source
    index: KnowledgeIndex
    _documents: dict[str, Document] = field(default_factory=dict)

    @property
    def organization_id(self) -> UUID:
        """Whose it is."""
        return self.base.organization_id

    def add(self, path: str, text: str, *, since: int = 1, until: int | None = None, **more: Any) -> Chunk:
        """Take in one more chunk of a document. ``about``: what it means; ``context``, ``lines``, and of documents."""
        about: Mapping[str, float] = more.pop("about", {"nothing": 1})
        context, lines, parent = more.pop("context", ""), more.pop("lines", [1, 2]), more.pop("parent", None)
        document = self._document(path, **more)
        tsv, terms = search_vector([document.title, context], text)
        with tenant(self.organization_id):
            ordinal = Chunk.objects.for_organization(self.organization_id).filter(document=document).count()
            return Chunk.objects.create(
                organization_id=self.organization_id,
                index=self.index,
                document=document,
                ordinal=ordinal,
                parent=parent,
                text=text,
                context=context,
                place={"lines": lines},
                sha256=sha256(f"{context}{text}".encode()).hexdigest(),
                since=since,
                until=until,
                embedding=meaning(**about),
                tsv=tsv,
                terms=terms,
            )

    def revise(self, number: int, commit: str) -> None:
        """Note a commit of the source."""
        with tenant(self.organization_id):
            Revision.objects.create(
                organization_id=self.organization_id, source=self.source, number=number, commit=commit
            )

    def _document(self, path: str, **fields: Any) -> Document:
        if path not in self._documents:
            with tenant(self.organization_id):
                self._documents[path] = Document.objects.create(
                    organization_id=self.organization_id,
                    base=self.base,
                    source=self.source,
                    path=path,
                    source_type=fields.pop("source_type", self.source.kind),
                    state=DocumentState.READY,
                    chunk_count=1,
                    **{"title": path.rpartition("/")[2].partition(".")[0], **fields},
                )
        return self._documents[path]


def make_shelf(who: Someone, project: Project, *, slug: str = "notes", kind: str = SourceKind.UPLOAD) -> Shelf:
    """Make an empty base with an index in use."""
    whose = {"organization_id": project.organization_id}
    with tenant(project.organization_id):
        base = KnowledgeBase.objects.create(**whose, project=project, slug=slug, name=slug, made_by=who.person)
        index = KnowledgeIndex.objects.create(
            **whose, base=base, number=1, model="embedded", dimensions=len(TOPICS), state=IndexState.ACTIVE
        )
        base.active_index = index
        base.save(update_fields=["active_index"])
        source = Source.objects.create(**whose, base=base, kind=kind, name="files", made_by=who.person)
    return Shelf(base, source, index)
