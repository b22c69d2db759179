# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Sums of what was used and what it cost: of the whole organization for those who view billing, else one's own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from accounts.actor import Actor
from accounts.models import UsageRecord
from accounts.queries.access import insist_in_organization
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel import clock

LOOK_BACK = timedelta(days=30)


class UsageOf(StrEnum):
    """Whose usage is summed up."""

    ORGANIZATION = "organization"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class UsageKind:
    """The sum of one kind of metered thing, in one unit."""

    kind: str
    unit: str
    records: int
    quantity: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """What was used between two moments."""

    of: UsageOf
    since: datetime
    until: datetime
    runs: int
    tokens: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class UsageGlance:
    """The three numbers of the home page; days and months begin at midnight UTC."""

    of: UsageOf
    runs_today: int
    tokens_this_month: int
    cost_this_month_usd: Decimal


def usage_scope(actor: Actor) -> UsageOf:
    """Return whose usage the actor sees when they do not say."""
    may = actor.project_id is None and actor.may_in_organization(Permission.VIEW_BILLING)
    return UsageOf.ORGANIZATION if may else UsageOf.PERSON


@in_organization
def usage_totals(
    actor: Actor, *, since: datetime | None = None, until: datetime | None = None, of: UsageOf | None = None
) -> UsageTotals:
    """Return runs, tokens and cost since a moment, by default 30 days ago. Raises NotAllowed for what is not theirs."""
    of, since, until = _bounds(actor, of=of, since=since, until=until)
    found = _within(_records(actor, of), since, until).aggregate(
        runs=Count("run_id", distinct=True), tokens=Sum("quantity", filter=Q(unit="tokens")), cost=Sum("cost_usd")
    )
    return UsageTotals(of, since, until, found["runs"], found["tokens"] or 0, found["cost"] or Decimal(0))


@in_organization
def list_usage_kinds(
    actor: Actor, *, since: datetime | None = None, until: datetime | None = None, of: UsageOf | None = None
) -> list[UsageKind]:
    """Return the sums per kind, the dearest first. Raises NotAllowed."""
    of, since, until = _bounds(actor, of=of, since=since, until=until)
    rows = _within(_records(actor, of), since, until).values("kind", "unit")
    sums = rows.annotate(records=Count("id"), total=Sum("quantity"), cost=Sum("cost_usd"))
    ordered = sums.order_by("-cost", "kind", "unit")
    return [UsageKind(r["kind"], r["unit"], r["records"], r["total"], r["cost"]) for r in ordered]


@in_organization
def usage_at_a_glance(actor: Actor) -> UsageGlance:
    """Return the numbers of the home page, in one query."""
    now, of = clock.now(), usage_scope(actor)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    found = _within(_records(actor, of), today.replace(day=1), None).aggregate(
        runs=Count("run_id", distinct=True, filter=Q(created_at__gte=today)),
        tokens=Sum("quantity", filter=Q(unit="tokens")),
        cost=Sum("cost_usd"),
    )
    return UsageGlance(of, found["runs"], found["tokens"] or 0, found["cost"] or Decimal(0))


def _bounds(
    actor: Actor, *, of: UsageOf | None, since: datetime | None, until: datetime | None
) -> tuple[UsageOf, datetime, datetime]:
    if of is UsageOf.ORGANIZATION:
        insist_in_organization(actor, Permission.VIEW_BILLING)
    until = until or clock.now()
    return of or usage_scope(actor), since or until - LOOK_BACK, until


def _records(actor: Actor, of: UsageOf) -> QuerySet[UsageRecord]:
    rows = UsageRecord.objects.for_organization(actor.organization_id)
    if of is UsageOf.PERSON:
        rows = rows.filter(person_id=actor.person_id)
    if actor.project_id is not None:
        project_id: UUID = actor.project_id
        rows = rows.filter(project_id=project_id)
    return rows


def _within(rows: QuerySet[UsageRecord], since: datetime, until: datetime | None) -> QuerySet[UsageRecord]:
    rows = rows.filter(created_at__gte=since)
    return rows.filter(created_at__lt=until) if until is not None else rows
