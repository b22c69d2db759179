# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The one statement that appends to journals, and its parameters: entries of many runs, each held by its epoch."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from agents.adapters.claims import Claim
from agents.adapters.leases import LEASE_SECONDS
from agents.adapters.line import (
    BIGINT,
    BYTES,
    INT,
    MOMENT,
    TEXT,
    UUIDS,
    array,
    bigint_bytes,
    float_bytes,
    int_bytes,
)
from agents.engine.journal import Entry, encode_data
from agents.engine.ports import Rest

_YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NOT_YET = frozenset(("run.accepted", "run.started", "step.intended", "note"))
"""What is written before anything has come of a take: a run that ends its worker gets so far each time."""

# The status is hidden from the planner: it would walk the index of runs to be claimed, for every commit all of them.
APPEND = """
with heads as (
    select * from unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::text[],
        $16::timestamptz[], $17::int[])
        with ordinality
        as h(run_id, epoch, last_seq, status, input_tokens, output_tokens, cost_usd, wake_at, comes_on, place)
), held as (
    update agents_run r set last_seq = coalesce(h.last_seq, r.last_seq), status = coalesce(h.status, r.status),
        claimed_until = case when h.status is null then now() + make_interval(secs => $8::float8) end,
        wake_at = h.wake_at,
        completed_at = case when h.status in ('succeeded', 'failed', 'cancelled') then now() end,
        input_tokens = coalesce(h.input_tokens, r.input_tokens),
        output_tokens = coalesce(h.output_tokens, r.output_tokens),
        cost_usd = coalesce(h.cost_usd::numeric, r.cost_usd),
        bad_takes = case when h.comes_on > 0 then 0 else r.bad_takes end
    from heads h where r.id = h.run_id and r.epoch = h.epoch and r.status || '' = 'running'
    returning r.id, r.organization_id, r.epoch, r.content_days, h.place
), written as (
    insert into agents_journalentry
        (run_id, seq, organization_id, type, node_id, attempt, epoch, at, delta, content_days)
    select held.id, e.seq, held.organization_id, e.type, e.node_id, e.attempt, held.epoch, e.at, e.delta,
        held.content_days
    from unnest($9::int[], $10::int[], $11::text[], $12::text[], $13::int[], $14::timestamptz[], $15::bytea[])
        as e(place, seq, type, node_id, attempt, at, delta)
    join held on held.place = e.place
)
select id from held
"""


@dataclass(slots=True)
class Append:
    """Entries of one run that wait to be durable. With ``rest`` the run is let go of with them."""

    claim: Claim
    entries: Sequence[Entry]
    rest: Rest | None = None
    done: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


def heads(batch: Sequence[Append]) -> dict[str, list[object]]:
    """Say how far each run has come with a batch."""
    lasts = [waiting.entries[-1] if waiting.entries else None for waiting in batch]
    return {
        "run_ids": [waiting.claim.run_id for waiting in batch],
        "epochs": [waiting.claim.epoch for waiting in batch],
        "last_seqs": [entry.seq if entry else None for entry in lasts],
        "statuses": [_status(entry, waiting) for entry, waiting in zip(lasts, batch, strict=True)],
    }


def parameters(batch: Sequence[Append]) -> list[bytes]:
    """Write a batch as the parameters of ``APPEND``."""
    wake_ats = array(MOMENT, [_moment(waiting.rest.until if waiting.rest else None) for waiting in batch])
    come_on = array(INT, [int_bytes(int(_comes_on(waiting))) for waiting in batch])
    return [*_head_parameters(batch), float_bytes(LEASE_SECONDS), *_entry_parameters(batch), wake_ats, come_on]


def _comes_on(append: Append) -> bool:
    return append.rest is not None or any(entry.type not in _NOT_YET for entry in append.entries)


def _head_parameters(batch: Sequence[Append]) -> list[bytes]:
    lasts = [waiting.entries[-1] if waiting.entries else None for waiting in batch]
    statuses = [_status(entry, waiting) for entry, waiting in zip(lasts, batch, strict=True)]
    usages = [_usage(entry) for entry in lasts]
    return [
        array(UUIDS, [waiting.claim.run_id.bytes for waiting in batch]),
        array(INT, [int_bytes(waiting.claim.epoch) for waiting in batch]),
        array(INT, [int_bytes(entry.seq) if entry else None for entry in lasts]),
        array(TEXT, [_text(status) for status in statuses]),
        array(BIGINT, [_bigint(usage.get("input_tokens")) for usage in usages]),
        array(BIGINT, [_bigint(usage.get("output_tokens")) for usage in usages]),
        array(TEXT, [_text(usage.get("cost_usd")) for usage in usages]),
    ]


def _entry_parameters(batch: Sequence[Append]) -> list[bytes]:
    entries = [entry for waiting in batch for entry in waiting.entries]
    places = [int_bytes(place) for place, waiting in enumerate(batch, start=1) for _ in waiting.entries]
    return [
        array(INT, places),
        array(INT, [int_bytes(entry.seq) for entry in entries]),
        array(TEXT, [entry.type.encode() for entry in entries]),
        array(TEXT, [_text(entry.node_id) for entry in entries]),
        array(INT, [int_bytes(entry.attempt) for entry in entries]),
        array(MOMENT, [_moment(entry.at) for entry in entries]),
        array(BYTES, [encode_data(entry.data) for entry in entries]),
    ]


def _bigint(value: object) -> bytes | None:
    return bigint_bytes(int(str(value))) if value is not None else None


def _moment(at: datetime | None) -> bytes | None:
    return bigint_bytes((at - _YEAR_2000) // _MICROSECOND) if at is not None else None


def _text(value: object) -> bytes | None:
    return str(value).encode() if value is not None else None


def _status(last: Entry | None, head: Append) -> str | None:
    if last is not None and last.type == "run.finished":
        return str(last.data["status"])
    return None if head.rest is None else "waiting"


def _usage(last: Entry | None) -> dict[str, object]:
    usage = last.data.get("usage") if last is not None and last.type == "run.finished" else None
    return dict(usage) if isinstance(usage, dict) else {}
