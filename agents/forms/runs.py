# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a person fills in to start a run and to decide for one that waits."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from agents.engine.errors import GraphInvalid
from agents.forms.shaped import LONGEST_INPUT, ShapedForm
from agents.operations.verdicts import Decision
from agents.queries.inputs import from_typed, typed_or_text


class DecideForm(forms.Form):
    """What becomes of a step that waits."""

    node_id = forms.CharField(max_length=1000)
    decision = forms.ChoiceField(choices=[(decision.value, decision.value) for decision in Decision])
    result = forms.CharField(required=False, strip=False, max_length=LONGEST_INPUT)

    def clean_result(self) -> Any:
        """Read what the step gave: JSON where it is that, else text."""
        return typed_or_text(self.cleaned_data["result"])


class RerunForm(forms.Form):
    """The step to begin again with."""

    node_id = forms.CharField(max_length=1000)


class ForkForm(forms.Form):
    """Another result of a step, as JSON."""

    node_id = forms.CharField(max_length=1000)
    result = forms.CharField(strip=False, max_length=LONGEST_INPUT)

    def clean_result(self) -> Any:
        """Read it."""
        try:
            return from_typed(self.cleaned_data["result"])
        except GraphInvalid as error:
            raise ValidationError(error.problems[0].message) from None


class FilesInput(forms.FileInput):
    """A choice of several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, or none."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Check each of them."""
        sent = [file for file in (data if isinstance(data, list | tuple) else [data]) if file]
        return [super(FilesField, self).clean(file, initial) for file in sent]


class PathsField(forms.MultipleChoiceField):
    """Paths of files. Which of them exist is decided where the run is started; new ones may have come meanwhile."""

    def valid_value(self, value: str) -> bool:
        """Take any."""
        return True


class StartRunForm(ShapedForm):
    """What the flow asks for, and the files it may read."""

    upload = FilesField(
        label=_("Bring a text of your own"),
        required=False,
        help_text=_("Markdown, plain text or PDF; it is kept in the project's files."),
    )
    context = PathsField(label=_("Files it may read"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, files: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.data.getlist("context") if isinstance(self.data, QueryDict) else self.initial.get("context", ())
        offered = dict.fromkeys([*files, *chosen])
        self.fields["context"].choices = [(path, path) for path in offered]  # type: ignore[attr-defined]
