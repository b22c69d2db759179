# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The outbox: in order within an organization, at least once, and one that fails harms nobody else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from accounts import schedules, tasks
from accounts.models import Organization, OutboxEvent, UsageRecord
from accounts.operations.outbox import publish_event, subscribe
from accounts.operations.usage import record_usage
from accounts.queries.lookups import list_organizations_with_unsent_events
from accounts.tenancy import tenant
from accounts.workers import outbox
from codexos.kernel import clock
from codexos.kernel.errors import NotAllowed
from codexos.kernel.events import DomainEvent, EventUnknown
from codexos.kernel.ids import OrganizationId
from tests.factories import World


@dataclass(frozen=True, kw_only=True)
class Probed(DomainEvent, name="test.probed"):
    """Something happened, for the sake of a test."""

    number: int


Subscriber = Callable[[DomainEvent], None]


@pytest.fixture
def listen() -> Iterator[Callable[[Subscriber], None]]:
    """Subscribe to the probes until the test is over."""
    yield lambda subscriber: subscribe("test.probed", subscriber)
    outbox._subscribers.pop("test.probed", None)


@pytest.fixture(autouse=True)
def _messages_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is delivered unless the test says so."""
    monkeypatch.setattr(tasks.deliver_outbox, "delay", lambda *_organization_ids: None)


def publish(organization: Organization, *numbers: int) -> None:
    for number in numbers:
        with tenant(organization.id):
            publish_event(Probed(organization_id=OrganizationId(organization.id), number=number))


def publish_and_fail(organization: Organization) -> None:
    with tenant(organization.id):
        publish_event(Probed(organization_id=OrganizationId(organization.id), number=1))
        raise NotAllowed("after all")


def probes(organization: Organization) -> list[OutboxEvent]:
    with tenant(organization.id):
        rows = OutboxEvent.objects.for_organization(organization.id)
        return list(rows.filter(name="test.probed").order_by("id"))


def let_pauses_pass(organization: Organization) -> None:
    with tenant(organization.id):
        OutboxEvent.objects.for_organization(organization.id).update(next_attempt_at=None)


def test_events_are_delivered_in_order_and_once(world: World, listen: Callable[[Subscriber], None]) -> None:
    heard: list[int] = []
    listen(lambda event: heard.append(event.number))  # type: ignore[attr-defined]
    publish(world.acme, 1, 2, 3)
    outbox.deliver(world.acme.id)
    outbox.deliver(world.acme.id)
    assert heard == [1, 2, 3]
    assert all(row.delivered_at for row in probes(world.acme))


def test_a_change_that_is_rolled_back_tells_nobody(world: World, listen: Callable[[Subscriber], None]) -> None:
    heard: list[DomainEvent] = []
    listen(heard.append)
    with pytest.raises(NotAllowed):
        publish_and_fail(world.acme)
    outbox.deliver(world.acme.id)
    assert heard == []


def test_a_failing_subscriber_loses_nothing_and_holds_back_only_its_organization(
    world: World, listen: Callable[[Subscriber], None], caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[tuple[UUID, int]] = []
    is_broken = True

    def subscriber(event: DomainEvent) -> None:
        if is_broken and event.number == 2 and event.organization_id == world.acme.id:  # type: ignore[attr-defined]
            raise ValueError("no such luck")
        heard.append((event.organization_id, event.number))  # type: ignore[attr-defined]

    listen(subscriber)
    for organization in (world.acme, world.other):
        publish(organization, 1, 2, 3)
    for organization in (world.acme, world.other):
        outbox.deliver(organization.id)
    assert heard == [(world.acme.id, 1), *((world.other.id, number) for number in (1, 2, 3))]
    failed = probes(world.acme)[1]
    assert (failed.attempts, failed.delivered_at) == (1, None)
    assert failed.next_attempt_at is not None
    assert failed.next_attempt_at > clock.now()
    assert "test.probed" in caplog.text
    assert "attempt 1" in caplog.text
    outbox.deliver(world.acme.id)
    assert probes(world.acme)[1].attempts == 1, "tried again before its pause was over"
    is_broken = False
    let_pauses_pass(world.acme)
    outbox.deliver(world.acme.id)
    assert heard[4:] == [(world.acme.id, 2), (world.acme.id, 3)]


def test_pauses_grow_and_then_stay() -> None:
    pauses = [outbox.pause_after(attempts).total_seconds() for attempts in (1, 2, 3, 8, 100)]
    assert pauses == [5, 10, 20, 600, 600]


def test_what_a_subscriber_wrote_goes_with_the_failed_delivery(
    world: World, listen: Callable[[Subscriber], None]
) -> None:
    def half_done(_event: DomainEvent) -> None:
        record_usage(world.dev.actor, "test.half", quantity=1, unit="deeds")
        raise ValueError

    listen(half_done)
    publish(world.acme, 1)
    outbox.deliver(world.acme.id)
    with tenant(world.acme.id):
        assert not UsageRecord.objects.for_organization(world.acme.id).filter(kind="test.half").exists()


def test_a_worker_cut_off_between_subscriber_and_commit_delivers_again(
    committed_world: World, listen: Callable[[Subscriber], None], truth: psycopg.Connection
) -> None:
    acme, heard = committed_world.acme, 0

    def cut_off_the_first_time(_event: DomainEvent) -> None:
        nonlocal heard
        heard += 1
        record_usage(committed_world.dev.actor, "test.effect", quantity=1, unit="deeds")
        if heard == 1:
            with connection.cursor() as cursor:
                cursor.execute("select pg_backend_pid()")
                pid = cursor.fetchone()[0]
            truth.execute("select pg_terminate_backend(%s)", [pid])

    listen(cut_off_the_first_time)
    publish(acme, 1)
    outbox.deliver(acme.id)
    assert probes(acme)[0].delivered_at is None
    let_pauses_pass(acme)
    outbox.deliver(acme.id)
    assert probes(acme)[0].delivered_at is not None
    assert heard == 2
    with tenant(acme.id):
        assert UsageRecord.objects.for_organization(acme.id).filter(kind="test.effect").count() == 1


def test_a_second_deliverer_does_not_overtake_the_first(
    committed_world: World, listen: Callable[[Subscriber], None], truth: psycopg.Connection
) -> None:
    heard: list[DomainEvent] = []
    listen(heard.append)
    publish(committed_world.acme, 1, 2)
    with truth.transaction():
        lock = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"
        truth.execute(lock, [f"outbox:{committed_world.acme.id}"])
        outbox.deliver(committed_world.acme.id)
        assert heard == []
    outbox.deliver(committed_world.acme.id)
    assert len(heard) == 2


def test_the_sweep_finds_events_whose_message_was_lost(
    world: World, listen: Callable[[Subscriber], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[DomainEvent] = []
    listen(heard.append)
    publish(world.acme, 1)
    assert world.acme.id in list_organizations_with_unsent_events()
    monkeypatch.setattr(tasks.deliver_outbox, "delay", tasks.deliver_outbox)
    schedules.sweep_outbox()
    assert len(heard) == 1
    assert list_organizations_with_unsent_events() == []


def test_a_change_stands_though_the_broker_is_down(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_organization_id: str) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(tasks.deliver_outbox, "delay", down)
    publish(committed_world.acme, 1)
    assert len(probes(committed_world.acme)) == 1


def test_long_delivered_events_are_forgotten_and_no_others(world: World, listen: Callable[[Subscriber], None]) -> None:
    publish(world.acme, 1, 2, 3)
    old, young, waiting = (row.pk for row in probes(world.acme))
    with tenant(world.acme.id):
        rows = OutboxEvent.objects.for_organization(world.acme.id)
        rows.filter(pk=old).update(delivered_at=clock.now() - timedelta(days=8))
        rows.filter(pk=young).update(delivered_at=clock.now() - timedelta(days=6))
    assert outbox.prune(world.acme.id) == 1
    assert [row.pk for row in probes(world.acme)] == [young, waiting]


def test_nobody_listens_to_an_event_that_does_not_exist() -> None:
    with pytest.raises(EventUnknown):
        subscribe("no.such_event", lambda _event: None)
