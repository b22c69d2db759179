# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The forms about routes."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from llm.models import Route
from llm.models.providers import NAME_LENGTH
from llm.operations.routes import MOST_HEDGE_MS, MOST_RETRIES, RouteEdit

_CHECK = {"class": "chk"}


class RouteForm(forms.Form):
    """What is said of a route beside whom it leads to."""

    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "class": "mono"}
        ),
        help_text=_("Flows give it as their model: fast, smart, local."),
    )
    description = forms.CharField(label=_("Description"), required=False, max_length=500)
    retries = forms.IntegerField(
        label=_("Ask all of them again"),
        min_value=0,
        max_value=MOST_RETRIES,
        initial=1,
        help_text=_("How often, after each has failed, with a pause before."),
    )
    hedge_after_ms = forms.IntegerField(
        label=_("Ask the next beside one that is late"),
        required=False,
        min_value=1,
        max_value=MOST_HEDGE_MS,
        help_text=_("After so many milliseconds without a word; who begins first answers, the other may cost too."),
    )
    is_sticky = forms.BooleanField(
        label=_("Keep a conversation at one of them"), required=False, widget=forms.CheckboxInput(attrs=_CHECK)
    )
    falls_back_on_refusal = forms.BooleanField(
        label=_("Ask the next also where one refuses what is asked"),
        required=False,
        widget=forms.CheckboxInput(attrs=_CHECK),
    )
    is_enabled = forms.BooleanField(
        label=_("Switched on"), required=False, initial=True, widget=forms.CheckboxInput(attrs=_CHECK)
    )

    @classmethod
    def about(cls, row: Route, data: Any = None) -> "RouteForm":
        """Return the form as it stands for a route."""
        return cls(data, initial={name: getattr(row, name) for name in cls.base_fields})

    def edit(self, *, deployments: Sequence[str] | None = None) -> RouteEdit:
        """Return what was said. Asked of a valid form."""
        said = self.cleaned_data
        return RouteEdit(
            name=said["name"],
            description=said["description"],
            deployments=deployments,
            retries=said["retries"],
            hedge_after_ms=(said["hedge_after_ms"],),
            is_sticky=said["is_sticky"],
            falls_back_on_refusal=said["falls_back_on_refusal"],
            is_enabled=said["is_enabled"],
        )


class NewRouteForm(RouteForm):
    """A route that is made: whose it is, and whom it leads to first."""

    project = forms.ChoiceField(label=_("Whose"), required=False)
    deployments = forms.ChoiceField(label=_("Asked first"), help_text=_("More are added once it is made."))

    field_order = ("name", "project", "deployments", "description")

    def __init__(self, *args: Any, places: Sequence[Any], deployments: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].choices = places  # type: ignore[attr-defined]
        self.fields["deployments"].choices = deployments  # type: ignore[attr-defined]
