# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Teams: who works on what together."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.forms.places import NameForm, NewNameForm
from accounts.operations.teams import change_team, create_team, delete_team
from accounts.queries.members import list_members
from accounts.queries.pages import LARGEST_PAGE
from accounts.queries.projects import list_projects
from accounts.queries.teams import access_team, list_teams
from accounts.roles import Permission
from accounts.views.shell import ConfirmPage, FormPage, SettingsPage


class TeamListPage(SettingsPage):
    """The teams a person sees."""

    template_name = "accounts/teams.html"
    tab = "teams"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, newest first."""
        teams = list_teams(self.actor, cursor=request.GET.get("cursor"))
        return self.page(request, teams=teams.rows, form=NewNameForm(), **self.page_links(request, teams))


class NewTeamPage(FormPage):
    """Making a team."""

    tab = "teams"
    needs = Permission.MANAGE_ORGANIZATION

    def form(self, data: Any = None) -> NewNameForm:
        """Return the form."""
        return NewNameForm(data)

    def save(self, request: HttpRequest, form: NewNameForm) -> HttpResponse:
        """Make the team."""
        team = create_team(self.actor, name=form.cleaned_data["name"], slug=form.cleaned_data["slug"] or None)
        return self.done(request, _("The team %(name)s is there.") % {"name": team.name}, to="team", team=team.slug)

    def around(self) -> dict[str, Any]:
        """Return the words around the form."""
        return {"title": _("New team"), "action_label": _("Make team"), "keep": "teams"}


class TeamPage(FormPage):
    """One team: its name, its members, its projects."""

    template_name = "accounts/team.html"
    tab = "teams"

    def form(self, data: Any = None) -> NameForm:
        """Return the form with the names of now."""
        row = access_team(self.actor, self.kwargs["team"])
        return NameForm(data, initial={"name": row.name, "slug": row.slug})

    def save(self, request: HttpRequest, form: NameForm) -> HttpResponse:
        """Rename the team."""
        asked = form.cleaned_data
        row = change_team(self.actor, self.kwargs["team"], name=asked["name"], slug=asked["slug"])
        return self.done(request, _("The team %(name)s is changed.") % {"name": row.name}, to="team", team=row.slug)

    def around(self) -> dict[str, Any]:
        """Return who and what stands in it."""
        return {
            "team": access_team(self.actor, self.kwargs["team"]),
            "members": list_members(self.actor, team=self.kwargs["team"], limit=LARGEST_PAGE),
            "projects": list_projects(self.actor, team=self.kwargs["team"], limit=LARGEST_PAGE),
        }


class DeleteTeamPage(ConfirmPage):
    """Deleting a team that holds nothing any more."""

    tab = "teams"
    needs = Permission.MANAGE_ORGANIZATION

    def question(self) -> dict[str, Any]:
        """Name what is lost."""
        row = access_team(self.actor, self.kwargs["team"])
        return {
            "title": _("Delete the team %(name)s?") % {"name": row.name},
            "text": _("Its members stay in the organization and lose what the team let them do."),
            "action_label": _("Delete"),
            "keep": "teams",
        }

    def deed(self, request: HttpRequest) -> HttpResponse:
        """Delete it."""
        name = access_team(self.actor, self.kwargs["team"]).name
        delete_team(self.actor, self.kwargs["team"])
        return self.done(request, _("The team %(name)s is deleted.") % {"name": name}, to="teams")
