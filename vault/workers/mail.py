# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reminds a secret's people by mail. Twice is harmless; what it is about stands there, never what is in it."""

from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import Membership, Person
from accounts.roles import Role
from accounts.tenancy import tenant
from vault.models import Secret, SecretScope


def mail_reminder(organization_id: UUID, secret_id: UUID, *, of: str) -> int:
    """Write to who put the secret away, or to the admins where they have left; return how many were written to."""
    with tenant(organization_id):
        rows = Secret.objects.for_organization(organization_id).select_related("created_by", "organization")
        secret = rows.filter(pk=secret_id, destroyed_at=None).first()
        people = _people_of(secret) if secret else []
    if secret is None:
        return 0
    for person in people:
        _write(person, secret, of)
    return len(people)


def _people_of(secret: Secret) -> list[Person]:
    members = Membership.objects.for_organization(secret.organization_id).select_related("person")
    active = members.filter(person__is_active=True)
    owner = [member.person for member in active.filter(person_id=secret.created_by_id)]
    if owner or secret.scope == SecretScope.PERSONAL:
        return owner
    return [member.person for member in active.filter(role=Role.ORG_ADMIN)]


def _write(person: Person, secret: Secret, of: str) -> None:
    link = f"{settings.CODEXOS_URL}/vault/{secret.pk}/"
    context = {"secret": secret, "organization": secret.organization, "link": link, "is_expiry": of == "expiry"}
    with translation.override(person.language or settings.LANGUAGE_CODE):
        # A subject of two lines would let a key write headers.
        subject = " ".join(render_to_string("vault/mail/reminder_subject.txt", context).split())
        send_mail(subject, render_to_string("vault/mail/reminder.txt", context), None, [person.email])
