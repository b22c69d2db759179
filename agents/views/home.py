# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The page a person lands on."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.pages import OrganizationPage
from accounts.queries.audit import list_audit_events
from accounts.queries.projects import list_projects
from accounts.roles import Permission
from agents.queries.approvals import list_approvals
from agents.queries.figures import RunFigures, count_runs
from agents.queries.interventions import list_waiting
from agents.queries.places import list_waits
from agents.queries.runs import list_runs

MOST_WAITING = 5


class HomePage(OrganizationPage):
    """Where a person lands: what waits for them, how things went lately, and what to do next."""

    template_name = "agents/home.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show figures, recent runs, projects and, to who may see it, what people did."""
        sees_audit = self.actor.may_in_organization(Permission.VIEW_AUDIT)
        runs = list_runs(self.actor, limit=10)
        approvals = list_approvals(self.actor, limit=MOST_WAITING).rows[:MOST_WAITING]
        asking = {each.run.id for each in approvals}
        waiting = list_waiting(self.actor, limit=MOST_WAITING)
        return self.page(
            request,
            waits=list_waits(self.actor, runs.rows),
            figures=_figures(count_runs(self.actor)),
            approvals=approvals,
            waiting=[run for run in waiting if run.id not in asking],
            runs=runs,
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
