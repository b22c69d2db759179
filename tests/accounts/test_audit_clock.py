# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock starts, through a real worker and a real broker: messages carry the organization, in JSON."""

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from kombu.exceptions import EncodeError

from accounts import schedules, tasks
from accounts.operations.audit import record_event
from accounts.queries.lookups import (
    list_organizations_with_unsealed_audit,
    list_organizations_with_unsent_events,
    list_organizations_with_unsigned_audit,
)
from accounts.queries.seals import verify_chain
from accounts.tenancy import tenant
from codexos.celery import app, read_timetables
from tests.factories import World

PATIENCE_SECONDS = 20


@pytest.fixture
def worker(committed_world: World) -> Iterator[World]:
    """A worker of the queue jobs, and the world it works in."""
    app.control.purge()
    with start_worker(app, pool="solo", queues=["jobs"], perform_ping_check=False, shutdown_timeout=30):
        yield committed_world
    app.control.purge()


def wait_until(is_done: Callable[[], bool]) -> None:
    """Look again and again until it is done."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_done():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def test_a_tick_seals_signs_and_delivers_in_every_organization(worker: World) -> None:
    for who in (worker.dev, worker.stranger):
        with tenant(who.actor.organization_id):
            record_event(who.actor, "test.deed")
    assert {worker.acme.id, worker.other.id} <= set(list_organizations_with_unsealed_audit())
    schedules.seal_audit_trails.delay()
    wait_until(lambda: list_organizations_with_unsealed_audit() == [])
    schedules.sign_audit_trails.delay()
    wait_until(lambda: list_organizations_with_unsigned_audit() == [])
    schedules.sweep_outbox.delay()
    wait_until(lambda: list_organizations_with_unsent_events() == [])
    for organization in (worker.acme, worker.other):
        report = verify_chain(organization.id)
        assert report.is_whole
        assert report.sealed > 0
        assert report.checkpoints == 1


def test_only_json_travels() -> None:
    assert (app.conf.task_serializer, app.conf.accept_content) == ("json", ["json"])
    with pytest.raises(EncodeError):
        tasks.seal_audit.delay(object())


def test_every_timetable_is_read_and_names_tasks_that_exist() -> None:
    read_timetables(sender=app)
    app.loader.import_default_modules()
    files = sorted(Path(settings.BASE_DIR).glob("*/schedules.py"))
    declared: dict[str, Any] = {}
    for file in files:
        declared |= import_module(f"{file.parent.name}.schedules").TIMETABLE
    assert "accounts" in {file.parent.name for file in files}
    assert app.conf.beat_schedule == declared
    for entry in declared.values():
        assert entry["task"] in app.tasks


def test_looking_for_work_reads_queues_and_not_the_trail(world: World, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1) as captured:
        list_organizations_with_unsealed_audit()
    assert "organizations_with_unsealed_audit" in captured[0]["sql"]
