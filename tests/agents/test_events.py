# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How an entry travels to whoever watches."""

import json
from datetime import UTC, datetime

from agents.adapters.events import IN_THE_JOURNAL, LiveEvent, entry_event, packed_entry, unpacked
from agents.engine.journal import Entry, EntryType
from agents.engine.thinning import LARGE_BYTES, thin
from codexos.kernel.jsontypes import JsonObject, JsonValue

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def entry(data: JsonObject, *, type: EntryType = "step.done", node_id: str | None = 'each[1]/"ü"') -> Entry:
    return Entry(7, type, AT, node_id, 1, 1, data)


def said(event: LiveEvent) -> JsonValue:
    told: JsonValue = json.loads(event.text)
    return told


def test_an_entry_travels_as_its_data_behind_the_line_of_the_log() -> None:
    event = unpacked(packed_entry(entry({"result": {"text": "Grüße"}})))
    assert (event.seq, event.type) == (7, "step.done")
    assert said(event) == {
        "seq": 7,
        "type": "step.done",
        "at": "2026-03-01T12:30:00Z",
        "node_id": 'each[1]/"ü"',
        "data": {"message": 'each[1]/"ü" done: Grüße', "result": {"text": "Grüße"}},
    }


def test_an_entry_with_a_message_of_its_own_keeps_it() -> None:
    note = entry({"message": "Somebody paused the run.", "level": "warning"}, type="note", node_id=None)
    event = unpacked(packed_entry(note))
    assert said(event) == {
        "seq": 7,
        "type": "note",
        "at": "2026-03-01T12:30:00Z",
        "node_id": None,
        "data": {"message": "Somebody paused the run.", "level": "warning"},
    }


def test_it_is_the_same_live_and_read_afterwards() -> None:
    odd = entry({"result": "half \ud800 a pair"})
    assert unpacked(packed_entry(odd)) == entry_event(odd)


def test_an_entry_without_data_says_its_line_alone() -> None:
    assert '"data":{"message":"Run accepted."}' in entry_event(entry({}, type="run.accepted", node_id=None)).text


def test_of_large_values_only_that_they_are_there_travels() -> None:
    left, _ = thin({"result": "x" * (LARGE_BYTES + 1)})
    assert unpacked(packed_entry(entry(left))) == LiveEvent(7, "step.done", IN_THE_JOURNAL)
