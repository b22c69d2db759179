# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Golden questions of knowledge bases, and tests: how well an index answered them."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts.tenancy import OrganizationModel
from codexos.kernel import clock
from rag.engine.golden import LONGEST
from rag.models.knowledge_bases import KnowledgeBase, KnowledgeIndex


class GoldenQuestion(OrganizationModel):
    """A question, and the places that are to be found for it: ``[{path, lines?, grade}]``."""

    base = models.ForeignKey(KnowledgeBase, on_delete=models.CASCADE, related_name="golden_questions")
    text = models.CharField(max_length=LONGEST)
    expected = models.JSONField(default=list)
    made_by = models.CharField(max_length=254, blank=True)
    updated_at = models.DateTimeField(default=clock.now)

    if TYPE_CHECKING:
        base_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["base", "text"], name="golden_question_unique")]

    def __str__(self) -> str:
        return self.text


class KnowledgeTestCause(models.TextChoices):
    """Why a knowledge base was tested."""

    ASKED = "asked", "Somebody asked"
    REINDEX = "reindex", "Another index is ready"
    SETTINGS = "settings", "Settings were changed"


class KnowledgeTestState(models.TextChoices):
    """How far a test is."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"


class KnowledgeTest(OrganizationModel):
    """How well one index of a base answered its golden questions, asked with ``search``, at one state of its settings.

    ``measures`` are means; ``before`` those of the index in use, asked the same beside one that is to follow it.
    ``results`` say it of each question. One that ``is_plain`` asked as questions are asked: the index in use, by the
    base's settings; later ones are compared with it. ``switches`` says that the index is switched to where the
    gate lets it; ``refusal`` why it did not. Whoever runs it has it until ``claimed_until``.
    """

    base = models.ForeignKey(KnowledgeBase, on_delete=models.CASCADE, related_name="tests")
    index = models.ForeignKey(KnowledgeIndex, on_delete=models.SET_NULL, null=True, related_name="tests")
    number = models.PositiveIntegerField()
    settings_revision = models.PositiveIntegerField()
    cause = models.CharField(max_length=10, choices=KnowledgeTestCause.choices)
    state = models.CharField(max_length=10, choices=KnowledgeTestState.choices, default=KnowledgeTestState.QUEUED)
    k = models.PositiveSmallIntegerField()
    search = models.JSONField(default=dict)
    measures = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    results = models.JSONField(default=list)
    is_plain = models.BooleanField(default=False)
    switches = models.BooleanField(default=False)
    refusal = models.CharField(max_length=500, blank=True)
    started_by = models.CharField(max_length=254, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)

    if TYPE_CHECKING:
        base_id: UUID
        index_id: UUID | None

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["base", "-id"], name="knowledge_test_of_base"),
            models.Index(fields=["claimed_until"], condition=Q(state__in=["queued", "running"]), name="test_to_run"),
        ]

    def __str__(self) -> str:
        return f"test {self.pk}"
