# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Spending under budgets: what a call may cost is held before it is made, and settled by what it cost.

Whether a call may begin is decided under locks on the spans of all budgets that bound it, taken in one order: as long
as anything is left of each that is not spent or spoken for, it may. So calls that begin at the same moment go over a
budget by one of them at most.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from accounts.tenancy import OrganizationQuerySet, tenant
from codexos.kernel import clock
from codexos.kernel.chat import Usage
from codexos.kernel.ids import new_id
from llm.engine.prices.rates import rate_from
from llm.errors import BudgetReached
from llm.models import Budget, BudgetPeriod, BudgetScope, BudgetSpan, CallOutcome, LlmCall, Reservation
from llm.operations.askers import Asker
from llm.operations.budget_alerts import note_thresholds
from llm.operations.calls import CallBegun, CallEnded, call_data, call_from, write_call
from llm.operations.dearest import LATELY, dearest_calls
from llm.queries.budgets import spent_before
from llm.queries.costs import KnownBudget

HELD_SECONDS = 120
"""How long a reservation stands that nobody moves on: whoever held it has died."""
FIRST_SECONDS = 10.0
"""How long a call waits at most for the first one of its model to tell what it costs."""
MOST_LOST = 500
"""How many lost calls are settled at a time."""
_ZERO = Decimal(0)
_COLUMNS: Mapping[BudgetScope, str] = {
    scope: f"{scope}_id" for scope in BudgetScope if scope is not BudgetScope.ORGANIZATION
}


@dataclass(frozen=True, slots=True)
class Held:
    """A reservation that was made; or none yet, where others are to end first, and in ``full`` why."""

    id: UUID | None
    full: BudgetReached | None = None


def budgets_over(budgets: Iterable[KnownBudget], asker: Asker) -> Sequence[KnownBudget]:
    """Return those budgets that bound what somebody asks."""
    return [budget for budget in budgets if _bounds(budget, asker)]


def hold(
    begun: CallBegun, budgets: Sequence[KnownBudget], *, amount: Decimal, tokens: int, is_patient: bool = True
) -> Held:
    """Hold what a call may cost at most in every budget that bounds it. Raises BudgetReached.

    ``tokens`` is about what is sent: that much is counted where nobody ever tells how the call ended. Who
    ``is_patient`` waits for the first call of a model to tell what it costs.
    """
    held = _hold(begun, budgets, amount=amount, tokens=tokens, is_patient=is_patient)
    # What others left behind may be all that stands in the way.
    if held.full is not None and settle_lost(begun.asker.organization_id):
        return _hold(begun, budgets, amount=amount, tokens=tokens, is_patient=is_patient)
    return held


def _hold(begun: CallBegun, budgets: Sequence[KnownBudget], *, amount: Decimal, tokens: int, is_patient: bool) -> Held:
    organization_id = begun.asker.organization_id
    with tenant(organization_id):
        spans = _lock_spans(budgets, organization_id, at=begun.at)
        if full := _first_full(spans):
            return Held(None, full)
        dearest = dearest_calls.of(begun, ask=_dearest_lately)
        if is_patient and begun.rate is not None and dearest is None and _is_another_under_way(begun):
            return Held(None)
        return Held(_reserve(begun, spans, amount=max(amount, dearest or _ZERO), tokens=tokens))


def let_go(begun: CallBegun, held: UUID) -> None:
    """Let go of what was held for a call that was never made."""
    organization_id = begun.asker.organization_id
    with tenant(organization_id):
        rows = Reservation.objects.for_organization(organization_id).filter(pk=held)
        found = rows.select_for_update().first()
        if found is not None:
            _spend(_lock_spans_of(found), cost=_ZERO, released=found.amount_usd, asker=begun.asker)
            rows.delete()


def keep_holding(organization_id: UUID, reservation_id: UUID) -> None:
    """Say that a call is still on its way."""
    with tenant(organization_id):
        rows = Reservation.objects.for_organization(organization_id).filter(pk=reservation_id)
        rows.update(expires_at=clock.now() + timedelta(seconds=HELD_SECONDS))


def settle(
    begun: CallBegun, ended: CallEnded, *, budgets: Sequence[KnownBudget] = (), held: UUID | None = None
) -> None:
    """Write a call, count its cost in the budgets that bound it, and let go of what was held for it."""
    organization_id = begun.asker.organization_id
    with tenant(organization_id):
        # Its reservation before the spans, as whoever takes it for lost does: so neither waits for the other for ever.
        released, lost = _release(organization_id, held)
        if lost is not None and lost.outcome != CallOutcome.LOST:
            return  # it is our own: it was written, and only the word that it was got lost
        spans = _lock_spans(budgets, organization_id, at=begun.at)
        if begun.is_batch:
            ended = _beyond_what_is_known(begun, ended)
        elif lost is not None:
            ended = _beyond(lost, ended)
        if not write_call(begun, ended, id_=held if lost is None else None):
            return
        dearest_calls.note(begun, ended.cost_usd)
        _spend(spans, cost=ended.cost_usd, released=released, asker=begun.asker)


def _beyond_what_is_known(begun: CallBegun, ended: CallEnded) -> CallEnded:
    """Return what a question in a batch came to beyond what was written of it before.

    It is answered once, whoever comes back for the answer; and where its worker was stopped, an estimate was written.
    """
    asker = begun.asker
    calls = LlmCall.objects.for_organization(asker.organization_id).filter(run_id=asker.run_id, key=asker.key)
    told = calls.filter(is_batch=True, deployment=begun.deployment).aggregate(
        cost=Sum("cost_usd"),
        input=Sum("input_tokens"),
        output=Sum("output_tokens"),
        cached=Sum("cached_tokens"),
        written=Sum("cache_write_tokens"),
    )
    usage = Usage(
        max(0, ended.usage.input_tokens - (told["input"] or 0)),
        max(0, ended.usage.output_tokens - (told["output"] or 0)),
        cached_tokens=max(0, ended.usage.cached_tokens - (told["cached"] or 0)),
        cache_write_tokens=max(0, ended.usage.cache_write_tokens - (told["written"] or 0)),
    )
    cost = None if ended.cost_usd is None else ended.cost_usd - (told["cost"] or _ZERO)
    is_better_known = ended.outcome is CallOutcome.ANSWERED
    return replace(ended, usage=usage, cost_usd=cost if cost is None or is_better_known else max(_ZERO, cost))


_RESERVE = """
with held as (
    update llm_budgetspan set reserved_usd = reserved_usd + %(amount)s where id = any(%(spans)s::uuid[])
)
insert into llm_reservation (id, organization_id, created_at, spans, amount_usd, expires_at, call)
values (%(id)s, %(organization)s, now(), %(spans)s::uuid[], %(amount)s, %(expires)s, %(call)s)
"""


def _reserve(begun: CallBegun, spans: Sequence[BudgetSpan], *, amount: Decimal, tokens: int) -> UUID:
    id_ = new_id()
    values: dict[str, Any] = {
        "id": id_,
        "organization": begun.asker.organization_id,
        "spans": [span.pk for span in spans],
        "amount": amount,
        "expires": clock.now() + timedelta(seconds=HELD_SECONDS),
        "call": json.dumps({**call_data(begun), "tokens": tokens}),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, values)
    return id_


def _dearest_lately(begun: CallBegun) -> Decimal | None:
    """Return what the dearest of the last calls of the same model cost; None where there was none for a day."""
    calls = LlmCall.objects.for_organization(begun.asker.organization_id)
    alike = calls.filter(kind=begun.kind, model=begun.model, at__gte=begun.at - timedelta(days=1), cost_usd__gt=0)
    costs = alike.order_by("-at").values_list("cost_usd", flat=True)[:LATELY]
    return max((cost for cost in costs if cost is not None), default=None)


def _is_another_under_way(begun: CallBegun) -> bool:
    """Tell whether a call of the same model is on its way: while none has ended, what it costs is waited for.

    What a call costs at most is worked out from what is sent, and a provider may count more.
    """
    rows = Reservation.objects.for_organization(begun.asker.organization_id)
    return rows.filter(call__kind=begun.kind, call__model=begun.model).exists()


def settle_lost(organization_id: UUID) -> int:
    """Settle the calls whose makers have died, each in a transaction of its own; return how many."""
    count = 0
    while count < MOST_LOST and _settle_next_lost(organization_id):
        count += 1
    return count


def _settle_next_lost(organization_id: UUID) -> bool:
    with tenant(organization_id):
        rows = Reservation.objects.for_organization(organization_id).filter(expires_at__lte=clock.now())
        lost = rows.select_for_update(skip_locked=True).order_by("id").first()
        if lost is not None:
            _settle_one_lost(lost)
        return lost is not None


def _settle_one_lost(held: Reservation) -> None:
    told = dict(held.call)
    usage = Usage(input_tokens=int(told.pop("tokens")))
    begun = call_from(told)
    # Nobody knows whether it was answered: that it was sent is all that can be counted.
    cost = None if begun.rate is None else rate_from(begun.rate).cost(usage)
    ended = CallEnded(CallOutcome.LOST, usage, cost, error="worker_lost", is_estimated=True)
    spans = _lock_spans_of(held)
    write_call(begun, ended, id_=held.pk)
    _spend(spans, cost=cost, released=held.amount_usd, asker=begun.asker)
    Reservation.objects.for_organization(held.organization_id).filter(pk=held.pk).delete()


def _release(organization_id: UUID, held: UUID | None) -> tuple[Decimal, LlmCall | None]:
    """Return what was held, or what was counted where somebody has taken the call for lost meanwhile."""
    if held is None:
        return _ZERO, None
    with connection.cursor() as cursor:
        cursor.execute("delete from llm_reservation where id = %s returning amount_usd", [held])
        if (found := cursor.fetchone()) is not None:
            return found[0], None
    return _ZERO, LlmCall.objects.for_organization(organization_id).filter(pk=held).first()


def _beyond(lost: LlmCall, ended: CallEnded) -> CallEnded:
    """Return what a call came to beyond the estimate by which it was counted as it was taken for lost."""
    usage = replace(ended.usage, input_tokens=max(0, ended.usage.input_tokens - lost.input_tokens))
    return replace(ended, usage=usage, cost_usd=(ended.cost_usd or _ZERO) - (lost.cost_usd or _ZERO))


_SPEND = """
update llm_budgetspan set spent_usd = spent_usd + %s, reserved_usd = greatest(0, reserved_usd - %s),
    unpriced_calls = unpriced_calls + %s
where id = any(%s::uuid[])
"""


def _spend(spans: Sequence[BudgetSpan], *, cost: Decimal | None, released: Decimal, asker: Asker) -> None:
    """Count a cost in spans, whose locks are held."""
    if not spans:
        return
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, [cost or _ZERO, released, int(cost is None), [span.pk for span in spans]])
    for span in spans:
        span.spent_usd += cost or _ZERO
        if note_thresholds(span, asker=asker):
            span.save(update_fields=["alerted"])


def _first_full(spans: Sequence[BudgetSpan]) -> BudgetReached | None:
    """Return why no call may begin that costs something: None, or the error to wait with where it may pass.

    Raises BudgetReached where waiting for others to end does not help.
    """
    full = None
    for span in spans:
        limit = span.budget.limit_usd
        if not span.budget.is_hard or span.spent_usd + span.reserved_usd < limit:
            continue
        full = _reached(span)
        if span.spent_usd >= limit:
            raise full
    return full


def _reached(span: BudgetSpan) -> BudgetReached:
    budget, period = span.budget, BudgetPeriod(span.budget.period)
    end = period.end_of(span.starts_at)
    anew = f"It begins anew on {end:%Y-%m-%d} at 00:00 UTC" if end else "It does not begin anew by itself"
    held = f", and ${span.reserved_usd:f} are spoken for by calls on their way" if span.reserved_usd else ""
    details = {"retry_after_seconds": int((end - clock.now()).total_seconds())} if end and end > clock.now() else {}
    return BudgetReached(
        f"The budget {budget.name!r} is reached: ${_plain(span.spent_usd)} of ${_plain(budget.limit_usd)} "
        f"{_WORDS[period]} are spent{held}. {anew}; an organization admin may raise it before, at /models/budgets/.",
        budget=budget.name,
        budget_id=str(budget.pk),
        spent_usd=_plain(span.spent_usd),
        limit_usd=_plain(budget.limit_usd),
        **details,
    )


_WORDS = {
    BudgetPeriod.DAY: "for today",
    BudgetPeriod.WEEK: "for this week",
    BudgetPeriod.MONTH: "for this month",
    BudgetPeriod.EVER: "in all",
}


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _bounds(budget: KnownBudget, asker: Asker) -> bool:
    column = _COLUMNS.get(budget.scope)
    return column is None or getattr(asker, column) == budget.scope_id


def _lock_spans(budgets: Sequence[KnownBudget], organization_id: UUID, *, at: datetime) -> Sequence[BudgetSpan]:
    """Return the spans that a moment lies in, locked; in the order of their ids, so that nobody waits in a circle."""
    if not budgets:
        return []
    wanted = {budget.id: budget.period.start_of(at) for budget in budgets}
    spans = _locked(wanted)
    if len(spans) == len(wanted):
        return spans
    known = {span.budget_id for span in spans}
    for budget in sorted(budgets, key=lambda each: each.id):
        if budget.id not in known:
            _open_span(budget, organization_id, starts_at=wanted[budget.id])
    return _locked(wanted)


_LOCK = """
select s.id, s.organization_id, s.budget_id, s.starts_at, s.spent_usd, s.reserved_usd, s.unpriced_calls, s.alerted,
    b.name, b.period, b.limit_usd, b.is_hard, b.alerts
from unnest(%s::uuid[], %s::timestamptz[]) as w(budget_id, starts_at)
join llm_budgetspan s on s.budget_id = w.budget_id and s.starts_at = w.starts_at
join llm_budget b on b.id = s.budget_id
order by s.id for update of s
"""
_SPAN = ("id", "organization_id", "budget_id", "starts_at", "spent_usd", "reserved_usd", "unpriced_calls", "alerted")
_BUDGET = ("name", "period", "limit_usd", "is_hard", "alerts")


def _locked(wanted: Mapping[UUID, datetime]) -> Sequence[BudgetSpan]:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [list(wanted), list(wanted.values())])
        return [_span_of(row) for row in cursor.fetchall()]


def _span_of(row: Sequence[Any]) -> BudgetSpan:
    span = BudgetSpan(**dict(zip(_SPAN, row, strict=False)))
    span._state.adding = False
    span.budget = Budget(
        id=span.budget_id, organization_id=span.organization_id, **dict(zip(_BUDGET, row[len(_SPAN) :], strict=True))
    )
    return span


def _lock_spans_of(held: Reservation) -> Sequence[BudgetSpan]:
    rows = _spans(held.organization_id).filter(pk__in=held.spans).select_related("budget")
    return list(rows.select_for_update(of=("self",)).order_by("id"))


def _open_span(budget: KnownBudget, organization_id: UUID, *, starts_at: datetime) -> None:
    """Begin a period. What was spent in it before there was the budget counts, too."""
    spent = spent_before(budget, organization_id, starts_at=starts_at)
    span = BudgetSpan(
        id=new_id(), organization_id=organization_id, budget_id=budget.id, starts_at=starts_at, spent_usd=spent
    )
    # A budget that was deleted meanwhile bounds nothing any more, and two who begin a period at once make one.
    if _is_there(budget.id, organization_id):
        BudgetSpan.objects.bulk_create([span], ignore_conflicts=True)


def _is_there(budget_id: UUID, organization_id: UUID) -> bool:
    return Budget.objects.for_organization(organization_id).filter(pk=budget_id).exists()


def _spans(organization_id: UUID) -> OrganizationQuerySet[BudgetSpan]:
    return BudgetSpan.objects.for_organization(organization_id)
