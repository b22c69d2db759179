# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An organization's own prices, and its rules about costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.queries.access import id_in, insist_in_organization
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel import clock
from llm.engine.prices.rates import rate_from
from llm.engine.providers import KINDS
from llm.errors import PriceInvalid, PriceNotFound
from llm.models import CostRules, Price
from llm.operations.known_costs import known_costs

MOST_PRICES = 2_000
MOST_CACHE_SECONDS = 90 * 86_400
MOST_CACHE_BYTES = 1_000_000_000
HIGHEST_MARKUP = Decimal(100)


@dataclass(frozen=True, slots=True)
class PriceRequest:
    """What a model costs, as somebody says: US dollars for a million tokens."""

    kind: str
    model: str
    rate: Mapping[str, Any]


@in_organization
def set_price(actor: Actor, request: PriceRequest) -> Price:
    """Set a price: it counts from now on, before that of the list. Raises NotAllowed, PriceInvalid."""
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    model = request.model.strip()
    if request.kind not in KINDS:
        raise PriceInvalid(f"No provider is of the kind {request.kind!r}. Use one of {', '.join(KINDS)}.", place="kind")
    if not 0 < len(model) <= 200:
        raise PriceInvalid("A model's name has 1 to 200 characters.", place="model")
    try:
        rate = rate_from({name: value for name, value in request.rate.items() if value is not None})
    except ValueError as error:
        raise PriceInvalid(f"This is no price: {error}.", place="input") from None
    rows = Price.objects.for_organization(actor.organization_id)
    if rows.count() >= MOST_PRICES:
        raise PriceInvalid(f"An organization has {MOST_PRICES:,} prices at most. Drop some first.", place="model")
    price = rows.create(
        organization_id=actor.organization_id,
        kind=request.kind,
        model=model,
        rate=rate.as_data(),
        made_by=actor.label[:254],
    )
    record_event(actor, "price.set", about=price, kind=price.kind, model=price.model, rate=price.rate)
    known_costs.forget(actor.organization_id)
    return price


@in_organization
def drop_price(actor: Actor, price_id: UUID | str) -> None:
    """Drop a price: the one before it counts, or that of the list. Raises NotAllowed, PriceNotFound."""
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    rows, id_ = Price.objects.for_organization(actor.organization_id), id_in(price_id)
    price = rows.filter(pk=id_).first() if id_ else None
    if price is None:
        raise PriceNotFound(f"No price {str(price_id)[:60]!r} of the organization's own. List /api/v1/prices/.")
    record_event(actor, "price.dropped", about=price, kind=price.kind, model=price.model)
    rows.filter(pk=price.pk).delete()
    known_costs.forget(actor.organization_id)


@in_organization
def set_cost_rules(actor: Actor, changes: Mapping[str, Any]) -> CostRules:
    """Change the rules about costs. Raises NotAllowed, PriceInvalid."""
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    CostRules.objects.bulk_create([CostRules(organization_id=actor.organization_id)], ignore_conflicts=True)
    rules = CostRules.objects.for_organization(actor.organization_id).select_for_update().get()
    for name, most in _MOST.items():
        if name not in changes:
            continue
        value = type(most)(changes[name])
        if not 0 <= value <= most:
            raise PriceInvalid(f"{name} is 0 to {most:,}.", place=name)
        setattr(rules, name, value)
    rules.revision += 1
    rules.updated_at = clock.now()
    rules.save()
    record_event(actor, "cost_rules.changed", about=rules, **{name: str(getattr(rules, name)) for name in _MOST})
    known_costs.forget(actor.organization_id)
    return rules


_MOST: Mapping[str, Any] = {
    "markup": HIGHEST_MARKUP,
    "cache_seconds": MOST_CACHE_SECONDS,
    "cache_bytes": MOST_CACHE_BYTES,
}
