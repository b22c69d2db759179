# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Two schedulers, for real: committed rows, connections of their own, and a process that is killed."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connections

from accounts.tenancy import tenant
from agents.models import Firing, Run, Trigger
from agents.operations import firing as firing_module
from agents.operations.firing import fire_due_triggers
from agents.operations.runs import accept_run
from tests.agents.test_triggers import START, StoppedClock, firings, flow_of, schedule, stopped
from tests.factories import World

__all__ = ["stopped"]


@pytest.fixture
def due(committed_world: World, stopped: StoppedClock) -> list[Trigger]:
    """Twenty triggers that are due, of two organizations."""
    acme = flow_of(committed_world.lead, committed_world.project)
    other = flow_of(committed_world.stranger, committed_world.other_project)
    made = [schedule(committed_world.dev, acme) for _ in range(10)]
    made += [schedule(committed_world.stranger, other) for _ in range(10)]
    stopped.go(days=1)
    return made


def counted(truth: psycopg.Connection[Any], table: str) -> int:
    row = truth.execute(f"select count(*) from {table}").fetchone()  # noqa: S608 - named by the test
    assert row is not None
    return int(row[0])


def test_schedulers_side_by_side_fire_each_moment_once(due: list[Trigger], truth: psycopg.Connection[Any]) -> None:
    together = Barrier(4)

    def tick() -> int:
        try:
            together.wait()
            return fire_due_triggers()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        fired = [pool.submit(tick) for _ in range(4)]
        assert sum(one.result() for one in fired) == 20
    assert (counted(truth, "agents_firing"), counted(truth, "agents_run")) == (20, 20)


def test_a_scheduler_that_has_one_in_hand_keeps_nobody_waiting(
    due: list[Trigger], truth: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    is_held, may_go_on = Event(), Event()
    held = due[0]

    def slow(actor: Any, *, request: Any) -> Run:
        if not is_held.is_set():
            is_held.set()
            assert may_go_on.wait(30)
        return accept_run(actor, request=request)

    monkeypatch.setattr(firing_module, "accept_run", slow)

    def tick() -> int:
        try:
            return fire_due_triggers()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(tick)
        assert is_held.wait(30)
        assert fire_due_triggers() == 19
        may_go_on.set()
        assert first.result() == 1
    assert [len(firings(one)) for one in due] == [1] * 20
    assert held.pk
    assert counted(truth, "agents_run") == 20


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_scheduler_killed_in_between_loses_and_doubles_nothing(
    due: list[Trigger], truth: psycopg.Connection[Any], when: str
) -> None:
    """A process is killed while it fires the fourth: with its run written, or before; its commit never comes."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        _fire_until_killed(when)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert (counted(truth, "agents_firing"), counted(truth, "agents_run")) == (3, 3)
    assert fire_due_triggers() == 17
    assert (counted(truth, "agents_firing"), counted(truth, "agents_run")) == (20, 20)
    assert [len(firings(one)) for one in due] == [1] * 20


def _fire_until_killed(when: str) -> None:
    calls = 0

    def killing(actor: Any, *, request: Any) -> Run:
        nonlocal calls
        calls += 1
        run = None if calls == 4 and when == "before" else accept_run(actor, request=request)
        if calls == 4 or run is None:
            os.kill(os.getpid(), signal.SIGKILL)
        assert run is not None
        return run

    firing_module.accept_run = killing  # type: ignore[assignment]
    try:
        fire_due_triggers()
    finally:
        os._exit(1)


def test_the_database_itself_refuses_a_second_firing_of_a_moment(due: list[Trigger]) -> None:
    trigger = due[0]
    same = {"organization_id": trigger.organization_id, "trigger": trigger, "due_at": START + timedelta(days=1)}
    with tenant(trigger.organization_id):
        Firing.objects.create(**same)
    with pytest.raises(IntegrityError, match="firing_moment_unique"), tenant(trigger.organization_id):
        Firing.objects.create(**same)


def test_the_clock_asks_for_ids_and_nothing_else(due: list[Trigger], truth: psycopg.Connection[Any]) -> None:
    def columns(name: str) -> list[str]:
        said = "select unnest(proargnames[pronargs + 1:]) from pg_proc where proname = %s"
        return [str(row[0]) for row in truth.execute(said, [name])]

    assert columns("due_triggers") == ["id", "organization_id", "next_at"]
    assert columns("find_webhook") == ["organization_id", "style", "secret", "old_secret", "old_secret_until"]
