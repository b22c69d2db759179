# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Checks an organization's audit chain against itself, its head and its checkpoints; a batch in memory at a time.

Read one organization at a time, each under its own tenant token: the command line has no system admin behind it whom
a platform token could name, and a check needs nothing of two organizations at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, Max, Min, OuterRef, QuerySet

from accounts.engine.chain import COLUMNS, START, Chain, Checkpoint
from accounts.models import AuditCheckpoint, AuditEvent, AuditHead, AuditSeal, Organization, UnsealedAudit
from accounts.queries.lookups import list_organization_ids
from accounts.tenancy import tenant
from codexos.kernel.sealing import verifying_key

BATCH = 1_000
FINDINGS_SHOWN = 100
_MISFITS_COMPARED = 100


class Named(NamedTuple):
    """An organization as the command line names it."""

    id: UUID
    slug: str


class SignedStatement(NamedTuple):
    """A checkpoint with its signature, and where it is kept: "the database" or the name of a file."""

    checkpoint: Checkpoint
    signature: bytes
    kept_in: str


@dataclass(slots=True)
class ChainReport:
    """What a check found: nothing, where the chain is whole."""

    organization_id: UUID
    sealed: int = 0
    checkpoints: int = 0
    waiting: int = 0
    waiting_since: datetime | None = None
    findings: list[str] = field(default_factory=list)
    found: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return self.found == 0

    def add(self, finding: str) -> None:
        """Note a finding; all are counted, the first hundred are told."""
        self.found += 1
        if len(self.findings) < FINDINGS_SHOWN:
            self.findings.append(finding)


class _Misfit(NamedTuple):
    seq: int
    previous: bytes
    mac: bytes
    event: Mapping[str, Any]


def list_audited_organizations() -> Iterator[Named]:
    """Yield every organization's id and short name, each read under its own token."""
    for organization_id in list_organization_ids():
        with tenant(organization_id):
            slug = Organization.objects.filter(pk=organization_id).values_list("slug", flat=True).first()
        if slug is not None:
            yield Named(organization_id, slug)


def verify_chain(organization_id: UUID, *, exported: Iterable[SignedStatement] = ()) -> ChainReport:
    """Find events that were edited, swapped or deleted, also at the end, where the head and checkpoints remember."""
    report = ChainReport(organization_id)
    head, end = _read_ends(organization_id)
    _walk(report, until=end)
    _check_head(report, head, end=end)
    _check_unsealed(report)
    for statements in (_kept_statements(organization_id), exported):
        _check_statements(report, statements)
    return report


def iterate_sealed(organization_id: UUID) -> Iterator[list[tuple[AuditSeal, Mapping[str, Any] | None]]]:
    """Yield batches of seals with their events, in the order of the chain; None for an event that is gone."""
    after = 0
    while batch := _read_batch(organization_id, after=after):
        yield batch
        after = batch[-1][0].seq


def iterate_checkpoints(organization_id: UUID) -> Iterator[AuditCheckpoint]:
    """Yield the organization's checkpoints, oldest first."""
    after = 0
    while True:
        with tenant(organization_id):
            rows = AuditCheckpoint.objects.for_organization(organization_id).filter(seq__gt=after).order_by("seq")
            batch = list(rows[:BATCH])
        if not batch:
            return
        yield from batch
        after = batch[-1].seq


def _read_ends(organization_id: UUID) -> tuple[AuditHead | None, int]:
    with tenant(organization_id):
        # The head first and held, so that no sealer moves the end between the two questions.
        head = AuditHead.objects.for_organization(organization_id).select_for_update().first()
        end = AuditSeal.objects.for_organization(organization_id).aggregate(end=Max("seq"))["end"]
    return head, end or 0


def _read_batch(organization_id: UUID, *, after: int) -> list[tuple[AuditSeal, Mapping[str, Any] | None]]:
    with tenant(organization_id):
        seals = AuditSeal.objects.for_organization(organization_id).filter(seq__gt=after).order_by("seq")[:BATCH]
        read = list(seals)
        # Asked apart from the seals: a join would hide the seal whose event is gone.
        events = AuditEvent.objects.for_organization(organization_id).filter(pk__in=[s.event_id for s in read])
        by_id = {event["id"]: event for event in events.values(*COLUMNS)}
    return [(seal, by_id.get(seal.event_id)) for seal in read]


def _walk(report: ChainReport, *, until: int) -> None:
    chain = Chain(settings.AUDIT_CHAIN_KEY, report.organization_id)
    previous, expected = START, 1
    misfits: list[_Misfit] = []
    for seal, event in _links(report.organization_id, until=until):
        if seal.seq != expected:
            report.add(_gone_seals(expected, seal.seq - 1))
        if event is None:
            report.add(f"Event {seal.event_id}, sealed as {seal.seq}, was deleted.")
        # After a gap there is nothing to check the link against; the next one tells again.
        elif seal.seq == expected and chain.link(event, seq=seal.seq, previous=previous) != bytes(seal.mac):
            misfits.append(_Misfit(seal.seq, previous, bytes(seal.mac), event))
        previous, expected = bytes(seal.mac), seal.seq + 1
        report.sealed += 1
    _tell_misfits(report, chain, misfits)


def _links(organization_id: UUID, *, until: int) -> Iterator[tuple[AuditSeal, Mapping[str, Any] | None]]:
    for batch in iterate_sealed(organization_id):
        for seal, event in batch:
            if seal.seq > until:
                return
            yield seal, event


def _tell_misfits(report: ChainReport, chain: Chain, misfits: list[_Misfit]) -> None:
    compared = misfits[:_MISFITS_COMPARED]
    for misfit in misfits:
        other = next((o for o in compared if o is not misfit and _fits(chain, misfit, o.event)), None)
        report.add(_edited(misfit) if other is None else _swapped(misfit, other))


def _fits(chain: Chain, misfit: _Misfit, event: Mapping[str, Any]) -> bool:
    return chain.link(event, seq=misfit.seq, previous=misfit.previous) == misfit.mac


def _check_head(report: ChainReport, head: AuditHead | None, *, end: int) -> None:
    if head is None:
        if end:
            report.add(f"The head of the chain was deleted; {end} seals stand without it.")
        return
    chain = Chain(settings.AUDIT_CHAIN_KEY, report.organization_id)
    if not chain.is_head(seq=head.seq, link=bytes(head.mac), tag=bytes(head.tag)):
        report.add(f"The head of the chain, at {head.seq}, was rewritten by somebody without the key.")
    elif head.seq > end:
        report.add(f"The newest entries are gone: the chain once reached {head.seq} and ends at {end} now.")
    elif head.seq < end:
        report.add(f"Seals {head.seq + 1} to {end} stand beyond the head of the chain: the head was put back.")
    elif head.seq and _macs_at(report.organization_id, [head.seq]) != {head.seq: bytes(head.mac)}:
        report.add(f"Seal {head.seq}, the newest, is not the one the head of the chain was made for.")


def _check_unsealed(report: ChainReport) -> None:
    with tenant(report.organization_id):
        events = AuditEvent.objects.for_organization(report.organization_id)
        waiting = UnsealedAudit.objects.for_organization(report.organization_id)
        window = waiting.aggregate(since=Min("created_at"))
        report.waiting, report.waiting_since = waiting.count(), window["since"]
        for event_id in _loose(events)[:FINDINGS_SHOWN]:
            report.add(f"Event {event_id} is neither sealed nor waiting for it: its seal was deleted.")
        vanished = waiting.filter(~Exists(events.filter(pk=OuterRef("pk")))).values_list("pk", flat=True)
        for event_id in vanished[:FINDINGS_SHOWN]:
            report.add(f"Event {event_id} was deleted before it was sealed.")


def _loose(events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent, UUID]:
    sealed = Exists(AuditSeal.objects.filter(event_id=OuterRef("pk")))
    waits = Exists(UnsealedAudit.objects.filter(pk=OuterRef("pk")))
    return events.filter(~sealed, ~waits).order_by("pk").values_list("pk", flat=True)


def _kept_statements(organization_id: UUID) -> Iterator[SignedStatement]:
    for row in iterate_checkpoints(organization_id):
        statement = Checkpoint(organization_id, row.seq, bytes(row.mac), row.signed_at)
        yield SignedStatement(statement, bytes(row.signature), "the database")


def _check_statements(report: ChainReport, statements: Iterable[SignedStatement]) -> None:
    public_key, rest = verifying_key(settings.AUDIT_SIGNING_SEED), iter(statements)
    while batch := list(islice(rest, BATCH)):
        macs = _macs_at(report.organization_id, [s.checkpoint.seq for s in batch])
        for statement in batch:
            report.checkpoints += 1
            _check_statement(report, statement, public_key=public_key, mac=macs.get(statement.checkpoint.seq))


def _check_statement(report: ChainReport, statement: SignedStatement, *, public_key: bytes, mac: bytes | None) -> None:
    checkpoint = statement.checkpoint
    which = f"The checkpoint at {checkpoint.seq} of {checkpoint.signed_at:%Y-%m-%d %H:%M:%S} UTC in {statement.kept_in}"
    if not checkpoint.is_signed(public_key, signature=statement.signature):
        report.add(f"{which} is not signed by this installation.")
    elif mac is None:
        report.add(f"{which} saw a seal {checkpoint.seq} that is gone: entries were deleted.")
    elif mac != checkpoint.mac:
        report.add(f"{which} saw another seal {checkpoint.seq}: the chain was written anew.")


def _macs_at(organization_id: UUID, seqs: list[int]) -> dict[int, bytes]:
    with tenant(organization_id):
        rows = AuditSeal.objects.for_organization(organization_id).filter(seq__in=seqs).values_list("seq", "mac")
        return {seq: bytes(mac) for seq, mac in rows}


def _gone_seals(first: int, last: int) -> str:
    if first == last:
        return f"Seal {first} is gone."
    return f"Seals {first} to {last} are gone."


def _edited(misfit: _Misfit) -> str:
    event = misfit.event
    return (
        f"Event {event['id']} ({event['action']} by {event['actor_label']}, sealed as {misfit.seq}) is not what was "
        "sealed: it, its seal or the seal before it was edited."
    )


def _swapped(misfit: _Misfit, other: _Misfit) -> str:
    return (
        f"Seal {misfit.seq} was made for event {other.event['id']} and names {misfit.event['id']}: they were swapped."
    )
