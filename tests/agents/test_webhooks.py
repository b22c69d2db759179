# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Webhooks let in who signs rightly, start one run for each delivery, and tell nobody else anything."""

import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import psycopg
import pytest
from django.db import connections
from django.test import Client

from accounts.models import Membership
from accounts.operations.members import remove_member
from accounts.tenancy import tenant
from agents.models import Firing, Run, Trigger
from agents.operations import firing
from agents.operations.flows import archive_flow, unarchive_flow
from agents.operations.trigger_edits import TriggerEdit
from agents.operations.triggers import (
    change_trigger,
    create_trigger,
    delete_trigger,
    rotate_secret,
)
from codexos.kernel import clock
from codexos.kernel.ids import new_id
from tests.agents.test_triggers import StoppedClock, count_runs, flow_of, schedule, stopped
from tests.codexos.test_problems import check_problem
from tests.factories import World

__all__ = ["stopped"]
FREE = Client(enforce_csrf_checks=True)


class Caller:
    """Somebody outside who knows an address and a secret, and signs as the documentation says."""

    def __init__(self, trigger: Trigger, secret: str) -> None:
        self.path, self.secret = f"/hooks/{trigger.pk}/", secret.encode()

    def send(
        self, body: Any = b'{"n": 1}', *, content_type: str = "application/json", client: Any = FREE, **headers: str
    ) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        at, delivery = int(clock.now().timestamp()), headers.get("Codexos-Delivery", "")
        signature = hmac.new(self.secret, f"{at}.{delivery}.".encode() + raw, hashlib.sha256).hexdigest()
        headers = {"Codexos-Signature": f"t={at},v1={signature}", **headers}
        return client.post(self.path, raw, content_type=content_type, headers=headers)

    def send_as_github(self, raw: bytes, *, delivery: str = "") -> Any:
        signature = hmac.new(self.secret, raw, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={signature}", "X-GitHub-Event": "push"}
        headers |= {"X-GitHub-Delivery": delivery} if delivery else {}
        return FREE.post(self.path, raw, content_type="application/json", headers=headers)


def hook_of(who: Any, flow: UUID, **said: Any) -> tuple[Trigger, Caller]:
    made = create_trigger(who.actor, flow, kind="webhook", edit=TriggerEdit(name="Pushed", **said))
    return made.trigger, Caller(made.trigger, made.secret)


def input_of(answer: Any, world: World) -> Any:
    assert answer.status_code == 202, answer.content
    with tenant(world.acme.pk):
        return Run.objects.for_organization(world.acme.pk).get(pk=answer.json()["run_id"]).input


@pytest.fixture
def flow(world: World) -> UUID:
    return flow_of(world.lead, world.project)


def test_a_signed_call_starts_a_run_as_who_made_it(world: World, flow: UUID) -> None:
    _, caller = hook_of(world.dev, flow)
    answer = caller.send({"order": 7})
    assert input_of(answer, world) == {"order": 7}
    with tenant(world.acme.pk):
        run = Run.objects.for_organization(world.acme.pk).get()
    assert (run.person_id, run.flow_id) == (world.dev.person.id, flow)


@pytest.mark.parametrize(
    ("body", "content_type", "fixed", "expected"),
    [
        (b'{"a": 1, "b": 2}', "application/json", {"b": 9}, {"a": 1, "b": 9}),
        (b"[1, 2]", "application/json; charset=utf-8", {"b": 9}, {"body": [1, 2], "b": 9}),
        (b"[1, 2]", "application/vnd.api+json", None, [1, 2]),
        (b"", "application/json", None, ""),
        (b"", "application/json", {"b": 9}, {"b": 9}),
        (urlencode({"a": "x y", "b": "ü"}).encode(), "application/x-www-form-urlencoded", None, {"a": "x y", "b": "ü"}),
        (b"a=1&a=2&b=", "application/x-www-form-urlencoded", None, {"a": ["1", "2"], "b": ""}),
        ("Tide: 3 m. Düne".encode(), "text/plain", None, "Tide: 3 m. Düne"),
        (b"hello", "text/plain", {"b": 9}, {"body": "hello", "b": 9}),
    ],
)
def test_what_was_sent_becomes_the_input(
    world: World, flow: UUID, body: bytes, content_type: str, fixed: Any, expected: Any
) -> None:
    _, caller = hook_of(world.dev, flow, input=(fixed,))
    assert input_of(caller.send(body, content_type=content_type), world) == expected


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b'{"a": NaN}', "application/json"),
        (b'{"a": 1, "a": 2}', "application/json"),
        (b'{"a": "\\u0000"}', "application/json"),
        (b'{"a": "\\ud800"}', "application/json"),
        (b"[" * 200 + b"]" * 200, "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"\xff\xfe", "text/plain"),
        (b"a\x00b", "text/plain"),
        (b"x", "image/png"),
        (b"x", ""),
        (b"&".join(b"a=1" for _ in range(1_500)), "application/x-www-form-urlencoded"),
    ],
)
def test_what_cannot_be_an_input_is_refused_by_name(world: World, flow: UUID, body: bytes, content_type: str) -> None:
    _, caller = hook_of(world.dev, flow)
    refused = check_problem(caller.send(body, content_type=content_type or "none/none"), 422)
    assert refused["code"] == "hook_body_invalid"
    assert count_runs(world.acme.pk) == 0


def test_a_zero_in_a_text_is_no_nul(world: World, flow: UUID) -> None:
    _, caller = hook_of(world.dev, flow)
    assert input_of(caller.send(b'{"a": "\\\\u0000"}'), world) == {"a": "\\u0000"}


def test_more_than_a_megabyte_is_refused(world: World, flow: UUID) -> None:
    _, caller = hook_of(world.dev, flow)
    assert check_problem(caller.send(b'"' + b"x" * 1_048_580 + b'"'), 413)["code"] == "hook_too_large"
    assert caller.send(b'"' + b"x" * 1_000_000 + b'"').status_code == 202


def test_a_delivery_sent_again_is_answered_again_and_starts_nothing(world: World, flow: UUID) -> None:
    trigger, caller = hook_of(world.dev, flow)
    first = caller.send(**{"Codexos-Delivery": "d-1"})
    again = caller.send(**{"Codexos-Delivery": "d-1"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == {**first.json(), "is_replay": True}
    # another delivery with the same body is another one
    assert caller.send(**{"Codexos-Delivery": "d-2"}).status_code == 202
    # and the same id at another webhook, too
    _, other = hook_of(world.dev, flow)
    assert other.send(**{"Codexos-Delivery": "d-1"}).status_code == 202
    assert count_runs(world.acme.pk) == 3
    with tenant(world.acme.pk):
        assert Firing.objects.for_organization(world.acme.pk).filter(trigger=trigger).count() == 2


@pytest.mark.parametrize("was_refused", [False, True])
def test_a_delivery_id_with_another_body_starts_nothing(world: World, flow: UUID, was_refused: bool) -> None:
    # given
    trigger, caller = hook_of(world.dev, flow)
    if was_refused:
        archive_flow(world.lead.actor, flow)
    first = caller.send({"n": 1}, **{"Codexos-Delivery": "d-1"})
    if was_refused:
        unarchive_flow(world.lead.actor, flow)
    # when
    other = check_problem(caller.send({"n": 2}, **{"Codexos-Delivery": "d-1"}), 422)
    # then
    assert (other["code"], other["errors"][0]["place"]) == ("delivery_reused", "Codexos-Delivery")
    assert "'d-1' came before with another body" in other["detail"]
    assert count_runs(world.acme.pk) == (0 if was_refused else 1)
    # and the same body is what it was
    again = caller.send({"n": 1}, **{"Codexos-Delivery": "d-1"})
    assert (first.status_code, again.status_code) == ((409, 202) if was_refused else (202, 200))
    with tenant(world.acme.pk):
        assert Firing.objects.for_organization(world.acme.pk).filter(trigger=trigger).count() == 1


def test_a_delivery_of_before_bodies_were_noted_is_answered(world: World, flow: UUID) -> None:
    _, caller = hook_of(world.dev, flow)
    first = caller.send({"n": 1}, **{"Codexos-Delivery": "d-1"})
    with tenant(world.acme.pk):
        Firing.objects.for_organization(world.acme.pk).update(body_sha256=None)
    again = caller.send({"n": 2}, **{"Codexos-Delivery": "d-1"})
    assert (again.status_code, again.json()["run_id"]) == (200, first.json()["run_id"])


def test_one_id_with_two_bodies_at_once_starts_one_run(committed_world: World, truth: psycopg.Connection[Any]) -> None:
    flow = flow_of(committed_world.lead, committed_world.project)
    _, caller = hook_of(committed_world.dev, flow)
    together = Barrier(4)

    def call(number: int) -> int:
        try:
            together.wait()
            return int(caller.send({"n": number}, client=Client(), **{"Codexos-Delivery": "d"}).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        statuses = sorted(threads.map(call, range(4)))
    assert statuses == [202, 422, 422, 422]
    assert truth.execute("select count(*) from agents_run").fetchone() == (1,)


def test_without_an_id_the_signature_is_the_id(world: World, flow: UUID, stopped: StoppedClock) -> None:
    _, caller = hook_of(world.dev, flow)
    first, again = caller.send(), caller.send()
    assert again.json() == {**first.json(), "is_replay": True}
    stopped.go(seconds=1)
    assert caller.send().status_code == 202
    assert count_runs(world.acme.pk) == 2


def test_an_eavesdropper_can_neither_change_nor_keep_a_call(world: World, flow: UUID, stopped: StoppedClock) -> None:
    trigger, caller = hook_of(world.dev, flow)
    at = int(clock.now().timestamp())
    signature = hmac.new(caller.secret, f"{at}.d-1.".encode() + b"{}", hashlib.sha256).hexdigest()
    held = {"Codexos-Signature": f"t={at},v1={signature}", "Codexos-Delivery": "d-1"}

    def replay(body: bytes = b"{}", path: str = caller.path, **changed: str) -> int:
        headers = {**held, **changed}
        return int(FREE.post(path, body, content_type="application/json", headers=headers).status_code)

    assert replay(b'{"amount": 1000}') == 401
    assert replay(**{"Codexos-Delivery": "d-2"}) == 401
    assert replay(**{"Codexos-Delivery": ""}) == 401
    assert replay(b"d-1.{}", **{"Codexos-Delivery": ""}) == 401
    assert replay(**{"Codexos-Signature": f"t={at + 1},v1={signature}"}) == 401
    assert replay(path=f"/hooks/{hook_of(world.dev, flow)[0].pk}/") == 401
    stopped.go(seconds=301)
    assert replay() == 401
    stopped.go(seconds=-602)
    assert replay() == 401
    stopped.go(seconds=601)
    assert (replay(), replay()) == (202, 200)
    assert count_runs(world.acme.pk) == 1
    assert trigger.pk


def test_unknown_and_wrongly_signed_are_told_alike(world: World, flow: UUID) -> None:
    trigger, caller = hook_of(world.dev, flow)
    clocked = schedule(world.dev, flow)
    deleted, gone = hook_of(world.dev, flow)
    delete_trigger(world.dev.actor, deleted.pk)
    told = []
    wrong = Caller(trigger, "cos_hook_guessed")
    others = [Caller(clocked, "x"), gone, Caller(Trigger(pk=new_id()), "x")]
    for somebody in (wrong, *others):
        told.append(check_problem(somebody.send(), 401))
    unsigned = FREE.post(caller.path, b"{}", content_type="application/json")
    told.append(check_problem(unsigned, 401))
    told.append(check_problem(FREE.post("/hooks/not-an-id/", b"{}", content_type="application/json"), 401))
    for one in told:
        one.pop("request_id")
    assert all(one == told[0] for one in told)
    assert told[0]["code"] == "signature_invalid"
    assert count_runs(world.acme.pk) == 0


def test_an_unknown_webhook_costs_what_a_known_one_costs(
    world: World, flow: UUID, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger, _ = hook_of(world.dev, flow)
    opened: list[str] = []
    real = firing.open_secret
    monkeypatch.setattr(firing, "open_secret", lambda *args: opened.append("opened") or real(*args))
    for somebody in (Caller(trigger, "wrong"), Caller(Trigger(pk=new_id()), "wrong")):
        with django_assert_num_queries(1):
            somebody.send()
    assert opened == ["opened", "opened"]


def test_github_signs_its_own_way(world: World, flow: UUID) -> None:
    _, caller = hook_of(world.dev, flow, style="github")
    first = caller.send_as_github(b'{"ref": "main"}', delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert input_of(first, world) == {"ref": "main"}
    again = caller.send_as_github(b'{"ref": "main"}', delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert (again.status_code, again.json()["run_id"]) == (200, first.json()["run_id"])
    # each style takes its own signature only
    assert caller.send().status_code == 401
    _, ours = hook_of(world.dev, flow)
    assert ours.send_as_github(b"{}").status_code == 401


@pytest.mark.parametrize("delivery", ["a.b", "x" * 181, "a b", "ü"])
def test_a_delivery_id_that_is_none_is_refused(world: World, flow: UUID, delivery: str) -> None:
    _, caller = hook_of(world.dev, flow)
    refused = check_problem(caller.send(**{"Idempotency-Key": delivery}), 422)
    assert refused["errors"][0]["place"] == "Codexos-Delivery"


def test_after_rotating_both_secrets_hold_for_a_day(world: World, flow: UUID, stopped: StoppedClock) -> None:
    trigger, old = hook_of(world.dev, flow)
    new = Caller(trigger, rotate_secret(world.dev.actor, trigger.pk).secret)
    assert (old.send({"by": "old"}).status_code, new.send({"by": "new"}).status_code) == (202, 202)
    stopped.go(hours=23, minutes=59)
    assert old.send().status_code == 202
    stopped.go(minutes=1)
    assert (old.send().status_code, new.send().status_code) == (401, 202)
    # rotating once more ends the one before the last
    newest = Caller(trigger, rotate_secret(world.dev.actor, trigger.pk).secret)
    assert (old.send().status_code, new.send({"n": 2}).status_code, newest.send({"n": 3}).status_code) == (
        401,
        202,
        202,
    )


def test_the_secret_is_kept_sealed(committed_world: World, truth: psycopg.Connection[Any]) -> None:
    flow = flow_of(committed_world.lead, committed_world.project)
    trigger, caller = hook_of(committed_world.dev, flow)
    row = truth.execute("select * from agents_trigger where id = %s", [trigger.pk]).fetchone()
    assert row is not None
    assert caller.secret not in b"".join(value for value in row if isinstance(value, bytes))
    events = truth.execute("select details::text from accounts_auditevent").fetchall()
    assert not any(caller.secret.decode() in str(event) for event in events)
    # sealed for one place: moved to another webhook, it opens nothing
    other, _ = hook_of(committed_world.dev, flow)
    truth.execute(
        "update agents_trigger set secret = (select secret from agents_trigger where id = %s) where id = %s",
        [trigger.pk, other.pk],
    )
    broken = Client(raise_request_exception=False)
    assert Caller(other, caller.secret.decode()).send(client=broken).status_code == 500


def test_a_paused_webhook_starts_nothing_and_forgets_the_call(world: World, flow: UUID) -> None:
    trigger, caller = hook_of(world.dev, flow)
    change_trigger(world.lead.actor, trigger.pk, edit=TriggerEdit(is_enabled=False))
    assert check_problem(caller.send(**{"Codexos-Delivery": "d"}), 409)["code"] == "trigger_disabled"
    change_trigger(world.dev.actor, trigger.pk, edit=TriggerEdit(is_enabled=True))
    assert caller.send(**{"Codexos-Delivery": "d"}).status_code == 202


def test_a_refused_call_is_written_down_and_may_be_sent_again(world: World, flow: UUID) -> None:
    trigger, caller = hook_of(world.dev, flow)
    archive_flow(world.lead.actor, flow)
    for _ in range(2):
        refused = check_problem(caller.send(**{"Codexos-Delivery": "d"}), 409)
        assert (refused["code"], refused["reason"]) == ("firing_refused", "flow_archived")
    with tenant(world.acme.pk):
        fired = Firing.objects.for_organization(world.acme.pk).get(trigger=trigger)
    assert (fired.code, fired.run_id) == ("flow_archived", None)
    unarchive_flow(world.lead.actor, flow)
    assert caller.send(**{"Codexos-Delivery": "d"}).status_code == 202
    assert caller.send(**{"Codexos-Delivery": "d"}).status_code == 200


def test_who_has_left_is_called_for_nothing(world: World, flow: UUID) -> None:
    trigger, caller = hook_of(world.dev, flow)
    with tenant(world.acme.pk):
        member = Membership.objects.for_organization(world.acme.pk).get(person=world.dev.person)
    remove_member(world.admin.actor, member.id)
    assert check_problem(caller.send(), 409)["reason"] == "not_allowed"
    again = check_problem(caller.send({"n": 2}), 409)
    assert again["code"] == "trigger_disabled"
    assert "no longer a member" in again["detail"]
    with tenant(world.acme.pk):
        assert not Trigger.objects.for_organization(world.acme.pk).get(pk=trigger.pk).is_enabled
    assert count_runs(world.acme.pk) == 0


def test_the_same_delivery_at_once_starts_one_run(committed_world: World, truth: psycopg.Connection[Any]) -> None:
    flow = flow_of(committed_world.lead, committed_world.project)
    _, caller = hook_of(committed_world.dev, flow)
    together = Barrier(6)

    def call() -> tuple[int, str]:
        try:
            together.wait()
            answer = caller.send(client=Client(), **{"Codexos-Delivery": "at-once"})
            return answer.status_code, answer.json()["run_id"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        told = [one.result() for one in [pool.submit(call) for _ in range(6)]]
    assert sorted(status for status, _ in told) == [200] * 5 + [202]
    assert len({run for _, run in told}) == 1
    assert truth.execute("select count(*) from agents_run").fetchone() == (1,)


def test_calls_are_counted_by_address(world: World, flow: UUID, settings: Any) -> None:
    settings.THROTTLES_ON, settings.API_RATE_PER_MINUTE = True, 3
    _, caller = hook_of(world.dev, flow)
    address = {"REMOTE_ADDR": f"2001:db8::{new_id().hex[:4]}"}
    client = Client(**address)
    statuses = [caller.send({"n": n}, client=client).status_code for n in range(5)]
    assert statuses == [202, 202, 202, 429, 429]


def test_other_methods_are_not_for_webhooks(world: World, flow: UUID) -> None:
    _, caller = hook_of(world.dev, flow)
    assert FREE.get(caller.path).status_code == 405
