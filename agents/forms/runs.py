# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a person fills in to start a run and to decide for one that waits."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.html import escape
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from agents.engine.errors import GraphInvalid
from agents.operations.interventions import Decision
from agents.queries.inputs import InputField, InputShape, as_typed, from_typed, shape_of, typed_or_text

LONGEST_INPUT = 100_000


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


class JsonField(forms.CharField):
    """A value written as JSON."""

    widget = forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"})

    def prepare_value(self, value: Any) -> str | None:
        """Show a value as it is typed."""
        return value if isinstance(value, str) or value is None else as_typed(value)

    def clean(self, value: Any) -> Any:
        """Read it."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return from_typed(text)
        except GraphInvalid as error:
            raise ValidationError(error.problems[0].message) from None


class ShapedForm(forms.Form):
    """What a schema asks for; put together it is ``cleaned_data["input"]``."""

    def __init__(self, *args: Any, shape: InputShape, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shape = shape
        self._names = {f"f{number}": asked for number, asked in enumerate(shape.fields)}
        self._of_shape = (
            {name: _control(asked) for name, asked in self._names.items()} if self._names else {"input": _whole(shape)}
        )
        self.fields = {**self._of_shape, **self.fields}

    def asked_fields(self) -> list[forms.BoundField]:
        """Return the fields that make up the input."""
        return [self[name] for name in self._of_shape]

    def clean(self) -> dict[str, Any]:
        """Put the input together and check it against its schema."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        if self._names:
            given = {asked.name: cleaned[name] for name, asked in self._names.items()}
            cleaned["input"] = {name: value for name, value in given.items() if value is not None}
        places = {asked.name: name for name, asked in self._names.items()}
        for name, trouble in self._shape.troubles(cleaned["input"]).items():
            self.add_error(places.get(name, None if self._names else "input"), trouble)
        return cleaned


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


def answer_form(schema: Mapping[str, Any], *, number: int, data: Any = None) -> ShapedForm:
    """Return the form that a question asks people to fill in; ``number`` tells it from others on its page."""
    shape = shape_of(schema)
    form = ShapedForm(data, shape=shape, auto_id=f"id_{number}_%s", initial=initial_of(shape, schema.get("default")))
    if "input" in form.fields:
        form.fields["input"].label = _("Your answer")
        form.fields["input"].help_text = ""
    return form


def initial_of(shape: InputShape, given: Any) -> dict[str, Any]:
    """Return what a form shows at first: an input that was given before, else the defaults of its schema."""
    if shape.kind != "fields":
        return {} if given is None else {"input": as_typed(given)}
    known = given if isinstance(given, Mapping) else {}
    values = [known.get(asked.name, asked.default) for asked in shape.fields]
    return {
        f"f{number}": as_typed(value) if asked.kind == "choice" and value is not None else value
        for number, (asked, value) in enumerate(zip(shape.fields, values, strict=True))
    }


def _whole(shape: InputShape) -> forms.Field:
    if shape.kind == "json":
        return JsonField(
            label=_("Input as JSON"), max_length=LONGEST_INPUT, help_text=_("The flow says what it must hold.")
        )
    return forms.CharField(
        label=_("What should it do?"),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=LONGEST_INPUT,
        help_text=_("Ask a question about your files, or say what you need."),
    )


class _OneOf(forms.TypedChoiceField):
    """One of the values of an enumeration; a text is shown without the quotes it has in JSON."""

    def __init__(self, *, values: Sequence[str], **kwargs: Any) -> None:
        known = {as_typed(value): value for value in map(from_typed, values)}
        choices = [("", _now("Choose one")), *((typed, typed) for typed in known)]
        super().__init__(choices=choices, coerce=known.__getitem__, empty_value=None, **kwargs)


class _OptionalText(forms.CharField):
    def clean(self, value: Any) -> str | None:
        """Return nothing where nothing was written."""
        return super().clean(value) or None


def _control(asked: InputField) -> forms.Field:
    about: dict[str, Any] = {"label": asked.label, "help_text": escape(asked.hint), "required": asked.is_required}
    match asked.kind:
        case "choice":
            return _OneOf(values=asked.choices, **about)
        case "boolean":
            return forms.BooleanField(**{**about, "required": False})  # not ticked is an answer too
        case "integer":
            return forms.IntegerField(**about)
        case "number":
            return forms.FloatField(**about)
        case "text":
            return _OptionalText(max_length=LONGEST_INPUT, widget=forms.Textarea(attrs={"rows": 2}), **about)
        case _:
            return JsonField(max_length=LONGEST_INPUT, **about)
