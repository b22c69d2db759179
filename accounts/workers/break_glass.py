# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tells the admins of an organization that a system admin has entered it, by mail. Twice is harmless."""

from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import BreakGlass, Membership, Person
from accounts.roles import Role
from accounts.tenancy import tenant


def tell_admins(organization_id: UUID, *, break_glass_id: UUID) -> int:
    """Mail every org_admin of the organization who entered, why and until when; return how many were written to."""
    with tenant(organization_id):
        entries = BreakGlass.objects.for_organization(organization_id).select_related("person", "organization")
        entry = entries.get(pk=break_glass_id)
        admins = _admins_of(organization_id)
    for admin in admins:
        _tell(admin, entry)
    return len(admins)


def _admins_of(organization_id: UUID) -> list[Person]:
    members = Membership.objects.for_organization(organization_id).select_related("person")
    return [m.person for m in members.filter(role=Role.ORG_ADMIN, person__is_active=True)]


def _tell(admin: Person, entry: BreakGlass) -> None:
    context = {"entry": entry, "organization": entry.organization, "link": settings.CODEXOS_URL}
    with translation.override(admin.language or settings.LANGUAGE_CODE):
        # A subject of two lines would let a name write headers.
        subject = " ".join(render_to_string("accounts/mail/break_glass_subject.txt", context).split())
        send_mail(subject, render_to_string("accounts/mail/break_glass.txt", context), None, [admin.email])
