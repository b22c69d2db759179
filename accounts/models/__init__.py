# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of accounts."""

from accounts.models.audit import AuditCheckpoint, AuditEvent, AuditHead, AuditSeal, UnsealedAudit
from accounts.models.idempotency import IdempotencyRecord
from accounts.models.organizations import (
    BreakGlass,
    ContentDays,
    Invitation,
    InvitationTeam,
    Membership,
    Organization,
    OrganizationGrant,
    Project,
    Team,
    TeamGrant,
    TeamMembership,
)
from accounts.models.outbox import OutboxEvent
from accounts.models.people import Person, Theme
from accounts.models.tokens import ApiToken
from accounts.models.usage import UsageRecord

__all__ = [
    "ApiToken",
    "AuditCheckpoint",
    "AuditEvent",
    "AuditHead",
    "AuditSeal",
    "BreakGlass",
    "ContentDays",
    "IdempotencyRecord",
    "Invitation",
    "InvitationTeam",
    "Membership",
    "Organization",
    "OrganizationGrant",
    "OutboxEvent",
    "Person",
    "Project",
    "Team",
    "TeamGrant",
    "TeamMembership",
    "Theme",
    "UnsealedAudit",
    "UsageRecord",
]
