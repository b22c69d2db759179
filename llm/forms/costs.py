# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The forms about budgets, prices and costs."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from llm.engine.providers import PROVIDERS
from llm.models import Budget, BudgetPeriod
from llm.operations.budgets import BudgetRequest
from llm.operations.prices import PriceRequest

Choices = Sequence[tuple[str, Any]]
_CHECK = {"class": "chk"}
_PERIODS = [
    (BudgetPeriod.DAY, _("Each day")),
    (BudgetPeriod.WEEK, _("Each week")),
    (BudgetPeriod.MONTH, _("Each month")),
    (BudgetPeriod.EVER, _("Once and for all")),
]


class AlertsField(forms.CharField):
    """Percentages, written with commas between them."""

    def clean(self, value: Any) -> list[int]:
        """Return them. Raises ValidationError."""
        words = str(super().clean(value)).replace("%", " ").replace(",", " ").split()
        if any(not (word.isascii() and word.isdigit() and len(word) < 6) for word in words):
            raise forms.ValidationError(_("Write percentages with commas between them: 50, 80, 100."))
        return [int(word) for word in words]


class BudgetForm(forms.Form):
    """What may be changed of a budget."""

    name = forms.CharField(label=_("Name"), max_length=100)
    limit_usd = forms.DecimalField(
        label=_("Limit in US dollars"),
        min_value=0,
        max_digits=16,
        decimal_places=8,
        help_text=_("0 lets nothing begin that costs something."),
    )
    period = forms.ChoiceField(
        label=_("It begins anew"), choices=_PERIODS, initial=BudgetPeriod.MONTH, help_text=_("By the calendar in UTC.")
    )
    alerts = AlertsField(
        label=_("Tell people at"),
        required=False,
        initial="80, 100",
        help_text=_("Percentages of the limit; admins get mail."),
    )
    is_hard = forms.BooleanField(
        label=_("Let no call begin once it is reached"),
        required=False,
        initial=True,
        widget=forms.CheckboxInput(attrs=_CHECK),
    )
    allows_unpriced = forms.BooleanField(
        label=_("Let calls begin whose price is not known"), required=False, widget=forms.CheckboxInput(attrs=_CHECK)
    )

    @classmethod
    def about(cls, budget: Budget, data: Any = None) -> "BudgetForm":
        """Return the form as it stands for a budget."""
        shown = {name: getattr(budget, name) for name in cls.base_fields}
        shown |= {"alerts": ", ".join(map(str, budget.alerts)), "limit_usd": f"{budget.limit_usd.normalize():f}"}
        return cls(data, initial=shown)


class NewBudgetForm(BudgetForm):
    """A budget that is set up."""

    whom = forms.ChoiceField(label=_("Whose calls"))
    field_order = ("name", "whom", "limit_usd", "period", "alerts", "is_hard", "allows_unpriced")

    def __init__(self, *args: Any, whom: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["whom"].choices = whom  # type: ignore[attr-defined]

    def request(self) -> BudgetRequest:
        """Return the budget. Asked of a valid form."""
        said = dict(self.cleaned_data)
        scope, _sep, id_ = said.pop("whom").partition(":")
        return BudgetRequest(scope=scope, scope_id=UUID(id_) if id_ else None, **said)


def _dollars(label: Any, *, required: bool = True, help_text: Any = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=required, min_value=0, max_digits=18, decimal_places=10, help_text=help_text
    )


class PriceForm(forms.Form):
    """A price of the organization's own."""

    kind = forms.ChoiceField(label=_("Provider"), choices=[(each.kind, each.label) for each in PROVIDERS.values()])
    model = forms.CharField(
        label=_("Model"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    input = _dollars(_("Input"), help_text=_("US dollars for a million tokens."))
    output = _dollars(_("Output"))
    cached_read = _dollars(_("Read from the provider's cache"), required=False)
    cache_write = _dollars(_("Written to the provider's cache"), required=False)

    def request(self) -> PriceRequest:
        """Return the price. Asked of a valid form."""
        said = dict(self.cleaned_data)
        return PriceRequest(said.pop("kind"), said.pop("model"), said)


class CostRulesForm(forms.Form):
    """Rules about costs."""

    markup = forms.DecimalField(
        label=_("Markup"),
        min_value=0,
        max_value=100,
        max_digits=7,
        decimal_places=4,
        help_text=_("What costs are multiplied by in the report to bill on."),
    )
    cache_hours = forms.IntegerField(
        label=_("Keep answers for hours"),
        min_value=0,
        max_value=90 * 24,
        help_text=_("For steps that want it; 0 keeps none."),
    )
    cache_megabytes = forms.IntegerField(label=_("Keep megabytes at most"), min_value=0, max_value=1000)

    def changes(self) -> dict[str, Any]:
        """Return what is to be so. Asked of a valid form."""
        said = self.cleaned_data
        return {
            "markup": said["markup"],
            "cache_seconds": said["cache_hours"] * 3600,
            "cache_bytes": said["cache_megabytes"] * 1_000_000,
        }
