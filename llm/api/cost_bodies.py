# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the API of budgets, prices and costs is sent; what it means is checked by the operations."""

from typing import Any

from rest_framework import serializers

from accounts.queries.usage import UsageOf
from accounts.rest import Body, Query
from accounts.rest.usage import UsageQuery
from llm.engine.providers import KINDS
from llm.models import BudgetPeriod, BudgetScope
from llm.queries.usage import GroupBy, UsageFilter

FORMS = ("json", "csv")
_NAMED = ("since", "until", "run_id", "flow_id", "project_id")


def _dollars(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=16, decimal_places=8, **options)


class BudgetBody(Body):
    """A budget."""

    name = serializers.CharField(max_length=100)
    scope = serializers.ChoiceField(choices=BudgetScope.values, default=BudgetScope.ORGANIZATION.value)
    scope_id: Any = serializers.UUIDField(required=False, allow_null=True, help_text="Of the team, project and so on.")
    period = serializers.ChoiceField(choices=BudgetPeriod.values, default=BudgetPeriod.MONTH.value)
    limit_usd = _dollars(min_value=0)
    alerts: Any = serializers.ListField(child=serializers.IntegerField(), required=False, help_text="Percentages.")
    is_hard = serializers.BooleanField(default=True, help_text="Whether no call begins once it is reached.")
    allows_unpriced = serializers.BooleanField(
        default=False, help_text="Whether a hard one lets calls begin whose price is not known."
    )


class ChangeBudgetBody(Body):
    """What is to be otherwise; whom it bounds stays."""

    name = serializers.CharField(max_length=100, required=False)
    period = serializers.ChoiceField(choices=BudgetPeriod.values, required=False)
    limit_usd = _dollars(min_value=0, required=False)
    alerts: Any = serializers.ListField(child=serializers.IntegerField(), required=False)
    is_hard = serializers.BooleanField(required=False)
    allows_unpriced = serializers.BooleanField(required=False)


class PriceBody(Body):
    """A price of the organization's own: US dollars for a million tokens."""

    kind = serializers.ChoiceField(choices=list(KINDS))
    model = serializers.CharField(max_length=200)
    input = serializers.DecimalField(max_digits=18, decimal_places=10, min_value=0)
    output = serializers.DecimalField(max_digits=18, decimal_places=10, min_value=0)
    cached_read = serializers.DecimalField(max_digits=18, decimal_places=10, min_value=0, required=False)
    cache_write = serializers.DecimalField(max_digits=18, decimal_places=10, min_value=0, required=False)
    batch_factor = serializers.DecimalField(max_digits=6, decimal_places=4, min_value=0, max_value=1, required=False)


class PricesQuery(Query):
    """Which prices."""

    q = serializers.CharField(required=False, default="", allow_blank=True, max_length=200, help_text="Part of a name.")
    kind = serializers.ChoiceField(choices=list(KINDS), required=False)


class CostRulesBody(Body):
    """What is to be otherwise."""

    markup = serializers.DecimalField(max_digits=7, decimal_places=4, min_value=0, max_value=100, required=False)
    cache_seconds = serializers.IntegerField(min_value=0, required=False, help_text="0 keeps no answers.")
    cache_bytes = serializers.IntegerField(min_value=0, required=False)


class CostQuery(UsageQuery):
    """Whose calls, from when to when."""

    run_id = serializers.UUIDField(required=False)
    flow_id = serializers.UUIDField(required=False)
    project_id = serializers.UUIDField(required=False)

    @classmethod
    def read(cls, data: Any) -> tuple[UsageFilter, dict[str, Any]]:
        """Return which calls are asked for, and what else. Raises ValidationError."""
        asked = cls.parse(data)
        named = {name: asked.pop(name) for name in _NAMED if name in asked}
        of = asked.pop("of", None)
        return UsageFilter(of=UsageOf(of) if of else None, **named), asked


class GroupsQuery(CostQuery):
    """By what calls are summed up."""

    by = serializers.ChoiceField(choices=[by.value for by in GroupBy], default=GroupBy.MODEL.value)
    form = serializers.ChoiceField(choices=FORMS, default="json")


class SeriesQuery(CostQuery):
    """By what the lines of a chart are told apart."""

    by = serializers.ChoiceField(
        choices=[by.value for by in GroupBy if by not in {GroupBy.DAY, GroupBy.RUN}], default=GroupBy.MODEL.value
    )


class ReportQuery(CostQuery):
    """In which form it is taken out."""

    form = serializers.ChoiceField(choices=FORMS, default="json")
