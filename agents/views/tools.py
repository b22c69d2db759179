# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The tools a project has, one tool to look at and to try, and the servers that tools come from."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.errors import ProjectNotFound
from accounts.forms.blame import MENDABLE, blame
from accounts.pages import OrganizationPage
from accounts.queries.access import insist
from accounts.queries.pages import LARGEST_PAGE
from accounts.queries.projects import access_project, list_projects
from accounts.roles import Permission
from agents.forms.mcp_servers import form_about, new_form
from agents.forms.tools import ServerForm, TryToolForm
from agents.operations.tool_servers import (
    change_tool_server,
    choose_tools,
    create_tool_server,
    delete_tool_server,
    refresh_tool_server,
)
from agents.operations.tool_trials import ToolTrial, try_tool
from agents.operations.tools import access_offer, list_tools
from agents.queries.tool_servers import (
    MANAGE_OF_ORGANIZATION,
    MANAGE_OF_PROJECT,
    access_tool_server,
    list_tool_servers,
    may_manage_server,
)
from codexos.kernel.errors import CodexosError, NotAllowed, Unavailable

KINDS = ("openapi", "mcp_http", "mcp_stdio")
MENDED = (*MENDABLE, Unavailable, NotAllowed)
"""What reading a server may be refused with, which is told beside the form."""


class ToolsPage(OrganizationPage):
    """A page about the tools of one project, which ``?project=`` names; the first one where none does."""

    @cached_property
    def projects(self) -> list[Any]:
        """Return the projects to choose from."""
        return list_projects(self.actor, limit=LARGEST_PAGE).rows

    @cached_property
    def project(self) -> Any:
        """Return the one that is looked at; None where there is none yet. Raises ProjectNotFound."""
        named = self.request.GET.get("project") or self.request.POST.get("project")
        if named:
            return access_project(self.actor, named)
        return next(iter(self.projects), None)

    def done(self, text: str, *, to: str, **place: Any) -> HttpResponse:
        """Say what was done and go on, so that a reload repeats nothing."""
        messages.success(self.request, text)
        return redirect(reverse(to, kwargs=place or None))

    @property
    def places(self) -> list[tuple[str, str]]:
        """Return for what the actor may connect servers, as choices."""
        own = [(str(row.pk), row.name) for row in self.projects if self.actor.may(MANAGE_OF_PROJECT, row)]
        may_all = self.actor.project_id is None and self.actor.may_in_organization(MANAGE_OF_ORGANIZATION)
        return [*own, *([("", _("Every project of the organization"))] if may_all else [])]


class ToolListPage(ToolsPage):
    """The tools of a project, and the servers."""

    template_name = "agents/tools.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, each with its state."""
        servers = list_tool_servers(self.actor, project=self.project, limit=LARGEST_PAGE).rows
        return self.page(
            request,
            offers=list_tools(self.actor, project=self.project),
            servers=servers,
            project=self.project,
            projects=self.projects,
            may_connect=bool(self.places),
        )


class ToolPage(ToolsPage):
    """One tool: what it takes, what it touches, and a trial."""

    template_name = "agents/tool.html"

    def get(self, request: HttpRequest, tool: str) -> HttpResponse:
        """Show it. Raises ToolUnknown."""
        return self._show(request, tool)

    def post(self, request: HttpRequest, tool: str) -> HttpResponse:
        """Try it. Raises NotAllowed."""
        form, trial = TryToolForm(request.POST), None
        if self.project is None:
            raise ProjectNotFound("Make a project first: a tool is tried in one.")
        insist(self.actor, Permission.RUN_FLOWS, self.project)
        if form.is_valid():
            try:
                trial = try_tool(self.actor, tool, form.cleaned_data["arguments"], project=self.project)
            except MENDABLE as error:
                form.add_error("arguments", error.message)
        return self._show(request, tool, form=form, trial=trial, status=200 if trial else 422)

    def _show(
        self,
        request: HttpRequest,
        tool: str,
        *,
        form: TryToolForm | None = None,
        trial: ToolTrial | None = None,
        status: int = 200,
    ) -> HttpResponse:
        offer = access_offer(self.actor, tool, project=self.project)
        result = json.dumps(trial.result, indent=2, ensure_ascii=False, default=dict) if trial else ""
        return self.page(
            request,
            status=status,
            offer=offer,
            properties=_properties(offer.spec.schema),
            schema=json.dumps(offer.spec.schema, indent=2, ensure_ascii=False, default=dict),
            form=form or TryToolForm(initial={"arguments": "{}"}),
            trial=trial,
            result=result[:20_000],
            project=self.project,
            may_try=self.project is not None and self.actor.may(Permission.RUN_FLOWS, self.project),
        )


def _properties(schema: Any) -> list[dict[str, Any]]:
    """Return what a tool takes, as people read it."""
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    required = schema.get("required", ()) if isinstance(schema, dict) else ()
    return [
        {
            "name": name,
            "type": _type_of(shape if isinstance(shape, dict) else {}),
            "is_required": name in required,
            "description": shape.get("description", "") if isinstance(shape, dict) else "",
        }
        for name, shape in properties.items()
    ]


def _type_of(shape: dict[str, Any]) -> str:
    kind = shape.get("type")
    if "enum" in shape:
        return " | ".join(map(str, shape["enum"][:8]))
    return " | ".join(map(str, kind)) if isinstance(kind, list | tuple) else str(kind or "")


class NewToolServerPage(ToolsPage):
    """A tool server that is connected."""

    template_name = "agents/tool_server_new.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form of the kind that the query names. Raises NotAllowed."""
        return self.page(request, form=new_form(self.kind, projects=self._places()), kind=self.kind)

    @property
    def kind(self) -> str:
        """Which kind of server is to be connected."""
        wanted = self.request.POST.get("kind") or self.request.GET.get("kind", "")
        return wanted if wanted in KINDS else KINDS[0]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Read what it offers and show that to choose from; what cannot be is said beside its field."""
        form = new_form(self.kind, request.POST, projects=self._places())
        if form.is_valid():
            try:
                row = create_tool_server(self.actor, form.edit(), project=form.cleaned_data["project"] or None)
                return self.done(_("Connected. Choose the tools that may be called."), to="tool-server", server=row.pk)
            except MENDED as error:
                blame(form, error)
        return self.page(request, form=form, kind=self.kind, status=422)

    def _places(self) -> list[tuple[str, str]]:
        if not self.places:
            raise NotAllowed("Connecting tool servers is for those who make agents in a project.")
        return self.places


class ToolServerPage(ToolsPage):
    """A page of one server, named ``server`` in its route."""

    template_name = "agents/tool_server.html"

    @cached_property
    def server(self) -> Any:
        """The server it is about. Raises ToolServerNotFound, NotAllowed."""
        return access_tool_server(self.actor, self.kwargs["server"], to_change=self.request.method == "POST")

    def show(self, request: HttpRequest, *, form: ServerForm | None = None, status: int = 200) -> HttpResponse:
        """Render the server with everything it offers."""
        row = self.server
        tools = [
            {
                "tool": tool,
                "full_name": row.full_name(tool),
                "standing": row.standing_of(tool),
                "is_chosen": tool.name in row.chosen,
                "was": row.pinned.get(tool.name),
            }
            for tool in row.tools
        ]
        return self.page(
            request,
            status=status,
            server=row,
            tools=tools,
            form=form or form_about(row),
            may_manage=may_manage_server(self.actor, row),
            signs_in=row.kind == KINDS[1] and row.auth.get("how") == "sign_in",
        )

    def safely(self, deed: Any, text: str) -> HttpResponse:
        """Do something to the server and show it again; a refusal is told on top."""
        try:
            deed()
        except CodexosError as error:
            if not isinstance(error, MENDED) or isinstance(error, NotAllowed):
                raise
            messages.error(self.request, error.message)
            return redirect("tool-server", server=self.server.pk)
        return self.done(text, to="tool-server", server=self.server.pk)


class OneToolServerPage(ToolServerPage):
    """One server: what is said of it, and its tools."""

    def get(self, request: HttpRequest, server: str) -> HttpResponse:
        """Show it."""
        return self.show(request)

    def post(self, request: HttpRequest, server: str) -> HttpResponse:
        """Change what is said of it."""
        form = form_about(self.server, request.POST)
        if form.is_valid():
            try:
                change_tool_server(self.actor, self.server.pk, form.edit(self.server))
                return self.done(_("Saved."), to="tool-server", server=self.server.pk)
            except MENDED as error:
                blame(form, error)
        return self.show(request, form=form, status=422)


class ChooseToolsDeed(ToolServerPage):
    """Choosing tools of a server, and accepting them as they are."""

    def post(self, request: HttpRequest, server: str) -> HttpResponse:
        """Choose those that are ticked."""
        names = request.POST.getlist("tool")
        return self.safely(lambda: choose_tools(self.actor, self.server.pk, names), _("Saved."))


class RefreshToolServerDeed(ToolServerPage):
    """Reading anew what a server offers."""

    def post(self, request: HttpRequest, server: str) -> HttpResponse:
        """Read it."""
        return self.safely(lambda: refresh_tool_server(self.actor, self.server.pk), _("It was read anew."))


class DeleteToolServerDeed(ToolServerPage):
    """Forgetting a server."""

    def post(self, request: HttpRequest, server: str) -> HttpResponse:
        """Forget it."""
        delete_tool_server(self.actor, self.server.pk)
        return self.done(_("It is forgotten. Flows that name its tools fail there."), to="tools")
