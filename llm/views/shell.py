# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the pages about models share: their tabs, and what one may choose from."""

from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.pages import OrganizationPage
from accounts.queries.access import insist_in_organization
from accounts.queries.pages import LARGEST_PAGE
from accounts.queries.projects import list_projects
from llm.forms.providers import key_choice
from llm.queries.deployments import operators_names
from llm.queries.providers import MANAGE, all_deployments, may_manage_models, may_see_keys
from llm.queries.routes import MANAGE_OF_PROJECT
from vault.queries.secrets import list_secrets


class ModelsPage(OrganizationPage):
    """A page about models; ``for_admins`` is what only those who manage the organization open."""

    tab: ClassVar[str] = ""
    for_admins: ClassVar[bool] = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Refuse whoever may not, before anything is read. Raises NotAllowed."""
        if request.user.is_authenticated and self.for_admins:
            insist_in_organization(self.actor, MANAGE)
        return super().dispatch(request, *args, **kwargs)

    def page(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        """Render the page under its tab."""
        about = {"tab": self.tab, "may_manage": may_manage_models(self.actor)}
        return super().page(request, status=status, **{**about, **context})

    def done(self, text: str, *, to: str, **place: Any) -> HttpResponse:
        """Say what was done and go on, so that a reload repeats nothing."""
        messages.success(self.request, text)
        return redirect(reverse(to, kwargs=place or None))

    def keys(self) -> list[tuple[str, Any]]:
        """Return the secrets a provider's key may be, as choices by folder: none of them is one person's alone."""
        if not may_see_keys(self.actor):
            return []
        rows = [row for row in list_secrets(self.actor, limit=LARGEST_PAGE).rows if row.scope != "personal"]
        groups: dict[str, list[tuple[str, str]]] = {}
        for row in rows:
            folder = (row.project or row.team).name if row.project or row.team else _("Organization")  # type: ignore[union-attr]
            choice = key_choice(row.scope, row.team_id or row.project_id, row.key)
            groups.setdefault(folder, []).append((choice, row.key))
        return sorted(groups.items())

    def deployments(self) -> list[tuple[str, str]]:
        """Return what a route may lead to, as choices."""
        own = [(str(row.pk), f"{row.name} ({row.provider.name})") for row in all_deployments(self.actor)]
        return [*own, *((name, f"{name} ({_('this server')})") for name in operators_names())]

    def places(self) -> list[tuple[str, Any]]:
        """Return for whom the actor may make routes, as choices."""
        projects = [
            (str(project.pk), project.name)
            for project in list_projects(self.actor, limit=LARGEST_PAGE).rows
            if self.actor.may(MANAGE_OF_PROJECT, project)
        ]
        wide = [("", _("The organization's"))] if may_manage_models(self.actor) else []
        return [*wide, *([(_("One project's"), projects)] if projects else [])]
