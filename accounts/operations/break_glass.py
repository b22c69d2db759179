# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Break-glass: how a system admin enters an organization they are no member of. With a reason, for an hour at most,
and before the eyes of the organization.
"""

from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from django.db.transaction import on_commit

from accounts.actor import Actor
from accounts.errors import AlreadyMember, BreakGlassNotFound, BreakGlassOpen, OrganizationNotFound, ReasonNeeded
from accounts.models import BreakGlass, Membership, Organization, Person
from accounts.operations.audit import record_event
from accounts.operations.names import TEXT_LENGTH
from accounts.operations.tokens import revoke_tokens_of
from accounts.queries.access import insist_in_organization
from accounts.queries.break_glass import is_open
from accounts.queries.grants import load_actor
from accounts.roles import Permission
from accounts.tasks import tell_of_break_glass
from accounts.tenancy import in_organization, tenant
from codexos.kernel import clock
from codexos.kernel.errors import InvalidInput

SHORTEST_REASON = 10
LONGEST_MINUTES = 60


def enter_organization(person: Person, *, organization_id: UUID, reason: str, minutes: int = LONGEST_MINUTES) -> Actor:
    """Let a system admin into an organization and return who they are there.

    Raises OrganizationNotFound (also for whoever is no system admin), AlreadyMember, BreakGlassOpen, ReasonNeeded,
    InvalidInput.
    """
    reason = _checked_reason(reason)
    if not 1 <= minutes <= LONGEST_MINUTES:
        message = f"An entry lasts 1 to {LONGEST_MINUTES} minutes, not {minutes}."
        raise InvalidInput(message, errors=[{"place": "minutes", "message": message}])
    with tenant(organization_id):
        _check_may_enter(person, organization_id)
        # What an earlier entry left behind must not come alive with this one.
        revoke_tokens_of(person.pk, organization_id=organization_id)
        entry = BreakGlass.objects.create(
            organization_id=organization_id,
            person=person,
            reason=reason,
            expires_at=clock.now() + timedelta(minutes=minutes),
        )
        actor = _as_entered(person, organization_id)
        record_event(actor, "break_glass.entered", about=entry, reason=reason, minutes=minutes)
        on_commit(lambda: tell_of_break_glass.delay(str(organization_id), str(entry.pk)), robust=True)
    return actor


def leave_organization(person: Person, *, organization_id: UUID) -> None:
    """End the person's own entry into an organization. Raises BreakGlassNotFound."""
    with tenant(organization_id):
        _end(_as_entered(person, organization_id), Q(person=person))


@in_organization
def end_break_glass(actor: Actor, *, break_glass_id: UUID) -> None:
    """End somebody's entry into the actor's organization. Raises NotAllowed, BreakGlassNotFound."""
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    _end(actor, Q(pk=break_glass_id))


def _end(actor: Actor, which: Q) -> None:
    entries = BreakGlass.objects.for_organization(actor.organization_id).select_for_update()
    entry = is_open(entries.filter(which)).first()
    if entry is None:
        raise _not_open()
    entry.ended_at = clock.now()
    entry.save(update_fields=["ended_at"])
    record_event(actor, "break_glass.ended", about=entry)


def _as_entered(person: Person, organization_id: UUID) -> Actor:
    actor = load_actor(person, organization_id=organization_id)
    if actor is None or actor.break_glass_id is None:
        raise _not_open()
    return actor


def _check_may_enter(person: Person, organization_id: UUID) -> None:
    # The person's row is locked, so that two clicks make one entry; and read anew, for they may be no admin any more.
    person = Person.objects.select_for_update().get(pk=person.pk)
    exists = Organization.objects.filter(pk=organization_id).exists()
    if not (exists and person.is_active and person.is_system_admin):
        raise OrganizationNotFound(f"No organization {organization_id}. Look it up in the admin console.")
    if Membership.objects.for_organization(organization_id).filter(person=person).exists():
        raise AlreadyMember("You are a member of this organization. Switch to it instead.")
    if is_open(BreakGlass.objects.for_organization(organization_id).filter(person=person)).exists():
        raise BreakGlassOpen("You have entered this organization already. Switch to it, or end that entry first.")


def _checked_reason(reason: str) -> str:
    reason = " ".join(reason.replace("\x00", " ").split())
    if not SHORTEST_REASON <= len(reason) <= TEXT_LENGTH:
        message = f"Give a reason of {SHORTEST_REASON} to {TEXT_LENGTH} letters. The organization reads it."
        raise ReasonNeeded(message, errors=[{"place": "reason", "message": message}])
    return reason


def _not_open() -> BreakGlassNotFound:
    return BreakGlassNotFound("No such entry is open. It has ended by time or by hand.")
