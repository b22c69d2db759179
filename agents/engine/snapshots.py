# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Snapshots: what a long journal has come to, written down, so that who takes the run up need not fold all of it.

The journal stays the truth. A snapshot is JSON; what it does not know it refuses, and the journal is folded instead.
"""

import json
import logging
import zlib
from collections.abc import Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry, encode_data, usage_data, usage_from
from agents.engine.lanes import Held, Lane
from agents.engine.state import ReadFlow
from agents.engine.view import JournalView
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue

logger = logging.getLogger(__name__)

FORM = 4
"""The form of snapshots that this version writes, and the only one it reads."""
FIRST_AT = 1_000
MOST_BYTES = 2_000_000
"""How much results may hold to be written into a snapshot, on the loop that carries everybody's runs."""


def is_due(last_seq: int, *, newest: int) -> bool:
    """Whether a journal of ``last_seq`` entries wants a snapshot, ``newest`` being where the last one was taken.

    Each is of twice as many entries as the one before, so that all of them together are no longer than the journal.
    """
    return last_seq >= max(FIRST_AT, 2 * newest)


def written(view: JournalView) -> bytes | None:
    """Write a snapshot as the bytes that are kept; None where that would hold up everybody else for long."""
    if _is_too_much(view):
        return None
    said = json.dumps(dump(view), ensure_ascii=False, separators=(",", ":"), default=dict)
    return zlib.compress(said.encode("utf-8", "replace"), 1)


def _is_too_much(view: JournalView) -> bool:
    """Whether the results make more than a moment's work."""
    size = 0
    of_lanes = (result for lane in view.lanes.values() for result in lane.results.values())
    of_held = (result for held in view.held.values() for result in held.results.values())
    for result in chain(of_lanes, of_held):
        size += len(encode_data({"result": result}))
        if size > MOST_BYTES:
            return True
    return False


def recalled(kept: bytes, graph: FlowGraph, *, input: JsonValue, read_flow: ReadFlow) -> JournalView | None:
    """Read back what ``written`` wrote; None where that cannot be done: the journal is folded instead."""
    try:
        return restore(json.loads(zlib.decompress(kept)), graph, input=input, read_flow=read_flow)
    except (ValueError, KeyError, TypeError, zlib.error, CodexosError):
        logger.exception("a snapshot cannot be read; the whole journal is")
        return None


def dump(view: JournalView) -> JsonObject:
    """Write down what a run has come to."""
    return {
        "form": FORM,
        **{name: getattr(view, name) for name in _PLAIN},
        **{name: list(getattr(view, name)) for name in _NAMES},
        **{name: {key: at.isoformat() for key, at in getattr(view, name).items()} for name in _MOMENTS},
        **{name: {key: _entry_data(entry) for key, entry in getattr(view, name).items()} for name in _ENTRIES},
        "accepted_at": view.accepted_at.isoformat() if view.accepted_at else None,
        "usage": {**usage_data(view.usage), "cost_usd": str(view.usage.cost_usd)},
        "lanes": [_lane_data(lane) for lane in view.lanes.values()],
        "held": [_held_data(held) for held in view.held.values()],
    }


def restore(data: Mapping[str, Any], graph: FlowGraph, *, input: JsonValue, read_flow: ReadFlow) -> JournalView | None:
    """Read back what ``dump`` wrote; None where it is of another form."""
    if data.get("form") != FORM:
        return None
    view = JournalView(graph, input=input, read_flow=read_flow)
    for name in _PLAIN:
        setattr(view, name, data[name])
    for name in _NAMES:
        known = getattr(view, name)
        setattr(view, name, type(known)() | (set(data[name]) if isinstance(known, set) else dict.fromkeys(data[name])))
    for name in _MOMENTS:
        setattr(view, name, {key: datetime.fromisoformat(at) for key, at in data[name].items()})
    for name in _ENTRIES:
        setattr(view, name, {key: _entry(told) for key, told in data[name].items()})
    view.accepted_at = datetime.fromisoformat(data["accepted_at"]) if data["accepted_at"] else None
    view.usage = usage_from(data["usage"])
    _restore_lanes(view, data, read_flow=read_flow)
    return view


_PLAIN = (
    *("last_seq", "is_accepted", "steps", "attempts", "failures", "groups", "waiting"),
    *("failure", "cancelled_by", "replaced_by", "paused_by", "citations"),
    *("answers", "edits", "grants", "is_labeled"),
)
_NAMES = ("ready", "dead", "turns", "noted", "taken", "file_labels")
_MOMENTS = ("resting", "alarms")
_ENTRIES = ("open", "cut", "unsure")
_OF_LANE = ("is_over", "is_begun", "results", "arrived", "missing", "variables")
_LABELS_OF_LANE = ("labels", "variable_labels")


def _lane_data(lane: Lane) -> JsonObject:
    told: dict[str, JsonValue] = {name: getattr(lane, name) for name in _OF_LANE}
    sets = {"skipped": sorted(lane.skipped), "entered": sorted(lane.entered)}
    where = {"owner": lane.owner.key if lane.owner else None, "index": lane.index, "flow": lane.flow}
    labels = {name: {each: sorted(of) for each, of in getattr(lane, name).items()} for name in _LABELS_OF_LANE}
    begun = {"input": None if lane.is_root else lane.input, "input_labels": sorted(lane.input_labels)}
    return {"path": lane.path, **where, **begun, **told, **sets, **labels}


def _held_data(held: Held) -> JsonObject:
    return {
        "key": held.key,
        "path": held.lane.path,
        "node": held.node.id,
        "data": held.data,
        "since": held.since.isoformat(),
        "count": held.count,
        "parallel": held.parallel,
        "next_index": held.next_index,
        "open": sorted(held.open),
        "results": {str(index): result for index, result in held.results.items()},
        "failure": held.failure,
        "usage": {**usage_data(held.usage), "cost_usd": str(held.usage.cost_usd)},
        "steps": held.steps,
        "result_labels": sorted(held.result_labels),
    }


def _restore_lanes(view: JournalView, data: Mapping[str, Any], *, read_flow: ReadFlow) -> None:
    """Build the lanes and what holds them, from the run inwards: each stands in one that was built before."""
    lanes = sorted(data["lanes"], key=lambda told: _depth(told["path"]))
    helds = sorted(data["held"], key=lambda told: _depth(told["path"]))
    for depth in range(1 + max((_depth(told["path"]) for told in lanes), default=0)):
        for told in lanes:
            if _depth(told["path"]) == depth:
                _restore_lane(view, told, read_flow=read_flow)
        for told in helds:
            if _depth(told["path"]) == depth:
                _restore_held(view, told)
    for told in lanes:
        owner = view.held.get(told["owner"] or "")
        if owner is not None and told["index"] in next(h["open"] for h in helds if h["key"] == owner.key):
            owner.open[told["index"]] = view.lanes[told["path"]]
    view.recall_ends()


def _depth(path: str) -> int:
    return 0 if not path else 1 + path.count("]/")


def _restore_lane(view: JournalView, told: Mapping[str, Any], *, read_flow: ReadFlow) -> None:
    if told["owner"] is None:
        lane = view.root
    else:
        held = view.held[told["owner"]]
        lane = view.lane_of(held, told["index"], input=told["input"], flow=told["flow"])
    for name in _OF_LANE:
        setattr(lane, name, told[name])
    lane.skipped, lane.entered = set(told["skipped"]), set(told["entered"])
    lane.input_labels = frozenset(told["input_labels"])
    for name in _LABELS_OF_LANE:
        setattr(lane, name, {each: frozenset(of) for each, of in told[name].items()})


def _restore_held(view: JournalView, told: Mapping[str, Any]) -> None:
    lane = view.lanes[told["path"]]
    view.held[told["key"]] = Held(
        told["key"],
        lane.graph.nodes[told["node"]],
        lane,
        told["data"],
        datetime.fromisoformat(told["since"]),
        count=told["count"],
        parallel=told["parallel"],
        next_index=told["next_index"],
        results={int(index): result for index, result in told["results"].items()},
        failure=told["failure"],
        usage=usage_from(told.get("usage")),
        steps=told.get("steps", 0),
        result_labels=frozenset(told["result_labels"]),
    )


def _entry_data(entry: Entry) -> JsonObject:
    return {**{name: getattr(entry, name) for name in Entry.__slots__}, "at": entry.at.isoformat()}


def _entry(told: Mapping[str, Any]) -> Entry:
    return Entry(**{**told, "at": datetime.fromisoformat(told["at"])})
