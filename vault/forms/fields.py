# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Fields that the vault's forms share."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from vault.models import SecretScope

SCOPES = [
    (SecretScope.PROJECT.value, _("Projects")),
    (SecretScope.TEAM.value, _("Teams")),
    (SecretScope.ORGANIZATION.value, _("Organization")),
    (SecretScope.PERSONAL.value, _("Personal")),
]
GRACES = [
    (0, _("End it at once")),
    (3_600, _("One hour")),
    (86_400, _("One day")),
    (604_800, _("One week")),
]


class SecretInput(forms.Textarea):
    """A field for a value: hidden while it is typed, and never filled by us, not even with what was just sent."""

    def __init__(self) -> None:
        super().__init__(
            attrs={
                "rows": 3,
                "class": "mono veiled",
                "autocomplete": "off",
                "autocapitalize": "none",
                # A browser's spelling service would be sent it.
                "spellcheck": "false",
                "data-1p-ignore": "",
                "data-veil": _("Show"),
                "data-unveil": _("Hide"),
            }
        )

    def format_value(self, value: Any) -> str:
        """Return nothing, whatever there is."""
        return ""


class ValueField(forms.CharField):
    """A secret's value, taken as it is; a line break that a browser writes as two characters is one."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Value"),
            strip=False,
            widget=SecretInput(),
            help_text=_("Sealed before it is stored. At most 64 KB."),
        )

    def to_python(self, value: Any) -> str:
        """Return what was typed."""
        return str(super().to_python(value)).replace("\r\n", "\n")


class TagsField(forms.CharField):
    """Tags, apart by commas or blanks."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Tags"),
            required=False,
            max_length=1_200,
            widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
            help_text=_("Apart by commas. Rules about tags open secrets to people, or close them."),
        )

    def clean(self, value: Any) -> list[str]:
        """Return them as a list."""
        return str(super().clean(value)).replace(",", " ").split()


class GraceField(forms.TypedChoiceField):
    """How long the value before is read beside the new one; None for not at all."""

    def __init__(self) -> None:
        super().__init__(
            label=_("The value before"),
            coerce=int,
            choices=GRACES,
            initial=0,
            required=False,
            empty_value=None,
            help_text=_("While it lasts, programs that ask for the earlier version by its number still get it."),
        )
