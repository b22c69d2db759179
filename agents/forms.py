# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a person fills in to start a run."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class StartRunForm(forms.Form):
    """A question, and the files it may be answered from."""

    input = forms.CharField(
        label=_("What should it do?"),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=100_000,
        help_text=_("Ask a question about your files, or say what you need."),
    )
    upload = forms.FileField(
        label=_("Bring a text of your own"),
        required=False,
        help_text=_("Markdown or plain text; it is kept in the project's files."),
    )
    context = forms.MultipleChoiceField(
        label=_("Files it may read"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, files: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["context"].choices = [(path, path) for path in files]  # type: ignore[attr-defined]
        if not files:
            del self.fields["context"]
