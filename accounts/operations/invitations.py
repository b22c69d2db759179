# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Inviting people by mail, and accepting."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.transaction import on_commit

from accounts.actor import Actor
from accounts.adapters.sign_ins import has_verified
from accounts.errors import AlreadyInvited, AlreadyMember, InvitationNotYours, InvitationUsed
from accounts.models import Invitation, InvitationTeam, Membership, Person
from accounts.operations.audit import record_event
from accounts.operations.members import admit, check_member_role, hold_membership
from accounts.operations.organizations import choose_organization
from accounts.queries.access import insist_in_organization
from accounts.queries.grants import load_actor
from accounts.queries.invitations import access_invitation, check_open, find_letter, hash_letter, letter_token
from accounts.queries.teams import access_teams
from accounts.roles import Permission, Role
from accounts.tasks import send_invitation
from accounts.tenancy import in_organization, tenant
from codexos.kernel import clock
from codexos.kernel.errors import Broken, Conflict, InvalidInput, LimitReached, NotAllowed
from codexos.kernel.ids import new_id

VALID_FOR = timedelta(days=7)
MOST_OPEN = 200
_RESENT_AFTER = timedelta(minutes=1)


@in_organization
def invite(actor: Actor, *, email: str, role: Role, teams: Iterable[UUID | str] = ()) -> Invitation:
    """Invite an address and mail it a link. Raises NotAllowed, InvalidInput, TeamNotFound, AlreadyMember,
    AlreadyInvited, LimitReached.
    """
    insist_in_organization(actor, Permission.MANAGE_USERS)
    email, role = _clean_email(email), check_member_role(role)
    places = access_teams(actor, teams)
    hold_membership(actor.organization_id)
    _check_is_new(actor, email)
    id_ = new_id()
    invitation = Invitation.objects.create(
        id=id_,
        organization_id=actor.organization_id,
        email=email,
        role=role,
        invited_by_id=actor.person_id,
        token_hash=hash_letter(letter_token(id_)),
        expires_at=clock.now() + VALID_FOR,
    )
    InvitationTeam.objects.bulk_create(
        [InvitationTeam(organization_id=actor.organization_id, invitation=invitation, team=team) for team in places]
    )
    record_event(actor, "invitation.sent", about=invitation, teams=[team.slug for team in places])
    _mail(invitation)
    return access_invitation(actor, id_)


@in_organization
def resend_invitation(actor: Actor, invitation: UUID | str) -> Invitation:
    """Mail an invitation again and let it live anew. Raises InvitationNotFound, NotAllowed, Conflict, LimitReached."""
    row = _held(access_invitation(actor, invitation))
    _check_unanswered(row)
    waits = row.expires_at - VALID_FOR + _RESENT_AFTER - clock.now()
    if waits > timedelta(0):
        raise LimitReached(
            "This invitation was mailed a moment ago. Wait a minute before you send it again.",
            retry_after_seconds=int(waits.total_seconds()) + 1,
        )
    row.expires_at = clock.now() + VALID_FOR
    row.save(update_fields=["expires_at"])
    record_event(actor, "invitation.resent", about=row)
    _mail(row)
    return access_invitation(actor, row.pk)


@in_organization
def withdraw_invitation(actor: Actor, invitation: UUID | str) -> None:
    """Make an invitation's link worthless. Raises InvitationNotFound, NotAllowed, InvitationUsed."""
    row = _held(access_invitation(actor, invitation))
    if row.accepted_at is not None:
        raise InvitationUsed(f"{row.email} has accepted already. Remove the member instead.")
    if row.withdrawn_at is None:
        row.withdrawn_at = clock.now()
        row.save(update_fields=["withdrawn_at"])
        record_event(actor, "invitation.withdrawn", about=row)


def accept_invitation(person: Person, token: str) -> Membership:
    """Make a person a member by an invitation to an address they have verified, and choose that organization.

    Accepting it again, even at the same time from two browsers, gives the same person the same membership; anybody
    else gets InvitationUsed. Raises InvitationNotFound, InvitationNotYours, InvitationExpired, AlreadyMember.
    """
    found = find_letter(token)
    if not person.is_active:
        raise NotAllowed("This person is disabled. Ask a system admin.")
    with tenant(found.organization_id):
        invitation = _lock(found.organization_id, found.id)
        if invitation.accepted_at is not None:
            return _membership_by(invitation, person)
        check_open(invitation)
        if not has_verified(person.pk, email=invitation.email):
            raise InvitationNotYours(
                f"This invitation is for {invitation.email}. Sign in with that address, or add and verify it first."
            )
        membership = _admit(person, invitation)
    choose_organization(person, found.organization_id)
    return membership


def _admit(person: Person, invitation: Invitation) -> Membership:
    teams = InvitationTeam.objects.for_organization(invitation.organization_id).filter(invitation=invitation)
    membership = admit(
        person,
        organization_id=invitation.organization_id,
        role=Role(invitation.role),
        team_ids=list(teams.values_list("team_id", flat=True)),
    )
    invitation.accepted_at, invitation.accepted_by = clock.now(), person
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    actor = load_actor(person, organization_id=invitation.organization_id)
    if actor is None:
        raise Broken(f"{person.email} did not become a member by invitation {invitation.pk}.")
    record_event(actor, "invitation.accepted", about=invitation, role=invitation.role)
    return membership


def _membership_by(invitation: Invitation, person: Person) -> Membership:
    row = None
    if invitation.accepted_by_id == person.pk:
        row = Membership.objects.for_organization(invitation.organization_id).filter(person=person).first()
    if row is None:
        raise InvitationUsed("This invitation was accepted already. Ask for a new one if you are not a member.")
    return row


def _clean_email(text: str) -> str:
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        message = f"{email!r} is not an e-mail address."
        raise InvalidInput(message, errors=[{"place": "email", "message": message}]) from None
    return email


def _check_is_new(actor: Actor, email: str) -> None:
    if Membership.objects.for_organization(actor.organization_id).filter(person__email=email).exists():
        raise AlreadyMember(f"{email} is a member already. Change their role instead.")
    waiting = Invitation.objects.for_organization(actor.organization_id).filter(
        accepted_at=None, withdrawn_at=None, expires_at__gt=clock.now()
    )
    if waiting.filter(email=email).exists():
        raise AlreadyInvited(f"{email} is invited already. Send that invitation again, or withdraw it first.")
    if waiting.count() >= MOST_OPEN:
        raise LimitReached(f"{MOST_OPEN} invitations wait for an answer. Withdraw some before you send more.")


def _check_unanswered(row: Invitation) -> None:
    if row.accepted_at is not None:
        raise InvitationUsed(f"{row.email} has accepted already.")
    if row.withdrawn_at is not None:
        raise Conflict(f"The invitation of {row.email} was withdrawn. Invite them anew.")


def _held(invitation: Invitation) -> Invitation:
    return _lock(invitation.organization_id, invitation.pk)


def _lock(organization_id: UUID, invitation_id: UUID) -> Invitation:
    return Invitation.objects.for_organization(organization_id).select_for_update().get(pk=invitation_id)


def _mail(invitation: Invitation) -> None:
    organization_id, invitation_id = str(invitation.organization_id), str(invitation.pk)
    # An unreachable queue does not undo the invitation: it is logged, and the letter can be sent again.
    on_commit(lambda: send_invitation.delay(organization_id, invitation_id), robust=True)
