# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a thing is named from outside, and whether an actor may do something to it."""

import re
from uuid import UUID

from django.db.models import Q

from accounts.actor import Actor, ActorKind, Placed
from accounts.roles import Permission
from codexos.kernel.errors import NotAllowed
from codexos.kernel.ids import parse_id

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def named(id_or_slug: UUID | str) -> Q:
    """Return the condition for one row named by its id or its short name; nothing where it can be neither."""
    if id_ := id_in(id_or_slug):
        return Q(pk=id_)
    return Q(slug=id_or_slug) if SLUG.fullmatch(str(id_or_slug)) else Q(pk__in=())


def id_in(id_or_slug: UUID | str) -> UUID | None:
    """Return the id that a name spells, None where it is a short name or nothing."""
    return id_or_slug if isinstance(id_or_slug, UUID) else parse_id(id_or_slug)


def insist(actor: Actor, permission: Permission, thing: Placed) -> None:
    """Raise NotAllowed unless the actor holds ``permission`` where ``thing`` stands. The actor sees it already."""
    if not actor.may(permission, thing):
        raise _not_allowed(actor, permission)


def insist_in_organization(actor: Actor, permission: Permission) -> None:
    """Raise NotAllowed unless the actor holds ``permission`` over the whole organization."""
    insist_unnarrowed(actor)
    if not actor.may_in_organization(permission):
        raise _not_allowed(actor, permission)


def insist_unnarrowed(actor: Actor) -> None:
    """Raise NotAllowed for a token that is narrowed to one project: the organization's people are not its matter."""
    if actor.project_id is not None:
        raise NotAllowed("This API token is for one project. Use one for the whole organization.")


def insist_person(actor: Actor) -> None:
    """Raise NotAllowed for anything but a person who is signed in: what concerns them is not a token's matter."""
    if actor.kind is not ActorKind.PERSON:
        raise NotAllowed("This is done signed in, not by an API token. Open it in the browser.")


def _not_allowed(actor: Actor, permission: Permission) -> NotAllowed:
    if actor.limit is not None and permission not in actor.limit:
        return NotAllowed(
            f"This API token has no scope for {permission.value!r}. Make one that has.", permission=permission.value
        )
    role = actor.role.value.replace("_", " ")
    return NotAllowed(
        f"The role {role} does not include {permission.value.replace('_', ' ')!r} here. Ask an organization admin.",
        permission=permission.value,
    )
