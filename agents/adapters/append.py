# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The statement that appends to journals, and its parameters: entries of many runs, each held by its epoch."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain, count

from agents.adapters.claims import Claim
from agents.adapters.leases import LEASE_SECONDS
from agents.adapters.wire import BIGINT, BYTES, MOMENT, TEXT, UUIDS, array, bigint_bytes, float_bytes, int_bytes, ints
from agents.engine.journal import Entry, encode_data
from agents.engine.ports import Rest
from codexos.kernel.jsontypes import JsonObject

_YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NOT_YET = frozenset(("run.accepted", "run.started", "step.intended", "note"))
"""What is written before anything has come of a take: a run that ends its worker gets so far each time."""

# The status is hidden from the planner: it would walk the index of runs to be claimed, for every commit all of them.
_APPEND = """
with heads as (
    select * from unnest($1::uuid[], $2::int[], $3::int[], $4::int[]{more_arrays}) with ordinality
        as h(run_id, epoch, last_seq, comes_on{more_names}, place)
), held as (
    update agents_run r set last_seq = coalesce(h.last_seq, r.last_seq),
        bad_takes = case when h.comes_on > 0 then 0 else r.bad_takes end, {how}
    from heads h where r.id = h.run_id and r.epoch = h.epoch and r.status || '' = 'running'
    returning r.id, r.organization_id, r.epoch, r.content_days, h.place
), written as (
    insert into agents_journalentry
        (run_id, seq, organization_id, type, node_id, attempt, epoch, at, delta, content_days)
    select held.id, e.seq, held.organization_id, e.type, e.node_id, e.attempt, held.epoch, e.at, e.delta,
        held.content_days
    from unnest($6::int[], $7::int[], $8::int[], $9::text[], $10::text[], $11::timestamptz[], $12::bytea[])
        as e(place, seq, attempt, type, node_id, at, delta)
    join held on held.place = e.place
)
select id from held
"""

# Most batches only go on. What would have to be looked at for a run that ends costs the database a fifth of a commit.
GO_ON = _APPEND.format(
    more_arrays="",
    more_names="",
    how="""claimed_until = now() + make_interval(secs => $5::float8), wake_at = null""",
)
APPEND = _APPEND.format(
    more_arrays=", $13::text[], $14::bigint[], $15::bigint[], $16::text[], $17::timestamptz[]",
    more_names=", status, input_tokens, output_tokens, cost_usd, wake_at",
    how="""status = coalesce(h.status, r.status),
        claimed_until = case when h.status is null then now() + make_interval(secs => $5::float8) end,
        wake_at = h.wake_at,
        completed_at = case when h.status in ('succeeded', 'failed', 'cancelled') then now() end,
        input_tokens = coalesce(h.input_tokens, r.input_tokens),
        output_tokens = coalesce(h.output_tokens, r.output_tokens),
        cost_usd = coalesce(h.cost_usd::numeric, r.cost_usd)""",
)

MOST_ENTRIES_OF_ONE = 4
"""Up to so many entries of one run alone go by a statement that has a place for each."""

# Who waits for a commit of its own is most often alone. Without arrays it costs the database a third less.
_ONE = """
with held as (
    update agents_run set last_seq = $3::int, bad_takes = case when $4::int > 0 then 0 else bad_takes end,
        claimed_until = now() + make_interval(secs => $5::float8), wake_at = null
    where id = $1::uuid and epoch = $2::int and status || '' = 'running'
    returning id, organization_id, epoch, content_days
), written as (
    insert into agents_journalentry
        (run_id, seq, organization_id, type, node_id, attempt, epoch, at, delta, content_days)
    select held.id, e.seq, held.organization_id, e.type, e.node_id, e.attempt, held.epoch, e.at, e.delta,
        held.content_days
    from held cross join (values {rows}) as e(seq, attempt, type, node_id, at, delta)
)
select id from held
"""
_ROW = ("int", "int", "text", "text", "timestamptz", "bytea")


def _one(entries: int) -> str:
    """Return the statement that appends so many entries to one run which goes on."""
    numbers = count(6)
    rows = [", ".join(f"${next(numbers)}::{kind}" for kind in _ROW) for _ in range(entries)]
    return _ONE.format(rows=", ".join(f"({row})" for row in rows))


# Of a run that is not held any more nothing is written, here as well.
_AUDITED = """, audited as (
    insert into accounts_auditevent
        (id, organization_id, created_at, actor_kind, actor_id, actor_label, action, about_kind, about_id, about_label,
        details, request_id, address)
    select d.id, held.organization_id, now(), 'run', d.actor_id, d.actor_label, d.action, 'run', held.id::text, '',
        d.details, '', ''
    from held join jsonb_to_recordset(${number}::text::jsonb -> 'deeds')
        as d(run_id uuid, id uuid, actor_id uuid, actor_label text, action text, details jsonb) on d.run_id = held.id
)
select id from held"""

ONE = {entries: _one(entries) for entries in range(1, MOST_ENTRIES_OF_ONE + 1)}


@dataclass(slots=True)
class Append:
    """Entries of one run that wait to be durable, with what is written into the audit trail beside them.

    With ``rest`` the run is let go of with them.
    """

    claim: Claim
    entries: Sequence[Entry]
    rest: Rest | None = None
    deeds: Sequence[JsonObject] = ()
    done: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def last_seq(self) -> int | None:
        """How far the run has come with them."""
        return self.entries[-1].seq if self.entries else None

    @property
    def end(self) -> JsonObject | None:
        """What the run has come to, where it ends with them."""
        return self.entries[-1].data if self.entries and self.entries[-1].type == "run.finished" else None

    @property
    def status(self) -> str | None:
        """What becomes of the run; None where it goes on."""
        if self.end is not None:
            return str(self.end["status"])
        return None if self.rest is None else "waiting"

    @property
    def comes_on(self) -> bool:
        """Whether something has come of the take that they belong to."""
        return self.rest is not None or any(entry.type not in _NOT_YET for entry in self.entries)


def heads(batch: Sequence[Append]) -> dict[str, list[object]]:
    """Say how far each run has come with a batch."""
    return {
        "run_ids": [waiting.claim.run_id for waiting in batch],
        "epochs": [waiting.claim.epoch for waiting in batch],
        "last_seqs": [waiting.last_seq for waiting in batch],
        "statuses": [waiting.status for waiting in batch],
    }


def asked_of(batch: Sequence[Append]) -> tuple[str, Sequence[bytes | None]]:
    """Return the statement that appends a batch, with its parameters."""
    statement, parameters = _appending(batch)
    deeds = [deed for waiting in batch for deed in waiting.deeds]
    if not deeds:
        return statement, parameters
    return _audited(statement, len(parameters) + 1), [*parameters, encode_data({"deeds": deeds})]


@cache
def _audited(statement: str, number: int) -> str:
    """Return a statement that appends, which writes into the audit trail as well."""
    return statement.replace("\nselect id from held", _AUDITED.format(number=number))


def _appending(batch: Sequence[Append]) -> tuple[str, Sequence[bytes | None]]:
    statuses = [waiting.status for waiting in batch]
    goes_on = not any(statuses)
    if goes_on and len(batch) == 1 and (statement := ONE.get(len(batch[0].entries))) is not None:
        return statement, _parameters_of_one(batch[0])
    parameters = [*_head_parameters(batch), float_bytes(LEASE_SECONDS), *_entry_parameters(batch)]
    return (GO_ON, parameters) if goes_on else (APPEND, [*parameters, *_end_parameters(batch, statuses)])


def _parameters_of_one(waiting: Append) -> list[bytes | None]:
    claim, entries = waiting.claim, waiting.entries
    numbers = (int_bytes(claim.epoch), int_bytes(entries[-1].seq), int_bytes(waiting.comes_on))
    parameters: list[bytes | None] = [claim.run_id.bytes, *numbers, float_bytes(LEASE_SECONDS)]
    for entry in entries:
        parameters += (int_bytes(entry.seq), int_bytes(entry.attempt), entry.type.encode(), _text(entry.node_id))
        parameters += (_moment(entry.at), encode_data(entry.data))
    return parameters


def _head_parameters(batch: Sequence[Append]) -> list[bytes]:
    return [
        array(UUIDS, [waiting.claim.run_id.bytes for waiting in batch]),
        ints([waiting.claim.epoch for waiting in batch]),
        ints([waiting.last_seq for waiting in batch]),
        ints([waiting.comes_on for waiting in batch]),
    ]


def _entry_parameters(batch: Sequence[Append]) -> list[bytes]:
    entries = list(chain.from_iterable(waiting.entries for waiting in batch))
    return [
        ints([place for place, waiting in enumerate(batch, start=1) for _ in waiting.entries]),
        ints([entry.seq for entry in entries]),
        ints([entry.attempt for entry in entries]),
        array(TEXT, [entry.type.encode() for entry in entries]),
        array(TEXT, [_text(entry.node_id) for entry in entries]),
        array(MOMENT, [_moment(entry.at) for entry in entries]),
        array(BYTES, [encode_data(entry.data) for entry in entries]),
    ]


def _end_parameters(batch: Sequence[Append], statuses: Sequence[str | None]) -> list[bytes]:
    usages = [_usage(waiting.end) for waiting in batch]
    moments = [waiting.rest.until if waiting.rest else None for waiting in batch]
    return [
        array(TEXT, [_text(status) for status in statuses]),
        array(BIGINT, [_bigint(usage.get("input_tokens")) for usage in usages]),
        array(BIGINT, [_bigint(usage.get("output_tokens")) for usage in usages]),
        array(TEXT, [_text(usage.get("cost_usd")) for usage in usages]),
        array(MOMENT, [None if until is None else _moment(until) for until in moments]),
    ]


def _usage(end: JsonObject | None) -> JsonObject:
    usage = None if end is None else end.get("usage")
    return usage if isinstance(usage, Mapping) else {}


def _bigint(value: object) -> bytes | None:
    return bigint_bytes(int(str(value))) if value is not None else None


def _moment(at: datetime) -> bytes:
    return bigint_bytes((at - _YEAR_2000) // _MICROSECOND)


def _text(value: object) -> bytes | None:
    return str(value).encode() if value is not None else None
