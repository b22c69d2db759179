# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What happens at the door, written into the trail of the organization the person works in."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from accounts.models import Membership, Person
from accounts.operations.audit import record_event
from accounts.queries.grants import load_actor
from accounts.queries.lookups import list_belongings
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.jsontypes import JsonValue
from codexos.kernel.sealing import mac

FAILURES_ARE_NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def note_sign_in(person: Person, *, method: str) -> None:
    """Write that a person signed in, and that they were here."""
    note_deed(person, "person.signed_in", method=method)
    organization_id = _works_in(person)
    if organization_id is not None:
        with tenant(organization_id):
            rows = Membership.objects.for_organization(organization_id).filter(person=person)
            rows.update(last_active_at=clock.now())


@transaction.atomic
def note_deed(person: Person, deed: str, **details: JsonValue) -> None:
    """Write what happened to a person's own sign-in; nothing where they belong to no organization."""
    organization_id = _works_in(person)
    if organization_id is None:
        return
    with tenant(organization_id):
        # Requests carry a lazy stand-in for the person, whose kind the trail would not know.
        row = Person.objects.get(pk=person.pk)
        actor = load_actor(row, organization_id=organization_id)
        if actor is not None:
            record_event(actor, deed, about=row, **details)


def note_failed_sign_in(email: str, *, step: str) -> None:
    """Write that somebody failed to sign in as a person; once a minute for each, so that guessing floods nothing."""
    email = email.strip().lower()
    key = f"failed-sign-in:{step}:{mac(settings.API_TOKEN_KEY, email.encode()).hex()}"
    if cache.add(key, 1, timeout=int(FAILURES_ARE_NOTED_EVERY.total_seconds())):
        person = Person.objects.filter(email=email, is_active=True).first() if "\x00" not in email else None
        if person is not None:
            note_deed(person, "person.sign_in_failed", step=step)


def _works_in(person: Person) -> UUID | None:
    ids = [belonging.organization_id for belonging in list_belongings(person.pk)]
    if person.last_organization_id in ids:
        return person.last_organization_id
    return ids[0] if ids else None
