# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How budgets, prices and costs are written over HTTP. Amounts are US dollars, as text, so that none is rounded."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from llm.models import BudgetPeriod, BudgetScope, CallOutcome


class _Dollars(serializers.DecimalField):
    """An amount as it is: neither padded nor rounded."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=24, decimal_places=8, **options)

    def to_representation(self, value: Any) -> str:
        """Return the amount."""
        return f"{Decimal(value).normalize():f}"


class BudgetShape(serializers.Serializer[Any]):
    """A budget, and how far it is in its present period."""

    id = serializers.UUIDField(source="budget.id")
    name = serializers.CharField(source="budget.name")
    scope = serializers.ChoiceField(choices=BudgetScope.values, source="budget.scope")
    scope_id: Any = serializers.UUIDField(source="budget.scope_id", allow_null=True)
    scope_name = serializers.CharField(source="about", help_text="What is called so, where there is a name.")
    period = serializers.ChoiceField(choices=BudgetPeriod.values, source="budget.period")
    limit_usd = _Dollars(source="budget.limit_usd")
    alerts: Any = serializers.ListField(child=serializers.IntegerField(), source="budget.alerts")
    is_hard = serializers.BooleanField(source="budget.is_hard")
    allows_unpriced = serializers.BooleanField(source="budget.allows_unpriced")
    starts_at = serializers.DateTimeField(help_text="When the present period began.")
    ends_at: Any = serializers.DateTimeField(allow_null=True, help_text="When it begins anew; null for never.")
    spent_usd = _Dollars()
    reserved_usd = _Dollars(help_text="What calls on their way may cost at most.")
    left_usd = _Dollars()
    percent = _Dollars(help_text="How much of the limit is spent.")
    is_reached = serializers.BooleanField()
    unpriced_calls = serializers.IntegerField(help_text="Calls whose price is not known; they count as nothing.")
    created_at = serializers.DateTimeField(source="budget.created_at")
    made_by = serializers.CharField(source="budget.made_by")


class LongRateShape(serializers.Serializer[Any]):
    """What calls cost that send more tokens than ``above``."""

    above = serializers.IntegerField()
    input = serializers.CharField()
    output = serializers.CharField()
    cached_read = serializers.CharField(required=False)
    cache_write = serializers.CharField(required=False)


class RateShape(serializers.Serializer[Any]):
    """US dollars for a million tokens."""

    input = serializers.CharField()
    output = serializers.CharField()
    cached_read = serializers.CharField(required=False, help_text="Read from the provider's own cache.")
    cache_write = serializers.CharField(required=False, help_text="Written to it.")
    batch_factor = serializers.CharField(required=False, help_text="What is taken of it all for what may wait.")
    long: Any = LongRateShape(required=False)
    most_output = serializers.IntegerField(required=False, help_text="How many tokens an answer has at most.")


class PriceShape(serializers.Serializer[Any]):
    """What a model costs here."""

    id: Any = serializers.UUIDField(allow_null=True, help_text="Of the organization's own price; null for the list's.")
    kind = serializers.CharField()
    model = serializers.CharField()
    rate: Any = serializers.SerializerMethodField()
    made_by = serializers.CharField()
    created_at: Any = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(RateShape)
    def get_rate(self, price: Any) -> Any:
        """Return the rate as it is written."""
        return price.rate if isinstance(price.rate, dict) else price.rate.as_data()


class PricesShape(serializers.Serializer[Any]):
    """Every price that counts, the organization's own first, and which list the others are from."""

    as_of = serializers.CharField(help_text="Of which day the list is.")
    source: Any = serializers.CharField()
    sha256 = serializers.CharField(help_text="The hash of the list, which stands with each call priced by it.")
    prices = PriceShape(many=True)


class CostRulesShape(serializers.Serializer[Any]):
    """Rules about costs."""

    markup = serializers.DecimalField(max_digits=7, decimal_places=4, normalize_output=True)
    cache_seconds = serializers.IntegerField()
    cache_bytes = serializers.IntegerField()


class SumsShape(serializers.Serializer[Any]):
    """What some calls used and cost."""

    key = serializers.CharField(help_text="Of what: an id, a name, a day; empty where calls have none.")
    name = serializers.CharField()
    calls = serializers.IntegerField()
    failed_calls = serializers.IntegerField()
    unpriced_calls = serializers.IntegerField()
    cached_calls = serializers.IntegerField(help_text="Answered by what was kept here.")
    hit_rate: Any = _Dollars(allow_null=True, help_text="How many percent that is.")
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cached_tokens = serializers.IntegerField(help_text="Of the input, read from the provider's own cache.")
    cost_usd = _Dollars()
    saved_usd = _Dollars(help_text="What kept answers had cost.")


class GroupsShape(serializers.Serializer[Any]):
    """The sums by one thing, and over all."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    by = serializers.CharField()
    total = SumsShape()
    groups = SumsShape(many=True)


class LineShape(serializers.Serializer[Any]):
    """One line of a chart: a cost for each day."""

    name = serializers.CharField()
    cost_usd: Any = serializers.ListField(child=_Dollars())


class SeriesShape(serializers.Serializer[Any]):
    """The cost of each day, by the dearest few and all others."""

    days: Any = serializers.ListField(child=serializers.DateField())
    lines = LineShape(many=True)


class BilledShape(serializers.Serializer[Any]):
    """What is billed on: one person's calls of one model, on one day in one project."""

    day = serializers.DateField()
    team = serializers.CharField()
    team_id: Any = serializers.UUIDField(allow_null=True)
    project = serializers.CharField()
    project_id: Any = serializers.UUIDField(allow_null=True)
    person = serializers.CharField()
    person_id: Any = serializers.UUIDField(allow_null=True)
    model = serializers.CharField()
    calls = serializers.IntegerField()
    unpriced_calls = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost_usd = _Dollars()
    billed_usd = _Dollars()


class CallShape(serializers.Serializer[Any]):
    """One call to a deployment."""

    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    run_id: Any = serializers.UUIDField(allow_null=True)
    flow_id: Any = serializers.UUIDField(allow_null=True)
    node_id = serializers.CharField()
    key = serializers.CharField(help_text="The step, with its way through loops and maps.")
    person_id: Any = serializers.UUIDField(allow_null=True)
    team_id: Any = serializers.UUIDField(allow_null=True)
    project_id: Any = serializers.UUIDField(allow_null=True)
    deployment = serializers.CharField()
    kind = serializers.CharField()
    model = serializers.CharField()
    route = serializers.CharField()
    attempt = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=CallOutcome.values)
    error = serializers.CharField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cached_tokens = serializers.IntegerField()
    cache_write_tokens = serializers.IntegerField()
    is_estimated = serializers.BooleanField(help_text="Whether nobody told how many tokens it was.")
    cost_usd: Any = _Dollars(allow_null=True, help_text="Null where the price is not known.")
    saved_usd = _Dollars()
    rate: Any = RateShape(allow_null=True)
    prices = serializers.CharField(help_text="The hash of the list, or the id of the own price, that it was priced by.")
    seconds = serializers.FloatField()
