# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of documents: listed, looked at piece by piece, read again, deleted."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.roles import Permission
from rag.operations.documents import delete_document, may_be_deleted, retry_document
from rag.queries.documents import (
    DocumentFilter,
    access_document,
    cursor_before,
    find_spot,
    list_chunks,
    list_documents,
    spot_of,
)
from rag.queries.knowledge_bases import access_knowledge_base
from rag.views.shell import KnowledgePage

CHUNKS_ON_A_PAGE = 50
_BEFORE = 3
_BUSY = ("waiting", "parsing", "chunking", "embedding")


class DocumentsPage(KnowledgePage):
    """The documents of a knowledge base."""

    template_name = "rag/documents.html"
    tab = "documents"

    def get(self, request: HttpRequest, base: str) -> HttpResponse:
        """Show them: all, those in a state, of a source, with a word."""
        asked = request.GET
        search, state = asked.get("q", "").strip()[:200], asked.get("state", "")
        which = DocumentFilter(
            base=str(self.base.pk),
            source=asked.get("source", ""),
            state=state,
            search=search,
        )
        found = list_documents(self.actor, which=which, cursor=asked.get("cursor"))
        return self.page(
            request,
            documents=found.rows,
            search=search,
            state=state,
            states=[("ready", _("Ready")), ("failed", _("Failed")), ("waiting", _("Waiting"))],
            is_moving=any(document.state in _BUSY for document in found.rows),
            **self.page_links(request, found),
        )


class AboutDocument(KnowledgePage):
    """What is about one document, and by it about its knowledge base."""

    def document(self) -> Any:
        """Return the document. Raises DocumentNotFound, NotAllowed."""
        return access_document(self.actor, self.kwargs["document"], to=self.to)

    @cached_property
    def base(self) -> Any:
        """The knowledge base that the document is of."""
        return access_knowledge_base(self.actor, self.document().base_id)


class DocumentPage(AboutDocument):
    """A document as it was cut; ``?at=`` leads to a place in it."""

    template_name = "rag/document.html"
    tab = "documents"

    def get(self, request: HttpRequest, document: str) -> HttpResponse:
        """Show its pieces from a place on, with where each stands."""
        row, said = self.document(), request.GET.get("at", "")
        ordinal = find_spot(self.actor, row, spot) if (spot := spot_of(said)) else None
        cursor = request.GET.get("cursor")
        if ordinal is not None and cursor is None:
            cursor = cursor_before(max(0, ordinal - _BEFORE))
        chunks = list_chunks(self.actor, row.pk, cursor=cursor, limit=CHUNKS_ON_A_PAGE)
        return self.page(
            request,
            document=row,
            chunks=chunks.rows,
            here=ordinal,
            line=spot.line if spot else None,
            is_lost=bool(said) and ordinal is None,
            starts_later=cursor is not None,
            may_delete=may_be_deleted(row),
            whole_url=reverse("document", args=[row.pk]),
            **self.page_links(request, chunks),
        )


class RetryDocumentDeed(AboutDocument):
    """Reading a document again."""

    to = Permission.WRITE_FILES

    def post(self, request: HttpRequest, document: str) -> HttpResponse:
        """Read it again. Raises DocumentNotFound, NotAllowed."""
        deed = partial(retry_document, self.actor, document)
        return self.attempt(deed, said=_("The document is being read again."), to="knowledge-documents")


class DeleteDocumentPage(AboutDocument):
    """A question before a document is lost."""

    template_name = "rag/knowledge_delete.html"
    tab = "documents"
    to = Permission.WRITE_FILES

    def get(self, request: HttpRequest, document: str) -> HttpResponse:
        """Ask."""
        row = self.document()
        return self.page(
            request,
            title=_("Delete %(name)s?") % {"name": row.path},
            text=_("The document and its pieces are deleted for good."),
            action_label=_("Delete document"),
            keep_url=reverse("document", args=[row.pk]),
        )

    def post(self, request: HttpRequest, document: str) -> HttpResponse:
        """Delete it."""
        row, base = self.document(), self.base
        delete_document(self.actor, row.pk)
        messages.success(request, _("%(name)s is deleted.") % {"name": row.path})
        return redirect("knowledge-documents", base.pk)
