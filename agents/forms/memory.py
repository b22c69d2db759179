# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a person fills in to change what agents keep."""

from django import forms
from django.utils.translation import gettext_lazy as _

LABELS = (("trusted", _("Trusted")), ("untrusted", _("From strangers")))
SCOPES = (("conversation", _("Conversation")), ("agent", _("Agent")), ("project", _("Project")))
MOST_CHARACTERS = 20_000


class MemoryForm(forms.Form):
    """One entry."""

    value = forms.CharField(
        label=_("Value"),
        required=False,
        strip=False,
        max_length=MOST_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
        help_text=_("A text, or JSON."),
    )
    label = forms.ChoiceField(
        label=_("Label"),
        choices=LABELS,
        help_text=_("What is from strangers stays readable, and calls that follow from it are asked about."),
    )
    expires_at = forms.DateTimeField(
        label=_("Expires"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Forgotten then, in your time zone. Without it, it stays."),
    )
