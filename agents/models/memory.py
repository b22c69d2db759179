# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Memory: what agents keep between runs, in sight of people, who change it and let it go."""

from django.db import models
from django.db.models import Q

from accounts.models import Person, Project
from accounts.tenancy import OrganizationModel
from agents.models.flows import Flow
from agents.models.runs import Run
from codexos.kernel import clock

KEY_LENGTH = 200
PLACE_LENGTH = 200


class MemoryScope(models.TextChoices):
    """Who shares an entry."""

    CONVERSATION = "conversation", "Conversation"
    AGENT = "agent", "Agent"
    PROJECT = "project", "Project"


class MemoryLabel(models.TextChoices):
    """Whether what an entry says may be taken as the flow's own, or comes from strangers."""

    TRUSTED = "trusted", "Trusted"
    UNTRUSTED = "untrusted", "Untrusted"


class MemoryEntry(OrganizationModel):
    """Something agents keep under a key: for one conversation, one flow (``agent``), or all of a project.

    ``place`` is the conversation's or the flow's id; empty for a project. What was written from text of strangers
    ``is_quarantined``: no run reads it before a person accepts it. It may stand beside an entry of the same key.
    ``source_run`` wrote it last, or ``changed_by`` did. ``version`` counts what it was; ``size`` is that of
    the value as JSON, in bytes.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    scope = models.CharField(max_length=12, choices=MemoryScope.choices)
    place = models.CharField(max_length=PLACE_LENGTH, blank=True)
    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, null=True, related_name="+")
    key = models.CharField(max_length=KEY_LENGTH)
    value = models.JSONField(null=True)
    size = models.PositiveIntegerField()
    label = models.CharField(max_length=10, choices=MemoryLabel.choices, default=MemoryLabel.TRUSTED)
    sources = models.JSONField(default=list)
    is_quarantined = models.BooleanField(default=False)
    source_run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="+")
    changed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    version = models.PositiveIntegerField(default=1)
    expires_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["project", "scope", "place", "key", "is_quarantined"], name="memory_key"),
            models.CheckConstraint(condition=~Q(key=""), name="memory_has_a_key"),
            models.CheckConstraint(
                condition=Q(scope=MemoryScope.PROJECT, place="", flow=None)
                | (Q(scope=MemoryScope.CONVERSATION, flow=None) & ~Q(place=""))
                | (Q(scope=MemoryScope.AGENT, flow__isnull=False) & ~Q(place="")),
                name="memory_has_its_place",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-id"], name="memory_newest"),
            models.Index(fields=["expires_at"], condition=Q(expires_at__isnull=False), name="memory_expires"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def team_id(self) -> object:
        """Where it stands: in its project's team."""
        return self.project.team_id

    @property
    def is_trusted(self) -> bool:
        """Whether what it says may be taken as the flow's own."""
        return self.label == MemoryLabel.TRUSTED

    @property
    def is_expired(self) -> bool:
        """Whether its time is up, swept or not."""
        return self.expires_at is not None and self.expires_at <= clock.now()
