# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The organization's policy: what holds in plain words, the draft, trying it, and what held before."""

from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.pages import OrganizationPage
from accounts.queries.access import insist_in_organization
from agents.forms.policies import (
    FrameForm,
    PolicyTextForm,
    RuleForm,
    TryCallForm,
    can_be_shown,
    initial_of_frame,
    initial_of_rule,
)
from agents.operations.policies import (
    check_policy_text,
    drop_policy_draft,
    restore_policy,
    save_policy_draft,
    switch_on_policy,
    try_policy,
    try_policy_on,
)
from agents.operations.policy_edits import drop_rule, move_rule, rule_of, set_frame, set_rule
from agents.operations.policy_trust import take_ready_made
from agents.queries.policies import (
    MANAGE,
    access_policy,
    access_policy_version,
    built_in_policy,
    diff_policy,
    draft_of,
    list_policy_versions,
    list_ready_made,
    may_manage_policy,
)
from codexos.kernel.errors import CodexosError, Conflict, InvalidInput, NotFound, Unavailable

_MENDABLE = (InvalidInput, Conflict, NotFound, Unavailable)
VERSIONS_SHOWN = 30


class PolicyPage(OrganizationPage):
    """A page of the policy; ``for_admins`` is what only those who manage the organization open."""

    tab: ClassVar[str] = "policy"
    for_admins: ClassVar[bool] = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Refuse whoever may not, before anything is read. Raises NotAllowed."""
        if request.user.is_authenticated and self.for_admins:
            insist_in_organization(self.actor, MANAGE)
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def state(self) -> Any:
        """The policy as it is. Raises NotAllowed."""
        return access_policy(self.actor)

    def page(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        """Render the page under its tab."""
        known = {"tab": self.tab, "state": self.state, "may_manage": may_manage_policy(self.actor)}
        return super().page(request, status=status, **{**known, **context})

    def refused(self, request: HttpRequest, error: CodexosError, *, to: str = "edit-policy") -> HttpResponse:
        """Say why something was not done and go on."""
        messages.error(request, error.message)
        return redirect(to)


class EffectivePolicyPage(PolicyPage):
    """What holds, in plain words: for everybody of the organization."""

    template_name = "agents/policy.html"
    for_admins = False

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show it."""
        return self.page(request, document=self.state.document, built_in=built_in_policy())


class EditPolicyPage(PolicyPage):
    """The draft: its rules one by one, what frames them, and all of it as text."""

    template_name = "agents/policy_edit.html"
    tab = "edit"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show it with what is wrong with it."""
        return self._show(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep the text, or the frame, as part of the draft."""
        if "drop" in request.POST:
            drop_policy_draft(self.actor)
            messages.success(request, _("The draft is gone; what holds is as it was."))
            return redirect("edit-policy")
        return self._keep_frame(request) if "frame" in request.POST else self._keep_text(request)

    def _keep_text(self, request: HttpRequest) -> HttpResponse:
        form = PolicyTextForm(request.POST)
        if not form.is_valid():
            return self._show(request, text=form, status=422)
        revision = request.POST.get("revision", "")
        expected = {int(revision)} if revision.isascii() and revision.isdigit() and len(revision) < 9 else None
        try:
            save_policy_draft(self.actor, source=form.cleaned_data["source"], expected=expected)
        except CodexosError as error:
            form.add_error(None, error.message)
            return self._show(request, text=form, status=409)
        messages.success(request, _("The draft is kept. It holds for nobody until it is switched on."))
        return redirect("edit-policy")

    def _keep_frame(self, request: HttpRequest) -> HttpResponse:
        form = FrameForm(request.POST)
        if form.is_valid():
            try:
                set_frame(self.actor, form.frame())
                messages.success(request, _("The draft is kept. It holds for nobody until it is switched on."))
                return redirect("edit-policy")
            except InvalidInput as error:
                form.blame(error)
        return self._show(request, frame=form, status=422)

    def _show(self, request: HttpRequest, *, text: Any = None, frame: Any = None, status: int = 200) -> HttpResponse:
        state = self.state
        draft = draft_of(state)
        forms = {
            "text": text or PolicyTextForm(initial={"source": state.draft}),
            "frame": frame or FrameForm(initial=initial_of_frame(draft.data)) if draft else None,
        }
        shown = text["source"].value() if text else state.draft
        problems = check_policy_text(self.actor, str(shown or ""))
        ready = list_ready_made(draft) if draft else ()
        return self.page(request, status=status, problems=problems, draft=draft, ready=ready, **forms)


class RulePage(PolicyPage):
    """One rule of the draft, or a new one."""

    template_name = "agents/policy_rule.html"
    tab = "edit"

    def get(self, request: HttpRequest, place: str) -> HttpResponse:
        """Show its form."""
        rule = self._rule(place)
        if rule and not can_be_shown(rule):
            messages.info(request, _("This rule says more than the form can: change it in the text."))
            return redirect("edit-policy")
        return self.page(request, form=RuleForm(initial=initial_of_rule(rule) if rule else None), rule=rule)

    def post(self, request: HttpRequest, place: str) -> HttpResponse:
        """Keep it as part of the draft."""
        rule, form = self._rule(place), RuleForm(request.POST)
        if form.is_valid():
            try:
                set_rule(self.actor, place=_index(place), rule=form.rule())
                messages.success(request, _("The draft is kept. It holds for nobody until it is switched on."))
                return redirect("edit-policy")
            except InvalidInput as error:
                form.blame(error)
        return self.page(request, form=form, rule=rule, status=422)

    def _rule(self, place: str) -> Any:
        index = _index(place)
        return None if index is None else rule_of(self.state, index)


class RuleDeedForm(PolicyPage):
    """A button beside a rule of the draft: sooner, later, out."""

    tab = "edit"

    def post(self, request: HttpRequest, place: str, deed: str) -> HttpResponse:
        """Do it and go back."""
        index = _index(place)
        try:
            if deed == "drop":
                drop_rule(self.actor, place=-1 if index is None else index)
            else:
                move_rule(self.actor, place=-1 if index is None else index, by=-1 if deed == "sooner" else 1)
        except _MENDABLE as error:
            return self.refused(request, error)
        return redirect("edit-policy")


class ReadyMadeRuleForm(PolicyPage):
    """A rule that is ready, put into the draft."""

    tab = "edit"

    def post(self, request: HttpRequest) -> HttpResponse:
        """Take it and show the draft."""
        try:
            take_ready_made(self.actor, request.POST.get("key", ""))
        except _MENDABLE as error:
            return self.refused(request, error)
        messages.success(request, _("The draft is kept. It holds for nobody until it is switched on."))
        return redirect("edit-policy")


class TryPolicyPage(PolicyPage):
    """Tries the draft before it holds: on the calls of the newest runs, and on one that is typed."""

    template_name = "agents/policy_try.html"
    tab = "try"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show what may be tried."""
        return self.page(request, form=TryCallForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Try it; nothing is changed by that."""
        form = TryCallForm(request.POST if "call" in request.POST else None)
        try:
            if "past" in request.POST:
                return self.page(request, form=form, trial=try_policy(self.actor))
            if form.is_valid():
                return self.page(request, form=form, tried=try_policy_on(self.actor, call=form.cleaned_data["call"]))
        except _MENDABLE as error:
            return self.page(request, form=form, refused=error.message, status=422)
        return self.page(request, form=form, status=422)


class SwitchOnPolicyForm(PolicyPage):
    """Has the draft hold."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Switch it on and show it."""
        try:
            version = switch_on_policy(self.actor, note=request.POST.get("note", "")[:1_000])
        except _MENDABLE as error:
            return self.refused(request, error)
        told = _("Version %(number)s holds for every run that is taken up from now on.")
        messages.success(request, told % {"number": version.number})
        return redirect("policy")


class PolicyHistoryPage(PolicyPage):
    """The states that held, each with what it changed: for everybody of the organization."""

    template_name = "agents/policy_history.html"
    tab = "history"
    for_admins = False

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, and the chosen one's difference."""
        found = list_policy_versions(self.actor, cursor=request.GET.get("cursor"), limit=VERSIONS_SHOWN)
        number = request.GET.get("n") or (str(found.rows[0].number) if found.rows else "")
        chosen = access_policy_version(self.actor, number) if number else None
        lines = diff_policy(self.actor, number) if chosen else []
        return self.page(request, versions=found.rows, chosen=chosen, lines=lines, **self.page_links(request, found))


class RestorePolicyForm(PolicyPage):
    """Has a state that held before hold again."""

    def post(self, request: HttpRequest, version: str) -> HttpResponse:
        """Go back to it. Raises PolicyVersionNotFound."""
        access_policy_version(self.actor, version)
        try:
            restored = restore_policy(self.actor, version)
        except _MENDABLE as error:
            return self.refused(request, error, to="policy-history")
        told = _("Version %(number)s holds, which says what version %(old)s said.")
        messages.success(request, told % {"number": restored.number, "old": version})
        return redirect("policy")


def _index(place: str) -> int | None:
    """Return which rule is meant, from 1 in addresses; None for a new one, which is not there yet."""
    if place == "new":
        return None
    return int(place) - 1 if place.isascii() and place.isdigit() and len(place) < 5 else -1
