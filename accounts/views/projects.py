# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Projects: the containers of flows, knowledge and files."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.forms.places import NewProjectForm, ProjectForm
from accounts.operations.projects import change_project, create_project, delete_project
from accounts.queries.access import insist
from accounts.queries.projects import access_project, list_projects
from accounts.queries.teams import list_manageable_teams
from accounts.roles import Permission
from accounts.views.shell import ConfirmPage, FormPage, SettingsPage
from codexos.kernel.errors import NotAllowed


class ProjectListPage(SettingsPage):
    """The projects a person sees."""

    template_name = "accounts/projects.html"
    tab = "projects"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, newest first."""
        projects = list_projects(self.actor, cursor=request.GET.get("cursor"))
        rows = [(project, self.actor.may(Permission.MANAGE_PROJECTS, project)) for project in projects.rows]
        teams = list_manageable_teams(self.actor)
        form = NewProjectForm(teams=teams) if teams else None
        return self.page(request, rows=rows, form=form, **self.page_links(request, projects))


class NewProjectPage(FormPage):
    """Making a project."""

    tab = "projects"

    def form(self, data: Any = None) -> NewProjectForm:
        """Return the form with the teams one may make projects in. Raises NotAllowed where there is none."""
        teams = list_manageable_teams(self.actor)
        if not teams:
            raise NotAllowed("There is no team in which you may make projects. Ask its lead.")
        return NewProjectForm(data, teams=teams)

    def save(self, request: HttpRequest, form: NewProjectForm) -> HttpResponse:
        """Make the project."""
        asked = form.cleaned_data
        project = create_project(
            self.actor,
            team=asked["team"],
            name=asked["name"],
            slug=asked["slug"] or None,
            description=asked["description"],
        )
        return self.done(request, _("The project %(name)s is there.") % {"name": project.name}, to="projects")

    def around(self) -> dict[str, Any]:
        """Return the words around the form."""
        return {"title": _("New project"), "action_label": _("Make project"), "keep": "projects"}


class ProjectPage(FormPage):
    """One project's names, team and description."""

    template_name = "accounts/project.html"
    tab = "projects"

    def form(self, data: Any = None) -> ProjectForm:
        """Return the form with what is there now. Raises NotAllowed where something is sent that may not be."""
        row = access_project(self.actor, self.kwargs["project"])
        if data is not None:
            insist(self.actor, Permission.MANAGE_PROJECTS, row)
        now = {"name": row.name, "slug": row.slug, "team": str(row.team_id), "description": row.description}
        return ProjectForm(data, teams=list_manageable_teams(self.actor), initial=now)

    def save(self, request: HttpRequest, form: ProjectForm) -> HttpResponse:
        """Change it, perhaps into another team."""
        row = change_project(self.actor, self.kwargs["project"], **form.cleaned_data)
        text = _("The project %(name)s is changed.") % {"name": row.name}
        return self.done(request, text, to="project", project=row.slug)

    def around(self) -> dict[str, Any]:
        """Return the project, and whether it is theirs to change."""
        row = access_project(self.actor, self.kwargs["project"])
        return {"project": row, "may_change": self.actor.may(Permission.MANAGE_PROJECTS, row)}


class DeleteProjectPage(ConfirmPage):
    """Deleting a project; its short name is typed first."""

    tab = "projects"

    def question(self) -> dict[str, Any]:
        """Name what is lost. Raises NotAllowed."""
        row = access_project(self.actor, self.kwargs["project"])
        insist(self.actor, Permission.MANAGE_PROJECTS, row)
        return {
            "title": _("Delete the project %(name)s?") % {"name": row.name},
            "text": _("Flows and files have to be gone first. The short name is free again afterwards."),
            "action_label": _("Delete"),
            "keep": "projects",
            "confirm_word": row.slug,
        }

    def deed(self, request: HttpRequest) -> HttpResponse:
        """Delete it."""
        name = access_project(self.actor, self.kwargs["project"]).name
        delete_project(self.actor, self.kwargs["project"])
        return self.done(request, _("The project %(name)s is deleted.") % {"name": name}, to="projects")
