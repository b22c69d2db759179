# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Putting secrets away, giving them new values, describing and destroying them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.models import Person, Project, Team
from accounts.operations.audit import record_event
from accounts.tenancy import OrganizationQuerySet, in_organization
from codexos.kernel import clock
from vault.crypto.envelope import Place, seal_value
from vault.engine.oauth import read_oauth_token
from vault.errors import SecretChanged, SecretInUse, SecretInvalid, SecretKeyTaken, SecretsFull, SecretThere
from vault.models import Origin, Secret, SecretKind, SecretScope, SecretVersion
from vault.operations.keys import HeldKey, hold_in_use, key_in_use
from vault.operations.naming import check_value, clean_description, clean_key, clean_tags
from vault.operations.refusals import auditing_refusals
from vault.queries.openings import insist_vault
from vault.queries.secrets import access_changeable_secret, insist_may_change, list_uses

MOST_GRACE = timedelta(days=30)
MOST_VERSIONS = 1_000


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a secret lies: a scope, with the project or team it is of."""

    scope: SecretScope = SecretScope.PROJECT
    project: Project | None = None
    team: Team | None = None


@dataclass(frozen=True, slots=True)
class SecretEdit:
    """What is said of a secret beside its value; what is None stays as it was. ``expires_at`` holds the one moment."""

    kind: str | None = None
    description: str | None = None
    tags: Sequence[str] | None = None
    expires_at: tuple[datetime | None] | None = None


@dataclass(frozen=True, slots=True)
class NewValue:
    """A value to be sealed, and how it came to be."""

    value: bytes = field(repr=False)
    origin: Origin = Origin.PUT
    grace: timedelta = timedelta()


def put_secret(
    actor: Actor,
    key: str,
    value: bytes,
    *,
    folder: Folder,
    edit: SecretEdit = SecretEdit(),
    only_new: bool = False,
) -> Secret:
    """Put a value under a key: a new secret, or, unless ``only_new``, a new version of the one that has it there.

    Raises SecretInvalid, SecretTooLarge, SecretsFull, SecretThere, NotAllowed, SecretNotFound where it is there and
    closed to the actor, KeyUnavailable.
    """
    with auditing_refusals(actor, "put", key=key):
        new = NewValue(check_value(value))
        held = key_in_use(actor.organization_id)
        blank = _blank(actor, clean_key(key), folder)
        return _put(actor, blank, new, edit=edit, only_new=only_new, held=held)


def add_version(actor: Actor, secret_id: UUID | str, new: NewValue) -> Secret:
    """Give a secret another value. The one before is read for ``grace`` more where it is named by its number.

    Raises SecretNotFound kinds, SecretInvalid, SecretTooLarge, NotAllowed, KeyUnavailable.
    """
    with auditing_refusals(actor, "rotate", key=str(secret_id)):
        check_value(new.value)
        if not timedelta() <= new.grace <= MOST_GRACE:
            raise SecretInvalid(f"A grace window lasts at most {MOST_GRACE.days} days.", place="grace_seconds")
        held = key_in_use(actor.organization_id)
        return _add(actor, secret_id, new, held=held)


def rotate_secret(actor: Actor, secret_id: UUID | str, value: bytes, *, grace: timedelta = timedelta()) -> Secret:
    """Give a secret its next value; raises what ``add_version`` does."""
    return add_version(actor, secret_id, NewValue(value, Origin.ROTATED, grace))


def change_secret(
    actor: Actor, secret_id: UUID | str, *, edit: SecretEdit, expected: Collection[int] | None = None
) -> Secret:
    """Change what is said about a secret. ``expected`` are the revisions the edit may have been made from.

    Raises SecretNotFound kinds, SecretChanged, SecretInvalid, NotAllowed.
    """
    with auditing_refusals(actor, "change", key=str(secret_id)):
        return _change(actor, secret_id, edit=edit, expected=expected)


def destroy_secret(
    actor: Actor, secret_id: UUID | str, *, even_if_used: bool = False, expected: Collection[int] | None = None
) -> Secret:
    """Destroy a secret: nobody reads it from now on, and after a window in which it can be restored it is gone.

    Raises SecretNotFound kinds, SecretChanged, SecretInUse, NotAllowed.
    """
    with auditing_refusals(actor, "destroy", key=str(secret_id)):
        return _destroy(actor, secret_id, even_if_used=even_if_used, expected=expected)


def restore_secret(actor: Actor, secret_id: UUID | str) -> Secret:
    """Take back that a secret was destroyed. Raises SecretNotFound, SecretKeyTaken, NotAllowed."""
    with auditing_refusals(actor, "restore", key=str(secret_id)):
        return _restore(actor, secret_id)


@in_organization
def _change(actor: Actor, secret_id: UUID | str, *, edit: SecretEdit, expected: Collection[int] | None) -> Secret:
    secret = hold_secret(actor, secret_id, expected=expected)
    was = secret.kind
    told = _apply(secret, edit)
    if secret.kind == SecretKind.OAUTH_TOKEN != was:
        # Of the value nobody knows here whether it is one, and one that is none stands in the way of every import.
        raise SecretInvalid(
            "A secret becomes an OAuth token with a value that is one. Put the value with this kind.", place="kind"
        )
    _save(secret)
    record_event(actor, "secret.changed", about=secret, changed=told)
    return secret


@in_organization
def _restore(actor: Actor, secret_id: UUID | str) -> Secret:
    secret = hold_secret(actor, secret_id, may_be_destroyed=True)
    if secret.destroyed_at is None:
        return secret
    secret.destroyed_at, secret.destroyed_by, secret.gone_at = None, "", None
    try:
        with transaction.atomic():
            _save(secret)
    except IntegrityError:
        raise SecretKeyTaken(key=secret.key) from None
    record_event(actor, "secret.restored", about=secret)
    return secret


@in_organization
def _put(actor: Actor, blank: Secret, new: NewValue, *, edit: SecretEdit, only_new: bool, held: HeldKey) -> Secret:
    secret, is_new = _insert_or_hold(actor, blank)
    if only_new and not is_new:
        raise SecretThere(key=secret.key, number=secret.current_number)
    told = _apply(secret, edit)
    append_version(actor, secret, new, held=held)
    record_event(
        actor,
        "secret.created" if is_new else "secret.put",
        about=secret,
        version=secret.current_number,
        scope=secret.scope,
        changed=told,
    )
    return secret


@in_organization
def _add(actor: Actor, secret_id: UUID | str, new: NewValue, *, held: HeldKey) -> Secret:
    secret = hold_secret(actor, secret_id)
    append_version(actor, secret, new, held=held)
    record_event(
        actor,
        f"secret.{new.origin}",
        about=secret,
        version=secret.current_number,
        grace_seconds=int(new.grace.total_seconds()),
    )
    return secret


def append_version(actor: Actor, secret: Secret, new: NewValue, *, held: HeldKey) -> None:
    """Seal a value as the next version of a secret whose row is held."""
    while not hold_in_use(held.row_id):
        # It was retired or shredded since; nothing may come under it any more.
        held = key_in_use(actor.organization_id)
    now, number = clock.now(), secret.current_number + 1
    versions = SecretVersion.objects.for_organization(actor.organization_id).filter(secret=secret)
    versions.filter(number=secret.current_number).update(readable_until=now + new.grace)
    if secret.kind == SecretKind.OAUTH_TOKEN:
        read_oauth_token(new.value)
    envelope = seal_value(held.key, new.value, place=Place(secret.organization_id, secret.id, number))
    SecretVersion.objects.create(
        organization_id=actor.organization_id,
        secret=secret,
        number=number,
        vault_key_id=held.row_id,
        wrapped_key=envelope.wrapped_key,
        sealed=envelope.sealed,
        size=len(new.value),
        origin=new.origin,
        created_by=actor.label[:254],
    )
    secret.current_number, secret.rotated_at = number, now
    versions.filter(number__lte=number - MOST_VERSIONS).delete()
    if new.origin is Origin.REFRESHED:
        # An access token is renewed by itself, over and over, and would pile up for ever; what it is renewed with is
        # still due when it was.
        versions.filter(origin=Origin.REFRESHED, number__lt=number - 1).delete()
    else:
        secret.plan_rotation(now)
    _save(secret)


@in_organization
def _destroy(actor: Actor, secret_id: UUID | str, *, even_if_used: bool, expected: Collection[int] | None) -> Secret:
    secret = hold_secret(actor, secret_id, expected=expected)
    used_by = [use.about_label for use in list_uses(actor, secret)]
    if used_by and not even_if_used:
        raise SecretInUse(key=secret.key, used_by=used_by)
    secret.destroyed_at = clock.now()
    secret.destroyed_by = actor.label[:254]
    secret.gone_at = secret.destroyed_at + timedelta(days=settings.VAULT_RESTORE_DAYS)
    _save(secret)
    record_event(actor, "secret.destroyed", about=secret, gone_at=secret.gone_at.isoformat(), used_by=used_by[:20])
    return secret


def _blank(actor: Actor, key: str, folder: Folder) -> Secret:
    """Return a secret of a folder that is the actor's to put into. Raises NotAllowed, SecretInvalid."""
    insist_vault(actor)
    if (folder.scope is SecretScope.PROJECT) != (folder.project is not None):
        raise SecretInvalid("Say the project_id for a secret of a project, and for no other.", place="project_id")
    if (folder.scope is SecretScope.TEAM) != (folder.team is not None):
        raise SecretInvalid("Say the team_id for a secret of a team, and for no other.", place="team_id")
    blank = Secret(
        organization_id=actor.organization_id,
        key=key,
        scope=folder.scope,
        project=folder.project,
        team=folder.team,
        person=Person(pk=actor.person_id) if folder.scope is SecretScope.PERSONAL else None,
        created_by_id=actor.person_id,
    )
    insist_may_change(actor, blank)
    return blank


def _insert_or_hold(actor: Actor, blank: Secret) -> tuple[Secret, bool]:
    there = same_in_folder(blank).values_list("id", flat=True)
    found = there.first()
    if found is None:
        if Secret.objects.for_organization(actor.organization_id).count() >= settings.VAULT_MOST_SECRETS:
            raise SecretsFull(f"This organization keeps {settings.VAULT_MOST_SECRETS:,} secrets. Destroy some first.")
        try:
            with transaction.atomic():
                blank.save(force_insert=True)
            return blank, True
        except IntegrityError:
            # Somebody put the same key at the same moment: both values are kept, one after the other.
            found = there.get()
    return hold_secret(actor, found), False


def same_in_folder(blank: Secret) -> OrganizationQuerySet[Secret]:
    """Return the query for the living secret that has the key of a row not written yet, in the folder of that."""
    return Secret.objects.for_organization(blank.organization_id).filter(
        scope=blank.scope,
        project=blank.project,
        team=blank.team,
        person=blank.person,
        key=blank.key,
        destroyed_at=None,
    )


def hold_secret(
    actor: Actor,
    secret_id: UUID | str,
    *,
    may_be_destroyed: bool = False,
    expected: Collection[int] | None = None,
) -> Secret:
    """Return a secret to be changed, its row locked."""
    secret = access_changeable_secret(actor, secret_id, may_be_destroyed=may_be_destroyed, holding=True)
    if expected is not None and secret.revision not in expected:
        raise SecretChanged(key=secret.key, revision=secret.revision)
    return secret


def _apply(secret: Secret, edit: SecretEdit) -> list[str]:
    """Say what an edit says on a row that is not saved yet; return the names of what changed."""
    before = (secret.kind, secret.description, secret.tags, secret.expires_at)
    if edit.kind is not None:
        if edit.kind not in SecretKind.values:
            raise SecretInvalid(f"A secret is one of {', '.join(SecretKind.values)}.", place="kind")
        secret.kind = edit.kind
    if edit.description is not None:
        secret.description = clean_description(edit.description)
    if edit.tags is not None:
        _retag(secret, clean_tags(edit.tags))
    if edit.expires_at is not None:
        (secret.expires_at,) = edit.expires_at
        secret.expiry_told_at = None
    after = (secret.kind, secret.description, secret.tags, secret.expires_at)
    names = ("kind", "description", "tags", "expires_at")
    return [name for name, old, new in zip(names, before, after, strict=True) if old != new]


def _retag(secret: Secret, tags: list[str]) -> None:
    # Who was kept out by a tag stays out when the last one goes: a secret without tags is open to nobody new.
    secret.former_tags = [] if tags else sorted({*secret.former_tags, *secret.tags})
    secret.tags = tags


def _save(secret: Secret) -> None:
    secret.revision += 1
    secret.updated_at = clock.now()
    secret.save()
