# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a person fills in to make or change a trigger: a moment, a schedule or a webhook."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.operations.preferences import time_zones
from agents.forms.shaped import LONGEST_INPUT
from agents.operations.trigger_edits import NAME_LENGTH, TriggerEdit
from agents.queries.inputs import as_typed, typed_or_text

KINDS = {"cron": _("On a schedule"), "at": _("At a time"), "webhook": _("On a webhook")}
_PLACES = {"cron": ("cron", "time_zone", "missed"), "at": ("at", "time_zone", "missed"), "webhook": ("style",)}
_TYPED = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none", "class": "mono"}


class TriggerForm(forms.Form):
    """One trigger of a ``kind``; fields of the other kinds are not there."""

    name = forms.CharField(
        label=_("Name"), max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    cron = forms.CharField(
        label=_("Schedule"),
        max_length=200,
        widget=forms.TextInput(attrs=_TYPED),
        help_text=_("Minute, hour, day of the month, month, day of the week: 0 7 * * 1-5 is seven on weekdays."),
    )
    at = forms.CharField(
        label=_("When"),
        max_length=40,
        widget=forms.TextInput(attrs=_TYPED),
        help_text=_("Such as 2026-03-29 14:30 by the clock chosen below, or with an offset: 2026-03-29T14:30+02:00."),
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), help_text=_("Where clocks are moved, the trigger goes along."))
    missed = forms.ChoiceField(
        label=_("Missed moments"),
        choices=[("once", _("Make up for the latest one")), ("skip", _("Leave them out"))],
        help_text=_("What becomes of moments that passed while nothing was up to meet them."),
    )
    style = forms.ChoiceField(
        label=_("Signed by"),
        choices=[("codexos", "Codexos-Signature"), ("github", "X-Hub-Signature-256 (GitHub)")],
        help_text=_("How the caller signs. Ours covers moment and delivery too, so prefer it where you can."),
    )
    input = forms.CharField(
        label=_("Input"),
        required=False,
        strip=False,
        max_length=LONGEST_INPUT,
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}),
        help_text=_("What its runs are given: a text, or JSON."),
    )

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kind = kind
        for place in {"cron", "at", "time_zone", "missed", "style"} - set(_PLACES[kind]):
            del self.fields[place]
        if "time_zone" in self.fields:
            zones = [(zone, zone.replace("_", " ")) for zone in sorted(time_zones())]
            self.fields["time_zone"].choices = zones  # type: ignore[attr-defined]
        if kind == "webhook":
            self.fields["input"].label = _("Fixed input")
            self.fields["input"].help_text = _("An object as JSON. Its members go over what the caller sends.")

    def clean_input(self) -> Any:
        """Read it: JSON where it is that, else text; a webhook's is an object."""
        value = typed_or_text(self.cleaned_data["input"])
        if self._kind == "webhook" and value is not None and not isinstance(value, Mapping):
            raise ValidationError(_("Write an object as JSON, or nothing."))
        return value

    def edit(self) -> TriggerEdit:
        """Return what was said, and nothing of what was left as it was. Asked of a valid form."""
        said = {name: self.cleaned_data[name] for name in self.changed_data if name != "input"}
        # A time of day means another moment in another zone.
        if "time_zone" in said and "at" in self.cleaned_data:
            said["at"] = self.cleaned_data["at"]
        if "input" in self.changed_data:
            said["input"] = (self.cleaned_data["input"],)
        return TriggerEdit(**said)


def initial_of_trigger(trigger: Any) -> dict[str, Any]:
    """Return what the form shows of a trigger there is."""
    at = trigger.at.astimezone(ZoneInfo(trigger.time_zone)).strftime("%Y-%m-%d %H:%M") if trigger.at else ""
    return {
        **{name: getattr(trigger, name) for name in ("name", "cron", "time_zone", "missed", "style")},
        "at": at,
        "input": "" if trigger.input is None else as_typed(trigger.input),
    }
