# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writes and sends the mails of accounts. Sending one twice is harmless; not sending it is retried."""

from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import Invitation
from accounts.queries.invitations import letter_token
from accounts.tenancy import tenant
from codexos.kernel import clock


def mail_invitation(organization_id: UUID, invitation_id: UUID) -> None:
    """Mail the link of an invitation to its address; does nothing where it was answered or withdrawn meanwhile."""
    with tenant(organization_id):
        invitation = (
            Invitation.objects.for_organization(organization_id)
            .select_related("organization", "invited_by")
            .filter(pk=invitation_id)
            .first()
        )
    if invitation is None or not invitation.is_open(clock.now()):
        return
    inviter = invitation.invited_by
    context = {
        "invitation": invitation,
        "organization": invitation.organization,
        "inviter": inviter,
        "role": invitation.get_role_display(),
        "link": f"{settings.CODEXOS_URL}/invitations/{letter_token(invitation.pk)}/",
    }
    with translation.override((inviter.language if inviter else "") or settings.LANGUAGE_CODE):
        # A subject of two lines would let its text write headers.
        subject = " ".join(render_to_string("accounts/mail/invitation_subject.txt", context).split())
        body = render_to_string("accounts/mail/invitation.txt", context)
    send_mail(subject, body, None, [invitation.email])
