# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A small knowledge base of code: documents with live chunks of a few lines each, as ingestion would leave them."""

from dataclasses import dataclass
from uuid import UUID

from accounts.tenancy import tenant
from rag.models import Chunk, Document, DocumentState, KnowledgeBase, KnowledgeIndex, Source, SourceKind
from rag.workers.symbols import index_symbols
from tests.factories import Someone

CHUNK_LINES = 6


@dataclass(frozen=True)
class Code:
    """A base with one source and one index."""

    base: KnowledgeBase
    source: Source
    index: KnowledgeIndex

    @property
    def organization_id(self) -> UUID:
        """Whose it is."""
        return self.base.organization_id

    def add(self, path: str, text: str) -> Document:
        """Take in a document as ingestion does: row, chunks, symbols."""
        whose = {"organization_id": self.organization_id}
        with tenant(self.organization_id):
            document = Document.objects.create(
                **whose,
                base=self.base,
                source=self.source,
                path=path,
                source_type=self.source.kind,
                state=DocumentState.READY,
            )
            self.cut(document, text)
        index_symbols(document, text.encode())
        return document

    def cut(self, document: Document, text: str) -> None:
        """Make the document's live chunks."""
        lines = text.splitlines()
        for ordinal, start in enumerate(range(0, len(lines), CHUNK_LINES)):
            some = lines[start : start + CHUNK_LINES]
            Chunk.objects.create(
                organization_id=self.organization_id,
                index=self.index,
                document=document,
                ordinal=ordinal,
                text="\n".join(some),
                place={"lines": [start + 1, start + len(some)]},
                sha256=f"{ordinal:064x}",
                since=1,
            )

    def text_of(self, chunk_id: UUID) -> str:
        """Return what stands in a chunk."""
        with tenant(self.organization_id):
            return Chunk.objects.for_organization(self.organization_id).get(pk=chunk_id).text


def make_code(who: Someone, project: object, *, slug: str = "code", kind: SourceKind = SourceKind.GIT) -> Code:
    """Make an empty knowledge base for code."""
    whose = {"organization_id": who.actor.organization_id}
    with tenant(who.actor.organization_id):
        base = KnowledgeBase.objects.create(**whose, project=project, slug=slug, name=slug, made_by=who.person)
        index = KnowledgeIndex.objects.create(**whose, base=base, number=1, model="local", state="active")
        KnowledgeBase.objects.for_organization(base.organization_id).filter(pk=base.pk).update(active_index=index)
        base.active_index = index
        source = Source.objects.create(**whose, base=base, kind=kind, name="repository", made_by=who.person)
    return Code(base, source, index)
