# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How people sign in: their second factors, and the addresses they have shown to be theirs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator

from accounts.actor import Actor
from accounts.models import Membership
from accounts.queries.access import insist_in_organization
from accounts.roles import Permission


class SecondFactor(StrEnum):
    """What somebody needs beside a password; the strongest they have."""

    PASSKEY = "passkey"
    APP = "app"
    NONE = "none"


def list_second_factors(actor: Actor, members: Iterable[Membership]) -> dict[UUID, SecondFactor]:
    """Return each member's second factor, by the id of the person, in one query. Raises NotAllowed."""
    insist_in_organization(actor, Permission.MANAGE_USERS)
    people = [member.person_id for member in members]
    kinds: Mapping[UUID, set[str]] = defaultdict(set)
    for person_id, kind in Authenticator.objects.filter(user_id__in=people).values_list("user_id", "type"):
        kinds[person_id].add(kind)
    return {person_id: _strongest(kinds[person_id]) for person_id in people}


def is_own_address(person_id: UUID, email: str) -> bool:
    """Tell whether a person has shown that an address is theirs."""
    return bool(EmailAddress.objects.filter(user_id=person_id, email__iexact=email, verified=True).exists())


def _strongest(kinds: set[str]) -> SecondFactor:
    if Authenticator.Type.WEBAUTHN in kinds:
        return SecondFactor.PASSKEY
    return SecondFactor.APP if Authenticator.Type.TOTP in kinds else SecondFactor.NONE
