# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of agents: starting a run, watching it, finding it again."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.pages import OrganizationPage
from accounts.queries.audit import list_audit_events
from accounts.queries.projects import list_projects
from accounts.roles import Permission
from agents.forms import StartRunForm
from agents.operations.runs import RunRequest, start_run
from agents.queries.figures import RunFigures, count_runs
from agents.queries.flows import access_flow, choose_runnable_flow, list_runnable_flows
from agents.queries.runs import RunFilter, access_run, list_entries, list_runs
from agents.queries.timeline import view_run
from codexos.kernel.errors import CodexosError
from rag.operations.files import store_file
from rag.queries.files import list_files

MOST_FILES_OFFERED = 50


class HomePage(OrganizationPage):
    """Where a person lands: how things went lately, and what to do next."""

    template_name = "agents/home.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show figures, recent runs, projects and, to who may see it, what people did."""
        sees_audit = self.actor.may_in_organization(Permission.VIEW_AUDIT)
        return self.page(
            request,
            figures=_figures(count_runs(self.actor)),
            runs=list_runs(self.actor, limit=10),
            projects=list_projects(self.actor, limit=10),
            activity=list_audit_events(self.actor, limit=6).rows if sees_audit else [],
            may_run=self.actor.may_somewhere(Permission.RUN_FLOWS),
        )


def _figures(counted: RunFigures) -> list[dict[str, Any]]:
    percent = counted.success_percent
    note = _("%(failed)s of %(finished)s failed") % {"failed": counted.failed, "finished": counted.finished}
    return [
        {"label": _("Runs today"), "value": f"{counted.today:,}"},
        {
            "label": _("Succeeded, 7 days"),
            "value": "–" if percent is None else f"{percent:.1f}",
            "unit": "" if percent is None else "%",
            "note": note if counted.finished else "",
        },
        {"label": _("Tokens, 30 days"), "value": f"{counted.tokens:,}"},
    ]


class RunListPage(OrganizationPage):
    """Runs, newest first."""

    template_name = "agents/runs.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show all, one's own or the failed ones."""
        wanted = request.GET.get("which", RunFilter.ALL)
        which = RunFilter(wanted) if wanted in set(RunFilter) else RunFilter.ALL
        runs = list_runs(self.actor, which=which, cursor=request.GET.get("cursor"), limit=50)
        may_run = self.actor.may_somewhere(Permission.RUN_FLOWS)
        return self.page(request, runs=runs, which=which.value, may_run=may_run, **self.page_links(request, runs))


class RunPage(OrganizationPage):
    """One run, filling as its entries come."""

    template_name = "agents/run.html"

    def get(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Show what its journal has; the page's stream goes on from there."""
        found = access_run(self.actor, run_id)
        return self.page(request, found=found, run=view_run(found, list_entries(self.actor, found.id)))


class StartRunPage(OrganizationPage):
    """A form that starts a run of a published flow."""

    template_name = "agents/start.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form for the flow that was chosen, or for the first one there is."""
        flow = choose_runnable_flow(self.actor, request.GET.get("flow"))
        form = self._form(flow.project_id if flow else None)
        return self.page(request, flow=flow, form=form, flows=list_runnable_flows(self.actor))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Start the run and go to its page; what is wrong is shown beside the field."""
        flow = access_flow(self.actor, request.GET.get("flow", ""), to=Permission.RUN_FLOWS)
        form = self._form(flow.project_id, data=request.POST, sent=request.FILES)
        if form.is_valid():
            try:
                return redirect("run", self._start(form, flow_id=flow.id, project_id=flow.project_id))
            except CodexosError as error:
                form.add_error(None, error.message)
        return self.page(request, status=422, flow=flow, form=form, flows=list_runnable_flows(self.actor))

    def _form(self, project_id: UUID | None, *, data: Any = None, sent: Any = None) -> StartRunForm:
        files = list_files(self.actor, project_id, limit=MOST_FILES_OFFERED).rows if project_id else []
        return StartRunForm(data, sent, files=[file.path for file in files])

    def _start(self, form: StartRunForm, *, flow_id: UUID, project_id: UUID) -> UUID:
        asked = form.cleaned_data
        context = list(asked.get("context") or ())
        if upload := asked["upload"]:
            stored = store_file(
                self.actor, project_id, path=upload.name, chunks=upload.chunks(), expected_bytes=upload.size
            )
            context.append(stored.file.path)
        wanted = RunRequest(agent_id=str(flow_id), input=asked["input"], context=context, project=str(project_id))
        return start_run(self.actor, request=wanted).id
