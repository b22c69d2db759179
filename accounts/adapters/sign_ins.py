# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What allauth keeps of people: their sessions and verified addresses."""

from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession


def end_sessions(person_id: UUID) -> int:
    """Sign a person out everywhere at once; return of how many places."""
    sessions = list(UserSession.objects.filter(user_id=person_id))
    for session in sessions:
        session.end()
    return len(sessions)


def has_verified(person_id: UUID, *, email: str) -> bool:
    """Tell whether a person has shown that an address is theirs."""
    rows = EmailAddress.objects.filter(user_id=person_id, email__iexact=email, verified=True)
    return bool(rows.exists())
