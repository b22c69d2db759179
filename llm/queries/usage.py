# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What calls used and cost, summed up every way: the whole organization for those who view billing, else one's own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate

from accounts.actor import Actor
from accounts.models import Person, Project, Team
from accounts.queries.access import insist_in_organization
from accounts.queries.pages import Page, page_of
from accounts.queries.usage import LOOK_BACK, UsageOf, usage_scope
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization, tenant
from codexos.kernel import clock
from llm.models import CallOutcome, CostRules, LlmCall
from llm.queries.flow_names import name_flows

MOST_GROUPS = 200
MOST_DAYS = 400
MOST_SERIES = 3
"""How many lines a chart has beside that of all others."""
OTHERS = "others"


class GroupBy(StrEnum):
    """What calls may be summed up by."""

    MODEL = "model"
    DEPLOYMENT = "deployment"
    ROUTE = "route"
    FLOW = "flow"
    PERSON = "person"
    TEAM = "team"
    PROJECT = "project"
    NODE = "node"
    RUN = "run"
    DAY = "day"

    @property
    def column(self) -> str:
        """Where it stands in a call."""
        named = {GroupBy.MODEL, GroupBy.DEPLOYMENT, GroupBy.ROUTE}
        return "day" if self is GroupBy.DAY else self.value if self in named else f"{self.value}_id"


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Which calls are summed up. ``of`` None: as much as the actor may see."""

    of: UsageOf | None = None
    since: datetime | None = None
    until: datetime | None = None
    run_id: UUID | None = None
    flow_id: UUID | None = None
    project_id: UUID | None = None

    def bounds(self) -> tuple[datetime, datetime]:
        """Return from when to when; 30 days until now if nobody says."""
        until = self.until or clock.now()
        return self.since or until - LOOK_BACK, until


@dataclass(frozen=True, slots=True)
class Sums:
    """What some calls used and cost; ``key`` and ``name`` say which."""

    key: str
    name: str
    calls: int
    failed_calls: int
    unpriced_calls: int
    cached_calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: Decimal
    saved_usd: Decimal

    @property
    def tokens(self) -> int:
        """In and out."""
        return self.input_tokens + self.output_tokens

    @property
    def hit_rate(self) -> Decimal | None:
        """How many percent of the calls were answered from the cache of answers."""
        return (Decimal(self.cached_calls) * 100 / self.calls).quantize(Decimal("0.1")) if self.calls else None


@dataclass(frozen=True, slots=True)
class Series:
    """The cost of each day, for each line of a chart; no day is left out."""

    days: Sequence[date]
    lines: Sequence[tuple[str, Sequence[Decimal]]]


@dataclass(frozen=True, slots=True)
class BilledRow:
    """What one person's calls of one model cost on one day in one project, and what is billed on for it."""

    day: date
    team: str
    team_id: UUID | None
    project: str
    project_id: UUID | None
    person: str
    person_id: UUID | None
    model: str
    calls: int
    unpriced_calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    billed_usd: Decimal


_SUMS: Mapping[str, Any] = {
    "calls": Count("id"),
    "failed_calls": Count("id", filter=Q(outcome__in=(CallOutcome.FAILED, CallOutcome.CUT, CallOutcome.LOST))),
    "unpriced_calls": Count("id", filter=Q(cost_usd=None)),
    "cached_calls": Count("id", filter=Q(outcome=CallOutcome.CACHED)),
    "input_tokens": Sum("input_tokens", default=0),
    "output_tokens": Sum("output_tokens", default=0),
    "cached_tokens": Sum("cached_tokens", default=0),
    "cost_usd": Sum("cost_usd", default=Decimal(0)),
    "saved_usd": Sum("saved_usd", default=Decimal(0)),
}


@in_organization
def cost_sums(actor: Actor, asked: UsageFilter) -> Sums:
    """Return the sums over everything that is asked for. Raises NotAllowed for what is not theirs."""
    return Sums("", "", **_calls(actor, asked).aggregate(**_SUMS))


@in_organization
def cost_groups(actor: Actor, asked: UsageFilter, *, by: GroupBy) -> list[Sums]:
    """Return the sums by one thing, the dearest first; of days, the latest. Raises NotAllowed."""
    rows = _calls(actor, asked).annotate(day=TruncDate("at")).values(by.column).annotate(**_SUMS)
    order = ["-day"] if by is GroupBy.DAY else ["-cost_usd", "-calls", by.column]
    found = list(rows.order_by(*order)[:MOST_GROUPS])
    names = names_of(actor, by, keys=[row[by.column] for row in found])
    return [_sums(row, by, names=names) for row in found]


@in_organization
def cost_series(actor: Actor, asked: UsageFilter, *, by: GroupBy) -> Series:
    """Return the cost of each day by the dearest few and all others. Raises NotAllowed."""
    since, until = asked.bounds()
    first = max(since.date(), until.date() - timedelta(days=MOST_DAYS))
    days = [first + timedelta(days=n) for n in range((until.date() - first).days + 1)]
    rows = _calls(actor, asked).annotate(day=TruncDate("at")).values("day", by.column)
    costs = [(row["day"], row[by.column], row["cost"]) for row in rows.annotate(cost=Sum("cost_usd")) if row["cost"]]
    totals: dict[Any, Decimal] = {}
    for _day, key, cost in costs:
        totals[key] = totals.get(key, Decimal(0)) + cost
    top = sorted(totals, key=lambda key: (-totals[key], str(key)))[:MOST_SERIES]
    names = names_of(actor, by, keys=top)
    lines = {key: dict.fromkeys(days, Decimal(0)) for key in (*top, *([OTHERS] if len(totals) > len(top) else []))}
    for day, key, cost in costs:
        if day in lines[line := key if key in top else OTHERS]:
            lines[line][day] += cost
    named = [(OTHERS if key == OTHERS else _named(key, names), list(line.values())) for key, line in lines.items()]
    return Series(days, named)


@in_organization
def list_calls(actor: Actor, asked: UsageFilter, *, cursor: str | None, limit: int) -> Page[LlmCall]:
    """Return single calls, newest first. Raises NotAllowed."""
    return page_of(_calls(actor, asked), cursor=cursor, limit=limit)


def billed_rows(actor: Actor, asked: UsageFilter) -> Iterator[list[BilledRow]]:
    """Return what is to be billed on, a day at a time, the earliest first. Raises NotAllowed at once."""
    insist_in_organization(actor, Permission.VIEW_BILLING)
    since, until = asked.bounds()
    return _billed_days(actor, replace(asked, since=max(since, until - timedelta(days=MOST_DAYS)), until=until))


@in_organization
def markup_of(actor: Actor) -> Decimal:
    """Return what costs are multiplied by where they are billed on."""
    rules = CostRules.objects.for_organization(actor.organization_id).first()
    return Decimal(1) if rules is None else rules.markup


def names_of(actor: Actor, by: GroupBy, *, keys: Iterable[Any]) -> Mapping[Any, str]:
    """Return what people call things. Must run inside the organization."""
    ids = [key for key in keys if key]
    organization_id = actor.organization_id
    if by is GroupBy.PERSON:
        return {row.pk: str(row) for row in Person.objects.filter(pk__in=ids)}
    if by is GroupBy.TEAM:
        return {row.pk: row.name for row in Team.objects.for_organization(organization_id).filter(pk__in=ids)}
    if by is GroupBy.PROJECT:
        return {row.pk: row.name for row in Project.objects.for_organization(organization_id).filter(pk__in=ids)}
    if by is GroupBy.FLOW:
        return name_flows(actor, ids)
    return {}


def _billed_days(actor: Actor, asked: UsageFilter) -> Iterator[list[BilledRow]]:
    markup, (start, until) = markup_of(actor), asked.bounds()
    while start < until:
        end = min(until, (start + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0))
        with tenant(actor.organization_id):
            rows = _billed(actor, replace(asked, of=UsageOf.ORGANIZATION, since=start, until=end), markup=markup)
        if rows:
            yield rows
        start = end


def _billed(actor: Actor, asked: UsageFilter, *, markup: Decimal) -> list[BilledRow]:
    calls, (start, _until) = _calls(actor, asked), asked.bounds()
    keys = ("team_id", "project_id", "person_id", "model")
    sums = {name: _SUMS[name] for name in ("calls", "unpriced_calls", "input_tokens", "output_tokens", "cost_usd")}
    found = list(calls.values(*keys).annotate(**sums).order_by(*keys))
    teams = names_of(actor, GroupBy.TEAM, keys={row["team_id"] for row in found})
    projects = names_of(actor, GroupBy.PROJECT, keys={row["project_id"] for row in found})
    people = names_of(actor, GroupBy.PERSON, keys={row["person_id"] for row in found})
    return [
        BilledRow(
            day=start.date(),
            team=teams.get(row["team_id"], ""),
            project=projects.get(row["project_id"], ""),
            person=people.get(row["person_id"], ""),
            billed_usd=(row["cost_usd"] * markup).quantize(Decimal("0.00000001")),
            **row,
        )
        for row in found
    ]


def _calls(actor: Actor, asked: UsageFilter) -> OrganizationQuerySet[LlmCall]:
    if asked.of is UsageOf.ORGANIZATION:
        insist_in_organization(actor, Permission.VIEW_BILLING)
    since, until = asked.bounds()
    rows: OrganizationQuerySet[LlmCall] = LlmCall.objects.for_organization(actor.organization_id)
    rows = rows.filter(at__gte=since, at__lt=until)
    if (asked.of or usage_scope(actor)) is UsageOf.PERSON:
        rows = rows.filter(person_id=actor.person_id)
    if actor.project_id is not None:
        rows = rows.filter(project_id=actor.project_id)
    named = {"run_id": asked.run_id, "flow_id": asked.flow_id, "project_id": asked.project_id}
    return rows.filter(**{name: id_ for name, id_ in named.items() if id_ is not None})


def _sums(row: dict[str, Any], by: GroupBy, *, names: Mapping[Any, str]) -> Sums:
    key = row.pop(by.column)
    return Sums("" if key is None else str(key), _named(key, names), **{name: row[name] for name in _SUMS})


def _named(key: Any, names: Mapping[Any, str]) -> str:
    return "" if key is None else names.get(key, str(key))
