# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A control for each setting of a node, from the schema of its shape and what it says now."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _now

from agents.engine.steps import Setting
from agents.forms.shaped import JsonField, LinesField

Choices = Sequence[tuple[str, Any]]
NAMES_A_MODEL = frozenset({"model", "critic"})
"""Settings that name a model, a route, or a deployment."""

_LONGEST = 2_000_000
_LONG_TEXT = 1_000
_PLAIN = {"autocomplete": "off", "spellcheck": "false"}
_TYPES: Mapping[str, type | tuple[type, ...]] = {"string": str, "number": (int, float), "integer": int, "boolean": bool}


def control(name: str, setting: Setting, *, value: Any, models: Choices) -> forms.Field:
    """Return the control of a setting. What says something that no control of its kind can show is shown as JSON."""
    schema: Mapping[str, Any] = setting.shape.schema
    needed = setting.is_required and value is not None
    made = _named(name, value, models=models) or _listed(schema, value) or _simple(schema, value)
    if made is None or not _can_show(schema, value):
        made = JsonField(max_length=_LONGEST)
    made.required, made.initial = needed, value
    if isinstance(made, forms.BooleanField):
        made.required = False
    return made


def read_as(value: Any) -> Any:
    """Return a value as a document holds it: nothing where nothing was said, lines as programs end them."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n") or None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _named(name: str, value: Any, *, models: Choices) -> forms.Field | None:
    if name not in NAMES_A_MODEL or not isinstance(value, str | None):
        return None
    listed = {each for _, group in models for each, _ in group}
    unknown = [(_now("In the draft"), [(value, value)])] if value and value not in listed else []
    empty = _now("as the other model") if name == "critic" else _now("the default model")
    return forms.ChoiceField(choices=[("", empty), *models, *unknown])


def _listed(schema: Mapping[str, Any], value: Any) -> forms.Field | None:
    """A control for one of a few words, or for lines."""
    if isinstance(schema.get("enum"), list) and all(isinstance(each, str) for each in schema["enum"]):
        return forms.ChoiceField(choices=[("", _now("not said")), *((each, each) for each in schema["enum"])])
    items = schema.get("items")
    if schema.get("type") != "array" or not isinstance(items, Mapping) or items.get("type") != "string":
        return None
    return LinesField(max_length=_LONGEST, may_be_nothing=True)


def _simple(schema: Mapping[str, Any], value: Any) -> forms.Field | None:
    kind = schema.get("type")
    if kind == "string":
        longest = int(schema.get("maxLength", _LONGEST))
        if longest < _LONG_TEXT:
            return forms.CharField(max_length=longest, strip=False, widget=forms.TextInput(attrs=_PLAIN))
        rows = min(16, max(3, str(value or "").count("\n") + 2))
        return forms.CharField(max_length=longest, strip=False, widget=forms.Textarea(attrs={"rows": rows}))
    bounds: dict[str, Any] = {"min_value": schema.get("minimum"), "max_value": schema.get("maximum")}
    if kind == "number":
        return forms.FloatField(**bounds, widget=forms.NumberInput(attrs={"step": "any"}))
    if kind == "integer":
        return forms.IntegerField(**bounds)
    return forms.BooleanField(widget=forms.CheckboxInput(attrs={"class": "chk"})) if kind == "boolean" else None


def _can_show(schema: Mapping[str, Any], value: Any) -> bool:
    if value is None:
        return True
    if schema.get("type") == "array":
        return isinstance(value, list | tuple) and all(_is_a_line(each) for each in value)
    if "enum" in schema:
        return value in schema["enum"]
    kind = _TYPES.get(str(schema.get("type")))
    return kind is not None and isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _is_a_line(value: Any) -> bool:
    return isinstance(value, str) and value == value.strip() and "\n" not in value and bool(value)
