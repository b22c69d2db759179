# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Prices that an organization has agreed on itself, before those of the list; and its rules about costs."""

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models

from accounts.tenancy import OrganizationModel
from codexos.kernel import clock
from llm.models.providers import KIND_LENGTH

DAY = 86_400


class Price(OrganizationModel):
    """What one model of a kind of provider costs an organization. The newest of a model counts; rows do not change."""

    kind = models.CharField(max_length=KIND_LENGTH)
    model = models.CharField(max_length=200)
    rate = models.JSONField()
    made_by = models.CharField(max_length=254, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["organization", "kind", "model", "-id"], name="price_newest")]

    def __str__(self) -> str:
        return f"{self.model} at {self.kind}"


class CostRules(OrganizationModel):
    """How an organization bills its costs on, and how long and how many answers it keeps for steps that want them."""

    markup = models.DecimalField(
        max_digits=7, decimal_places=4, default=Decimal(1), validators=[MinValueValidator(Decimal(0))]
    )
    cache_seconds = models.PositiveIntegerField(default=DAY)
    cache_bytes = models.PositiveIntegerField(default=50_000_000)
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization"], name="cost_rules_one")]

    def __str__(self) -> str:
        return "rules about costs"
