# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What models cost: by the list, and by an organization's own prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.actor import Actor
from accounts.tenancy import in_organization
from llm.engine.prices.rates import FREE, Rate, rate_from
from llm.engine.prices.snapshot import listed_rate, snapshot
from llm.models import CostRules, Price
from llm.queries.deployments import Deployment

OPERATORS_SERVER = "CODEXOS_MODEL_KEY"


def listed_rate_of(deployment: Deployment) -> Rate | None:
    """Return what a deployment takes by the list, None where that is not known.

    A listed name costs the same wherever it is asked: who stands between is paid too. What only the operator's own
    server knows is the operator's to pay.
    """
    rate = listed_rate(deployment.kind, deployment.model)
    return FREE if rate is None and deployment.setting == OPERATORS_SERVER else rate


@dataclass(frozen=True, slots=True)
class PricedModel:
    """What a model costs here: by the list, or by a price of the organization's own, which has an ``id``."""

    kind: str
    model: str
    rate: Rate
    id: UUID | None = None
    made_by: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """Every price that counts for an organization, its own first; and which list the others are from."""

    prices: Sequence[PricedModel]
    as_of: str
    source: str
    sha256: str


@in_organization
def list_prices(actor: Actor, *, search: str = "", kind: str = "") -> Prices:
    """Return the prices, of one kind of provider or with a part of a name."""
    rows = Price.objects.for_organization(actor.organization_id).order_by("id")
    newest = {(row.kind, row.model): row for row in rows}
    own = [
        PricedModel(row.kind, row.model, rate_from(row.rate), row.pk, row.made_by, row.created_at)
        for row in newest.values()
    ]
    listed = [PricedModel(each.kind, each.model, each.rate) for each in snapshot().rows()]
    wanted = [each for each in (*own, *listed) if _fits(each, search=search, kind=kind)]
    shown = [each for each in wanted if each.id or (each.kind, each.model) not in newest]
    return Prices(shown, snapshot().as_of, snapshot().source, snapshot().sha256)


@in_organization
def cost_rules(actor: Actor) -> CostRules:
    """Return the organization's rules about costs, or those that hold where it has none."""
    return CostRules.objects.for_organization(actor.organization_id).first() or CostRules(
        organization_id=actor.organization_id
    )


def _fits(price: PricedModel, *, search: str, kind: str) -> bool:
    return (not kind or price.kind == kind) and search.casefold() in price.model.casefold()
