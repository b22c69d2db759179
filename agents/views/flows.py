# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The list of flows, and bringing a new one in."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.pages import OrganizationPage
from accounts.queries.projects import access_project, list_projects
from accounts.roles import Permission
from agents.forms.flows import NewFlowForm
from agents.operations.checking import read_sent
from agents.operations.flows import create_flow
from agents.operations.samples import SAMPLES
from agents.queries.figures import last_results
from agents.queries.flows import count_flows, list_flows
from codexos.kernel.errors import Conflict, InvalidInput


class FlowListPage(OrganizationPage):
    """The flows a person sees: those in use, or those that were put away."""

    template_name = "agents/flows.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, newest first, each with how its last runs went."""
        archived = request.GET.get("which") == "archived"
        flows = list_flows(self.actor, archived=archived, cursor=request.GET.get("cursor"), limit=50)
        return self.page(
            request,
            flows=flows,
            rows=self._rows(flows.rows),
            archived=archived,
            counts={"used": count_flows(self.actor), "archived": count_flows(self.actor, archived=True)},
            may_run=self.actor.may_somewhere(Permission.RUN_FLOWS),
            may_make=self.actor.may_somewhere(Permission.CREATE_AGENTS),
            **self.page_links(request, flows),
        )

    def _rows(self, flows: list[Any]) -> list[dict[str, Any]]:
        results = last_results(self.actor, [flow.pk for flow in flows])
        return [{"flow": flow, "sparks": sparks_of(results.get(flow.pk, ()))} for flow in flows]


class NewFlowPage(OrganizationPage):
    """A flow brought in: from a file, as text, or from a sample."""

    template_name = "agents/flow_new.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form, filled with the sample that was chosen."""
        sample = request.GET.get("sample", "")
        form = NewFlowForm(initial={"source": SAMPLES.get(sample, "")}, **self._choices)
        return self._show(request, form, status=200, sample=sample)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep it as a draft and open it; what cannot be kept is said beside the field."""
        form = NewFlowForm(request.POST, request.FILES, **self._choices)
        if form.is_valid():
            try:
                return redirect("flow", self._make(form.cleaned_data))
            except (InvalidInput, Conflict) as error:
                form.add_error("source", error.message)
        return self._show(request, form, status=422, sample="")

    def _make(self, asked: dict[str, Any]) -> object:
        flow = create_flow(
            self.actor,
            project=access_project(self.actor, asked["project"]),
            document=read_sent(None, source=asked["source"], format=None),
            is_team_template=asked.get("is_team_template", False),
        )
        return flow.pk

    def _show(self, request: HttpRequest, form: NewFlowForm, *, status: int, sample: str) -> HttpResponse:
        return self.page(
            request, status=status, form=form, sample=sample, samples=_sample_words(), has_place=bool(self._projects)
        )

    @cached_property
    def _projects(self) -> list[Any]:
        rows = list_projects(self.actor, limit=200).rows
        return [row for row in rows if self.actor.may(Permission.CREATE_AGENTS, row)]

    @property
    def _choices(self) -> dict[str, Any]:
        return {
            "projects": [(row.slug, row.name) for row in self._projects],
            "may_lead": any(self.actor.may(Permission.MODIFY_TEAM_TEMPLATES, row) for row in self._projects),
        }


def sparks_of(results: Any) -> dict[str, Any]:
    """Return the last runs as bars: where each stands, and how it went."""
    bars = [{"x": place * 8, "status": status} for place, status in enumerate(results)]
    return {
        "bars": bars,
        "failed": sum(status == "failed" for status in results),
        "last": results[-1] if results else "",
    }


def _sample_words() -> list[dict[str, str]]:
    told = {
        "answer": (_("Answer from files"), _("One model, the files of the run, an answer with its sources.")),
        "search": (_("Plan, search, summarize"), _("A model plans, a tool searches, another model sums up.")),
        "branches": (_("Two opinions"), _("Two models side by side, joined by a third.")),
        "reflection": (_("Draft and polish"), _("A draft, judged by a rubric and revised until it passes.")),
        "planner": (_("Plan and do"), _("A model plans the steps, within what it may use; then they are done.")),
        "agent": (_("Help desk"), _("A model that calls tools until it can answer, and remembers.")),
        "blank": (_("Blank"), _("An entry and an exit.")),
    }
    return [{"key": key, "name": told[key][0], "text": told[key][1]} for key in SAMPLES]
