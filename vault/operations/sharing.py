# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Sharing secrets beyond their folder: to be used, never to be changed or shared on."""

from dataclasses import dataclass
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Membership, Team
from accounts.operations.audit import record_event
from accounts.queries.access import insist_unnarrowed
from accounts.queries.members import access_member
from accounts.queries.teams import access_team
from accounts.roles import MATRIX, Permission, Role
from accounts.tenancy import in_organization
from codexos.kernel.ids import parse_id
from vault.errors import SecretInvalid, ShareNotFound, ShareUseless
from vault.models import Secret, SecretShare, TagRule
from vault.operations.refusals import auditing_refusals
from vault.queries.secrets import access_changeable_secret


@dataclass(frozen=True, slots=True)
class Whom:
    """One team or one member, as they are named from outside."""

    team: UUID | str | None = None
    member: UUID | str | None = None


def share_secret(actor: Actor, secret_id: UUID | str, *, whom: Whom) -> SecretShare:
    """Let a team or a person use a secret; sharing it again changes nothing.

    Raises SecretNotFound kinds, TeamNotFound, MemberNotFound, SecretInvalid, ShareUseless, NotAllowed.
    """
    with auditing_refusals(actor, "share", key=str(secret_id)):
        return _share(actor, secret_id, whom=whom)


def unshare_secret(actor: Actor, secret_id: UUID | str, share_id: str) -> None:
    """Take a share back. Raises SecretNotFound kinds, ShareNotFound, NotAllowed."""
    with auditing_refusals(actor, "unshare", key=str(secret_id)):
        _unshare(actor, secret_id, share_id)


@in_organization
def _share(actor: Actor, secret_id: UUID | str, *, whom: Whom) -> SecretShare:
    insist_unnarrowed(actor)
    secret = access_changeable_secret(actor, secret_id)
    team, member = named_whom(actor, whom)
    if member is not None and Permission.ACCESS_VAULT not in MATRIX[Role(member.role)]:
        raise ShareUseless(who=str(member.person), role=member.role)
    share, is_new = SecretShare.objects.for_organization(actor.organization_id).get_or_create(
        organization_id=actor.organization_id,
        secret=secret,
        team=team,
        person=member.person if member else None,
        defaults={"shared_by": actor.label[:254]},
    )
    share.team, share.person = team, member.person if member else None
    if is_new:
        record_event(actor, "secret.shared", about=secret, **told_whom(share))
    return share


@in_organization
def _unshare(actor: Actor, secret_id: UUID | str, share_id: str) -> None:
    insist_unnarrowed(actor)
    secret: Secret = access_changeable_secret(actor, secret_id)
    rows = SecretShare.objects.for_organization(actor.organization_id).filter(secret=secret)
    share = rows.filter(pk__in=ids_of(share_id)).select_related("team", "person").first()
    if share is None:
        raise ShareNotFound(f"Secret {secret.key!r} has no share {share_id[:60]!r}. See its shares.")
    record_event(actor, "secret.unshared", about=secret, **told_whom(share))
    rows.filter(pk=share.pk).delete()


def named_whom(actor: Actor, whom: Whom) -> tuple[Team | None, Membership | None]:
    """Return the team or the member that is meant. Raises TeamNotFound, MemberNotFound, SecretInvalid."""
    if (whom.team is None) == (whom.member is None):
        raise SecretInvalid("Say one of team_id and member_id.", place="team_id")
    if whom.team is not None:
        return access_team(actor, whom.team), None
    return None, access_member(actor, whom.member or "")


def told_whom(row: SecretShare | TagRule) -> dict[str, str]:
    """Return whom a share or a rule is for, as the audit trail tells it."""
    if row.team is not None:
        return {"team": row.team.slug}
    return {"person": str(row.person)} if row.person is not None else {"role": getattr(row, "role", "")}


def ids_of(text: str) -> list[UUID]:
    """Return the id that a text is; nothing where it is none."""
    found = parse_id(text)
    return [found] if found else []
