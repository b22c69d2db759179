# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading about secrets. Fetching is the check; values are read by operations, for reading one is audited."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import NamedTuple
from uuid import UUID

from django.db.models import Case, IntegerField, Q, Value, When

from accounts.actor import Actor
from accounts.models import Project, Team
from accounts.queries.access import insist
from accounts.queries.pages import Page, page_of
from accounts.queries.projects import visible_projects
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from codexos.kernel.errors import NotAllowed
from codexos.kernel.ids import parse_id
from vault.errors import SecretAmbiguous, SecretDestroyed, SecretNotFound
from vault.models import Secret, SecretReference, SecretScope, SecretVersion
from vault.queries.openings import insist_vault, is_narrowed, open_to


@dataclass(frozen=True, slots=True)
class SecretFilters:
    """Which secrets a list holds; what is empty or None lets all through."""

    scope: str = ""
    kind: str = ""
    tag: str = ""
    text: str = ""
    project: Project | None = None
    team: Team | None = None
    is_destroyed: bool = False

    def condition(self) -> Q:
        """Return them as a condition."""
        said: dict[str, object] = {"scope": self.scope, "kind": self.kind, "project": self.project, "team": self.team}
        condition = Q(destroyed_at__isnull=not self.is_destroyed, **{name: at for name, at in said.items() if at})
        if self.tag:
            condition &= Q(tags__contains=[self.tag])
        if self.text:
            condition &= Q(key__icontains=self.text) | Q(description__icontains=self.text)
        return condition


@in_organization
def access_secret(
    actor: Actor, id_or_key: UUID | str, *, may_be_destroyed: bool = False, holding: bool = False
) -> Secret:
    """Return one secret the actor may use; ``holding`` it, nobody else changes it in this transaction's time.

    Raises SecretNotFound, SecretAmbiguous, SecretDestroyed, NotAllowed.
    """
    insist_vault(actor)
    by_id = id_or_key if isinstance(id_or_key, UUID) else parse_id(id_or_key)
    wanted = Q(pk=by_id) if by_id else Q(key=str(id_or_key)[:200], destroyed_at=None)
    rows = _open_secrets(actor).filter(wanted).order_by("id")
    # Whoever waited for the lock gets the row as it is by then, the conditions asked of it again.
    found = list((rows.select_for_update(of=("self",)) if holding else rows)[:2])
    if not found:
        raise SecretNotFound(f"No secret {str(id_or_key)[:200]!r}. Check its id or key, or list /api/v1/secrets/.")
    if len(found) > 1:
        message = f"Secrets called {found[0].key!r} lie in several folders. Name one by its id."
        raise SecretAmbiguous(message, errors=[{"place": "secret", "message": message}])
    (secret,) = found
    if secret.destroyed_at and secret.gone_at and not may_be_destroyed:
        raise SecretDestroyed(key=secret.key, gone_at=secret.gone_at)
    return secret


@in_organization
def access_changeable_secret(
    actor: Actor, id_or_key: UUID | str, *, may_be_destroyed: bool = False, holding: bool = False
) -> Secret:
    """Return one secret that is the actor's to change. Raises what ``access_secret`` does."""
    secret = access_secret(actor, id_or_key, may_be_destroyed=may_be_destroyed, holding=holding)
    insist_may_change(actor, secret)
    return secret


def may_change_secret(actor: Actor, secret: Secret) -> bool:
    """Tell whether a secret is the actor's to change: their own, their project's, their team's, or as an admin."""
    match secret.scope:
        case SecretScope.PERSONAL:
            is_theirs = secret.person_id == actor.person_id and not is_narrowed(actor)
            return is_theirs and actor.may_somewhere(Permission.ACCESS_VAULT)
        case SecretScope.PROJECT if secret.project:
            return actor.may(Permission.ACCESS_VAULT, secret.project)
        case SecretScope.TEAM if secret.team:
            return actor.project_id is None and actor.may(Permission.ACCESS_VAULT, secret.team)
        case _:
            return actor.project_id is None and actor.may_in_organization(Permission.ACCESS_VAULT)


def insist_may_change(actor: Actor, secret: Secret) -> None:
    """Raise NotAllowed unless the secret is the actor's to change."""
    if not may_change_secret(actor, secret):
        raise NotAllowed(
            f"Secret {secret.key!r} is shared with you to be used. Ask those whose {secret.scope} folder it lies in to "
            "change it."
        )


@in_organization
def find_secret(actor: Actor, key: str, *, project: Project) -> Secret:
    """Return what a key names in a project: its own secret, else its team's, the organization's, the actor's.

    Raises SecretNotFound, NotAllowed.
    """
    insist_vault(actor)
    insist(actor, Permission.SEE, project)
    ways = _ways_from(project)
    named = _open_secrets(actor, near=reduce(or_, ways)).filter(key=key, destroyed_at=None)
    whens = (When(way, then=Value(rank)) for rank, way in enumerate(ways))
    # What is shared from elsewhere comes last.
    nearness = Case(*whens, default=Value(len(ways)), output_field=IntegerField())
    found = named.order_by(nearness, "id").first()
    if found is None:
        raise SecretNotFound(
            f"No secret {key!r} that may be used in project {project.slug!r}. Put it, or check the key."
        )
    return found


class Reach(NamedTuple):
    """Where something is done that is in need of a secret: a project, a team, or neither, the organization alone."""

    project_id: UUID | None = None
    team_id: UUID | None = None


@in_organization
def access_secret_for(actor: Actor, secret_id: UUID, *, reach: Reach) -> Secret:
    """Return a secret that may be used where something is done: one of those folders, or shared with the actor.

    What is one person's alone is none. Raises SecretNotFound, NotAllowed.
    """
    insist_vault(actor)
    near = Q(scope=SecretScope.ORGANIZATION)
    if reach.team_id:
        near |= Q(scope=SecretScope.TEAM, team_id=reach.team_id)
    if reach.project_id:
        near |= Q(scope=SecretScope.PROJECT, project_id=reach.project_id)
    found = _open_secrets(actor, near=near).filter(pk=secret_id, destroyed_at=None).first()
    if found is None or found.scope == SecretScope.PERSONAL:
        raise SecretNotFound(f"No secret {str(secret_id)!r} that may be used here. It is gone, or not shared.")
    return found


@in_organization
def known_keys(actor: Actor, keys: Collection[str], *, project: Project) -> frozenset[str]:
    """Return those of the keys that ``find_secret`` would find. Raises NotAllowed."""
    insist_vault(actor)
    insist(actor, Permission.SEE, project)
    near = _open_secrets(actor, near=reduce(or_, _ways_from(project))).filter(key__in=keys, destroyed_at=None)
    return frozenset(near.values_list("key", flat=True))


@in_organization
def list_secrets(
    actor: Actor, *, filters: SecretFilters = SecretFilters(), cursor: str | None = None, limit: int = 50
) -> Page[Secret]:
    """Return the secrets the actor may use, newest first. Raises NotAllowed."""
    insist_vault(actor)
    return page_of(_open_secrets(actor).filter(filters.condition()), cursor=cursor, limit=limit)


@in_organization
def list_versions(actor: Actor, secret: Secret, *, cursor: str | None = None, limit: int = 50) -> Page[SecretVersion]:
    """Return the versions of a secret, newest first, without what is sealed in them."""
    rows = SecretVersion.objects.for_organization(actor.organization_id).filter(secret=secret)
    return page_of(rows.select_related("secret").defer("sealed", "wrapped_key"), cursor=cursor, limit=limit)


@in_organization
def list_uses(actor: Actor, secret: Secret) -> Sequence[SecretReference]:
    """Return what names the secret by its key, where it may mean this one."""
    return list(_uses(actor, secret).order_by("about_label", "id")[:200])


@in_organization
def page_of_uses(actor: Actor, secret: Secret, *, cursor: str | None = None, limit: int = 50) -> Page[SecretReference]:
    """Return the same in pages, what came last first."""
    return page_of(_uses(actor, secret), cursor=cursor, limit=limit)


def _uses(actor: Actor, secret: Secret) -> OrganizationQuerySet[SecretReference]:
    rows = SecretReference.objects.for_organization(actor.organization_id).filter(key=secret.key)
    match secret.scope:
        case SecretScope.PROJECT:
            rows = rows.filter(project=secret.project)
        case SecretScope.TEAM:
            rows = rows.filter(Q(project__team=secret.team) | Q(team=secret.team))
        case SecretScope.ORGANIZATION:
            rows = rows.filter(team=None)
        case _:
            rows = rows.filter(project__isnull=False)
    # What lies in projects that the actor does not see is not told, not even its name.
    return rows.filter(Q(project=None) | Q(project__in=visible_projects(actor))).select_related("project")


def _open_secrets(actor: Actor, *, near: Q | None = None) -> OrganizationQuerySet[Secret]:
    rows = Secret.objects.for_organization(actor.organization_id).select_related("project", "team", "person")
    return rows.filter(open_to(actor, near=near))


def _ways_from(project: Project) -> tuple[Q, ...]:
    return (
        Q(scope=SecretScope.PROJECT, project=project),
        Q(scope=SecretScope.TEAM, team_id=project.team_id),
        Q(scope=SecretScope.ORGANIZATION),
        Q(scope=SecretScope.PERSONAL),
    )
