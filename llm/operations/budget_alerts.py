# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Telling people that so much of a budget is spent: once for each threshold in each period."""

from decimal import Decimal
from uuid import UUID

from accounts.actor import Actor, ActorKind
from accounts.operations.audit import record_event
from accounts.operations.outbox import publish_event
from accounts.roles import Role
from codexos.kernel.events import BudgetThresholdPassed, DomainEvent
from codexos.kernel.ids import OrganizationId, PersonId
from llm.models import BudgetSpan
from llm.operations.askers import Asker
from llm.tasks import send_budget_alert

_NOBODY = UUID(int=0)


def note_thresholds(span: BudgetSpan, *, asker: Asker) -> bool:
    """Write down the thresholds that a span has passed; whoever calls holds its lock, and saves it where there are."""
    budget = span.budget
    passed = [each for each in sorted(budget.alerts) if _is_passed(span, each) and each not in span.alerted]
    if not passed:
        return False
    span.alerted = sorted({*span.alerted, *passed})
    # Who is told of 100 % need not be told of 50 % in the same minute.
    percent = passed[-1]
    record_event(
        _gateway(asker),
        "budget.threshold_passed",
        about=budget,
        percent=percent,
        spent_usd=f"{span.spent_usd:f}",
        limit_usd=f"{budget.limit_usd:f}",
        period_starts_at=span.starts_at.isoformat(),
    )
    publish_event(
        BudgetThresholdPassed(
            organization_id=OrganizationId(span.organization_id), budget_id=budget.pk, span_id=span.pk, percent=percent
        )
    )
    return True


def tell_people(event: DomainEvent) -> None:
    """Have the mail about a passed threshold written; the outbox calls it, perhaps twice."""
    if isinstance(event, BudgetThresholdPassed):
        send_budget_alert.delay(str(event.organization_id), str(event.span_id), event.percent)


def _is_passed(span: BudgetSpan, percent: int) -> bool:
    return span.spent_usd > 0 and span.spent_usd * 100 >= span.budget.limit_usd * Decimal(percent)


def _gateway(asker: Asker) -> Actor:
    return Actor(
        kind=ActorKind.RUN,
        person_id=PersonId(asker.person_id or _NOBODY),
        organization_id=OrganizationId(asker.organization_id),
        role=Role.VIEWER,
        label="Model gateway",
    )
