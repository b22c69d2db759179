# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tool servers: where tools come from that are not built in, and which of theirs may be called."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models import Person, Project
from accounts.tenancy import OrganizationModel
from agents.engine.offered import OfferedTool, Standing, offered_tool, standing_of
from codexos.kernel import clock
from vault.models.secrets import KEY_LENGTH

SERVER_NAME_LENGTH = 40
TOOL_NAME_LENGTH = 80
ADDRESS_LENGTH = 500


class ServerKind(models.TextChoices):
    """How a tool server is spoken to."""

    OPENAPI = "openapi", "OpenAPI"
    MCP_HTTP = "mcp_http", "MCP (HTTP)"
    MCP_STDIO = "mcp_stdio", "MCP (command)"


class ToolServer(OrganizationModel):
    """Where tools of a project come from, or, without one, of the whole organization: ``<name>.<tool>`` in flows.

    ``address`` is where its description is read, ``document`` what was read, ``config`` what its kind needs besides.
    ``auth`` says how a key is sent, ``key`` names the secret in the vault, whose value is nowhere here. ``offered``
    are its tools as they were read last, ``chosen`` the names of those that may be called, ``pinned`` what people
    accepted of each. ``reason`` says why it could not be read the last time. ``revision`` counts edits.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=SERVER_NAME_LENGTH)
    description = models.CharField(max_length=500, blank=True)
    kind = models.CharField(max_length=10, choices=ServerKind)
    address = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    config = models.JSONField(default=dict)
    document = models.JSONField(null=True)
    auth = models.JSONField(default=dict)
    key = models.CharField(max_length=KEY_LENGTH, blank=True)
    offered = models.JSONField(default=list)
    chosen = ArrayField(models.CharField(max_length=TOOL_NAME_LENGTH), default=list)
    pinned = models.JSONField(default=dict)
    is_enabled = models.BooleanField(default=True)
    reason = models.CharField(max_length=1_000, blank=True)
    read_at = models.DateTimeField(null=True)
    changed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(default=clock.now)

    if TYPE_CHECKING:
        project_id: UUID | None
        changed_by_id: UUID | None

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "project", "name"], name="tool_server_name_unique", nulls_distinct=False
            ),
            models.CheckConstraint(condition=~Q(name=""), name="tool_servers_have_names"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def team_id(self) -> UUID | None:
        """Where it stands: in its project's team; the organization's in none."""
        return self.project.team_id if self.project else None

    @property
    def tools(self) -> Sequence[OfferedTool]:
        """What it offers, by name; also what was chosen and is there no more."""
        offered = [offered_tool(each) for each in self.offered]
        names = {tool.name for tool in offered}
        gone = [name for name in self.chosen if name not in names]
        told = "Its server offers no tool of this name any more."
        return sorted([*offered, *(OfferedTool(name, trouble=told) for name in gone)], key=lambda tool: tool.name)

    def standing_of(self, tool: OfferedTool) -> Standing:
        """Say whether one of its tools may be called."""
        return standing_of(tool, is_on=self.is_enabled, chosen=self.chosen, pinned=self.pinned)

    def full_name(self, tool: OfferedTool) -> str:
        """Return what flows call one of its tools."""
        return f"{self.name}.{tool.name}"
