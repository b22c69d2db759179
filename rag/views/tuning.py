# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a knowledge base is set up: what it is called, how it is cut and asked, and what would come of that."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.forms.blame import MENDABLE, blame
from accounts.roles import Permission
from codexos.kernel.errors import CodexosError
from rag.forms.knowledge import (
    BaseForm,
    ChunkingForm,
    PreviewForm,
    SearchForm,
    are_valid,
    chunking_of,
    edit_of,
    shown_of,
)
from rag.operations.knowledge_bases import change_knowledge_base
from rag.operations.previews import preview_chunks
from rag.queries.documents import DocumentFilter, list_documents
from rag.views.shell import KnowledgePage

PIECES_SHOWN = 20


class SettingsPage(KnowledgePage):
    """The settings of a knowledge base, and a look at the pieces they make."""

    template_name = "rag/knowledge_settings.html"
    tab = "settings"
    to = Permission.WRITE_FILES

    def get(self, request: HttpRequest, base: str) -> HttpResponse:
        """Show them."""
        return self._show(request, self._forms())

    def post(self, request: HttpRequest, base: str) -> HttpResponse:
        """Look at what they would make, or save them."""
        forms_ = self._forms(request.POST)
        if "preview" in request.POST:
            return self._preview(request, forms_)
        if not are_valid([forms_[name] for name in ("about", "chunking", "search")]):
            return self._show(request, forms_, status=422)
        edit = edit_of(*(forms_[name].cleaned_data for name in ("about", "chunking", "search")))
        try:
            change_knowledge_base(self.actor, self.base.pk, edit)
        except MENDABLE as error:
            blame(forms_["about"], error)
            return self._show(request, forms_, status=422)
        return self.done(_("The settings are saved."), to="knowledge-settings")

    def _preview(self, request: HttpRequest, forms_: dict[str, forms.Form]) -> HttpResponse:
        chunking, wanted = forms_["chunking"], forms_["preview"]
        if not (chunking.is_valid() and wanted.is_valid()):
            return self._show(request, forms_, refused=_("Mend the settings first."))
        said = wanted.cleaned_data
        try:
            preview, _settings = preview_chunks(
                self.actor,
                self.base.pk,
                chunking=chunking_of(chunking.cleaned_data),
                document=said["document"] or None,
                text=None if said["document"] else said["text"],
            )
        except CodexosError as error:
            return self._show(request, forms_, refused=error.message)
        return self._show(request, forms_, preview=preview, pieces=preview.pieces[:PIECES_SHOWN])

    def _forms(self, data: Any = None) -> dict[str, forms.Form]:
        shown = shown_of(self.base)
        which = DocumentFilter(base=str(self.base.pk), state="ready")
        documents = [(str(row.pk), row.path) for row in list_documents(self.actor, which=which).rows]
        return {
            "about": BaseForm(data, initial=shown),
            "chunking": ChunkingForm(data, initial=shown),
            "search": SearchForm(data, initial=shown),
            "preview": PreviewForm(data, documents=documents),
        }

    def _show(
        self, request: HttpRequest, forms_: dict[str, forms.Form], *, status: int = 200, **context: Any
    ) -> HttpResponse:
        return self.page(request, status=status, forms=forms_, **context)
