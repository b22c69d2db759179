# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Forms of a run's page that go on from it, and the verdict of its replay."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.pages import OrganizationPage
from agents.forms.runs import ForkForm, RerunForm
from agents.operations.travel import Change, fork_run, replay_run, rerun_from, retry_run
from agents.queries.runs import access_run
from codexos.kernel.errors import Conflict, InvalidInput


class RetryRunForm(OrganizationPage):
    """Doing what failed in another run."""

    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Go to the run that goes on, or say why there is none."""
        return _follow(request, run_id, lambda: retry_run(self.actor, run_id))


class RerunRunForm(OrganizationPage):
    """Doing a step again, with what depends on it."""

    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Go to the run that goes on, or say why there is none."""
        access_run(self.actor, run_id)
        form = RerunForm(request.POST)
        start = form.cleaned_data["node_id"] if form.is_valid() else ""
        return _follow(request, run_id, lambda: rerun_from(self.actor, run_id, start=start))


class ForkRunForm(OrganizationPage):
    """Going on with another result of a step."""

    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Go to the run that goes on, or say why there is none."""
        access_run(self.actor, run_id)
        form = ForkForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Nothing was changed: write the other result as JSON."))
            return redirect("run", run_id)
        change = Change(steps={form.cleaned_data["node_id"]: form.cleaned_data["result"]})
        return _follow(request, run_id, lambda: fork_run(self.actor, run_id, change=change))


class ReplayRunForm(OrganizationPage):
    """Doing a run once more from its record."""

    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Say what came of it on the run's page."""
        try:
            found = replay_run(self.actor, run_id)
        except Conflict as error:
            messages.error(request, error.message)
            return redirect("run", run_id)
        if found.is_identical:
            text = _("Replayed: all %(count)s entries came again byte for byte. Nothing outside was called.")
            messages.success(request, text % {"count": found.compared})
        else:
            first = found.differences[0]
            text = _("Replayed: it differs from the record, first at entry %(seq)s (%(node)s). %(message)s")
            said = {"seq": first.seq, "node": first.node_id or _("the run"), "message": first.message}
            messages.error(request, text % said)
        return redirect("run", run_id)


def _follow(request: HttpRequest, run_id: str, go_on: Callable[[], Any]) -> HttpResponse:
    try:
        return redirect("run", str(go_on().id))
    except (Conflict, InvalidInput) as error:
        messages.error(request, error.message)
        return redirect("run", run_id)
