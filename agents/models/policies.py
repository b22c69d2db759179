# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Policies: what an organization lets its runs do. Each state that was switched on is kept."""

from django.db import models

from accounts.models import Person
from accounts.tenancy import OrganizationModel


class PolicyVersion(OrganizationModel):
    """One state of a policy, as it was switched on. ``restored`` is the number of the version it was taken from."""

    number = models.PositiveIntegerField()
    source = models.TextField()
    document = models.JSONField()
    sha256 = models.CharField(max_length=64)
    note = models.CharField(max_length=500, blank=True)
    restored = models.PositiveIntegerField(null=True)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization", "number"], name="policy_numbers")]

    def __str__(self) -> str:
        return f"policy {self.number}"


class Policy(OrganizationModel):
    """The policy of an organization: which version holds, and a draft of the next. None holds before the first.

    ``revision`` counts edits of the draft.
    """

    current = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, null=True, related_name="+")
    draft = models.TextField(blank=True)
    drafted_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    drafted_at = models.DateTimeField(null=True)
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization"], name="policy_one")]

    def __str__(self) -> str:
        return "policy"
