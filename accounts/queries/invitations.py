# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Invitations: for those who manage users, and for whoever holds the letter."""

import base64
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from accounts.actor import Actor
from accounts.errors import InvitationExpired, InvitationNotFound, InvitationUsed
from accounts.models import Invitation
from accounts.queries.access import insist_in_organization
from accounts.queries.lookups import Found, find_invitation
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.roles import Permission, Role
from accounts.tenancy import in_organization, tenant
from codexos.kernel import clock
from codexos.kernel.ids import parse_id
from codexos.kernel.sealing import associate, derive_key, mac

_TOKEN_LENGTH = 43


@dataclass(frozen=True, slots=True)
class Letter:
    """What the page of an invitation shows to whoever holds its link."""

    organization_name: str
    email: str
    role: Role
    invited_by: str


@in_organization
def access_invitation(actor: Actor, invitation: UUID | str) -> Invitation:
    """Return an invitation. Raises NotAllowed, InvitationNotFound."""
    insist_in_organization(actor, Permission.MANAGE_USERS)
    id_ = invitation if isinstance(invitation, UUID) else parse_id(invitation)
    row = _invitations(actor).filter(pk=id_).first() if id_ else None
    if row is None:
        raise InvitationNotFound(f"No invitation {str(invitation)!r} in this organization.")
    return row


@in_organization
def list_invitations(actor: Actor, *, cursor: str | None = None, limit: int = PAGE_LIMIT) -> Page[Invitation]:
    """Return the invitations that wait for an answer, also those past their date, newest first. Raises NotAllowed."""
    insist_in_organization(actor, Permission.MANAGE_USERS)
    return page_of(_invitations(actor).filter(accepted_at=None, withdrawn_at=None), cursor=cursor, limit=limit)


def peek_invitation(token: str) -> Letter:
    """Return what an invitation says. Raises InvitationNotFound, InvitationUsed, InvitationExpired."""
    found = find_letter(token)
    with tenant(found.organization_id):
        row = (
            Invitation.objects.for_organization(found.organization_id)
            .select_related("organization", "invited_by")
            .get(pk=found.id)
        )
        if row.accepted_at is not None:
            raise InvitationUsed("This invitation was accepted already. Sign in to go on.")
        check_open(row)
        return Letter(
            organization_name=row.organization.name,
            email=row.email,
            role=Role(row.role),
            invited_by=str(row.invited_by or ""),
        )


def find_letter(token: str) -> Found:
    """Return which invitation a token stands for. Raises InvitationNotFound."""
    found = find_invitation(hash_letter(token)) if len(token) == _TOKEN_LENGTH and token.isascii() else None
    if found is None:
        raise InvitationNotFound("This invitation link is not one of ours. Copy it whole from the mail, or ask again.")
    return found


def check_open(invitation: Invitation) -> None:
    """Raise InvitationExpired where an invitation was withdrawn or is past its date."""
    if not invitation.is_open(clock.now()):
        raise InvitationExpired("This invitation is no longer open. Ask whoever sent it for a new one.")


def letter_token(invitation_id: UUID) -> str:
    """Return the token of an invitation's link.

    It is derived, not kept: neither the database nor the queue ever holds it, and a mail can be sent again.
    """
    derived = mac(_key("accounts/invitation-token"), associate("invitation", invitation_id.bytes))
    return base64.urlsafe_b64encode(derived).decode().rstrip("=")


def hash_letter(token: str) -> bytes:
    """Return the keyed hash under which an invitation is found (32 bytes)."""
    return mac(_key("accounts/invitation-hash"), token.encode())


@lru_cache
def _key(purpose: str) -> bytes:
    return derive_key(settings.MASTER_KEY, purpose=purpose)


def _invitations(actor: Actor) -> "QuerySet[Invitation]":
    return (
        Invitation.objects.for_organization(actor.organization_id)
        .select_related("invited_by")
        .prefetch_related("teams")
    )
