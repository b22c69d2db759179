# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Calls: what each request to a model used and cost, and by which price."""

from django.db import models

from accounts.tenancy import OrganizationModel
from codexos.kernel import clock
from llm.models.providers import KIND_LENGTH


class CallOutcome(models.TextChoices):
    """How a call ended. What is cut off or lost may have been billed all the same, so it is estimated."""

    ANSWERED = "answered", "Answered"
    FAILED = "failed", "Failed"
    CUT = "cut", "Cut off"
    LOST = "lost", "Lost"
    CACHED = "cached", "From the cache"


class LlmCall(OrganizationModel):
    """One request to a deployment, with everything its cost is counted for. Rows do not change but for ``is_counted``.

    ``cost_usd`` is None where the price is not known. ``rate`` is the price that was used, and ``prices`` the hash of
    the list it is from or the id of the organization's own price. ``is_counted``: whether a usage record has it.
    """

    at = models.DateTimeField(default=clock.now)
    team_id = models.UUIDField(null=True)
    project_id = models.UUIDField(null=True)
    person_id = models.UUIDField(null=True)
    flow_id = models.UUIDField(null=True)
    run_id = models.UUIDField(null=True)
    node_id = models.CharField(max_length=200, blank=True)
    key = models.CharField(max_length=500, blank=True)
    deployment = models.CharField(max_length=200)
    kind = models.CharField(max_length=KIND_LENGTH)
    model = models.CharField(max_length=200)
    route = models.CharField(max_length=100, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    outcome = models.CharField(max_length=10, choices=CallOutcome)
    error = models.CharField(max_length=60, blank=True)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_tokens = models.PositiveBigIntegerField(default=0)
    is_estimated = models.BooleanField(default=False)
    is_batch = models.BooleanField(default=False)
    wants_cache = models.BooleanField(default=False)
    cost_usd = models.DecimalField(max_digits=16, decimal_places=8, null=True)
    saved_usd = models.DecimalField(max_digits=16, decimal_places=8, default=0)
    rate = models.JSONField(null=True)
    prices = models.CharField(max_length=64, blank=True)
    seconds = models.FloatField(default=0)
    is_counted = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["organization", "at"], name="llm_call_by_time"),
            models.Index(fields=["run_id"], name="llm_call_by_run", condition=models.Q(run_id__isnull=False)),
            models.Index(fields=["flow_id", "at"], name="llm_call_by_flow", condition=models.Q(flow_id__isnull=False)),
            models.Index(fields=["at"], name="llm_call_uncounted", condition=models.Q(is_counted=False)),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.outcome}"
