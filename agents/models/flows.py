# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flows: drawings one may edit, and their frozen, runnable versions."""

from django.db import models

from accounts.models import Person, Project
from accounts.tenancy import OrganizationModel


class Flow(OrganizationModel):
    """A drawing in a project. Without an owner it is a team template, which its team's leads may change."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    slug = models.SlugField(max_length=100)
    name = models.CharField(max_length=200)
    draft = models.JSONField()
    published = models.ForeignKey("FlowVersion", on_delete=models.PROTECT, null=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization", "project", "slug"], name="flow_slug_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def team_id(self) -> object:
        """Where it stands: in its project's team."""
        return self.project.team_id

    @property
    def is_team_template(self) -> bool:
        """Whether the team owns it, rather than a person."""
        return self.owner_id is None


class FlowVersion(OrganizationModel):
    """One frozen state of a flow. ``logic_hash`` leaves layout out."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    logic_hash = models.CharField(max_length=64)
    published_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["flow", "number"], name="flow_version_unique")]

    def __str__(self) -> str:
        return f"v{self.number}"
