# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Entries: the durable facts about a run. The journal is the run; what they add up to is folded in ``view``."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from agents.engine.errors import JournalDiverged
from agents.engine.thinning import Hole, Thin, written
from codexos.kernel.chat import Usage
from codexos.kernel.jsontypes import JsonObject, JsonValue

EntryType = Literal[
    "run.accepted",
    "run.started",
    "step.intended",
    "step.done",
    "step.failed",
    "step.retry",
    "step.skipped",
    "run.waiting",
    "approval.decided",
    "note",
    "run.finished",
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One durable fact about a run, which is also the event people see. ``seq`` is dense from 1 in each run."""

    seq: int
    type: EntryType
    at: datetime
    node_id: str | None
    attempt: int
    epoch: int
    data: JsonObject

    @property
    def is_kept(self) -> bool:
        """Whether it was taken over from the run that this one goes on from; what it cost was counted there."""
        return "kept" in self.data


class Told(dict[str, JsonValue]):
    """An entry's data with what it is ``written`` as: once, for its size, the journal and the live stream alike.

    Nothing in it is changed any more; what is made of it anew is plain data again.
    """

    __slots__ = ("written",)

    def __init__(self, data: JsonObject, written: bytes) -> None:
        super().__init__(data)
        self.written = written


def told(data: JsonObject) -> Told:
    """Write an entry's data, where that was not done yet."""
    return data if type(data) is Told else Told(data, encode_data(data))


def encode_data(data: JsonObject) -> bytes:
    """Write an entry's data as the bytes a journal keeps; half a surrogate pair becomes ``?``."""
    if type(data) is Told:
        return data.written
    return written(data if type(data) is not Thin else [data, [[list(path), sha256] for path, sha256 in data.holes]])


def joined(begun: bytes, more: JsonObject) -> bytes:
    """Write more members into an object that is written already."""
    if not more:
        return begun
    return encode_data(more) if begun == b"{}" else b"%b,%b" % (begun[:-1], encode_data(more)[1:])


def decode_data(written: bytes) -> JsonObject:
    """Read back what ``encode_data`` wrote. Raises JournalDiverged where the bytes are not an object.

    Where large values were left out it is a ``Thin``, to be filled before anybody looks at it.
    """
    try:
        data = json.loads(written)
    except ValueError as error:
        raise JournalDiverged("An entry of the journal cannot be read. Restore it from a backup.") from error
    if isinstance(data, list):
        return Thin(data[0], [Hole(path, sha256) for path, sha256 in data[1]])
    if not isinstance(data, dict):
        raise JournalDiverged("An entry of the journal is not an object. Restore it from a backup.")
    return data


def idempotency_key(run_id: UUID, node_id: str, *, iteration: int = 0, group: int = 0) -> str:
    """Name one outside effect: the same for every attempt at it, fit for an ``Idempotency-Key`` header."""
    place = f"[{json.dumps(node_id)}, {iteration}, {group}]".encode()
    return f"{run_id}-{hashlib.sha256(place).hexdigest()[:16]}"


def usage_data(usage: Usage) -> JsonObject:
    """Say usage as it goes over the wire."""
    said: JsonObject = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": float(usage.cost_usd) if usage.cost_usd else 0,
    }
    cached = {"cached_tokens": usage.cached_tokens, "cache_write_tokens": usage.cache_write_tokens}
    return {**said, **{name: tokens for name, tokens in cached.items() if tokens}}


def usage_from(data: JsonValue) -> Usage:
    """Read usage from an entry's data; nothing where there is none."""
    if not isinstance(data, Mapping):
        return Usage()
    cost = data.get("cost_usd")
    return Usage(
        _tokens(data, "input_tokens"),
        _tokens(data, "output_tokens"),
        Decimal(str(cost)) if isinstance(cost, int | float | str) else Decimal(0),
        _tokens(data, "cached_tokens"),
        _tokens(data, "cache_write_tokens"),
    )


def _tokens(data: JsonObject, name: str) -> int:
    value = data.get(name)
    return value if isinstance(value, int) else 0


def usage_of(entries: Iterable[Entry]) -> Usage:
    """Add up what a journal's steps cost, without its graph: those cut off count as they were estimated."""
    spent, cut = Usage(), dict[str | None, Usage]()
    for entry in entries:
        if entry.is_kept:
            continue
        if entry.type == "step.intended":
            spent += cut.pop(entry.node_id, Usage())
            cut[entry.node_id] = usage_from(entry.data.get("estimate"))
        elif entry.type == "step.skipped":
            spent += cut.pop(entry.node_id, Usage())
        elif entry.type in {"step.done", "step.failed", "step.retry"}:
            cut.pop(entry.node_id, None)
            spent += usage_from(entry.data.get("usage"))
    return sum(cut.values(), spent)
