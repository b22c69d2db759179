# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The organization itself: its names, who broke the glass, another one founded, another one chosen."""

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.generic import View

from accounts.errors import BreakGlassNotFound
from accounts.forms.places import NewNameForm, OrganizationForm
from accounts.middleware import work_in
from accounts.operations.break_glass import end_break_glass
from accounts.operations.organizations import change_organization, choose_organization, found_organization
from accounts.queries.break_glass_history import list_break_glass
from accounts.queries.organizations import access_organization
from accounts.roles import Permission
from accounts.views.shell import FormPage, SettingsPage
from codexos.kernel import clock
from codexos.kernel.ids import parse_id

_ALLOWED = ("allows_substitute_models", "allows_secrets_in_prompts")


class OrganizationSettingsPage(FormPage):
    """The names of the organization and who has entered it."""

    template_name = "accounts/organization.html"
    tab = "organization"

    def form(self, data: Any = None) -> OrganizationForm:
        """Return the form with what holds now."""
        row = access_organization(self.actor)
        allowed = {name: "yes" if getattr(row, name) else "no" for name in _ALLOWED}
        kept = {name: getattr(row, name) for name in ("name", "slug", "content_days", "most_runs")}
        return OrganizationForm(data, initial=kept | allowed)

    def save(self, request: HttpRequest, form: OrganizationForm) -> HttpResponse:
        """Change the organization."""
        change_organization(self.actor, **form.cleaned_data)
        return self.done(request, _("The organization is changed."), to="organization-settings")

    def around(self) -> dict[str, Any]:
        """Return the organization and, for who runs it, the history of entries."""
        context: dict[str, Any] = {"row": access_organization(self.actor)}
        if self.actor.may_in_organization(Permission.MANAGE_ORGANIZATION):
            entries = list_break_glass(self.actor, cursor=self.request.GET.get("cursor"))
            now = clock.now()
            context["entries"] = [(e, e.ended_at is None and e.expires_at > now) for e in entries.rows]
            context |= self.page_links(self.request, entries)
        return context


class FoundOrganizationPage(FormPage):
    """Founding another organization."""

    tab = "organization"

    def form(self, data: Any = None) -> NewNameForm:
        """Return the form."""
        return NewNameForm(data)

    def save(self, request: HttpRequest, form: NewNameForm) -> HttpResponse:
        """Found it and go there."""
        asked = form.cleaned_data
        person: Any = request.user
        organization = found_organization(person, name=asked["name"], slug=asked["slug"] or None)
        choose_organization(person, organization.id)
        work_in(request, organization.id)
        return self.done(request, _("%(name)s is founded.") % {"name": organization.name}, to="members")

    def around(self) -> dict[str, Any]:
        """Return the words around the form."""
        return {
            "title": _("Found another organization"),
            "action_label": _("Found"),
            "keep": "organization-settings",
            "note": _("You become its admin. It shares nothing with this one."),
        }


class EndBreakGlassDeed(SettingsPage):
    """Ends a system admin's entry."""

    tab = "organization"
    needs = Permission.MANAGE_ORGANIZATION

    def post(self, request: HttpRequest, *, entry: str) -> HttpResponse:
        """End it."""
        id_ = parse_id(entry)
        if id_ is None:
            raise BreakGlassNotFound("No entry has such an id.")
        end_break_glass(self.actor, break_glass_id=id_)
        return self.done(request, _("The entry is ended."), to="organization-settings")


class SwitchOrganizationDeed(LoginRequiredMixin, View):
    """Changes in which of one's organizations one works."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Choose it and start at home: the page one stood on belongs to the other. Raises OrganizationNotFound."""
        person: Any = request.user
        chosen = choose_organization(person, request.POST.get("organization", ""))
        work_in(request, chosen.organization_id)
        return redirect("home")
