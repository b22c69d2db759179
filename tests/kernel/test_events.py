# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An event written down today is the same event when it is read, also by older and by newer code."""

import json
from dataclasses import FrozenInstanceError, dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest

from codexos.kernel import events
from codexos.kernel.errors import Broken
from codexos.kernel.events import (
    DomainEvent,
    EventMalformed,
    EventUnknown,
    FileStored,
    MemberJoined,
    MemberLeft,
    OrganizationCreated,
    RunFinished,
    event_type,
    from_payload,
    to_payload,
)
from codexos.kernel.ids import FlowId, PersonId, RunId, new_id

ORGANIZATION = new_id()
EVENTS = [
    OrganizationCreated(organization_id=ORGANIZATION, person_id=new_id()),
    MemberJoined(organization_id=ORGANIZATION, person_id=new_id()),
    MemberLeft(organization_id=ORGANIZATION, person_id=new_id()),
    RunFinished(organization_id=ORGANIZATION, run_id=new_id(), flow_id=new_id(), status="finished"),
    FileStored(organization_id=ORGANIZATION, file_id=new_id(), project_id=new_id()),
]


@pytest.fixture
def types(monkeypatch):
    """A registry of its own, so that the events of a test stay in it."""
    monkeypatch.setattr(events, "_types", dict(events._types))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_events_survive_being_written_down(event):
    written = json.loads(json.dumps(to_payload(event)))
    assert from_payload(event.name, written) == event
    assert event_type(event.name) is type(event)


def test_what_is_written_down_is_plain():
    at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    event = MemberJoined(organization_id=ORGANIZATION, person_id=PersonId(new_id()), at=at)
    assert to_payload(event) == {
        "version": 1,
        "organization_id": str(ORGANIZATION),
        "event_id": str(event.event_id),
        "at": "2026-01-02T03:04:05.000678+00:00",
        "person_id": str(event.person_id),
    }


def test_every_event_has_an_id_of_its_own_and_cannot_be_changed():
    first, second = (MemberLeft(organization_id=ORGANIZATION, person_id=new_id()) for _ in range(2))
    assert first.event_id != second.event_id
    with pytest.raises(FrozenInstanceError):
        first.person_id = second.person_id


def test_the_same_moment_in_another_zone_is_the_same_event():
    at = datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=5)))
    event = MemberLeft(organization_id=ORGANIZATION, person_id=new_id(), at=at)
    assert from_payload(event.name, to_payload(event)) == event


def test_an_unknown_event_is_named():
    for reading in (lambda: event_type("no.such"), lambda: from_payload("no.such", {"version": 1})):
        with pytest.raises(EventUnknown, match=r"no\.such") as raised:
            reading()
        assert isinstance(raised.value, Broken)


def test_two_events_cannot_share_a_name(types):
    with pytest.raises(TypeError, match="Two events"):

        class Twin(DomainEvent, name="member.joined"): ...

    assert event_type("member.joined") is MemberJoined


def test_a_field_added_by_newer_code_is_passed_over():
    event = EVENTS[1]
    assert from_payload(event.name, {**to_payload(event), "added_later": 1}) == event


def test_a_newer_version_is_left_to_newer_code():
    with pytest.raises(EventUnknown, match="version 2"):
        from_payload("member.joined", {**to_payload(EVENTS[1]), "version": 2})


def test_an_older_version_is_upgraded(types):
    @dataclass(frozen=True, kw_only=True)
    class RunNamed(DomainEvent, name="test.run_named", version=2):
        run_id: RunId
        flow_id: FlowId | None = None
        label: str = "none"

        @classmethod
        def upgrade(cls, payload, *, version):
            return {**payload, "run_id": payload["run"]}

    run_id, older = new_id(), {**to_payload(EVENTS[1]), "version": 1}
    read = from_payload("test.run_named", {**older, "run": str(run_id)})
    assert read == RunNamed(organization_id=ORGANIZATION, run_id=run_id, event_id=read.event_id, at=read.at)
    assert from_payload("test.run_named", to_payload(read)) == read
    named = RunNamed(organization_id=ORGANIZATION, run_id=run_id, flow_id=FlowId(new_id()), label="x")
    assert from_payload("test.run_named", to_payload(named)) == named


def test_an_older_version_nobody_can_read_any_more_is_unknown(types):
    class Moved(DomainEvent, name="test.moved", version=3): ...

    with pytest.raises(EventUnknown, match="version 1"):
        from_payload("test.moved", {**to_payload(EVENTS[1]), "version": 1})


@pytest.mark.parametrize(
    "change",
    [
        {"version": None},
        {"version": "1"},
        {"version": 0},
        {"person_id": "not an id"},
        {"person_id": None},
        {"person_id": 7},
        {"at": "yesterday"},
        {"at": "2026-01-02T03:04:05"},
        {"at": None},
    ],
)
def test_malformed_payloads_are_refused(change):
    with pytest.raises(EventMalformed, match=r"member\.joined"):
        from_payload("member.joined", {**to_payload(EVENTS[1]), **change})


@pytest.mark.parametrize("lost", ["version", "organization_id", "event_id", "at", "person_id"])
def test_a_payload_that_lost_a_field_is_refused(lost):
    payload = {name: value for name, value in to_payload(EVENTS[1]).items() if name != lost}
    with pytest.raises(EventMalformed):
        from_payload("member.joined", payload)


def test_words_must_be_words():
    with pytest.raises(EventMalformed, match="not of type str"):
        from_payload("run.finished", {**to_payload(EVENTS[3]), "status": 7})


@pytest.mark.parametrize("value", [1.5, b"x", ["x"], {"a": 1}, datetime(2026, 1, 1)])
def test_only_plain_facts_are_carried(value):
    event = RunFinished(organization_id=ORGANIZATION, run_id=new_id(), flow_id=new_id(), status=value)
    with pytest.raises(TypeError):
        to_payload(event)
