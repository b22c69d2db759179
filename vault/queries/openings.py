# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which secrets are open to an actor, as conditions of the database.

A secret is open by its folder, by a share, or by a rule that allows one of its tags; a rule that denies one of its tags
closes it, whatever else opens it. All of it asks that the actor may access the vault at all where the secret lies.
"""

from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from accounts.actor import Actor, ActorKind
from accounts.roles import MATRIX, Permission, Role
from codexos.kernel.errors import NotAllowed
from vault.models import Effect, SecretScope, SecretShare, TagRule

_VAULT = Permission.ACCESS_VAULT


class _Ruling(NamedTuple):
    """What the organization's rules say to one actor."""

    allowed: frozenset[str]
    denied: frozenset[str]


def insist_vault(actor: Actor) -> None:
    """Raise NotAllowed where the actor may access no vault at all."""
    if actor.may_somewhere(_VAULT):
        return
    if actor.limit is not None and _VAULT not in actor.limit:
        raise NotAllowed("This API token has no scope for the vault. Make one with the scope 'vault'.")
    if _VAULT in MATRIX[actor.role]:
        raise NotAllowed("Secrets are used in teams, and you are in none here. Ask an admin to be let into one.")
    raise NotAllowed(f"The role {actor.role.value.replace('_', ' ')} does not include the vault. Ask an admin.")


def open_to(actor: Actor, *, near: Q | None = None) -> Q:
    """Return the condition for the secrets an actor may use; of those in folders, the ones that are ``near``."""
    ruling = _ruling_for(actor)
    is_open = _by_folder(actor) & (near or Q())
    if not is_narrowed(actor):
        is_open |= _by_share(actor) | _by_rule(ruling)
    if ruling.denied:
        denied = sorted(ruling.denied)
        is_open &= ~Q(tags__overlap=denied) & ~Q(former_tags__overlap=denied)
    return is_open


def _by_folder(actor: Actor) -> Q:
    in_project = Q(scope=SecretScope.PROJECT) & _of_teams(actor, "project__team_id__in")
    if is_narrowed(actor):
        return in_project & Q(project_id=actor.project_id)
    return (
        in_project
        | (Q(scope=SecretScope.TEAM) & _of_teams(actor, "team_id__in"))
        | Q(scope=SecretScope.ORGANIZATION)
        | Q(scope=SecretScope.PERSONAL, person_id=actor.person_id)
    )


def _ruling_for(actor: Actor) -> _Ruling:
    roles = {actor.role, Role.ORG_ADMIN} if actor.role is Role.SYSTEM_ADMIN else {actor.role}
    rows = TagRule.objects.for_organization(actor.organization_id).filter(
        Q(person_id=actor.person_id) | Q(team_id__in=actor.team_ids) | Q(role__in=roles)
    )
    found = list(rows.values_list("effect", "tag"))
    return _Ruling(
        *(frozenset(tag for effect, tag in found if effect == wanted) for wanted in (Effect.ALLOW, Effect.DENY))
    )


def _by_share(actor: Actor) -> Q:
    shares = SecretShare.objects.for_organization(actor.organization_id).filter(
        Q(person_id=actor.person_id) | Q(team_id__in=_teams_with_vault(actor))
    )
    return Q(pk__in=shares.values("secret_id"))


def _by_rule(ruling: _Ruling) -> Q:
    # What is personal is opened by its person alone: a tag that somebody puts a rule on must not do it.
    return Q(tags__overlap=sorted(ruling.allowed)) & ~Q(scope=SecretScope.PERSONAL) if ruling.allowed else Q(pk__in=())


def _of_teams(actor: Actor, lookup: str) -> Q:
    return Q() if actor.may_in_organization(_VAULT) else Q(**{lookup: _teams_with_vault(actor)})


def _teams_with_vault(actor: Actor) -> list[UUID]:
    return [team_id for team_id in actor.team_ids if _VAULT in actor.grants[team_id]]


def is_narrowed(actor: Actor) -> bool:
    """Tell whether an actor sees the secrets of one project alone: a token that was made for it, or a run of one."""
    # A run stands in a project as well, but what its organization shares is meant for it.
    return actor.project_id is not None and (actor.kind is not ActorKind.RUN or actor.by_narrow_token)
