# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Budgets: how much may be spent on models, by whom and in which time; and what of it is spent and spoken for."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.tenancy import OrganizationModel
from codexos.kernel import clock

EVER = datetime(1970, 1, 1, tzinfo=UTC)


class BudgetScope(models.TextChoices):
    """Whose calls a budget bounds."""

    ORGANIZATION = "organization", "Organization"
    TEAM = "team", "Team"
    PROJECT = "project", "Project"
    FLOW = "flow", "Flow"
    PERSON = "person", "Person"


class BudgetPeriod(models.TextChoices):
    """How long a budget lasts until it begins anew, by the calendar in UTC; weeks begin on Mondays."""

    DAY = "day", "Day"
    WEEK = "week", "Week"
    MONTH = "month", "Month"
    EVER = "ever", "Ever"

    def start_of(self, moment: datetime) -> datetime:
        """When the period began that ``moment`` lies in."""
        if self is BudgetPeriod.EVER:
            return EVER
        day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if self is BudgetPeriod.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is BudgetPeriod.MONTH else day

    def end_of(self, moment: datetime) -> datetime | None:
        """When the next period begins; None where none does."""
        start = self.start_of(moment)
        if self is BudgetPeriod.EVER:
            return None
        if self is BudgetPeriod.MONTH:
            return (start + timedelta(days=32)).replace(day=1)
        return start + timedelta(days=7 if self is BudgetPeriod.WEEK else 1)


class Budget(OrganizationModel):
    """So many US dollars for the calls of one scope in each period.

    ``alerts`` are the percentages at which people are told. Where it ``is_hard`` no call begins once it is reached; and
    none whose price is not known, unless it ``allows_unpriced``. ``revision`` counts edits.
    """

    name = models.CharField(max_length=100)
    scope = models.CharField(max_length=12, choices=BudgetScope)
    scope_id = models.UUIDField(null=True)
    period = models.CharField(max_length=5, choices=BudgetPeriod)
    limit_usd = models.DecimalField(max_digits=16, decimal_places=8)
    alerts = ArrayField(models.PositiveSmallIntegerField(), default=list)
    is_hard = models.BooleanField(default=True)
    allows_unpriced = models.BooleanField(default=False)
    revision = models.PositiveIntegerField(default=1)
    made_by = models.CharField(max_length=254, blank=True)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(limit_usd__gte=0), name="budget_limit_not_negative"),
            models.CheckConstraint(
                condition=Q(scope=BudgetScope.ORGANIZATION, scope_id=None)
                | (~Q(scope=BudgetScope.ORGANIZATION) & Q(scope_id__isnull=False)),
                name="budget_scope_named",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BudgetSpan(OrganizationModel):
    """One period of a budget: what its calls cost, and what those on their way may cost at most.

    ``alerted`` are the percentages that people were told of. It outlives a change of the budget's limit.
    """

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="spans")
    starts_at = models.DateTimeField()
    spent_usd = models.DecimalField(max_digits=16, decimal_places=8, default=Decimal(0))
    reserved_usd = models.DecimalField(max_digits=16, decimal_places=8, default=Decimal(0))
    unpriced_calls = models.PositiveIntegerField(default=0)
    alerted = ArrayField(models.PositiveSmallIntegerField(), default=list)

    if TYPE_CHECKING:
        budget_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["budget", "starts_at"], name="budget_span_once")]

    def __str__(self) -> str:
        return f"{self.budget_id} from {self.starts_at:%Y-%m-%d}"


class Reservation(OrganizationModel):
    """What a call on its way may cost at most, held in every span that bounds it; gone as soon as the call is settled.

    Whoever holds it moves ``expires_at`` on; one that is not was left behind by a worker that died, and is settled by
    ``call``, what was known of the call when it began.
    """

    spans = ArrayField(models.UUIDField())
    amount_usd = models.DecimalField(max_digits=16, decimal_places=8)
    expires_at = models.DateTimeField()
    call = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["expires_at"], name="reservation_expiry")]

    def __str__(self) -> str:
        return f"${self.amount_usd}"
