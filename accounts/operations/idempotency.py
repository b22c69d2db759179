# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writes that are done once per key: begun before the deed, answered after it, kept for a day.

Who dies between the deed and its answer leaves the write in flight for IN_FLIGHT; sent again after that, it is done
again, as it would be without a key. Answers are kept sealed, for some hold what is shown only once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from django.conf import settings

from accounts.actor import Actor
from accounts.errors import KeyReused, WriteInFlight
from accounts.models import IdempotencyRecord
from accounts.tenancy import in_organization
from accounts.workers.idempotency import IN_FLIGHT, KEPT
from codexos.kernel import clock
from codexos.kernel.sealing import associate, derive_key, mac, open_sealed, seal


@dataclass(frozen=True, slots=True)
class BegunWrite:
    """A write that this request, and no other, is to do."""

    record_id: UUID


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What a write was answered with."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def fingerprint_of(head: str, body: bytes) -> bytes:
    """Return what tells one write from another. It is keyed, so that nobody finds by guessing what a body held."""
    return mac(_fingerprint_key(), associate(head.encode("utf-8", "surrogateescape"), body))


@in_organization
def begin_write(actor: Actor, *, key: str, fingerprint: bytes) -> BegunWrite | KeptAnswer:
    """Claim a key, or return the answer kept under it. Raises WriteInFlight, KeyReused."""
    mine = IdempotencyRecord(
        organization_id=actor.organization_id, asked_by=_asker(actor), key=key, fingerprint=fingerprint
    )
    IdempotencyRecord.objects.bulk_create([mine], ignore_conflicts=True)
    rows = IdempotencyRecord.objects.for_organization(actor.organization_id)
    found = rows.select_for_update().filter(asked_by=_asker(actor), key=key).first()
    if found is not None and found.pk == mine.pk:
        return BegunWrite(mine.pk)
    if found is not None and _is_over(found):
        found.delete()
        mine.save(force_insert=True)
        return BegunWrite(mine.pk)
    return _answer_of(found, key=key, fingerprint=fingerprint)


def _answer_of(found: IdempotencyRecord | None, *, key: str, fingerprint: bytes) -> KeptAnswer:
    if found is not None and bytes(found.fingerprint) != fingerprint:
        raise KeyReused(f"Idempotency-Key {key!r} was used for another request. Make a new key for a new write.")
    if found is None or found.status is None:
        raise WriteInFlight(f"The write with Idempotency-Key {key!r} is still being done. Ask again soon.")
    body = open_sealed(_seal_key(), bytes(found.body), associated=_associated(found))
    return KeptAnswer(found.status, body, found.headers)


def _is_over(record: IdempotencyRecord) -> bool:
    kept = IN_FLIGHT if record.status is None else KEPT
    return bool(clock.now() - record.created_at > kept)


@in_organization
def finish_write(actor: Actor, begun: BegunWrite, *, answer: KeptAnswer) -> None:
    """Keep the answer of a write; does nothing where the claim ran out and another took it."""
    record = (
        IdempotencyRecord.objects.for_organization(actor.organization_id)
        .select_for_update()
        .filter(pk=begun.record_id)
        .first()
    )
    if record is not None:
        record.status, record.headers = answer.status, dict(answer.headers)
        record.body = seal(_seal_key(), answer.body, associated=_associated(record))
        record.save(update_fields=["status", "headers", "body"])


@in_organization
def abandon_write(actor: Actor, begun: BegunWrite) -> None:
    """Give a key back: what failed on our side may be tried again at once."""
    IdempotencyRecord.objects.for_organization(actor.organization_id).filter(pk=begun.record_id).delete()


def _asker(actor: Actor) -> UUID:
    return actor.token_id or actor.person_id


def _associated(record: IdempotencyRecord) -> bytes:
    return associate(
        "idempotency", str(record.organization_id), str(record.asked_by), record.key, bytes(record.fingerprint)
    )


@cache
def _seal_key() -> bytes:
    return derive_key(settings.MASTER_KEY, purpose="accounts/idempotency")


@cache
def _fingerprint_key() -> bytes:
    return derive_key(settings.MASTER_KEY, purpose="accounts/idempotency-fingerprint")
