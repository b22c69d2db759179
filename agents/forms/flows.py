# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a person fills in to bring a flow in and to say what it is called."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class NewFlowForm(forms.Form):
    """A flow as text or as a file, and where it goes."""

    file = forms.FileField(
        label=_("A file"),
        required=False,
        help_text=_("JSON or YAML. It takes the place of the text below."),
        widget=forms.ClearableFileInput(attrs={"accept": ".json,.yaml,.yml,application/json,application/yaml"}),
    )
    source = forms.CharField(
        label=_("The flow as text"),
        required=False,
        strip=False,
        max_length=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        widget=forms.Textarea(attrs={"rows": 18, "class": "mono", "spellcheck": "false", "autocapitalize": "none"}),
        help_text=_("It may be unfinished: what it lacks is listed while you edit it."),
    )
    project = forms.ChoiceField(label=_("Project"))
    is_team_template = forms.BooleanField(
        label=_("A template of the team: every member may run and fork it, its leads change it"), required=False
    )

    def __init__(self, *args: Any, projects: Sequence[tuple[str, str]], may_lead: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].choices = projects  # type: ignore[attr-defined]
        if len(projects) == 1:
            self.fields["project"].widget = forms.HiddenInput()
            self.fields["project"].initial = projects[0][0]
        if not may_lead:
            del self.fields["is_team_template"]

    def clean(self) -> dict[str, Any]:
        """Read the file where there is one; one of the two is needed."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if upload := cleaned.get("file"):
            cleaned["source"] = self._read(upload)
        # Browsers send a text's lines ended by two characters.
        cleaned["source"] = (cleaned.get("source") or "").replace("\r\n", "\n")
        if not cleaned["source"].strip() and not self.errors:
            self.add_error("source", _("Bring a file, or write the flow here."))
        return cleaned

    def _read(self, upload: Any) -> str:
        if upload.size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            self.add_error("file", _("This file is larger than a flow may be."))
            return ""
        try:
            return str(upload.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            self.add_error("file", _("This file is not text in UTF-8. Save it as JSON or YAML."))
            return ""


class FlowSettingsForm(forms.Form):
    """What a flow is called, and whose it is."""

    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    slug = forms.CharField(
        label=_("Short name"),
        max_length=63,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        help_text=_("Programs start the flow by it."),
    )
    is_team_template = forms.BooleanField(
        label=_("A template of the team: every member may run and fork it, its leads change it"), required=False
    )

    concurrency = forms.ChoiceField(
        label=_("When it is started while a run is not over"),
        required=False,
        choices=[
            ("allow", _("Both run side by side")),
            ("queue", _("The new run waits for the one before it")),
            ("reject", _("The new run is refused")),
            ("replace", _("The new run takes the place of the one before it, which is cancelled")),
        ],
        help_text=_("It holds for runs that are started from now on. A run that waits for a person is not over."),
    )
    concurrency_scope = forms.ChoiceField(
        label=_("Which runs count"),
        required=False,
        choices=[("flow", _("All runs of this flow")), ("conversation", _("Those of the same conversation"))],
    )

    def __init__(self, *args: Any, may_lead: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_lead:
            del self.fields["is_team_template"]


class PublishForm(forms.Form):
    """What goes with a version."""

    note = forms.CharField(
        label=_("What changed"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("One line for those who read the list of versions."),
    )
    # What was looked at is what goes out: a draft that somebody saved meanwhile does not.
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)
