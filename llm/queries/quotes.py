# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What calls would cost: who would answer for a name, by which rates, and what was used before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection

from accounts.tenancy import tenant
from codexos.kernel import clock
from llm.engine.prices.rates import FREE, Rate
from llm.errors import ModelNotConfigured, ModelSwitchedOff, ModelUnknown
from llm.queries.catalogs import Catalog, find_way, load_catalog
from llm.queries.costs import Costs, load_costs
from llm.queries.deployments import Substitute

LOOKED_BACK = timedelta(days=30)
UNBOUNDED_OUTPUT = 16_384


@dataclass(frozen=True, slots=True)
class Quote:
    """Who would answer for a name: their models, rates (None: not known) and contexts, in the order they are asked."""

    models: Sequence[str]
    rates: Sequence[Rate | None]
    context_tokens: Sequence[int]

    @property
    def is_known(self) -> bool:
        """Whether all prices are known."""
        return None not in self.rates

    @property
    def unpriced(self) -> Sequence[str]:
        """Those whose prices are not known."""
        return [model for model, rate in zip(self.models, self.rates, strict=True) if rate is None]

    def cost(self, *, input_tokens: int, output_tokens: int) -> Decimal:
        """What a call would cost at who is asked first."""
        return (self.rates[0] or FREE).most(input_tokens=input_tokens, output_tokens=output_tokens)

    def most(self, max_tokens: int | None) -> Decimal:
        """What the dearest of them takes for a call that uses all it may."""
        costs = []
        for rate, context in zip(self.rates, self.context_tokens, strict=True):
            known = rate or FREE
            costs.append(known.most(input_tokens=context, output_tokens=_output(rate, max_tokens)))
        return max(costs)


@dataclass(frozen=True, slots=True)
class Past:
    """What a node's calls came to lately: in how many runs, how many calls in each, tokens and cost of each."""

    runs: int
    calls_per_run: Decimal
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None


class Quotes:
    """The quotes of one organization's project."""

    def __init__(self, organization_id: UUID, project_id: UUID | None) -> None:
        self._catalog: Catalog = load_catalog(organization_id)
        self._costs: Costs = load_costs(organization_id)
        self._project_id = project_id

    def of(self, name: str) -> Quote | None:
        """Return who would answer for a name; None where nobody would."""
        try:
            way = find_way(self._catalog, name, project_id=self._project_id)
        except (ModelSwitchedOff, ModelUnknown, ModelNotConfigured):
            return None
        if isinstance(way, Substitute):
            return Quote(["offline"], [FREE], [0])
        asked = [candidate.deployment for candidate in way.candidates]
        rates = [self._costs.price_of(deployment).rate for deployment in asked]
        return Quote([each.model for each in asked], rates, [each.context_tokens for each in asked])


_PAST = """
select regexp_replace(node_id, '\\[[^]]*\\]', '', 'g') as place, count(distinct run_id), count(*), avg(input_tokens),
    avg(output_tokens), avg(cost_usd)
from llm_llmcall
where organization_id = %s and flow_id = %s and at >= %s and outcome = 'answered' and run_id is not null
group by place
"""


def past_of_flow(organization_id: UUID, flow_id: UUID) -> Mapping[str, Past]:
    """Return what the nodes of a flow came to lately, by their places."""
    with tenant(organization_id), connection.cursor() as cursor:
        cursor.execute(_PAST, [organization_id, flow_id, clock.now() - LOOKED_BACK])
        return {
            place: Past(runs, Decimal(calls) / runs, round(tokens_in), round(tokens_out), cost)
            for place, runs, calls, tokens_in, tokens_out, cost in cursor.fetchall()
        }


def _output(rate: Rate | None, max_tokens: int | None) -> int:
    known = rate.most_output if rate is not None and rate.most_output else UNBOUNDED_OUTPUT
    return known if max_tokens is None else max_tokens
