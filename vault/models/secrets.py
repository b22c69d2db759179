# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets: a name in a place, and the sealed values it has had."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models import Person, Project, Team
from accounts.tenancy import OrganizationModel
from codexos.kernel import clock
from vault.models.keys import VaultKey

KEY_LENGTH = 100
TAG_LENGTH = 50
DESCRIPTION_LENGTH = 500


class SecretKind(models.TextChoices):
    """What a secret is for."""

    LLM_API_KEY = "llm_api_key", "LLM API key"
    OAUTH_TOKEN = "oauth_token", "OAuth token"
    TOOL_CREDENTIAL = "tool_credential", "Tool credential"
    GENERIC = "generic", "Generic"


class SecretScope(models.TextChoices):
    """The folder a secret lies in, which says whose it is."""

    PERSONAL = "personal", "Personal"
    PROJECT = "project", "Project"
    TEAM = "team", "Team"
    ORGANIZATION = "organization", "Organization"


class Origin(models.TextChoices):
    """How a version came to be."""

    PUT = "put", "Put"
    ROTATED = "rotated", "Rotated"
    ROLLED_BACK = "rolled_back", "Rolled back"
    REFRESHED = "refreshed", "Refreshed"
    IMPORTED = "imported", "Imported"


class RotateBy(models.TextChoices):
    """Who gives a secret its next value when that is due."""

    REMINDER = "reminder", "Reminder"
    CALLBACK = "callback", "Callback"


def _in(scope: SecretScope, container: str) -> Q:
    others = {f"{name}__isnull": name != container for name in ("person", "project", "team")}
    return Q(scope=scope, **others)


class Secret(OrganizationModel):
    """A named secret. Its values are its versions; ``current_number`` says which of them is read.

    ``former_tags`` are the tags it had when it lost its last one: a rule that denies goes on denying by them.
    """

    key = models.CharField(max_length=KEY_LENGTH)
    kind = models.CharField(max_length=16, choices=SecretKind, default=SecretKind.GENERIC)
    scope = models.CharField(max_length=12, choices=SecretScope)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    description = models.CharField(max_length=DESCRIPTION_LENGTH, blank=True)
    tags = ArrayField(models.CharField(max_length=TAG_LENGTH), default=list)
    former_tags = ArrayField(models.CharField(max_length=TAG_LENGTH), default=list)
    current_number = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(default=clock.now)
    rotated_at = models.DateTimeField(default=clock.now)
    revision = models.PositiveIntegerField(default=1)
    last_used_at = models.DateTimeField(null=True)
    last_used_by = models.CharField(max_length=254, blank=True)

    rotate_every_days = models.PositiveIntegerField(null=True)
    rotate_by = models.CharField(max_length=8, choices=RotateBy, blank=True)
    rotates_at = models.DateTimeField(null=True)
    callback_url = models.CharField(max_length=2000, blank=True)
    grace_seconds = models.PositiveIntegerField(default=0)
    # When the clock looks at it next: at rotates_at first, then again for a reminder or after a callback that failed.
    attended_at = models.DateTimeField(null=True)
    rotation_tries = models.PositiveSmallIntegerField(default=0)
    rotation_problem = models.CharField(max_length=500, blank=True)
    expiry_told_at = models.DateTimeField(null=True)
    # Who renews an OAuth token holds it until then: a refresh token is mostly good for one use.
    refreshing_until = models.DateTimeField(null=True)

    destroyed_at = models.DateTimeField(null=True)
    destroyed_by = models.CharField(max_length=254, blank=True)
    gone_at = models.DateTimeField(null=True)

    if TYPE_CHECKING:
        person_id: UUID | None
        project_id: UUID | None
        team_id: UUID | None
        created_by_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=_in(SecretScope.PERSONAL, "person")
                | _in(SecretScope.PROJECT, "project")
                | _in(SecretScope.TEAM, "team")
                | _in(SecretScope.ORGANIZATION, ""),
                name="secret_lies_in_one_folder",
            ),
            models.UniqueConstraint(
                fields=["organization", "scope", "person", "project", "team", "key"],
                condition=Q(destroyed_at=None),
                nulls_distinct=False,
                name="secret_key_unique",
            ),
        ]
        indexes = [
            models.Index(fields=["attended_at"], condition=Q(attended_at__isnull=False), name="secret_attended"),
            models.Index(fields=["gone_at"], condition=Q(gone_at__isnull=False), name="secret_gone"),
            models.Index(
                fields=["expires_at"],
                condition=Q(expires_at__isnull=False, expiry_told_at=None),
                name="secret_expires",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def as_reference(self) -> str:
        """How flows name it."""
        return f"{{{{ vault.{self.key} }}}}" if self.key.isidentifier() else f'{{{{ vault["{self.key}"] }}}}'

    @property
    def is_destroyed(self) -> bool:
        """Whether it waits to be gone; until then it can be restored."""
        return self.destroyed_at is not None

    def is_expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now

    def plan_rotation(self, now: datetime) -> None:
        """Say when the next value is due, counted from now; never where nothing is planned."""
        self.rotates_at = now + timedelta(days=self.rotate_every_days) if self.rotate_every_days else None
        self.attended_at, self.rotation_tries, self.rotation_problem = self.rotates_at, 0, ""


class SecretVersion(OrganizationModel):
    """One sealed value of a secret. ``wrapped_key`` is the data key under ``vault_key``; nothing here opens itself.

    A version that is not the current one is read until ``readable_until``, the end of its grace window, and not after.
    """

    secret = models.ForeignKey(Secret, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    # Its index is the one below: versions are walked key by key, in the order of their ids.
    vault_key = models.ForeignKey(VaultKey, on_delete=models.PROTECT, related_name="+", db_index=False)
    wrapped_key = models.BinaryField()
    sealed = models.BinaryField()
    size = models.PositiveIntegerField()
    origin = models.CharField(max_length=11, choices=Origin)
    created_by = models.CharField(max_length=254)
    readable_until = models.DateTimeField(null=True)

    if TYPE_CHECKING:
        secret_id: UUID
        vault_key_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["secret", "number"], name="secret_version_unique")]
        indexes = [models.Index(fields=["vault_key", "id"], name="secret_version_by_key")]

    def __str__(self) -> str:
        return f"version {self.number}"
