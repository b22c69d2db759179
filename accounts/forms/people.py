# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Forms about people: inviting them, changing what they may do, and what one prefers oneself."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.forms.words import ROLE_NAMES
from accounts.models import Team, Theme
from accounts.operations.names import NAME_LENGTH
from accounts.operations.preferences import time_zones
from accounts.roles import MEMBER_ROLES, Role

_ROLES = [(role.value, ROLE_NAMES[role]) for role in MEMBER_ROLES]


class RoleForm(forms.Form):
    """One role for one member."""

    role = forms.TypedChoiceField(label=_("Role"), choices=_ROLES, coerce=Role)


class MemberForm(RoleForm):
    """A member's role and the teams it reaches."""

    teams = forms.MultipleChoiceField(
        label=_("Teams"),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "chk"}),
        help_text=_("A role reaches the teams chosen here; an organization admin's reaches every team."),
    )

    def __init__(self, *args: Any, teams: Sequence[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(team.pk), team.name) for team in teams]
        self.fields["teams"].choices = choices  # type: ignore[attr-defined]


class InviteForm(MemberForm):
    """Whom to invite, and as what."""

    field_order = ["email", "role", "teams"]
    email = forms.EmailField(
        label=_("Email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=_("The invitation is good for seven days and for this address only."),
    )


class ProfileForm(forms.Form):
    """Who one is, and how pages look and speak."""

    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text=_("Shown beside what you do. Without one your address is shown."),
    )
    theme = forms.ChoiceField(
        label=_("Theme"),
        choices=[(Theme.SYSTEM, _("As the system")), (Theme.LIGHT, _("Light")), (Theme.DARK, _("Dark"))],
    )
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("As the browser asks")), *settings.LANGUAGES],
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), help_text=_("Times on pages are told by this clock."))
    default_model = forms.CharField(
        label=_("Default model"),
        max_length=NAME_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Used where a step of yours names no model. Empty: the organization's choice."),
    )
    wants_question_mail = forms.BooleanField(
        label=_("Write to me when a run asks me something"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "chk"}),
        help_text=_("What waits for you stands under Approvals all the same."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [(zone, zone.replace("_", " ")) for zone in sorted(time_zones())]
        self.fields["time_zone"].choices = zones  # type: ignore[attr-defined]
