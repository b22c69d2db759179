# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of sources: connected after a try, and what is done to one and to its readings."""

from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.forms.blame import MENDABLE, blame
from accounts.roles import Permission
from codexos.kernel.errors import CodexosError
from rag.forms.sources import KINDS, READ_AT_ONCE, SourceForm, known_kind
from rag.operations.ingestions import cancel_ingestion, pause_ingestion, resume_ingestion, retry_ingestion
from rag.operations.sources import create_source, delete_source, sync_source
from rag.operations.trying import try_source
from rag.queries.sources import access_source
from rag.views.shell import KnowledgePage


class NewSourcePage(KnowledgePage):
    """A source that a knowledge base is connected to: tried first, if one likes."""

    template_name = "rag/source_new.html"
    tab = "sources"
    to = Permission.WRITE_FILES

    def get(self, request: HttpRequest, base: str) -> HttpResponse:
        """Show the form of a kind."""
        return self._show(request, self._form(request.GET.get("kind")))

    def post(self, request: HttpRequest, base: str) -> HttpResponse:
        """Try it, or connect it."""
        form = self._form(request.POST.get("kind"), request.POST)
        if not form.is_valid():
            return self._show(request, form, status=422)
        if "try" in request.POST:
            return self._try(request, form)
        try:
            create_source(self.actor, self.base.pk, form.said())
        except MENDABLE as error:
            blame(form, error)
            return self._show(request, form, status=422)
        return self.done(_("The source is connected."))

    def _try(self, request: HttpRequest, form: SourceForm) -> HttpResponse:
        try:
            return self._show(request, form, tried=try_source(self.actor, self.base.pk, form.said()))
        except CodexosError as error:
            return self._show(request, form, refused=error.message)

    def _form(self, kind: str | None, data: Any = None) -> SourceForm:
        return SourceForm(data, kind=known_kind(kind))

    def _show(self, request: HttpRequest, form: SourceForm, *, status: int = 200, **context: Any) -> HttpResponse:
        can_try = form.kind not in READ_AT_ONCE
        return self.page(request, status=status, form=form, kind=form.kind, kinds=KINDS, can_try=can_try, **context)


class SourceDeed(KnowledgePage):
    """Reading a source now."""

    to = Permission.WRITE_FILES

    def post(self, request: HttpRequest, base: str, source: str) -> HttpResponse:
        """Read it. Raises SourceNotFound."""
        deed = partial(sync_source, self.actor, source, confirmed="confirmed" in request.POST)
        return self.attempt(deed, said=_("The source is being read."))


class DeleteSourcePage(KnowledgePage):
    """A question before a source is lost."""

    template_name = "rag/knowledge_delete.html"
    to = Permission.WRITE_FILES

    @cached_property
    def source(self) -> Any:
        """The source it is about. Raises SourceNotFound, NotAllowed."""
        return access_source(self.actor, self.kwargs["source"], to=Permission.WRITE_FILES)

    def get(self, request: HttpRequest, base: str, source: str) -> HttpResponse:
        """Ask."""
        return self.page(
            request,
            title=_("Delete %(name)s?") % {"name": self.source.name},
            text=_("All that was read from it is deleted for good. What it reads from stays as it is."),
            action_label=_("Delete source"),
            keep_url=reverse("knowledge-base", args=[self.base.pk]),
        )

    def post(self, request: HttpRequest, base: str, source: str) -> HttpResponse:
        """Delete it."""
        name = self.source.name
        delete_source(self.actor, self.source.pk)
        return self.done(_("%(name)s is deleted.") % {"name": name})


class IngestionDeed(KnowledgePage):
    """Pausing, resuming, retrying or cancelling a reading."""

    to = Permission.WRITE_FILES

    def post(self, request: HttpRequest, base: str, *, ingestion: str, move: str) -> HttpResponse:
        """Do it. Raises IngestionNotFound."""
        deeds = {
            "pause": (pause_ingestion, _("Reading is paused.")),
            "resume": (resume_ingestion, _("Reading goes on.")),
            "retry": (retry_ingestion, _("What failed is tried again.")),
            "cancel": (cancel_ingestion, _("Reading is cancelled; what is done stays.")),
        }
        if move not in deeds:
            raise Http404
        operation, said = deeds[move]
        return self.attempt(partial(operation, self.actor, ingestion), said=said)
