# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of knowledge bases: listed, made, looked at, deleted."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.forms.blame import MENDABLE, blame
from accounts.pages import OrganizationPage
from accounts.queries.access import insist_in_organization
from accounts.queries.pages import LARGEST_PAGE
from accounts.queries.projects import list_projects
from accounts.roles import Permission
from codexos.kernel.errors import NotAllowed
from rag.forms.knowledge import NewBaseForm
from rag.operations.knowledge_bases import create_knowledge_base, delete_knowledge_base
from rag.queries.knowledge_bases import figures_of, figures_of_each, list_knowledge_bases
from rag.queries.standing import standing_of
from rag.views.shell import KnowledgePage


class KnowledgeBasesPage(OrganizationPage):
    """The knowledge bases that a person sees."""

    template_name = "rag/knowledge_bases.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them with their figures, those with a word."""
        search = request.GET.get("q", "").strip()[:200]
        found = list_knowledge_bases(self.actor, search=search, cursor=request.GET.get("cursor"))
        figures = figures_of_each(self.actor, found.rows)
        rows = [{"base": base, "figures": figures[base.pk]} for base in found.rows]
        may_make = bool(writable_projects(self))
        return self.page(request, rows=rows, search=search, may_make=may_make, **self.page_links(request, found))


class NewBasePage(OrganizationPage):
    """A knowledge base that is made."""

    template_name = "rag/knowledge_base_new.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form. Raises NotAllowed."""
        return self.page(request, form=self._form())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make it. Raises NotAllowed."""
        form = self._form(request.POST)
        if form.is_valid():
            try:
                made = create_knowledge_base(self.actor, form.cleaned_data["project"], form.edit())
                return redirect("knowledge-base", made.base.pk)
            except MENDABLE as error:
                blame(form, error)
        return self.page(request, form=form, status=422)

    def _form(self, data: Any = None) -> NewBaseForm:
        projects = writable_projects(self)
        if not projects:
            insist_in_organization(self.actor, Permission.WRITE_FILES)
            raise NotAllowed("There is no project that you may make a knowledge base in. Ask to be let into one.")
        return NewBaseForm(data, projects=[(str(project.pk), project.name) for project in projects])


class KnowledgeBasePage(KnowledgePage):
    """A knowledge base: its figures, and its sources with how far each is."""

    template_name = "rag/knowledge_base.html"
    tab = "sources"

    def get(self, request: HttpRequest, base: str) -> HttpResponse:
        """Show it."""
        standing = standing_of(self.actor, self.base, cursor=request.GET.get("cursor"))
        return self.page(
            request,
            standing=standing,
            figures=figures_of(self.actor, self.base),
            upload_url=reverse("api-knowledge-base-files", args=[self.base.pk]) + "{name}",
            max_bytes=settings.FILE_SIZE_LIMIT,
            **self.page_links(request, standing.sources),
        )


class DeleteBasePage(KnowledgePage):
    """A question before a knowledge base is lost."""

    template_name = "rag/knowledge_delete.html"
    to = Permission.WRITE_FILES

    def get(self, request: HttpRequest, base: str) -> HttpResponse:
        """Ask."""
        return self.page(
            request,
            title=_("Delete %(name)s?") % {"name": self.base.name},
            text=_("Its documents, their pieces and its settings are deleted for good, and agents find them no more."),
            action_label=_("Delete knowledge base"),
            keep_url=reverse("knowledge-base", args=[self.base.pk]),
        )

    def post(self, request: HttpRequest, base: str) -> HttpResponse:
        """Delete it."""
        delete_knowledge_base(self.actor, self.base.pk)
        return redirect("knowledge")


def writable_projects(page: OrganizationPage) -> Sequence[Any]:
    """Return the projects that somebody may make knowledge bases in."""
    rows = list_projects(page.actor, limit=LARGEST_PAGE).rows
    return [project for project in rows if page.actor.may(Permission.WRITE_FILES, project)]
