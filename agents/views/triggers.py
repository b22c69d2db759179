# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The triggers of a flow: which there are, making and changing one, and what became of its firings."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.actor import Actor
from accounts.roles import Permission
from agents.errors import TriggerNotFound
from agents.forms.triggers import KINDS, TriggerForm, initial_of_trigger
from agents.operations.trigger_edits import TriggerEdit
from agents.operations.triggers import (
    MadeTrigger,
    change_trigger,
    create_trigger,
    delete_trigger,
    fire_now,
    rotate_secret,
)
from agents.queries.flows import access_flow
from agents.queries.triggers import (
    access_trigger,
    hook_address,
    last_firings,
    list_firings,
    list_triggers,
    may_change_trigger,
    may_stop_trigger,
    preview_schedule,
    upcoming,
)
from agents.views.flow import FlowPage
from codexos.kernel.errors import CodexosError, Conflict, InvalidInput, LimitReached

TRIGGERS_SHOWN = 50
FIRINGS_SHOWN = 20


class TriggersPage(FlowPage):
    """Which triggers a flow has."""

    template_name = "agents/triggers.html"
    tab = "triggers"

    def get(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Show them, newest first, each with when it is due and how it last went."""
        page = list_triggers(self.actor, flow=self.flow.pk, cursor=request.GET.get("cursor"), limit=TRIGGERS_SHOWN)
        last = last_firings(self.actor, [row.pk for row in page.rows])
        rows = [
            {
                "trigger": row,
                "last": last.get(row.pk),
                "may_stop": may_stop_trigger(self.actor, row),
                "may_change": may_change_trigger(self.actor, row),
            }
            for row in page.rows
        ]
        return self.page(request, rows=rows, kinds=KINDS, **self.page_links(request, page))


class TriggerFormPage(FlowPage):
    """What making and changing a trigger share: the form, what is refused in it, and a schedule's next moments."""

    template_name = "agents/trigger.html"
    tab = "triggers"

    def try_to_save(self, form: TriggerForm, save: Callable[[], Any]) -> Any:
        """Return what ``save`` gives; None where it is refused, which is said beside the field."""
        try:
            return save()
        except (InvalidInput, Conflict, LimitReached) as error:
            for problem in error.details.get("errors") or [{"place": None, "message": error.message}]:
                form.add_error(problem["place"] if problem["place"] in form.fields else None, problem["message"])
            return None

    def show_made(self, request: HttpRequest, made: MadeTrigger) -> HttpResponse:
        """Show a webhook's secret, once."""
        self.template_name = "agents/trigger_secret.html"
        response = self.page(request, trigger=made.trigger, secret=made.secret, address=hook_address(made.trigger))
        response["Cache-Control"] = "no-store"
        return response

    def preview(self, form: TriggerForm) -> list[Any]:
        """Return when the schedule that stands in a form is due next; none where it stands in none."""
        if "cron" not in form.fields:
            return []
        expression, zone = (form[name].value() or "" for name in ("cron", "time_zone"))
        try:
            return preview_schedule(str(expression), zone=str(zone))
        except CodexosError:
            return []


class NewTriggerPage(TriggerFormPage):
    """A trigger that is made."""

    def get(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Show the form of a kind. Raises NotAllowed."""
        access_flow(self.actor, self.flow.pk, to=Permission.RUN_FLOWS)
        return self._show(request, self._form(), status=200)

    def post(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Make it and go back to the list; a webhook's secret is shown first."""
        form = self._form(request.POST)
        if form.is_valid() and "preview" not in request.POST:
            made = self.try_to_save(form, lambda: self._make(form))
            if made and made.secret:
                return self.show_made(request, made)
            if made:
                return self.done(request, _("%(name)s starts runs.") % {"name": made.trigger.name}, to="flow-triggers")
        return self._show(request, form, status=200 if "preview" in request.POST else 422)

    def _make(self, form: TriggerForm) -> MadeTrigger:
        said = {name: value for name, value in form.cleaned_data.items() if name != "input"}
        edit = TriggerEdit(**said, input=(form.cleaned_data["input"],))
        return create_trigger(self.actor, self.flow.pk, kind=self._kind, edit=edit)

    @property
    def _kind(self) -> str:
        kind = self.request.GET.get("kind", "cron")
        return kind if kind in KINDS else "cron"

    def _form(self, data: Any = None) -> TriggerForm:
        first = {"cron": "0 7 * * 1-5", "time_zone": timezone.get_current_timezone_name(), "missed": "once"}
        return TriggerForm(data, kind=self._kind, initial=first)

    def _show(self, request: HttpRequest, form: TriggerForm, *, status: int) -> HttpResponse:
        context = {"form": form, "kind": self._kind, "kinds": KINDS, "preview": self.preview(form)}
        return self.page(request, status=status, **context)


class OneTriggerPage(TriggerFormPage):
    """What pages of one trigger share, named ``trigger`` in their route."""

    @cached_property
    def trigger(self) -> Any:
        """The trigger it is about. Raises TriggerNotFound, also where it is another flow's."""
        row = access_trigger(self.actor, self.kwargs["trigger"])
        if row.flow_id != self.flow.pk:
            raise TriggerNotFound(f"This flow has no trigger {self.kwargs['trigger']!r}.")
        return row


class TriggerPage(OneTriggerPage):
    """One trigger: what it waits for, and its firings."""

    def get(self, request: HttpRequest, flow: str, trigger: str) -> HttpResponse:
        """Show it."""
        return self._show(request, self._form(), status=200)

    def post(self, request: HttpRequest, flow: str, trigger: str) -> HttpResponse:
        """Change it; what is refused is said beside the field."""
        form = self._form(request.POST)
        is_preview = "preview" in request.POST
        if form.is_valid() and not is_preview:
            saved = self.try_to_save(form, lambda: change_trigger(self.actor, self.trigger.pk, edit=form.edit()))
            if saved:
                messages.success(request, _("%(name)s is saved.") % {"name": saved.name})
                return redirect("trigger", self.flow.pk, saved.pk)
        return self._show(request, form, status=200 if is_preview else 422)

    def _form(self, data: Any = None) -> TriggerForm:
        return TriggerForm(data, kind=self.trigger.kind, initial=initial_of_trigger(self.trigger))

    def _show(self, request: HttpRequest, form: TriggerForm, *, status: int) -> HttpResponse:
        row = self.trigger
        firings = list_firings(self.actor, row.pk, cursor=request.GET.get("cursor"), limit=FIRINGS_SHOWN)
        return self.page(
            request,
            status=status,
            trigger=row,
            form=form,
            kind=row.kind,
            kinds=KINDS,
            preview=self.preview(form),
            upcoming=upcoming(row),
            may_edit=may_change_trigger(self.actor, row),
            may_stop=may_stop_trigger(self.actor, row),
            address=hook_address(row),
            firings=firings.rows,
            **self.page_links(request, firings),
        )


class TriggerDeedPage(OneTriggerPage):
    """A form of a trigger's page that does one thing and goes back; ``deed`` says which."""

    deed = ""

    def post(self, request: HttpRequest, flow: str, trigger: str) -> HttpResponse:
        """Do it. Raises TriggerNotFound, NotAllowed; other refusals are told on the page."""
        row = self.trigger
        try:
            made = _DEEDS[self.deed](self.actor, row.pk)
        except (InvalidInput, Conflict, LimitReached) as error:
            messages.error(request, error.message)
            return redirect("trigger", self.flow.pk, row.pk)
        if self.deed == "rotate":
            return self.show_made(request, made)
        if self.deed == "fire":
            return redirect("run", made.run_id)
        messages.success(request, _said(self.deed) % {"name": row.name})
        return redirect(*(("flow-triggers", self.flow.pk) if self.deed == "delete" else self._home(request)))

    def _home(self, request: HttpRequest) -> tuple[Any, ...]:
        is_listed = request.POST.get("from") == "list"
        return ("flow-triggers", self.flow.pk) if is_listed else ("trigger", self.flow.pk, self.trigger.pk)


def _pause(actor: Actor, trigger: Any) -> Any:
    return change_trigger(actor, trigger, edit=TriggerEdit(is_enabled=False))


def _resume(actor: Actor, trigger: Any) -> Any:
    return change_trigger(actor, trigger, edit=TriggerEdit(is_enabled=True))


_DEEDS: dict[str, Callable[[Actor, Any], Any]] = {
    "pause": _pause,
    "resume": _resume,
    "fire": fire_now,
    "rotate": rotate_secret,
    "delete": delete_trigger,
}


def _said(deed: str) -> str:
    told = {
        "pause": _("%(name)s is paused."),
        "resume": _("%(name)s starts runs again."),
        "delete": _("%(name)s is deleted. The runs it started stay."),
    }
    return told[deed]
