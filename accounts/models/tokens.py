# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""API tokens: keys to our API. Only a keyed hash is kept."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models.organizations import Project
from accounts.models.people import Person
from accounts.tenancy import OrganizationModel


class ApiToken(OrganizationModel):
    """A person's key for programs: bound to one organization, perhaps to one project, bounded by scopes."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=120)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    scopes = ArrayField(models.CharField(max_length=10))
    token_hash = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(max_length=4)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} …{self.hint}"

    def is_good(self, at: datetime) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)
