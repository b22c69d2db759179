# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A write that is sent again under its Idempotency-Key is answered again, not done again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from freezegun import freeze_time
from rest_framework.test import APIClient

from accounts.models import IdempotencyRecord
from accounts.operations.idempotency import begin_write
from accounts.tenancy import tenant
from accounts.workers.idempotency import forget_answers
from codexos.kernel import clock
from tests.architecture.matrix import LINEAR
from tests.codexos import probe
from tests.codexos.test_problems import check_problem
from tests.factories import World

pytestmark = pytest.mark.usefixtures("probes")
PROBE = "/api/v1/probe/"


def _post(client: APIClient, name: str, *, key: str = "k-1") -> Any:
    return client.post(PROBE, {"name": name}, format="json", headers={"Idempotency-Key": key})


def test_the_same_write_is_done_once(world: World, api: Callable[..., APIClient]) -> None:
    first, second = _post(api(world.dev), "a"), _post(api(world.dev), "a")
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (201, {"name": "a", "nth": 1})
    assert second["Content-Type"] == "application/json"
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert len(probe.calls) == 1


def test_another_body_is_refused(world: World, api: Callable[..., APIClient]) -> None:
    _post(api(world.dev), "a")
    assert check_problem(_post(api(world.dev), "b"), 422)["code"] == "key_reused"
    assert len(probe.calls) == 1


def test_a_write_in_flight_is_a_conflict(world: World, api: Callable[..., APIClient]) -> None:
    _post(api(world.dev), "a")
    with tenant(world.acme.id):
        rows = IdempotencyRecord.objects.for_organization(world.acme.id)
        rows.update(status=None)
    assert check_problem(_post(api(world.dev), "a"), 409)["code"] == "write_in_flight"
    assert len(probe.calls) == 1


def test_a_write_whose_process_died_may_be_done_again_later(world: World, api: Callable[..., APIClient]) -> None:
    begin_write(world.dev.actor, key="k-1", fingerprint=b"x" * 32)
    with freeze_time(clock.now() + timedelta(minutes=6)):
        begin_write(world.dev.actor, key="k-1", fingerprint=b"y" * 32)
    with tenant(world.acme.id):
        assert bytes(IdempotencyRecord.objects.for_organization(world.acme.id).get().fingerprint) == b"y" * 32


def test_keys_belong_to_whoever_sent_them(world: World, api: Callable[..., APIClient]) -> None:
    for someone in (world.dev, world.lead, world.stranger):
        assert "Idempotency-Replayed" not in _post(api(someone), "a")
    assert len(probe.calls) == 3


def test_a_crash_is_not_kept(world: World, api: Callable[..., APIClient]) -> None:
    check_problem(_post(api(world.dev), "crash"), 500)
    check_problem(_post(api(world.dev), "crash"), 500)
    assert len(probe.calls) == 2


def test_a_refusal_is_kept(world: World, api: Callable[..., APIClient]) -> None:
    first, second = _post(api(world.dev), "x" * 30), _post(api(world.dev), "x" * 30)
    assert check_problem(first, 422)["code"] == "invalid_input"
    assert second.status_code == 422
    assert second["Content-Type"] == "application/problem+json"
    assert second["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256])
def test_bad_keys(world: World, api: Callable[..., APIClient], key: str) -> None:
    check_problem(_post(api(world.dev), "a", key=key), 422)
    assert probe.calls == []


def test_reads_have_no_key(world: World, api: Callable[..., APIClient]) -> None:
    api(world.dev).get(PROBE, headers={"Idempotency-Key": "k-1"})
    with tenant(world.acme.id):
        assert not IdempotencyRecord.objects.for_organization(world.acme.id).exists()


def test_answers_are_kept_sealed_and_for_a_day(
    committed_world: World, truth: psycopg.Connection[Any], api: Callable[..., APIClient]
) -> None:
    world = committed_world
    _post(api(world.dev), "visible")
    row = truth.execute("select body, headers::text from accounts_idempotencyrecord").fetchone()
    assert row is not None
    assert b"visible" not in bytes(row[0])
    assert forget_answers(world.acme.id) == 0
    with freeze_time(clock.now() + timedelta(hours=25)):
        assert forget_answers(world.other.id) == 0
        assert forget_answers(world.acme.id) == 1


def test_a_repeated_run_waits_for_the_first(
    world: World, api: Callable[..., APIClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.api.doors.WAIT_SECONDS", 0.1)
    body = {"agent_id": "matrix", "flow": LINEAR, "input": "x", "project_id": str(world.project.id)}
    answers = [
        api(world.dev).post("/agent/run", body, format="json", headers={"Idempotency-Key": "k-1"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"]
