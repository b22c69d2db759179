# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""New values in time: how often, by whom, and what the clock does about it.

A reminder writes to the people. A callback is asked for the next value; what fails is asked again later, under the same
Idempotency-Key, so that an answer that got lost is given once more and not made anew.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db.transaction import on_commit

from accounts.actor import Actor, ActorKind
from accounts.operations.audit import record_event
from accounts.roles import Role
from accounts.tenancy import in_organization, tenant
from codexos.kernel import clock
from codexos.kernel.egress import EgressRefused
from codexos.kernel.errors import CodexosError
from codexos.kernel.ids import OrganizationId, PersonId
from codexos.kernel.jsontypes import JsonObject
from codexos.kernel.sealing import derive_key
from vault.adapters.callbacks import Callback, ask_for_value
from vault.adapters.gate import egress_policy
from vault.engine.addresses import is_web_address
from vault.errors import SecretInvalid
from vault.models import Origin, RotateBy, Secret
from vault.operations.keys import key_in_use
from vault.operations.naming import check_value
from vault.operations.refusals import auditing_refusals
from vault.operations.secrets import MOST_GRACE, NewValue, append_version, hold_secret
from vault.queries.lookups import DueSecret, list_due_secrets
from vault.tasks import send_reminder

EXPIRY_IS_TOLD = timedelta(days=7)
"""How long before a secret expires its people are told."""
REMINDED_EVERY = timedelta(days=7)
MOST_DAYS = 3_650
MOST_A_TICK = 200
_TICK_TAKES = timedelta(seconds=45)
_HELD = timedelta(minutes=5)
_MAKER_TAKES = timedelta(days=1)
_RETRIED = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rotation:
    """How a secret gets its next values: every so many days, 0 for never; ``grace_seconds`` keeps the one before."""

    every_days: int
    by: str = RotateBy.REMINDER
    callback_url: str = ""
    grace_seconds: int = 0


@dataclass(frozen=True, slots=True)
class PlannedRotation:
    """A secret with its plan, and what its callback's requests are signed with; empty where there is none."""

    secret: Secret
    signing_key: str = field(default="", repr=False)


def set_rotation(actor: Actor, secret_id: UUID | str, rotation: Rotation) -> PlannedRotation:
    """Plan when a secret gets new values. Raises SecretNotFound kinds, SecretInvalid, NotAllowed."""
    with auditing_refusals(actor, "plan rotation", key=str(secret_id)):
        _check(rotation)
        return _plan(actor, secret_id, rotation)


def attend_due_secrets() -> int:
    """Do what is due with secrets of every organization; return with how many. Several may do so at once.

    One that breaks is told in the log and looked at again with the next tick: it holds up no other.
    """
    now, attended = clock.now(), 0
    for due in list_due_secrets(now, soon=now + EXPIRY_IS_TOLD, most=MOST_A_TICK):
        if clock.now() - now > _TICK_TAKES:
            # Callbacks that are slow to answer keep one process busy, and not one more with every tick.
            break
        try:
            attended += _attend(due)
        except Exception:
            _log.exception("Secret %s could not be attended to; it is tried again.", due.id)
    return attended


def signing_key_of(secret: Secret) -> bytes:
    """Return the key that requests to a secret's callback are signed with."""
    return derive_key(settings.MASTER_KEY, purpose=f"vault/callback/{secret.pk}")


@in_organization
def _plan(actor: Actor, secret_id: UUID | str, rotation: Rotation) -> PlannedRotation:
    secret = hold_secret(actor, secret_id)
    secret.rotate_every_days = rotation.every_days or None
    secret.rotate_by = rotation.by if rotation.every_days else ""
    secret.callback_url = rotation.callback_url if rotation.every_days else ""
    secret.grace_seconds = rotation.grace_seconds
    secret.plan_rotation(clock.now())
    secret.revision += 1
    secret.save()
    host = urlsplit(secret.callback_url).hostname or ""
    record_event(actor, "secret.rotation_planned", about=secret, every_days=rotation.every_days, host=host)
    has_callback = secret.rotate_by == RotateBy.CALLBACK
    return PlannedRotation(secret, signing_key_of(secret).hex() if has_callback else "")


def _check(rotation: Rotation) -> None:
    if not 0 <= rotation.every_days <= MOST_DAYS:
        raise SecretInvalid(f"Say every how many days, 1 to {MOST_DAYS:,}, or 0 for never.", place="every_days")
    if not 0 <= rotation.grace_seconds <= MOST_GRACE.total_seconds():
        raise SecretInvalid(f"A grace window lasts at most {MOST_GRACE.days} days.", place="grace_seconds")
    if rotation.by not in RotateBy.values:
        raise SecretInvalid(f"The next value comes by one of {', '.join(RotateBy.values)}.", place="by")
    if rotation.by == RotateBy.CALLBACK and not rotation.callback_url:
        raise SecretInvalid("Say the callback_url where a callback gives the next value.", place="callback_url")
    if rotation.by != RotateBy.CALLBACK and rotation.callback_url:
        raise SecretInvalid("A callback_url is asked by: callback alone; nobody would ask this one.", place="by")
    if rotation.callback_url:
        _check_address(rotation.callback_url)


def _check_address(address: str) -> None:
    if not is_web_address(address) or "@" in urlsplit(address).netloc:
        raise SecretInvalid(
            "A callback_url is like https://maker.example/next, without a password.", place="callback_url"
        )
    parts = urlsplit(address)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        egress_policy().check_target(parts.scheme, parts.hostname or "", port=port)
    except EgressRefused as error:
        raise SecretInvalid(error.message, place="callback_url") from None


def _attend(due: DueSecret) -> bool:
    now = clock.now()
    with tenant(due.organization_id):
        rows = Secret.objects.for_organization(due.organization_id)
        # Another clock has it in hand otherwise, or has done it already.
        secret = rows.select_for_update(skip_locked=True).filter(pk=due.id).first()
        if secret is None:
            return False
        if secret.gone_at is not None and secret.gone_at <= now:
            _let_go(secret)
            return True
        told = any([_tell_of_expiry(secret, now), _tell_of_rotation(secret, now)])
        is_asked = _take_in_hand(secret, now)
        secret.save()
    if is_asked:
        _ask(secret)
    return told or is_asked


def _let_go(secret: Secret) -> None:
    record_event(_clock(secret), "secret.gone", about=secret)
    secret.delete()


def _tell_of_expiry(secret: Secret, now: datetime) -> bool:
    if secret.expires_at is None or secret.expiry_told_at or secret.expires_at > now + EXPIRY_IS_TOLD:
        return False
    secret.expiry_told_at = now
    _remind(secret, "expiry", expires_at=secret.expires_at.isoformat())
    return True


def _tell_of_rotation(secret: Secret, now: datetime) -> bool:
    if secret.rotate_by != RotateBy.REMINDER or secret.attended_at is None or secret.attended_at > now:
        return False
    secret.attended_at = now + REMINDED_EVERY
    _remind(secret, "rotation")
    return True


def _remind(secret: Secret, of: str, **details: str) -> None:
    record_event(_clock(secret), f"secret.{of}_due", about=secret, **details)
    ids = str(secret.organization_id), str(secret.pk)
    on_commit(lambda: send_reminder.delay(*ids, of), robust=True)


def _take_in_hand(secret: Secret, now: datetime) -> bool:
    """Keep other clocks off a secret whose callback is about to be asked."""
    if secret.rotate_by != RotateBy.CALLBACK or secret.attended_at is None or secret.attended_at > now:
        return False
    secret.attended_at = now + _HELD
    return True


def _ask(secret: Secret) -> None:
    notice: JsonObject = {
        "event": "secret.rotation_due",
        "secret_id": str(secret.pk),
        "key": secret.key,
        "version": secret.current_number + 1,
        "grace_seconds": secret.grace_seconds,
    }
    key = f"{secret.pk}:{secret.current_number + 1}"
    try:
        callback = Callback(secret.callback_url, signing_key_of(secret), key)
        value = ask_for_value(callback, notice, policy=egress_policy())
        if value is None:
            _wait_for_maker(secret)
        else:
            _take_value(secret, check_value(value))
    except CodexosError as error:
        # Also of a value that this kind of secret cannot have, or that cannot be sealed now.
        _note_failure(secret, error)


def _take_value(asked: Secret, value: bytes) -> None:
    held = key_in_use(asked.organization_id)
    with _held(asked) as secret:
        if secret is not None:
            new = NewValue(value, Origin.ROTATED, timedelta(seconds=secret.grace_seconds))
            append_version(_clock(secret), secret, new, held=held)
            record_event(_clock(secret), "secret.rotated", about=secret, version=secret.current_number, by="callback")


def _wait_for_maker(asked: Secret) -> None:
    with _held(asked) as secret:
        if secret is not None:
            secret.attended_at = clock.now() + _MAKER_TAKES
            secret.save()


def _note_failure(asked: Secret, error: CodexosError) -> None:
    with _held(asked) as secret:
        if secret is None:
            return
        secret.attended_at = clock.now() + _RETRIED[min(secret.rotation_tries, len(_RETRIED) - 1)]
        secret.rotation_tries = min(secret.rotation_tries + 1, 1_000)
        secret.rotation_problem = error.message[:500]
        secret.save()
        tries = secret.rotation_tries
        record_event(_clock(secret), "secret.rotation_failed", about=secret, code=error.code, tries=tries)
        if secret.rotation_tries == len(_RETRIED):
            _remind(secret, "rotation")


@contextmanager
def _held(asked: Secret) -> Iterator[Secret | None]:
    """Give the row as it is now, locked; what is done with it is committed.

    None where it was destroyed meanwhile, or a person was faster: then their value stays.
    """
    with tenant(asked.organization_id):
        rows = Secret.objects.for_organization(asked.organization_id).select_for_update()
        yield rows.filter(pk=asked.pk, destroyed_at=None, current_number=asked.current_number).first()


def _clock(secret: Secret) -> Actor:
    return Actor(
        kind=ActorKind.SCHEDULE,
        person_id=PersonId(secret.created_by_id),
        organization_id=OrganizationId(secret.organization_id),
        role=Role.ORG_ADMIN,
        label="the vault's clock",
    )
