# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What bounds and prices an organization's calls: its budgets, the prices it agreed on itself, its rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from accounts.tenancy import tenant
from llm.engine.prices.rates import Rate, rate_from
from llm.engine.prices.snapshot import names_of, snapshot
from llm.models import Budget, BudgetPeriod, BudgetScope, CostRules, Price
from llm.models.prices import DAY
from llm.queries.deployments import Deployment
from llm.queries.prices import listed_rate_of


class KnownBudget(NamedTuple):
    """As much of a budget as tells whether it bounds a call."""

    id: UUID
    name: str
    scope: BudgetScope
    scope_id: UUID | None
    period: BudgetPeriod
    is_hard: bool
    allows_unpriced: bool


class Priced(NamedTuple):
    """A rate, None where there is none, and where it is from: the list's hash or the id of the organization's price."""

    rate: Rate | None
    source: str


@dataclass(frozen=True, slots=True)
class Costs:
    """What was read of one organization."""

    budgets: Sequence[KnownBudget] = ()
    prices: Mapping[tuple[str, str], Priced] = field(default_factory=dict)
    cache_seconds: int = DAY
    cache_bytes: int = 50_000_000

    def price_of(self, deployment: Deployment) -> Priced:
        """Return what a deployment takes: by the organization's own price, else by the list."""
        if self.prices:
            for name in names_of(deployment.model):
                if (own := self.prices.get((deployment.kind, name))) is not None:
                    return own
        rate = listed_rate_of(deployment)
        return Priced(rate, "" if rate is None or rate.is_free else snapshot().sha256)


def load_costs(organization_id: UUID) -> Costs:
    """Read them."""
    with tenant(organization_id):
        rules = CostRules.objects.for_organization(organization_id).first()
        costs = Costs(_budgets(organization_id), own_prices(organization_id))
    if rules is None:
        return costs
    return Costs(costs.budgets, costs.prices, rules.cache_seconds, rules.cache_bytes)


def own_prices(organization_id: UUID) -> Mapping[tuple[str, str], Priced]:
    """Return an organization's own prices, the newest of each model. Must run inside of it."""
    rows = Price.objects.for_organization(organization_id).order_by("id")
    return {(row.kind, row.model): Priced(rate_from(row.rate), str(row.id)) for row in rows}


def _budgets(organization_id: UUID) -> Sequence[KnownBudget]:
    rows = Budget.objects.for_organization(organization_id).order_by("id")
    return [
        KnownBudget(
            *(row.id, row.name, BudgetScope(row.scope), row.scope_id, BudgetPeriod(row.period)),
            *(row.is_hard, row.allows_unpriced),
        )
        for row in rows
    ]


def list_organizations_with_costs_due(moment: datetime, *, most: int) -> list[UUID]:
    """Return organizations where calls were left behind or came late, or kept answers have expired."""
    with connection.cursor() as cursor:
        cursor.execute("select app.organizations_with_costs_due(%s, %s)", [moment, most])
        return [row[0] for row in cursor.fetchall()]
