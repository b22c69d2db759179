# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The inbox: what waits for people, each question with all that will happen, and their answers."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.pages import OrganizationPage
from agents.forms.approvals import AnswerForm, BulkForm
from agents.forms.shaped import answer_form
from agents.operations.approvals import answer_approval
from agents.operations.policy_trust import trust_calls_like
from agents.operations.verdicts import Decision, Verdict
from agents.queries.approvals import ApprovalView, count_approvals, list_approvals, open_question
from agents.queries.policies import may_manage_policy
from codexos.kernel.errors import CodexosError, Conflict, InvalidInput, NotAllowed, NotFound


class ShowsInbox(OrganizationPage):
    """What shows the inbox: the questions, and one of them in full."""

    template_name = "agents/approvals.html"

    def show(self, request: HttpRequest, *, wanted: str, typed: AnswerForm | None = None) -> HttpResponse:
        """Show the questions, the wanted one opened, else the first; with what was ``typed`` where that is wrong."""
        which = "all" if request.GET.get("which") == "all" else "mine"
        found = list_approvals(self.actor, mine_only=which == "mine", cursor=request.GET.get("cursor"))
        rows = list(found.rows)
        opened = next((each for each in rows if each.wait.id == wanted), None)
        if opened is None and wanted:
            opened = open_question(self.actor, wanted)
        is_gone = bool(wanted) and opened is None
        opened = opened or next(iter(rows), None)
        return self.page(
            request,
            status=422 if typed else 200,
            approvals=rows,
            which=which,
            is_gone=is_gone,
            opened=opened,
            form=_form_of(opened),
            typed=typed,
            alike=_alike(opened, rows),
            may_trust=may_manage_policy(self.actor),
            **self.page_links(request, found),
        )


def _form_of(opened: ApprovalView | None) -> Any:
    return None if opened is None or opened.wait.form is None else answer_form(opened.wait.form, number=0)


def _alike(opened: ApprovalView | None, rows: Sequence[ApprovalView]) -> list[ApprovalView]:
    """List the other calls that the same step of the same flow waits for, which may be answered together."""
    if opened is None or opened.wait.call is None or not opened.may_decide:
        return []
    return [
        each
        for each in rows
        if each.wait.call is not None
        and each.may_decide
        and each.step == opened.step
        and each.wait.id != opened.wait.id
    ]


class ApprovalListPage(ShowsInbox):
    """What runs ask people, oldest run first."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show what one may answer oneself, or everything one sees."""
        return self.show(request, wanted=request.GET.get("open", "")[:1000])


class ApprovalsCountPart(OrganizationPage):
    """How many wait for one: a part of every page's head, which asks for it anew."""

    template_name = "agents/approvals_count.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Count them."""
        return self.page(request, count=count_approvals(self.actor))


class AnswerApprovalForm(ShowsInbox):
    """Deciding about a call that waits to be made."""

    def post(self, request: HttpRequest, approval_id: str) -> HttpResponse:
        """Decide, and go on to the next question; what does not fit is shown again as it was typed."""
        form = AnswerForm(request.POST, question=open_question(self.actor, approval_id))
        if not form.is_valid():
            return self.show(request, wanted=approval_id, typed=form)
        try:
            run = answer_approval(self.actor, approval_id, verdict=form.verdict)
        except InvalidInput as error:
            form.add_error("arguments", error.message)
            return self.show(request, wanted=approval_id, typed=form)
        except Conflict as error:
            messages.error(request, error.message)
            return redirect(_inbox(open=approval_id))
        messages.success(request, _said(form.verdict))
        return redirect("run", run.id) if form.cleaned_data["back"] == "run" else redirect(_inbox())


class TrustCallForm(OrganizationPage):
    """Having calls like one that waits pass from now on, in its project."""

    def post(self, request: HttpRequest, approval_id: str) -> HttpResponse:
        """Make the rule, and go back to the call, which is still to be answered."""
        try:
            trusted = trust_calls_like(self.actor, approval_id)
        except (Conflict, InvalidInput) as error:
            messages.error(request, error.message)
            return redirect(_inbox(open=approval_id))
        if not trusted.holds:
            messages.info(request, _("The rule is in the draft, which says more than that. Switch it on there."))
            return redirect("edit-policy")
        said = _("Calls like this pass from now on, by rule %(name)s. Approve of this one, or reject it.")
        messages.success(request, said % {"name": trusted.name})
        return redirect(_inbox(open=approval_id))


class AnswerAllForm(OrganizationPage):
    """Deciding about several calls of one step, each as it was shown."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Decide about each; those that have changed meanwhile go on waiting."""
        form = BulkForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Nothing was decided: choose one of what is offered."))
            return redirect(_inbox())
        done = 0
        for approval_id, hash_ in form.cleaned_data["questions"]:
            verdict = Verdict(Decision(form.cleaned_data["decision"]), hash=hash_, note=form.cleaned_data["note"])
            try:
                answer_approval(self.actor, approval_id, verdict=verdict)
                done += 1
            except (Conflict, InvalidInput, NotAllowed, NotFound) as error:
                messages.error(request, _message(error))
        if done:
            said = ngettext("%(count)s call was decided about.", "%(count)s calls were decided about.", done)
            messages.success(request, said % {"count": done})
        return redirect(_inbox())


def _message(error: CodexosError) -> str:
    return error.message


def _said(verdict: Verdict) -> str:
    match verdict.decision:
        case Decision.REJECT:
            return _("Rejected: the call is not made.")
        case Decision.APPROVE_FOR_RUN:
            return _("Approved, and calls like it for the rest of this run.")
    return _("Approved. The run goes on with exactly that.")


def _inbox(**query: str) -> str:
    return f"{reverse('approvals')}?{urlencode(query)}" if query else reverse("approvals")
