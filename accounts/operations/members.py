# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Members of an organization: joining, roles, teams, leaving."""

from collections.abc import Iterable
from uuid import UUID

from accounts.actor import Actor
from accounts.adapters.sign_ins import end_sessions
from accounts.errors import AlreadyMember, LastAdmin
from accounts.models import Membership, Organization, Person, Team, TeamMembership
from accounts.operations.audit import record_event
from accounts.operations.grants import regrant, revoke_all
from accounts.operations.outbox import publish_event
from accounts.operations.tokens import revoke_tokens_of
from accounts.queries.access import insist_person
from accounts.queries.members import OWN, access_member
from accounts.queries.teams import access_teams
from accounts.roles import MEMBER_ROLES, Permission, Role
from accounts.tenancy import in_organization, tenant
from codexos.kernel.errors import InvalidInput
from codexos.kernel.events import MemberJoined, MemberLeft
from codexos.kernel.ids import OrganizationId, PersonId


def admit(person: Person, *, organization_id: UUID, role: Role, team_ids: Iterable[UUID]) -> Membership:
    """Make a person a member; the caller has decided that they may be. Raises AlreadyMember."""
    with tenant(organization_id):
        hold_membership(organization_id)
        if Membership.objects.for_organization(organization_id).filter(person=person).exists():
            raise AlreadyMember(f"{person.email} is a member already. Change their role instead.")
        membership = Membership.objects.create(organization_id=organization_id, person=person, role=role)
        _place(membership, team_ids)
        regrant(membership)
        publish_event(MemberJoined(organization_id=OrganizationId(organization_id), person_id=PersonId(person.id)))
    return membership


@in_organization
def change_member(
    actor: Actor, member: UUID | str, *, role: Role | None = None, teams: Iterable[UUID | str] | None = None
) -> Membership:
    """Change a member's role, their teams or both. Raises MemberNotFound, NotAllowed, TeamNotFound, LastAdmin."""
    hold_membership(actor.organization_id)
    row = access_member(actor, member, to=Permission.MANAGE_USERS)
    before = _described(row)
    if role is not None and role != row.role:
        _give_role(row, check_member_role(role))
    if teams is not None:
        _replace_teams(row, access_teams(actor, teams))
    regrant(row)
    changed = access_member(actor, row.pk)
    if _described(changed) != before:
        record_event(actor, "member.changed", about=row.person, before=before, after=_described(changed))
    return changed


@in_organization
def remove_member(actor: Actor, member: UUID | str) -> None:
    """End a membership, its tokens and the person's sessions at once. Raises MemberNotFound, NotAllowed, LastAdmin."""
    hold_membership(actor.organization_id)
    row = access_member(actor, member, to=Permission.MANAGE_USERS)
    _end(row)
    record_event(actor, "member.removed", about=row.person, role=row.role)
    if row.person_id != actor.person_id:
        end_sessions(row.person_id)


@in_organization
def leave_organization(actor: Actor) -> None:
    """End the actor's own membership and tokens here. Raises NotAllowed for tokens, MemberNotFound, LastAdmin."""
    insist_person(actor)
    hold_membership(actor.organization_id)
    row = access_member(actor, OWN)
    _end(row)
    record_event(actor, "member.left", about=row.person, role=row.role)


def check_member_role(role: Role) -> Role:
    """Return a role that a membership may have. Raises InvalidInput for the others."""
    if role in MEMBER_ROLES:
        return role
    message = f"The role {role.value!r} is given by the platform, not by an organization."
    raise InvalidInput(message, errors=[{"place": "role", "message": message}])


def hold_membership(organization_id: UUID) -> None:
    """Let one change of members happen at a time in an organization; others wait for the end of this transaction."""
    # Two admins who leave at once would otherwise each still see the other.
    Organization.objects.select_for_update(no_key=True).get(pk=organization_id)


def _end(row: Membership) -> None:
    if row.role == Role.ORG_ADMIN:
        _check_another_admin(row, "leave")
    revoke_tokens_of(row.person_id, organization_id=row.organization_id)
    revoke_all(row.person, organization_id=row.organization_id)
    Membership.objects.for_organization(row.organization_id).filter(pk=row.pk).delete()
    publish_event(MemberLeft(organization_id=OrganizationId(row.organization_id), person_id=PersonId(row.person_id)))


def _give_role(row: Membership, role: Role) -> None:
    if row.role == Role.ORG_ADMIN:
        _check_another_admin(row, "take another role")
    row.role = role
    row.save(update_fields=["role"])


def _check_another_admin(row: Membership, deed: str) -> None:
    others = Membership.objects.for_organization(row.organization_id).filter(
        role=Role.ORG_ADMIN, person__is_active=True
    )
    if not others.exclude(pk=row.pk).exists():
        raise LastAdmin(
            f"{row.person} is the last admin of this organization and cannot {deed}. Make somebody else an admin first."
        )


def _replace_teams(row: Membership, teams: Iterable[Team]) -> None:
    wanted = {team.pk for team in teams}
    places = TeamMembership.objects.for_organization(row.organization_id).filter(membership=row)
    places.exclude(team_id__in=wanted).delete()
    _place(row, wanted - set(places.values_list("team_id", flat=True)))


def _place(membership: Membership, team_ids: Iterable[UUID]) -> None:
    TeamMembership.objects.bulk_create(
        [
            TeamMembership(organization_id=membership.organization_id, membership=membership, team_id=team_id)
            for team_id in team_ids
        ]
    )


def _described(row: Membership) -> dict[str, str | list[str]]:
    places = TeamMembership.objects.for_organization(row.organization_id).filter(membership=row)
    return {"role": row.role, "teams": sorted(places.values_list("team__slug", flat=True))}
