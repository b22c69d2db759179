# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the settings pages share: their tabs, a form that is sent and shown again, a question before a deed."""

from typing import Any, ClassVar

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from accounts.forms.blame import MENDABLE, blame
from accounts.pages import OrganizationPage
from accounts.queries.access import insist_in_organization
from accounts.queries.overview import Overview, overview
from accounts.rest.problems import problem_of
from accounts.roles import Permission
from codexos.kernel.errors import CodexosError

Tab = dict[str, Any]


class SettingsPage(OrganizationPage):
    """A page of the settings; ``tab`` is the one it stands under, ``needs`` what one must hold to open it."""

    tab: ClassVar[str]
    needs: ClassVar[Permission | None] = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Refuse whoever may not, before anything is read. Raises NotAllowed."""
        if request.user.is_authenticated and self.needs is not None:
            insist_in_organization(self.actor, self.needs)
        return super().dispatch(request, *args, **kwargs)

    def page(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        """Render the page under its tab."""
        tabs = SimpleLazyObject(lambda: self._tabs(overview(self.actor)))
        return super().page(request, status=status, tab=self.tab, tabs=tabs, may=self._may(), **context)

    def done(self, request: HttpRequest, text: str, *, to: str, **kwargs: Any) -> HttpResponse:
        """Say what was done and go on to the next page, so that a reload repeats nothing."""
        messages.success(request, text)
        return redirect(reverse(to, kwargs=kwargs or None))

    def _may(self) -> dict[str, bool]:
        return {permission.value: self.actor.may_in_organization(permission) for permission in Permission}

    def _tabs(self, numbers: Overview) -> list[Tab]:
        tabs: list[Tab] = [
            {"key": "members", "url": reverse("members"), "label": _("Members"), "count": numbers.members},
            {"key": "teams", "url": reverse("teams"), "label": _("Teams"), "count": numbers.teams},
            {"key": "projects", "url": reverse("projects"), "label": _("Projects"), "count": numbers.projects},
            {"key": "tokens", "url": reverse("tokens"), "label": _("Tokens"), "count": numbers.tokens},
        ]
        if self.actor.may_in_organization(Permission.VIEW_AUDIT):
            tabs.append({"key": "audit", "url": reverse("audit"), "label": _("Audit log")})
        # A page of agents, which stands with what else is the organization's.
        tabs.append({"key": "policy", "url": reverse("policy"), "label": _("Policy")})
        tabs.append({"key": "organization", "url": reverse("organization-settings"), "label": _("Organization")})
        return tabs


class FormPage(SettingsPage):
    """A page with one form. What is refused is said in the form, and what was typed stays.

    Which row it is about stands in ``self.kwargs``, as its route names it.
    """

    template_name = "accounts/form.html"

    def get(self, request: HttpRequest, **_place: str) -> HttpResponse:
        """Show the form."""
        return self.page(request, form=self.form(), **self.around())

    def post(self, request: HttpRequest, **_place: str) -> HttpResponse:
        """Do what the form asks for, or show it again with what is wrong."""
        form = self.form(request.POST)
        if form.is_valid():
            try:
                return self.save(request, form)
            except MENDABLE as error:
                blame(form, error)
        return self.page(request, form=form, status=422, **self.around())

    def form(self, data: Any = None) -> Form:
        """Return the form, filled with ``data`` or with what is there already."""
        raise NotImplementedError

    def save(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Do what a valid form asks for and lead on."""
        raise NotImplementedError

    def around(self) -> dict[str, Any]:
        """Return what the page shows around its form."""
        return {}


class ConfirmPage(SettingsPage):
    """A question before something is lost. The same question opens as a dialog where scripts run."""

    template_name = "accounts/confirm.html"

    def get(self, request: HttpRequest, **_place: str) -> HttpResponse:
        """Ask."""
        return self.page(request, **self.question())

    def post(self, request: HttpRequest, **_place: str) -> HttpResponse:
        """Do it, or say why not."""
        question = self.question()
        word = question.get("confirm_word")
        if word and request.POST.get("confirm", "").strip() != word:
            problem = _("Type %(word)s to go on; nothing was deleted.") % {"word": word}
            return self.page(request, status=422, problem=problem, **question)
        try:
            return self.deed(request)
        except MENDABLE as error:
            return self.page(request, status=_status_of(error), problem=error.message, **question)

    def question(self) -> dict[str, Any]:
        """Return ``title``, ``text``, ``action_label``, ``keep_url`` and perhaps ``confirm_word``. Raises NotFound."""
        raise NotImplementedError

    def deed(self, request: HttpRequest) -> HttpResponse:
        """Do it and lead on."""
        raise NotImplementedError


def _status_of(error: CodexosError) -> int:
    return problem_of(error).status
