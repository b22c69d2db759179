# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Webhooks of repositories: a host tells that somebody pushed, and the source is read, once for each delivery."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from uuid import UUID

from django.conf import settings

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.roles import Permission
from accounts.tenancy import in_organization, tenant
from codexos.kernel import clock
from codexos.kernel.ids import new_id, parse_id
from codexos.kernel.sealing import associate, derive_key, mac
from rag.engine.push_hooks import Push, is_signed, read_push
from rag.errors.sources import SourceHookRefused, SourceHookUnfit
from rag.models import IngestionKind, Source, SourceDelivery, SourceKind, SourceState
from rag.operations.ingestions import begin_ingestion
from rag.queries.source_hooks import FoundHook, find_source_hook, hook_address
from rag.queries.sources import access_source

KEPT = timedelta(days=30)
_CALLED_FOR = (SourceKind.GIT, SourceKind.GITHUB)
_PREFIX = "cos_push_"


@dataclass(frozen=True, slots=True)
class OpenedHook:
    """A webhook at the moment its secret is shown."""

    source: Source
    address: str
    secret: str


@dataclass(frozen=True, slots=True)
class ReceivedPush:
    """What became of a call: the reading it led to, if any, and whether it had come before."""

    ingestion_id: UUID | None = None
    is_replay: bool = False


@in_organization
def open_source_hook(actor: Actor, source: UUID | str) -> OpenedHook:
    """Let a host call when somebody pushed; one that is open already gets another secret.

    Raises SourceNotFound, NotAllowed, SourceHookUnfit.
    """
    row = access_source(actor, source, to=Permission.WRITE_FILES, holding=True)
    if row.kind not in _CALLED_FOR:
        raise SourceHookUnfit(row.name, kind=row.kind)
    row.webhook_key = secrets.token_hex(16)
    row.save(update_fields=["webhook_key"])
    record_event(actor, "source.hook_opened", about=row, base=row.base.slug)
    return OpenedHook(row, hook_address(row.pk), _secret_of(row.pk, row.webhook_key))


@in_organization
def close_source_hook(actor: Actor, source: UUID | str) -> None:
    """Let nobody call any more. Raises SourceNotFound, NotAllowed."""
    row = access_source(actor, source, to=Permission.WRITE_FILES, holding=True)
    if row.webhook_key:
        row.webhook_key = ""
        row.save(update_fields=["webhook_key"])
        record_event(actor, "source.hook_closed", about=row, base=row.base.slug)


def receive_push(source_id: str, *, headers: Mapping[str, str], body: bytes) -> ReceivedPush:
    """Read a source because its host says that somebody pushed; sent again, the same call does nothing.

    Raises SourceHookRefused.
    """
    id_ = parse_id(source_id) or _NOBODYS
    # An unknown source costs what a known one costs: the same look-up, the same hashing, the same comparison.
    hook = find_source_hook(id_)
    if not is_signed(headers, body, secret=_secret_of(id_, hook.key if hook else _unknown())) or hook is None:
        raise SourceHookRefused
    return _take(id_, hook, read_push(headers, body))


def _take(source_id: UUID, hook: FoundHook, push: Push) -> ReceivedPush:
    with tenant(hook.organization_id):
        rows = Source.objects.for_organization(hook.organization_id).select_related("base")
        row = rows.select_for_update(of=("self",)).filter(pk=source_id, webhook_key=hook.key, deleted_at=None).first()
        if row is None or row.base.deleted_at is not None:
            raise SourceHookRefused
        deliveries = SourceDelivery.objects.for_organization(hook.organization_id).filter(source=row)
        if deliveries.filter(delivery=push.delivery).exists():
            return ReceivedPush(is_replay=True)
        deliveries.filter(created_at__lt=clock.now() - KEPT).delete()
        SourceDelivery.objects.create(organization_id=hook.organization_id, source=row, delivery=push.delivery)
        if row.state == SourceState.PAUSED or not push.concerns(str(row.config.get("branch") or "")):
            return ReceivedPush()
        begun = begin_ingestion(hook.organization_id, row.pk, kind=IngestionKind.SYNC, started_by="Webhook")
        return ReceivedPush(begun.pk)


def _secret_of(source_id: UUID, key: str) -> str:
    """Return the secret of a webhook: made of what is kept and the master key, so that none is kept."""
    made = mac(_key(), associate("rag/source", str(source_id), key))
    return _PREFIX + base64.urlsafe_b64encode(made).decode().rstrip("=")


@cache
def _key() -> bytes:
    return derive_key(settings.MASTER_KEY, purpose="rag/source-hooks")


@cache
def _unknown() -> str:
    return secrets.token_hex(16)


_NOBODYS = new_id()
