# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The form that makes an API token."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.forms.words import SCOPE_SENTENCES
from accounts.models import Project
from accounts.operations.names import NAME_LENGTH
from accounts.operations.tokens import LIVES_IN_DAYS, LONGEST_LIFE
from accounts.roles import TokenScope
from codexos.kernel import clock


class TokenForm(forms.Form):
    """What a token is called, good for, narrowed to, and how long it lives."""

    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Where it is used, so that you know later which one to revoke."),
    )
    scopes = forms.TypedMultipleChoiceField(
        label=_("What it is good for"),
        coerce=TokenScope,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "chk"}),
        initial=[TokenScope.READ, TokenScope.RUN],
        help_text=_("Never more than your own role lets you do."),
    )
    project = forms.ChoiceField(
        label=_("Project"),
        required=False,
        help_text=_("A token of one project sees nothing of the others."),
    )
    days = forms.TypedChoiceField(label=_("Lives for"), coerce=int, initial=90)

    def __init__(self, *args: Any, projects: Sequence[Project], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = [("", _("Every project I see")), *((str(project.pk), project.name) for project in projects)]
        self.fields["project"].choices = every  # type: ignore[attr-defined]
        self.fields["scopes"].choices = [(scope.value, _told(scope)) for scope in TokenScope]  # type: ignore[attr-defined]
        self.fields["days"].choices = [  # type: ignore[attr-defined]
            (days, ngettext("%d day", "%d days", days) % days) for days in LIVES_IN_DAYS
        ]

    def ends_at(self) -> datetime | None:
        """Return when the token is to end; None for as late as may be. Asked of a valid form."""
        life = timedelta(days=self.cleaned_data["days"])
        return None if life >= LONGEST_LIFE else clock.now() + life


def _told(scope: TokenScope) -> SafeString:
    return format_html('<code>{}</code> <span class="muted">{}</span>', scope.value, SCOPE_SENTENCES[scope])
