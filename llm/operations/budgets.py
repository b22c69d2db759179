# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Budgets: setting them up, changing and dropping them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Membership, Project, Team
from accounts.operations.audit import record_event
from accounts.operations.names import clean_name
from accounts.queries.access import insist_in_organization
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel import clock
from llm.errors import BudgetInvalid
from llm.models import Budget, BudgetPeriod, BudgetScope
from llm.models.providers import NAME_LENGTH
from llm.operations.known_costs import known_costs
from llm.queries.budgets import access_budget

MOST_BUDGETS = 500
MOST_ALERTS = 10
MOST_PERCENT = 1_000
HIGHEST_LIMIT = Decimal(10_000_000)
_CHANGED = ("name", "period", "limit_usd", "alerts", "is_hard", "allows_unpriced")


@dataclass(frozen=True, slots=True)
class BudgetRequest:
    """A budget as somebody asks for it."""

    name: str
    limit_usd: Decimal
    scope: str = BudgetScope.ORGANIZATION
    scope_id: UUID | None = None
    period: str = BudgetPeriod.MONTH
    alerts: Sequence[int] = field(default=(80, 100))
    is_hard: bool = True
    allows_unpriced: bool = False


@in_organization
def create_budget(actor: Actor, request: BudgetRequest) -> Budget:
    """Set up a budget. Raises NotAllowed, BudgetInvalid, NameInvalid."""
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    rows = Budget.objects.for_organization(actor.organization_id)
    if rows.count() >= MOST_BUDGETS:
        raise BudgetInvalid(f"An organization has {MOST_BUDGETS} budgets at most. Drop one first.", place="name")
    budget = Budget(organization_id=actor.organization_id, made_by=actor.label[:254])
    budget.scope, budget.scope_id = _checked_scope(actor, request)
    _set(budget, {name: getattr(request, name) for name in _CHANGED})
    budget.save(force_insert=True)
    record_event(actor, "budget.created", about=budget, **_told(budget))
    known_costs.forget(actor.organization_id)
    return budget


@in_organization
def change_budget(
    actor: Actor, budget_id: UUID | str, *, changes: Mapping[str, Any], check: Callable[[Budget], None] | None = None
) -> Budget:
    """Change what is named; whom it bounds stays. ``check`` may refuse the present row.

    Raises BudgetNotFound, NotAllowed, BudgetInvalid, NameInvalid.
    """
    budget = access_budget(actor, budget_id, for_update=True)
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    if check is not None:
        check(budget)
    _set(budget, {name: value for name, value in changes.items() if name in _CHANGED})
    budget.revision += 1
    budget.updated_at = clock.now()
    budget.save()
    record_event(actor, "budget.changed", about=budget, **_told(budget))
    known_costs.forget(actor.organization_id)
    return budget


@in_organization
def drop_budget(actor: Actor, budget_id: UUID | str, *, check: Callable[[Budget], None] | None = None) -> None:
    """Drop a budget: it bounds nothing any more. Raises BudgetNotFound, NotAllowed."""
    budget = access_budget(actor, budget_id, for_update=True)
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    if check is not None:
        check(budget)
    record_event(actor, "budget.dropped", about=budget, **_told(budget))
    Budget.objects.for_organization(actor.organization_id).filter(pk=budget.pk).delete()
    known_costs.forget(actor.organization_id)


def _set(budget: Budget, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        setattr(budget, name, _CHECKS[name](value))


def _checked_scope(actor: Actor, request: BudgetRequest) -> tuple[str, UUID | None]:
    if request.scope not in BudgetScope.values:
        raise BudgetInvalid(f"A budget bounds one of {', '.join(BudgetScope.values)}.", place="scope")
    if request.scope == BudgetScope.ORGANIZATION:
        if request.scope_id is not None:
            raise BudgetInvalid("The whole organization needs no scope_id. Leave it out.", place="scope_id")
        return request.scope, None
    if request.scope_id is None:
        raise BudgetInvalid(f"Say by scope_id which {request.scope} it bounds.", place="scope_id")
    if not _is_there(actor, request.scope, request.scope_id):
        raise BudgetInvalid(f"There is no {request.scope} {str(request.scope_id)!r} here to bound.", place="scope_id")
    return request.scope, request.scope_id


def _is_there(actor: Actor, scope: str, scope_id: UUID) -> bool:
    organization_id = actor.organization_id
    if scope == BudgetScope.TEAM:
        return Team.objects.for_organization(organization_id).filter(pk=scope_id).exists()
    if scope == BudgetScope.PROJECT:
        return Project.objects.for_organization(organization_id).filter(pk=scope_id).exists()
    if scope == BudgetScope.PERSON:
        return Membership.objects.for_organization(organization_id).filter(person_id=scope_id).exists()
    # Flows stand on a floor above: a budget for one that is not there bounds nothing and harms nobody.
    return True


def _name(value: Any) -> str:
    return clean_name(str(value), at_most=NAME_LENGTH)


def _limit(value: Any) -> Decimal:
    limit = Decimal(value)
    if not limit.is_finite() or not 0 <= limit <= HIGHEST_LIMIT:
        raise BudgetInvalid(f"The limit is $0 to ${HIGHEST_LIMIT:,}.", place="limit_usd")
    return limit


def _period(value: Any) -> str:
    if value not in BudgetPeriod.values:
        raise BudgetInvalid(f"A period is one of {', '.join(BudgetPeriod.values)}.", place="period")
    return str(value)


def _alerts(value: Any) -> list[int]:
    alerts = sorted({int(percent) for percent in value})
    if len(alerts) > MOST_ALERTS or any(not 1 <= percent <= MOST_PERCENT for percent in alerts):
        raise BudgetInvalid(
            f"Alerts are up to {MOST_ALERTS} percentages from 1 to {MOST_PERCENT}, such as [50, 80, 100].",
            place="alerts",
        )
    return alerts


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "name": _name,
    "limit_usd": _limit,
    "period": _period,
    "alerts": _alerts,
    "is_hard": bool,
    "allows_unpriced": bool,
}


def _told(budget: Budget) -> dict[str, Any]:
    return {
        "scope": budget.scope,
        "scope_id": None if budget.scope_id is None else str(budget.scope_id),
        "period": budget.period,
        "limit_usd": f"{budget.limit_usd:f}",
        "is_hard": budget.is_hard,
        "allows_unpriced": budget.allows_unpriced,
        "alerts": list(budget.alerts),
    }
