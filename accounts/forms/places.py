# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Forms about organizations, teams and projects."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import ContentDays, Team
from accounts.operations.names import NAME_LENGTH, TEXT_LENGTH

_SLUG_LENGTH = 63


class NameForm(forms.Form):
    """A name, and the short name that addresses and programs use."""

    name = forms.CharField(
        label=_("Name"), max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    slug = forms.CharField(
        label=_("Short name"),
        max_length=_SLUG_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        help_text=_("Letters a to z, digits and hyphens. Programs and addresses use it."),
    )


class OrganizationForm(NameForm):
    """The names of an organization, and what it allows. What is not sent stays as it is."""

    allows_substitute_models = forms.TypedChoiceField(
        label=_("When nobody is set up for a model"),
        required=False,
        choices=[
            ("yes", _("The built-in offline model answers, and the run says so")),
            ("no", _("The run is refused")),
        ],
        coerce=lambda chosen: chosen == "yes",
        empty_value=None,
        help_text=_("The built-in model only quotes the files of a run. Refuse it where that must not pass unnoticed."),
    )
    allows_secrets_in_prompts = forms.TypedChoiceField(
        label=_("When a prompt names a secret"),
        required=False,
        choices=[
            ("no", _("The flow is refused")),
            ("yes", _("The secret is sent to the model")),
        ],
        coerce=lambda chosen: chosen == "yes",
        empty_value=None,
        help_text=_("Whoever answers for the model then has the secret. Tools may have secrets in either case."),
    )
    content_days = forms.TypedChoiceField(
        label=_("How long the content of runs is kept"),
        required=False,
        choices=[
            (ContentDays.SHORT, _("7 days")),
            (ContentDays.STANDARD, _("30 days")),
            (ContentDays.LONG, _("365 days")),
        ],
        coerce=int,
        empty_value=None,
        help_text=_(
            "Input, journal and results of a run go that long after its end; who ran what, when and at what cost "
            "stays. It holds for runs started from now on."
        ),
    )
    most_runs = forms.IntegerField(
        label=_("Runs under way at once"),
        required=False,
        min_value=1,
        max_value=1_000_000,
        help_text=_(
            "Others wait for a place. Left as it is, or above what this installation allows, its own bound holds."
        ),
    )


class NewNameForm(NameForm):
    """The same for something new: without a short name it gets one made of its name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].required = False
        self.fields["slug"].help_text = _("Letters a to z, digits and hyphens. Left empty, it is made from the name.")


class ProjectForm(NameForm):
    """A project and the team it stands in."""

    team = forms.ChoiceField(label=_("Team"))
    description = forms.CharField(
        label=_("Description"), max_length=TEXT_LENGTH, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, teams: Sequence[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(team.pk), team.name) for team in teams]
        self.fields["team"].choices = choices  # type: ignore[attr-defined]


class NewProjectForm(ProjectForm, NewNameForm):
    """A project to be made."""
