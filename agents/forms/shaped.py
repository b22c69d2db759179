# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Forms made from a schema: a control for each field, its rules beside it, and everything that does not fit at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import escape, format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from agents.engine.errors import GraphInvalid
from agents.queries.inputs import InputField, InputShape, as_typed, from_typed, shape_of
from codexos.kernel.misfits import KIND_WORDS, Misfit, place_text

LONGEST_INPUT = 100_000


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


class LinesField(forms.CharField):
    """Texts, one on each line; where there is none and none is needed it is nothing."""

    widget = forms.Textarea(attrs={"rows": 3})

    def __init__(self, *args: Any, may_be_nothing: bool, **kwargs: Any) -> None:
        super().__init__(*args, required=False, **kwargs)
        self._may_be_nothing = may_be_nothing

    def prepare_value(self, value: Any) -> str | None:
        """Show a list as it is typed."""
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> list[str] | None:
        """Read it."""
        lines = [line.strip() for line in super().clean(value).splitlines() if line.strip()]
        return None if self._may_be_nothing and not lines else lines


class _OneOf(forms.TypedChoiceField):
    """One of the values of an enumeration; a text is shown without the quotes it has in JSON."""

    def __init__(self, *, values: Sequence[str], **kwargs: Any) -> None:
        known = _known(values)
        choices = [("", _now("Choose one")), *((typed, typed) for typed in known)]
        super().__init__(choices=choices, coerce=known.__getitem__, empty_value=None, **kwargs)


class _SomeOf(forms.TypedMultipleChoiceField):
    """Some values of an enumeration."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, *, values: Sequence[str], may_be_nothing: bool, **kwargs: Any) -> None:
        known = _known(values)
        choices = [(typed, typed) for typed in known]
        empty: list[Any] | None = None if may_be_nothing else []
        super().__init__(choices=choices, coerce=known.__getitem__, empty_value=empty, required=False, **kwargs)


class _OptionalText(forms.CharField):
    def clean(self, value: Any) -> str | None:
        """Return nothing where nothing was written."""
        return super().clean(value) or None


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
        unread = set(self.errors)
        if self._names:
            given = {asked.name: cleaned.get(name) for name, asked in self._names.items()}
            cleaned["input"] = {name: value for name, value in given.items() if value is not None}
        if "input" in cleaned:
            self._check(cleaned["input"], unread)
        return cleaned

    def _check(self, value: Any, unread: set[str]) -> None:
        """Tell everything that does not fit, but what follows from a field that could not be read."""
        places = {asked.name: name for name, asked in self._names.items()}
        for name, misfit in self._shape.troubles(value):
            place = places.get(name, None if self._names else "input")
            if not unread or place not in {None, *unread}:
                self.add_error(place, _sentence(misfit))


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
        f"f{number}": _shown(asked, value)
        for number, (asked, value) in enumerate(zip(shape.fields, values, strict=True))
    }


def _shown(asked: InputField, value: Any) -> Any:
    if asked.kind == "choice" and value is not None:
        return as_typed(value)
    return [as_typed(each) for each in value] if asked.kind == "choices" and isinstance(value, list) else value


def _known(values: Sequence[str]) -> dict[str, Any]:
    return {as_typed(value): value for value in map(from_typed, values)}


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


def _control(asked: InputField) -> forms.Field:
    beside: dict[str, Any] = {"label": asked.label, "help_text": _hint(asked)}
    about, of_list = {**beside, "required": asked.is_required}, {**beside, "may_be_nothing": not asked.is_required}
    controls: Mapping[str, Callable[[], forms.Field]] = {
        "choice": lambda: _OneOf(values=asked.choices, **about),
        "choices": lambda: _SomeOf(values=asked.choices, **of_list),
        "lines": lambda: LinesField(max_length=LONGEST_INPUT, **of_list),
        "boolean": lambda: forms.BooleanField(required=False, **beside),  # not ticked is an answer too
        "integer": lambda: forms.IntegerField(**about),
        "number": lambda: forms.FloatField(**about),
        "text": lambda: _OptionalText(max_length=LONGEST_INPUT, widget=forms.Textarea(attrs={"rows": 2}), **about),
        "json": lambda: JsonField(max_length=LONGEST_INPUT, **about),
    }
    return controls[asked.kind]()


def _hint(asked: InputField) -> str:
    """Return what stands beside a field: what its author says of it, and on a line of its own what must hold."""
    rules = " ".join(_rules(asked))
    if not (asked.hint and rules):
        return escape(asked.hint or rules)
    return format_html("{}<br>{}", asked.hint, rules)


def _rules(asked: InputField) -> Sequence[str]:
    said = [_now("One on each line.")] if asked.kind == "lines" else []
    said += [_now(words) % {"limit": asked.rules[rule]} for rule, words in _RULES.items() if rule in asked.rules]
    return (
        [*said, _now("Each only once.")] if asked.rules.get("uniqueItems") is True and asked.kind == "lines" else said
    )


# What is said of a rule before anything is filled in; what does not fit is said by the engine.
_RULES: Mapping[str, str] = {
    "minimum": "At least %(limit)s.",
    "exclusiveMinimum": "More than %(limit)s.",
    "maximum": "At most %(limit)s.",
    "exclusiveMaximum": "Less than %(limit)s.",
    "multipleOf": "A multiple of %(limit)s.",
    "minLength": "Characters at least: %(limit)s.",
    "maxLength": "Characters at most: %(limit)s.",
    "minItems": "How many at least: %(limit)s.",
    "maxItems": "How many at most: %(limit)s.",
}


_KINDS = frozenset(KIND_WORDS.values())


def _sentence(misfit: Misfit) -> str:
    """Say what does not fit in the reader's language, beside its field."""
    said = _now(misfit.said) % {name: _now(value) if value in _KINDS else value for name, value in misfit.about.items()}
    where = place_text(misfit.place)
    return f"{where}: {said}." if where else f"{said[:1].upper()}{said[1:]}."
