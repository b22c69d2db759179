# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The forms about one secret."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from vault.forms.fields import GraceField, TagsField, ValueField
from vault.models import RotateBy, Secret, SecretKind
from vault.models.secrets import KEY_LENGTH
from vault.operations.rotation import MOST_DAYS, Rotation
from vault.operations.secrets import SecretEdit

_KINDS = [
    (SecretKind.GENERIC, _("Anything")),
    (SecretKind.LLM_API_KEY, _("Key of a model provider")),
    (SecretKind.TOOL_CREDENTIAL, _("Credential of a tool")),
    (SecretKind.OAUTH_TOKEN, _("OAuth token")),
]
_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class AboutForm(forms.Form):
    """What is said about a secret beside its value."""

    kind = forms.ChoiceField(label=_("What it is"), choices=_KINDS)
    description = forms.CharField(label=_("Description"), required=False, max_length=500)
    tags = TagsField()
    expires_on = forms.DateField(
        label=_("Expires on"),
        required=False,
        widget=_DAY,
        help_text=_("From that day on nobody gets the value. Its people are told a week before."),
    )

    @classmethod
    def about(cls, secret: Secret, data: Any = None) -> "AboutForm":
        """Return the form as it stands for a secret."""
        said = {
            "kind": secret.kind,
            "description": secret.description,
            "tags": ", ".join(secret.tags),
            "expires_on": secret.expires_at.date() if secret.expires_at else None,
        }
        return cls(data, initial=said)

    def edit(self) -> SecretEdit:
        """Return what was said. Asked of a valid form."""
        said = self.cleaned_data
        day = said["expires_on"]
        return SecretEdit(
            kind=said["kind"],
            description=said["description"],
            tags=said["tags"],
            expires_at=(datetime.combine(day, time(), UTC) if day else None,),
        )


class NewSecretForm(AboutForm):
    """A secret that is put away."""

    key = forms.CharField(
        label=_("Key"),
        max_length=KEY_LENGTH,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "class": "mono"}
        ),
        help_text=_("Flows name it so: {{ vault.KEY }}. Letters, digits and _ - . between them."),
    )
    value = ValueField()
    folder = forms.ChoiceField(label=_("Folder"), help_text=_("Whoever shares the folder may use it."))

    replaces = forms.BooleanField(
        label=_("Replace the value where this key is there already"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "chk"}),
    )

    field_order = ("key", "value", "folder", "replaces", "kind", "tags", "description", "expires_on")

    def __init__(self, *args: Any, folders: Sequence[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["folder"].choices = folders  # type: ignore[attr-defined]


class NewValueForm(forms.Form):
    """Another value of a secret."""

    value = ValueField()
    grace_seconds = GraceField()

    def grace(self) -> timedelta:
        """Return for how long the value before is read. Asked of a valid form."""
        return timedelta(seconds=self.cleaned_data["grace_seconds"] or 0)


class RotationForm(forms.Form):
    """When a secret gets its next values, and from whom."""

    every_days = forms.IntegerField(
        label=_("Every how many days"),
        min_value=0,
        max_value=MOST_DAYS,
        help_text=_("0 plans nothing."),
    )
    by = forms.ChoiceField(
        label=_("Who gives the next value"),
        choices=[
            (RotateBy.REMINDER, _("A person, reminded by mail")),
            (RotateBy.CALLBACK, _("A program, by callback")),
        ],
    )
    callback_url = forms.URLField(
        label=_("Callback address"),
        required=False,
        assume_scheme="https",
        help_text=_("Asked with a signed POST; it answers with the next value, or with 202 and puts it later."),
    )
    grace_seconds = GraceField()

    @classmethod
    def about(cls, secret: Secret, data: Any = None) -> "RotationForm":
        """Return the form as it stands for a secret."""
        said = {
            "every_days": secret.rotate_every_days or 0,
            "by": secret.rotate_by or RotateBy.REMINDER,
            "callback_url": secret.callback_url,
            "grace_seconds": secret.grace_seconds,
        }
        return cls(data, initial=said)

    def rotation(self) -> Rotation:
        """Return the plan. Asked of a valid form."""
        said = self.cleaned_data
        return Rotation(said["every_days"], said["by"], said["callback_url"], said["grace_seconds"] or 0)
