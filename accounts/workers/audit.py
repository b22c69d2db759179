# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Links audit events into the chain of their organization, and signs how far the chain has come.

Events are written unchained, so that the writes of an organization need not wait in line for each other; between an
event's commit and its seal lies the open window, about a second, in which a deletion shows only as a gap in the queue.
"""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.engine.chain import COLUMNS, START, Chain, Checkpoint
from accounts.models import AuditCheckpoint, AuditEvent, AuditHead, AuditSeal, UnsealedAudit
from accounts.tenancy import tenant
from codexos.kernel import clock

BATCH = 500
log = logging.getLogger(__name__)


def seal_events(organization_id: UUID) -> int:
    """Link every waiting event of one organization; return how many. Leaves quietly if another sealer is at it."""
    sealed = 0
    while count := _seal_batch(organization_id):
        sealed += count
    return sealed


def sign_checkpoint(organization_id: UUID) -> AuditCheckpoint | None:
    """Sign where the organization's chain ends now; None where it has not grown since the last time."""
    with tenant(organization_id):
        head = AuditHead.objects.for_organization(organization_id).select_for_update().first()
        last = AuditCheckpoint.objects.for_organization(organization_id).order_by("-seq").first()
        if head is None or head.seq == (last.seq if last else 0):
            return None
        statement = Checkpoint(organization_id, head.seq, bytes(head.mac), clock.now())
        return AuditCheckpoint.objects.create(
            organization_id=organization_id,
            seq=statement.seq,
            mac=statement.mac,
            signed_at=statement.signed_at,
            signature=statement.sign(settings.AUDIT_SIGNING_SEED),
        )


def _seal_batch(organization_id: UUID) -> int:
    with tenant(organization_id):
        head = _locked_head(organization_id)
        if head is None:
            return 0
        events = _waiting_events(organization_id)
        if events:
            _link(head, events)
        return len(events)


def _locked_head(organization_id: UUID) -> AuditHead | None:
    """Return the end of the chain, held until commit: one sealer per organization. None while another holds it."""
    heads = AuditHead.objects.for_organization(organization_id)
    head = heads.select_for_update(skip_locked=True).first()
    if head is None and not heads.exists():
        tag = _chain(organization_id).tag_of_head(seq=0, link=START)
        first = AuditHead(organization_id=organization_id, seq=0, mac=START, tag=tag)
        AuditHead.objects.bulk_create([first], ignore_conflicts=True)
        head = heads.select_for_update(skip_locked=True).first()
    return head


def _waiting_events(organization_id: UUID) -> Sequence[dict[str, Any]]:
    # Asked of the queue and not by "newer than the last": an event may commit after one with a later id.
    waiting = UnsealedAudit.objects.for_organization(organization_id)
    events = AuditEvent.objects.for_organization(organization_id).filter(id__in=waiting.values("id")).order_by("id")
    found = list(events.values(*COLUMNS)[:BATCH])
    vanished = waiting.count() - len(found) if len(found) < BATCH else 0
    if vanished:
        # Their place in the queue is kept, for it is the proof that they were there; the others are sealed past them.
        log.error("%d audit events of organization %s vanished unsealed.", vanished, organization_id)
    return found


def _link(head: AuditHead, events: Sequence[dict[str, Any]]) -> None:
    chain, organization_id, link = _chain(head.organization_id), head.organization_id, bytes(head.mac)
    seals = []
    for seq, event in enumerate(events, start=head.seq + 1):
        link = chain.link(event, seq=seq, previous=link)
        seals.append(AuditSeal(organization_id=organization_id, seq=seq, event_id=event["id"], mac=link))
    AuditSeal.objects.bulk_create(seals)
    head.seq, head.mac = head.seq + len(seals), link
    head.tag = chain.tag_of_head(seq=head.seq, link=link)
    head.save(update_fields=["seq", "mac", "tag"])
    sealed = [seal.event_id for seal in seals]
    UnsealedAudit.objects.for_organization(organization_id).filter(id__in=sealed).delete()


def _chain(organization_id: UUID) -> Chain:
    return Chain(settings.AUDIT_CHAIN_KEY, organization_id)
