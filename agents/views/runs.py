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
    """A form that starts a run of a flow: its published version, or with ``?draft=1`` its draft as it stands."""

    template_name = "agents/start.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form for the flow that was chosen, or for the first one there is."""
        flow = choose_runnable_flow(self.actor, request.GET.get("flow"))
        return self._show(request, flow, form=self._form(flow.project_id if flow else None))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Start the run and go to its page; what is wrong is shown beside the field."""
        flow = access_flow(self.actor, request.GET.get("flow", ""), to=Permission.RUN_FLOWS)
        form = self._form(flow.project_id, data=request.POST, sent=request.FILES)
        if form.is_valid():
            try:
                return redirect("run", self._start(form, flow))
            except CodexosError as error:
                form.add_error(None, error.message)
        return self._show(request, flow, form=form, status=422)

    def _show(self, request: HttpRequest, flow: Any, *, form: StartRunForm, status: int = 200) -> HttpResponse:
        is_draft = bool(flow) and self._is_draft(flow)
        document = (flow.draft if is_draft else flow.published.document) if flow else {}
        others = [other for other in list_runnable_flows(self.actor) if flow is None or other.pk != flow.pk]
        return self.page(
            request, status=status, flow=flow, form=form, others=others, is_draft=is_draft, steps=_steps(document)
        )

    def _is_draft(self, flow: Any) -> bool:
        return flow.published is None or self.request.GET.get("draft") == "1"

    def _form(self, project_id: UUID | None, *, data: Any = None, sent: Any = None) -> StartRunForm:
        files = list_files(self.actor, project_id, limit=MOST_FILES_OFFERED).rows if project_id else []
        return StartRunForm(data, sent, files=[file.path for file in files])

    def _start(self, form: StartRunForm, flow: Any) -> UUID:
        asked = form.cleaned_data
        context = list(asked.get("context") or ())
        if upload := asked["upload"]:
            stored = store_file(
                self.actor, flow.project_id, path=upload.name, chunks=upload.chunks(), expected_bytes=upload.size
            )
            context.append(stored.file.path)
        is_draft = self._is_draft(flow)
        wanted = RunRequest(
            agent_id=_("%(name)s (draft)") % {"name": flow.name[:180]} if is_draft else str(flow.id),
            document=flow.draft if is_draft else None,
            input=asked["input"],
            context=context,
            project=str(flow.project_id),
        )
        return start_run(self.actor, request=wanted).id


def _steps(document: Any) -> list[dict[str, str]]:
    """Return what is shown of each node of a document, which may be unfinished."""
    nodes = document.get("nodes")
    drawn = [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
    return [_step(node) for node in drawn]


def _step(node: Any) -> dict[str, str]:
    config = node.get("config")
    said = {**node, **config} if isinstance(config, dict) else node
    kind = str(said.get("type") or "")
    return {"id": str(said.get("id") or ""), "kind": kind, "by": str(said.get("model") or said.get("tool") or kind)}
