# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of runs: finding one, watching it, looking at its steps, stepping in."""

import json
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.actor import Actor
from accounts.pages import OrganizationPage
from accounts.roles import Permission
from agents.forms.runs import DecideForm
from agents.forms.shaped import ShapedForm, answer_form
from agents.operations.interventions import cancel_run, decide_step, pause_run, resume_run
from agents.operations.verdicts import Decision, Verdict
from agents.operations.workspaces import access_files
from agents.queries.flows import list_flow_names
from agents.queries.interventions import list_asked, may_decide, may_step_in
from agents.queries.places import list_waits
from agents.queries.policies import may_manage_policy
from agents.queries.progress import folded
from agents.queries.runs import RunFilter, access_content, access_run, list_entries, list_runs
from agents.queries.states import read_step
from agents.queries.timeline import WaitingView, read_standing, view_run, view_skeleton
from agents.queries.travel import access_kinship
from codexos.kernel.errors import Conflict
from codexos.kernel.ids import parse_id

MOST_ON_PAGE = 20
"""How many changed files the page of a run compares; its page of files compares more."""
TABS = ("input", "output", "log")


class Answer(NamedTuple):
    """What somebody filled in for a question."""

    node_id: str
    form: ShapedForm


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


class ShowsRun(OrganizationPage):
    """What shows one run."""

    template_name = "agents/run.html"

    def show(self, request: HttpRequest, run_id: str, *, answer: Answer | None = None) -> HttpResponse:
        """Show the run; with an ``answer`` that did not fit, as it was filled in."""
        found = access_run(self.actor, run_id)
        if found.content_expired_at is not None:
            return self._skeleton(request, found)
        asked = list_asked(self.actor, found.id)
        with folded(self.actor, found) as progress:
            entries = list_entries(self.actor, found.id)
            run = view_run(found, entries, progress=progress, asked=asked)
        opened = _step(request, found, actor=self.actor) if request.GET.get("node") else {}
        may = {"may_step_in": may_step_in(self.actor, found), "may_run": self.actor.may(Permission.RUN_FLOWS, found)}
        waits = [
            _wait(self.actor, found, wait=wait, number=number, answer=answer) for number, wait in enumerate(run.waiting)
        ]
        files = access_files(self.actor, str(found.id))
        shown = {
            "files": files,
            "changes": files.glance(most=MOST_ON_PAGE),
            "found": found,
            "run": run,
            "opened": opened,
            "waits": waits,
        }
        may["may_trust"] = may_manage_policy(self.actor)
        about = {"kin": access_kinship(self.actor, found), "wait": list_waits(self.actor, [found]).get(found.id)}
        return self.page(request, status=422 if answer else 200, **shown, **about, **may)

    def _skeleton(self, request: HttpRequest, found: Any) -> HttpResponse:
        """Show what is left of a run whose content has gone, and say that it has."""
        self.template_name = "agents/run_expired.html"
        return self.page(request, found=found, run=view_skeleton(found))


class RunPage(ShowsRun):
    """One run, filling as its entries come."""

    def get(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Show what its journal has; the page's stream goes on from there."""
        return self.show(request, run_id)


class RunStandingPart(RunPage):
    """The part of a run's page that says how it stands and what a person may do: read anew when that changes."""

    template_name = "agents/run_standing.html"


class RunStepPart(OrganizationPage):
    """What one node of a run was asked and gave: a part of its page, or its result as a file."""

    template_name = "agents/run_step.html"

    def get(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Show the node that the query names."""
        found = access_content(self.actor, run_id)
        shown = _step(request, found, actor=self.actor)
        if request.GET.get("as") == "file":
            return _as_file(shown["step"])
        return self.page(request, found=found, opened=shown, may_run=self.actor.may(Permission.RUN_FLOWS, found))


class CancelRunForm(OrganizationPage):
    """Asking for a run's end."""

    ask = staticmethod(cancel_run)

    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Ask for it and go back to the run; one that has ended meanwhile shows how."""
        try:
            self.ask(self.actor, run_id)
        except Conflict as error:
            messages.error(request, error.message)
        return redirect("run", run_id)


class PauseRunForm(CancelRunForm):
    """Asking a run to begin nothing more."""

    ask = staticmethod(pause_run)


class ResumeRunForm(CancelRunForm):
    """Letting a paused run go on."""

    ask = staticmethod(resume_run)


class DecideRunForm(ShowsRun):
    """Deciding about a step that waits for people."""

    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Decide and go back to the run; a form that does not fit is shown again."""
        found = access_run(self.actor, run_id)
        form = DecideForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Nothing was decided: choose one of what is offered."))
            return redirect("run", run_id)
        asked = form.cleaned_data
        decision = Decision(asked["decision"])
        answer = _answer(self.actor, found, request, node_id=asked["node_id"]) if decision.is_answer else None
        if answer and decision is Decision.APPROVE and not answer.form.is_valid():
            return self.show(request, run_id, answer=answer)
        filled = answer.form.cleaned_data["input"] if answer and answer.form.is_valid() else None
        try:
            verdict = Verdict(decision, form=filled, result=asked["result"])
            decide_step(self.actor, run_id, node_id=asked["node_id"], verdict=verdict)
        except Conflict as error:
            messages.error(request, error.message)
        return redirect("run", run_id)


def _answer(actor: Actor, found: Any, request: HttpRequest, *, node_id: str) -> Answer | None:
    """Read what was filled in for a question; None where it asks for nothing, or does not wait any more."""
    waits = {wait.node_id: wait for wait in read_standing(actor, found).waiting}
    schema = waits[node_id].form if node_id in waits else None
    return None if schema is None else Answer(node_id, answer_form(schema, number=0, data=request.POST))


def _wait(actor: Actor, found: Any, *, wait: WaitingView, number: int, answer: Answer | None) -> dict[str, Any]:
    """Say of a step that waits who may decide, with the form of its question."""
    form = None if wait.form is None else answer_form(wait.form, number=number)
    if answer is not None and answer.node_id == wait.node_id:
        form = answer.form
    may = may_decide(actor, found, wait.told) and str(actor.person_id) not in wait.approved
    return {"wait": wait, "form": form, "may_decide": may}


def _step(request: HttpRequest, found: Any, *, actor: Actor) -> dict[str, Any]:
    step = read_step(actor, found.id, request.GET.get("node"))[1]
    wanted = request.GET.get("tab")
    has_output = step.has_result or bool(step.message) or bool(step.lanes)
    return {"step": step, "tab": wanted if wanted in TABS else "output" if has_output else "input"}


def _as_file(step: Any) -> HttpResponse:
    written = json.dumps(step.result, indent=2, ensure_ascii=False, default=dict)
    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in step.node_id)[:80]
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
    return HttpResponse(written, content_type="application/json", headers=headers)
