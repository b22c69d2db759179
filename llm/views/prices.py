# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Prices: the dated list, the organization's own before it, and the rules about costs."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.forms.blame import MENDABLE, blame
from llm.forms.costs import CostRulesForm, PriceForm
from llm.operations.caching import purge_kept
from llm.operations.prices import drop_price, set_cost_rules, set_price
from llm.queries.prices import cost_rules, list_prices
from llm.views.shell import ModelsPage


class ShowsPrices(ModelsPage):
    """What shows prices and the rules about costs."""

    template_name = "llm/prices.html"
    tab = "prices"

    def show(
        self, request: HttpRequest, *, form: PriceForm | None = None, rules: Any = None, status: int = 200
    ) -> HttpResponse:
        """Render prices, rules and the forms for them."""
        search = request.GET.get("q", "").strip()[:200]
        held = cost_rules(self.actor)
        shown = {
            "markup": f"{held.markup.normalize():f}",
            "cache_hours": held.cache_seconds // 3600,
            "cache_megabytes": held.cache_bytes // 1_000_000,
        }
        listed = list_prices(self.actor, search=search)
        rows = [{"price": price, "rate": price.rate.as_data()} for price in listed.prices]
        return self.page(
            request,
            status=status,
            listed=listed,
            rows=rows,
            search=search,
            rules=held,
            form=form or PriceForm(),
            rules_form=rules or CostRulesForm(initial=shown),
        )


class PricesPage(ShowsPrices):
    """What models cost."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the prices, those with a part of a name."""
        return self.show(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Set a price. Raises NotAllowed."""
        form = PriceForm(request.POST)
        if form.is_valid():
            try:
                price = set_price(self.actor, form.request())
                return self.done(_("%(model)s is priced so from now on.") % {"model": price.model}, to="model-prices")
            except MENDABLE as error:
                blame(form, error)
        return self.show(request, form=form, status=422)


class DropPriceDeed(ModelsPage):
    """Dropping a price of the organization's own."""

    for_admins = True

    def post(self, request: HttpRequest, price: str) -> HttpResponse:
        """Drop it. Raises PriceNotFound, NotAllowed."""
        drop_price(self.actor, price)
        return self.done(_("The price is gone; that of the list counts."), to="model-prices")


class CostRulesDeed(ShowsPrices):
    """Changing the rules about costs."""

    for_admins = True

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change them. Raises NotAllowed."""
        form = CostRulesForm(request.POST)
        if form.is_valid():
            try:
                set_cost_rules(self.actor, form.changes())
                return self.done(_("The rules are changed."), to="model-prices")
            except MENDABLE as error:
                blame(form, error)
        return self.show(request, rules=form, status=422)


class PurgeDeed(ModelsPage):
    """Letting go of all kept answers."""

    for_admins = True

    def post(self, request: HttpRequest) -> HttpResponse:
        """Let go of them. Raises NotAllowed."""
        count = purge_kept(self.actor)
        told = ngettext("%(count)d kept answer is gone.", "%(count)d kept answers are gone.", count)
        return self.done(told % {"count": count}, to="model-prices")
