# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Providers, each an organization's own connection, and the models that are asked there."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models import Project, Team
from accounts.tenancy import OrganizationModel
from codexos.kernel import clock
from vault.models.secrets import KEY_LENGTH

NAME_LENGTH = 100
URL_LENGTH = 500
KIND_LENGTH = 20


class KeyFolder(models.TextChoices):
    """The folder of the vault that a provider's key lies in. What is one person's alone is no organization's key."""

    ORGANIZATION = "organization", "Organization"
    TEAM = "team", "Team"
    PROJECT = "project", "Project"


class Capability(models.TextChoices):
    """What a model can be asked for beside text."""

    TOOLS = "tools", "Tools"
    IMAGES = "images", "Pictures"
    SCHEMA = "schema", "Structured output"


class Provider(OrganizationModel):
    """An organization's connection to one provider of models.

    Its key is not here: ``key`` names a secret, in the folder of the vault that ``key_folder`` says; "" is no key.
    Limits are how many requests and tokens a minute its key takes; None is no limit known. ``revision`` counts edits.
    """

    name = models.CharField(max_length=NAME_LENGTH)
    kind = models.CharField(max_length=KIND_LENGTH)
    base_url = models.CharField(max_length=URL_LENGTH, blank=True)
    options = models.JSONField(default=dict)
    key = models.CharField(max_length=KEY_LENGTH, blank=True)
    key_folder = models.CharField(max_length=12, choices=KeyFolder, default=KeyFolder.ORGANIZATION)
    key_team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    key_project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="+")
    requests_per_minute = models.PositiveIntegerField(null=True)
    tokens_per_minute = models.PositiveIntegerField(null=True)
    is_enabled = models.BooleanField(default=True)
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(default=clock.now)

    if TYPE_CHECKING:
        key_team_id: UUID | None
        key_project_id: UUID | None

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="model_provider_name_unique"),
            models.CheckConstraint(
                condition=Q(key_folder=KeyFolder.ORGANIZATION, key_team=None, key_project=None)
                | Q(key_folder=KeyFolder.TEAM, key_team__isnull=False, key_project=None)
                | Q(key_folder=KeyFolder.PROJECT, key_team=None, key_project__isnull=False),
                name="model_provider_key_in_one_folder",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Deployment(OrganizationModel):
    """One model at one provider, under the ``name`` that flows and routes know it by.

    ``capabilities`` say what it can be asked for beside text; where none is said, it is asked for anything.
    """

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="deployments")
    name = models.CharField(max_length=NAME_LENGTH)
    model = models.CharField(max_length=200)
    context_tokens = models.PositiveIntegerField()
    capabilities = ArrayField(models.CharField(max_length=20, choices=Capability), default=list)
    is_enabled = models.BooleanField(default=True)
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(default=clock.now)

    if TYPE_CHECKING:
        provider_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="model_deployment_name_unique")]

    def __str__(self) -> str:
        return self.name
