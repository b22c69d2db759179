# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of runs: finding one, watching it, looking at its steps, stepping in."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.pages import OrganizationPage
from accounts.roles import Permission
from agents.forms.runs import DecideForm
from agents.operations.interventions import Decision, cancel_run, decide_step
from agents.queries.flows import list_flow_names
from agents.queries.interventions import list_asked, may_step_in
from agents.queries.places import list_waits
from agents.queries.runs import RunFilter, access_content, access_run, list_entries, list_runs
from agents.queries.steps import view_step
from agents.queries.timeline import view_run, view_skeleton
from agents.queries.travel import access_kinship
from codexos.kernel.errors import Conflict
from codexos.kernel.ids import parse_id

TABS = ("input", "output", "log")


class RunListPage(OrganizationPage):
    """Runs, newest first."""

    template_name = "agents/runs.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show all or some of them, of all flows or of one."""
        wanted = request.GET.get("which", RunFilter.ALL)
        which = RunFilter(wanted) if wanted in set(RunFilter) else RunFilter.ALL
        flow_id = parse_id(request.GET.get("flow", ""))
        runs = list_runs(self.actor, which=which, flow_id=flow_id, cursor=request.GET.get("cursor"), limit=50)
        return self.page(
            request,
            runs=runs,
            waits=list_waits(self.actor, runs.rows),
            which=which.value,
            flow_id=flow_id,
            flows=list_flow_names(self.actor),
            may_run=self.actor.may_somewhere(Permission.RUN_FLOWS),
            **self.page_links(request, runs),
        )


class RunPage(OrganizationPage):
    """One run, filling as its entries come."""

    template_name = "agents/run.html"

    def get(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Show what its journal has; the page's stream goes on from there."""
        found = access_run(self.actor, run_id)
        if found.content_expired_at is not None:
            return self._skeleton(request, found)
        entries = list_entries(self.actor, found.id)
        run = view_run(found, entries, list_asked(self.actor, found.id))
        opened = _step(request, found, entries) if request.GET.get("node") else {}
        may = {"may_step_in": may_step_in(self.actor, found), "may_run": self.actor.may(Permission.RUN_FLOWS, found)}
        kin = access_kinship(self.actor, found)
        wait = list_waits(self.actor, [found]).get(found.id)
        return self.page(request, found=found, run=run, opened=opened, wait=wait, kin=kin, **may)

    def _skeleton(self, request: HttpRequest, found: Any) -> HttpResponse:
        """Show what is left of a run whose content has gone, and say that it has."""
        self.template_name = "agents/run_expired.html"
        return self.page(request, found=found, run=view_skeleton(found))


class RunStandingPart(RunPage):
    """The part of a run's page that says how it stands and what a person may do: read anew when that changes."""

    template_name = "agents/run_standing.html"


class RunStepPart(OrganizationPage):
    """What one node of a run was asked and gave: a part of its page, or its result as a file."""

    template_name = "agents/run_step.html"

    def get(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Show the node that the query names."""
        found = access_content(self.actor, run_id)
        shown = _step(request, found, list_entries(self.actor, found.id))
        if request.GET.get("as") == "file":
            return _as_file(shown["step"])
        return self.page(request, found=found, opened=shown, may_run=self.actor.may(Permission.RUN_FLOWS, found))


class CancelRunForm(OrganizationPage):
    """Asking for a run's end."""

    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Ask for it and go back to the run; one that has ended meanwhile shows how."""
        try:
            cancel_run(self.actor, run_id)
        except Conflict as error:
            messages.error(request, error.message)
        return redirect("run", run_id)


class DecideRunForm(OrganizationPage):
    """Deciding about a step that waits because its effect may have happened."""

    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Decide and go back to the run."""
        access_run(self.actor, run_id)
        form = DecideForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Nothing was decided: choose one of the three."))
            return redirect("run", run_id)
        asked = form.cleaned_data
        try:
            decide_step(
                self.actor,
                run_id,
                node_id=asked["node_id"],
                decision=Decision(asked["decision"]),
                result=asked["result"],
            )
        except Conflict as error:
            messages.error(request, error.message)
        return redirect("run", run_id)


def _step(request: HttpRequest, found: Any, entries: Any) -> dict[str, Any]:
    step = view_step(found, entries, request.GET.get("node"))
    wanted = request.GET.get("tab")
    has_output = step.has_result or bool(step.message)
    return {"step": step, "tab": wanted if wanted in TABS else "output" if has_output else "input"}


def _as_file(step: Any) -> HttpResponse:
    written = json.dumps(step.result, indent=2, ensure_ascii=False, default=dict)
    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in step.node_id)[:80]
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
    return HttpResponse(written, content_type="application/json", headers=headers)
