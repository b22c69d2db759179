# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Opening secrets. Nothing is handed out before the audit trail says so, durably.

It goes in three steps, none of which may stand in a transaction that could be undone: look whether the actor may and
take what is sealed; open it, outside of any transaction, for the keeper of the master key may be far away; write that
it was read. Only then is it returned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Project
from accounts.operations.audit import record_event
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.sealing import SealBroken
from vault.engine.oauth import read_oauth_token
from vault.errors import SecretDamaged, SecretExpired, SecretVersionClosed, SecretVersionNotFound
from vault.models import Origin, Secret, SecretKind, SecretVersion
from vault.operations.keys import open_version
from vault.operations.refreshing import renew_token
from vault.operations.refusals import auditing_refusals
from vault.operations.secrets import NewValue, add_version
from vault.queries.secrets import Reach, access_changeable_secret, access_secret, access_secret_for, find_secret

_USE_IS_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class OpenedSecret:
    """A secret at the moment its value is known."""

    secret: Secret
    number: int
    value: bytes = field(repr=False)

    @property
    def usable(self) -> bytes:
        """What travels with a request: of an OAuth token the access token, else the value."""
        if self.secret.kind == SecretKind.OAUTH_TOKEN:
            return read_oauth_token(self.value).access_token.encode()
        return self.value


def read_secret(actor: Actor, secret_id: UUID | str, *, number: int | None = None) -> OpenedSecret:
    """Return the value of a secret to somebody who asked for it; of an earlier version while its grace lasts.

    Raises SecretNotFound kinds, SecretExpired, SecretVersionClosed, SecretDamaged, VaultShredded, KeyUnavailable,
    NotAllowed; whatever it raises is audited as well.
    """
    with auditing_refusals(actor, "read", key=str(secret_id)):
        with tenant(actor.organization_id, durable=True):
            secret = access_secret(actor, secret_id)
            version = _readable_version(secret, number)
        opened = OpenedSecret(secret, version.number, _open(secret, version))
        _tell(actor, opened, "secret.read")
        return opened


def use_secret(actor: Actor, key: str, *, project: Project, by: Mapping[str, str]) -> OpenedSecret:
    """Return what a key means in a project, to be used for the actor; ``by`` tells what uses it: a run, a step.

    An OAuth token that is over is renewed first. Raises what ``read_secret`` does, RefreshRefused, Unavailable kinds.
    """
    with auditing_refusals(actor, "use", key=key):
        opened = _find(actor, key, project)
        if _was_renewed(actor, opened):
            opened = _find(actor, key, project)
        _tell(actor, opened, "secret.used", **by)
        return opened


def use_secret_for(actor: Actor, secret_id: UUID, *, reach: Reach, by: Mapping[str, str]) -> OpenedSecret:
    """Return one secret to be used where something is done; ``by`` tells what uses it. Else as ``use_secret``."""
    with auditing_refusals(actor, "use", key=str(secret_id)):
        opened = _reach(actor, secret_id, reach)
        if _was_renewed(actor, opened):
            opened = _reach(actor, secret_id, reach)
        _tell(actor, opened, "secret.used", **by)
        return opened


def check_secret(actor: Actor, key: str, *, project: Project) -> None:
    """Return where a key means a secret in a project that could be used for the actor; nothing is opened.

    Raises SecretNotFound, SecretExpired, SecretVersionNotFound, NotAllowed.
    """
    with auditing_refusals(actor, "look for", key=key), tenant(actor.organization_id, durable=True):
        _readable_version(find_secret(actor, key, project=project), None)


def roll_back(actor: Actor, secret_id: UUID | str, *, to: int, grace: timedelta = timedelta()) -> Secret:
    """Make the value of an earlier version the current one again, as a new version.

    Raises SecretNotFound kinds, SecretVersionNotFound, SecretDamaged, VaultShredded, NotAllowed, KeyUnavailable.
    """
    with auditing_refusals(actor, "roll back", key=str(secret_id)):
        with tenant(actor.organization_id, durable=True):
            secret = access_changeable_secret(actor, secret_id)
            version = _version(secret, to)
        return add_version(actor, secret.pk, NewValue(_open(secret, version), Origin.ROLLED_BACK, grace))


def _was_renewed(actor: Actor, opened: OpenedSecret) -> bool:
    if opened.secret.kind != SecretKind.OAUTH_TOKEN:
        return False
    token = read_oauth_token(opened.value)
    return token.is_stale(clock.now()) and token.can_refresh and renew_token(actor, opened.secret, token)


def _find(actor: Actor, key: str, project: Project) -> OpenedSecret:
    with tenant(actor.organization_id, durable=True):
        secret = find_secret(actor, key, project=project)
        version = _readable_version(secret, None)
    return OpenedSecret(secret, version.number, _open(secret, version))


def _reach(actor: Actor, secret_id: UUID, reach: Reach) -> OpenedSecret:
    with tenant(actor.organization_id, durable=True):
        secret = access_secret_for(actor, secret_id, reach=reach)
        version = _readable_version(secret, None)
    return OpenedSecret(secret, version.number, _open(secret, version))


def _tell(actor: Actor, opened: OpenedSecret, action: str, **by: str) -> None:
    secret, now = opened.secret, clock.now()
    with tenant(actor.organization_id, durable=True):
        record_event(actor, action, about=secret, version=opened.number, **by)
        # What is used often would otherwise be written each time.
        if secret.last_used_at is None or now - secret.last_used_at > _USE_IS_NOTED_EVERY:
            rows = Secret.objects.for_organization(actor.organization_id).filter(pk=secret.pk)
            rows.update(last_used_at=now, last_used_by=(by.get("run") or actor.label)[:254])


def _readable_version(secret: Secret, number: int | None) -> SecretVersion:
    now = clock.now()
    if secret.expires_at is not None and secret.is_expired(now):
        raise SecretExpired(key=secret.key, at=secret.expires_at)
    version = _version(secret, secret.current_number if number is None else number)
    is_current = version.number == secret.current_number
    if not is_current and (version.readable_until is None or version.readable_until <= now):
        raise SecretVersionClosed(key=secret.key, number=version.number)
    return version


def _version(secret: Secret, number: int) -> SecretVersion:
    rows = SecretVersion.objects.for_organization(secret.organization_id).filter(secret=secret, number=number)
    version = rows.select_related("vault_key").first()
    if version is None:
        raise SecretVersionNotFound(f"Secret {secret.key!r} has no version {number}. See its versions.")
    return version


def _open(secret: Secret, version: SecretVersion) -> bytes:
    try:
        return open_version(version, key=secret.key)
    except SealBroken:
        raise SecretDamaged(key=secret.key) from None
