# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The form of an agent's settings, made from what its nodes say they may be told: it grows with them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from agents.engine.asking_nodes import AskingNode
from agents.engine.steps import Setting
from agents.forms.controls import NAMES_A_MODEL, Choices, control, read_as

Edits = Mapping[tuple[str, str], Any]
"""What is to be told otherwise: by the path of a node and the name of its setting."""

_GROUPS = {
    "model": _("Model"),
    "instructions": _("Instructions"),
    "answer": _("How it answers"),
    "tools": _("Tools and memory"),
    "limits": _("Limits"),
}
_GROUP_OF = {
    **dict.fromkeys(NAMES_A_MODEL, "model"),
    **dict.fromkeys(("system", "prompt", "rubric", "of", "goal", "input", "images"), "instructions"),
    **dict.fromkeys(("temperature", "top_p", "seed", "stop", "output_schema", "cache", "can_wait"), "answer"),
    **dict.fromkeys(("tools", "tool_choice", "parallel_calls", "kinds", "memory"), "tools"),
}
_LABELS = {
    "model": _("Model"),
    "critic": _("Model that judges"),
    "system": _("Instructions"),
    "prompt": _("Prompt"),
    "images": _("Pictures"),
    "rubric": _("Rubric"),
    "of": _("Draft to begin with"),
    "goal": _("Goal"),
    "input": _("Input of the plan"),
    "temperature": _("Temperature"),
    "top_p": _("Top p"),
    "seed": _("Seed"),
    "stop": _("Ends at"),
    "output_schema": _("Form of the answer"),
    "max_tokens": _("Tokens of the answer"),
    "attempt_seconds": _("Seconds for one attempt"),
    "cache": _("Keep answers"),
    "can_wait": _("Can wait"),
    "tools": _("Tools"),
    "kinds": _("Kinds of node"),
    "max_nodes": _("Nodes of the plan"),
    "max_rounds": _("Rounds"),
    "at_limit": _("At the limit"),
    "tool_choice": _("Choice of tools"),
    "parallel_calls": _("Calls side by side"),
    "memory": _("Memory"),
    "max_steps": _("Questions to the model"),
    "max_tool_calls": _("Calls of tools"),
    "max_cost_usd": _("Dollars"),
    "attempts": _("Attempts"),
}


class Group(NamedTuple):
    """Fields that are shown together. It is open where one of them says something, or is wrong."""

    name: str
    label: str
    fields: Sequence[forms.BoundField]
    is_open: bool


class AgentForm(forms.Form):
    """What every node of a flow that asks a model is told. ``laid`` is shown instead of what the draft says."""

    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        *,
        askers: Sequence[AskingNode],
        models: Choices,
        revision: int,
        laid: Edits | None = None,
        is_locked: bool = False,
    ) -> None:
        super().__init__(data, initial={"revision": revision})
        self.askers = askers
        self._asked: dict[str, tuple[AskingNode, str, Setting]] = {}
        for number, asker in enumerate(askers):
            for name, setting in asker.offered.items():
                value = (laid or {}).get((asker.path, name), asker.settings.get(name))
                field = control(name, setting, value=value, models=models)
                field.label, field.help_text = _label(name), _now(setting.doc)
                field.disabled = is_locked
                self._asked[f"n{number}-{name}"] = asker, name, setting
                self.fields[f"n{number}-{name}"] = field

    def clean(self) -> dict[str, Any]:
        """Check each value as the engine does."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for field, (_asker, _name, setting) in self._asked.items():
            if field not in cleaned:
                continue
            value = cleaned[field] = read_as(cleaned[field])
            if value is not None and (trouble := setting.shape.trouble(value)):
                self.add_error(field, ValidationError(_now("It %(trouble)s.") % {"trouble": _now(trouble)}))
        return cleaned

    def edits(self) -> dict[tuple[str, str], Any]:
        """Return what was changed. Asked of a valid form."""
        said = {(asker.path, name): self.cleaned_data[field] for field, (asker, name, _) in self._asked.items()}
        before = {(asker.path, name): asker.settings.get(name) for asker, name, _ in self._asked.values()}
        return {key: value for key, value in said.items() if not _is_same(value, before[key])}

    def blame(self, place: str, message: str) -> None:
        """Put what is wrong at a place of the document beside the field it belongs to, else above them all."""
        for field, (asker, name, _setting) in self._asked.items():
            own = asker.place_of(name)
            if place == own or place.startswith((f"{own}.", f"{own}[")):
                self.add_error(field, message)
                return
        self.add_error(None, message)

    def nodes(self) -> Iterator[tuple[AskingNode, Sequence[Group]]]:
        """Return the nodes with their fields in groups."""
        for asker in self.askers:
            yield asker, [group for name in _GROUPS if (group := self._group(asker, name)).fields]

    def wrong(self) -> list[tuple[AskingNode, forms.BoundField]]:
        """Return the fields that cannot stay as they are."""
        return [(asker, self[field]) for field, (asker, _name, _setting) in self._asked.items() if self[field].errors]

    def _group(self, asker: AskingNode, group: str) -> Group:
        fields = {
            name: self[field]
            for field, (of, name, _setting) in self._asked.items()
            if of is asker and _GROUP_OF.get(name, "limits") == group
        }
        is_said = any(name in asker.settings or field.errors for name, field in fields.items())
        return Group(group, str(_GROUPS[group]), list(fields.values()), is_said or group in {"model", "instructions"})


def _label(name: str) -> str:
    return str(_LABELS[name]) if name in _LABELS else name.replace("_", " ").capitalize()


def _is_same(said: Any, before: Any) -> bool:
    """A box that is not ticked says nothing new of a setting that was not there."""
    return (said == before and isinstance(said, bool) == isinstance(before, bool)) or (said is False and before is None)
