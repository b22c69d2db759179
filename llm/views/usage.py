# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Usage: what models cost over days, drawn and as a table, and by what."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from codexos.kernel import clock
from llm.queries.budgets import sees_all_costs
from llm.queries.usage import OTHERS, GroupBy, Series, UsageFilter, cost_groups, cost_series, cost_sums
from llm.views.shell import ModelsPage

PERIODS = (7, 30, 90)
_BY = {
    GroupBy.MODEL: gettext_lazy("Model"),
    GroupBy.FLOW: gettext_lazy("Flow"),
    GroupBy.PERSON: gettext_lazy("Person"),
    GroupBy.PROJECT: gettext_lazy("Project"),
    GroupBy.TEAM: gettext_lazy("Team"),
}
_ALONE = {GroupBy.MODEL, GroupBy.FLOW, GroupBy.PROJECT}


class UsagePage(ModelsPage):
    """What calls cost: everybody's for those who view billing, else one's own."""

    template_name = "llm/usage.html"
    tab = "usage"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show so many days, by one thing."""
        sees_all = sees_all_costs(self.actor)
        offered = {by: label for by, label in _BY.items() if sees_all or by in _ALONE}
        wanted = request.GET.get("by", "")
        by = GroupBy(wanted) if wanted in set(offered) else GroupBy.MODEL
        days = int(request.GET["days"]) if request.GET.get("days", "") in set(map(str, PERIODS)) else 30
        asked = _last_days(days)
        series = cost_series(self.actor, asked, by=by)
        return self.page(
            request,
            sees_all=sees_all,
            by=by.value,
            by_label=offered[by],
            days=days,
            periods=PERIODS,
            offered=[(each.value, label) for each, label in offered.items()],
            total=cost_sums(self.actor, asked),
            groups=cost_groups(self.actor, asked, by=by),
            chart=_chart(series),
            table=_table(series),
            since=asked.since,
        )


def _last_days(days: int) -> UsageFilter:
    now = clock.now()
    first = (now - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return UsageFilter(since=first, until=now)


def _chart(series: Series) -> dict[str, Any]:
    return {
        "day": _("Day"),
        "days": [day.isoformat() for day in series.days],
        "lines": [{"name": _name(name), "values": [float(cost) for cost in costs]} for name, costs in series.lines],
    }


def _table(series: Series) -> dict[str, Any]:
    """The chart in numbers: the latest day first, days on which nothing was spent left out, sums below."""
    columns = [costs for _line, costs in series.lines]
    rows = [
        {"day": day, "costs": [costs[n] for costs in columns], "sum": sum(costs[n] for costs in columns)}
        for n, day in enumerate(series.days)
        if any(costs[n] for costs in columns)
    ]
    sums = [sum(costs, Decimal(0)) for costs in columns]
    return {"names": [_name(name) for name, _costs in series.lines], "rows": rows[::-1], "sums": sums, "sum": sum(sums)}


def _name(name: str) -> str:
    return _("Others") if name == OTHERS else name or _("None")
