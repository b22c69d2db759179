# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Budgets and how far they are: all for those who view billing, for everybody else those on themselves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Q, Sum

from accounts.actor import Actor
from accounts.models import Membership, Person, Project, Team
from accounts.queries.access import id_in
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from codexos.kernel import clock
from llm.errors import BudgetNotFound
from llm.models import Budget, BudgetPeriod, BudgetScope, BudgetSpan, LlmCall
from llm.queries.costs import KnownBudget
from llm.queries.flow_names import name_flows


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget, and what is spent of it in its present period."""

    budget: Budget
    starts_at: datetime
    ends_at: datetime | None
    spent_usd: Decimal
    reserved_usd: Decimal
    unpriced_calls: int
    about: str

    @property
    def left_usd(self) -> Decimal:
        """What may still be spent; never less than nothing."""
        return max(Decimal(0), self.budget.limit_usd - self.spent_usd)

    @property
    def percent(self) -> Decimal:
        """How much of the limit is spent; of a limit of nothing, all."""
        limit = self.budget.limit_usd
        return (self.spent_usd * 100 / limit).quantize(Decimal("0.1")) if limit else Decimal(100)

    @property
    def is_reached(self) -> bool:
        """Whether nothing is left."""
        return self.spent_usd >= self.budget.limit_usd


@in_organization
def list_budgets(actor: Actor, *, cursor: str | None = None, limit: int = PAGE_LIMIT) -> Page[BudgetState]:
    """Return the budgets the actor may see, newest first, each with its state."""
    page = page_of(_visible(actor), cursor=cursor, limit=limit)
    states = {state.budget.pk: state for state in _states(actor, page.rows)}
    return page.map(lambda budget: states[budget.pk])


@in_organization
def budget_state(actor: Actor, budget_id: UUID | str) -> BudgetState:
    """Return one budget with its state. Raises BudgetNotFound."""
    return next(iter(_states(actor, [access_budget(actor, budget_id)])))


def spent_before(budget: KnownBudget | Budget, organization_id: UUID, *, starts_at: datetime) -> Decimal:
    """Return what was spent in a period before there was the budget. Must run inside the organization."""
    period, scope = BudgetPeriod(budget.period), BudgetScope(budget.scope)
    calls = LlmCall.objects.for_organization(organization_id).filter(at__gte=starts_at)
    if (end := period.end_of(starts_at)) is not None:
        calls = calls.filter(at__lt=end)
    if scope is not BudgetScope.ORGANIZATION:
        calls = calls.filter(**{f"{scope}_id": budget.scope_id})
    return calls.aggregate(sum=Sum("cost_usd"))["sum"] or Decimal(0)


def access_budget(actor: Actor, budget_id: UUID | str, *, for_update: bool = False) -> Budget:
    """Return one budget. Raises BudgetNotFound. Must run inside the organization."""
    rows = _visible(actor)
    id_ = id_in(budget_id)
    found = (rows.select_for_update() if for_update else rows).filter(pk=id_).first() if id_ else None
    if found is None:
        raise BudgetNotFound(f"No budget {str(budget_id)[:60]!r}. List /api/v1/budgets/.")
    return found


@in_organization
def list_teams_to_bound(actor: Actor) -> list[Team]:
    """Return the teams that a budget may be for."""
    return list(Team.objects.for_organization(actor.organization_id).order_by("name"))


@in_organization
def list_people(actor: Actor) -> list[tuple[UUID, str]]:
    """Return the people that a budget may be for."""
    members = Membership.objects.for_organization(actor.organization_id).select_related("person")
    return sorted(((each.person.pk, str(each.person)) for each in members), key=lambda each: each[1].casefold())


def sees_all_costs(actor: Actor) -> bool:
    """Tell whether the costs of the whole organization are the actor's matter."""
    return actor.project_id is None and actor.may_in_organization(Permission.VIEW_BILLING)


def _visible(actor: Actor) -> OrganizationQuerySet[Budget]:
    rows: OrganizationQuerySet[Budget] = Budget.objects.for_organization(actor.organization_id)
    if sees_all_costs(actor):
        return rows
    return rows.filter(scope=BudgetScope.PERSON, scope_id=actor.person_id)


def _states(actor: Actor, budgets: Iterable[Budget]) -> Iterable[BudgetState]:
    budgets, now = list(budgets), clock.now()
    wanted = Q(pk__in=())
    for budget in budgets:
        wanted |= Q(budget_id=budget.pk, starts_at=BudgetPeriod(budget.period).start_of(now))
    spans = {span.budget_id: span for span in BudgetSpan.objects.for_organization(actor.organization_id).filter(wanted)}
    names = _names(actor, budgets)
    for budget in budgets:
        period = BudgetPeriod(budget.period)
        span = spans.get(budget.pk) or BudgetSpan(
            spent_usd=spent_before(budget, actor.organization_id, starts_at=period.start_of(now))
        )
        yield BudgetState(
            *(budget, period.start_of(now), period.end_of(now)),
            *(span.spent_usd, span.reserved_usd, span.unpriced_calls),
            names.get(budget.scope_id, "") if budget.scope_id else "",
        )


def _names(actor: Actor, budgets: Iterable[Budget]) -> Mapping[UUID, str]:
    ids = {scope: [b.scope_id for b in budgets if b.scope_id and b.scope == scope] for scope in BudgetScope}
    teams = Team.objects.for_organization(actor.organization_id).filter(pk__in=ids[BudgetScope.TEAM])
    projects = Project.objects.for_organization(actor.organization_id).filter(pk__in=ids[BudgetScope.PROJECT])
    people = Person.objects.filter(pk__in=ids[BudgetScope.PERSON])
    flows = name_flows(actor, ids[BudgetScope.FLOW])
    return {**flows, **{row.pk: str(row) for rows in (teams, projects, people) for row in rows}}
