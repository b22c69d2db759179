# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Triggers: what starts runs by itself; and their firings, each of which started one run or says why not."""

from datetime import timedelta

from django.db import models
from django.db.models import Q

from accounts.models import Person, Project
from accounts.tenancy import OrganizationModel
from agents.engine.cron import Schedule, read_schedule
from agents.models.flows import Flow
from agents.models.runs import Run

GRACE = timedelta(minutes=5)
"""How late a moment may be and still count as met: what is later was missed."""


class TriggerKind(models.TextChoices):
    """What a trigger waits for."""

    AT = "at", "At a time"
    CRON = "cron", "On a schedule"
    WEBHOOK = "webhook", "On a webhook"


class Missed(models.TextChoices):
    """What becomes of moments that passed while nothing was up to meet them."""

    ONCE = "once", "Once for the latest"
    SKIP = "skip", "Not at all"


class HookStyle(models.TextChoices):
    """How a webhook's caller signs."""

    CODEXOS = "codexos", "Codexos-Signature"
    GITHUB = "github", "X-Hub-Signature-256"


class Trigger(OrganizationModel):
    """What starts runs of a flow. They act as ``person``, within ``limit`` where a token made it.

    ``next_at`` is when it is due; None for what no clock starts. ``reason`` says why it was stopped by itself.
    ``revision`` counts edits; a firing is none.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="triggers")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=TriggerKind.choices)
    at = models.DateTimeField(null=True)
    cron = models.CharField(max_length=100, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    missed = models.CharField(max_length=10, choices=Missed.choices, default=Missed.ONCE)
    input = models.JSONField(null=True)

    style = models.CharField(max_length=10, choices=HookStyle.choices, blank=True)
    secret = models.BinaryField(null=True)
    old_secret = models.BinaryField(null=True)
    old_secret_until = models.DateTimeField(null=True)

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    token_id = models.UUIDField(null=True)
    limit = models.JSONField(null=True)
    is_enabled = models.BooleanField(default=True)
    reason = models.CharField(max_length=500, blank=True)
    next_at = models.DateTimeField(null=True)
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(kind=TriggerKind.AT, at__isnull=False)
                | (Q(kind=TriggerKind.CRON) & ~Q(cron=""))
                | (Q(kind=TriggerKind.WEBHOOK, secret__isnull=False) & ~Q(style="")),
                name="triggers_know_what_they_wait_for",
            ),
            models.CheckConstraint(condition=Q(is_enabled=True) | Q(next_at=None), name="disabled_triggers_are_idle"),
        ]
        indexes = [
            models.Index(fields=["next_at", "id"], condition=Q(next_at__isnull=False), name="trigger_due"),
            models.Index(fields=["flow", "-id"], name="trigger_of_flow"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def team_id(self) -> object:
        """Where it stands: in its project's team."""
        return self.project.team_id

    @property
    def is_webhook(self) -> bool:
        """Whether somebody outside calls it."""
        return self.kind == TriggerKind.WEBHOOK

    @property
    def schedule(self) -> Schedule | None:
        """When it is due, again and again; None for what is due once or never."""
        return read_schedule(self.cron, zone=self.time_zone) if self.kind == TriggerKind.CRON else None

    def disable(self, reason: str = "") -> None:
        """Start nothing from now on."""
        self.is_enabled, self.reason, self.next_at = False, reason, None


class Firing(OrganizationModel):
    """One time a trigger was due, called, or fired by hand: the run it started, or why it started none.

    A moment, and a delivery, stand once: that is what keeps two schedulers, or two callers, from starting two runs.
    ``body_sha256`` is what a delivery's call held, of one that brought an id.
    """

    trigger = models.ForeignKey(Trigger, on_delete=models.CASCADE, related_name="firings")
    due_at = models.DateTimeField(null=True)
    delivery = models.CharField(max_length=200, null=True)
    body_sha256 = models.BinaryField(max_length=32, null=True)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="+")
    code = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["trigger", "due_at"], name="firing_moment_unique"),
            models.UniqueConstraint(fields=["trigger", "delivery"], name="firing_delivery_unique"),
        ]
        indexes = [models.Index(fields=["trigger", "-id"], name="firing_newest")]

    def __str__(self) -> str:
        return f"{self.trigger_id} {self.due_at or self.delivery or 'by hand'}"

    @property
    def is_refused(self) -> bool:
        """Whether it started no run."""
        return bool(self.code)
