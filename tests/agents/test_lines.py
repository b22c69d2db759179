# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A flow's concurrency policy: what becomes of a run that is asked for while another is not over."""

import asyncio
from threading import Event
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.test import AsyncClient

from agents.adapters.chat_model import GatewayModel
from agents.errors import RunUnderWay, TooManyRunsQueued
from agents.models import Flow, Run
from agents.operations.flows import FlowEdit, change_flow, create_flow
from agents.operations.interventions import cancel_run
from agents.operations.runs import RunRequest, start_run
from agents.operations.versions import publish_flow
from agents.queries.places import list_waits
from agents.queries.runs import access_run
from agents.workers import runs as workers
from codexos.kernel.errors import CodexosError, NotAllowed, NotFound
from tests.agents.test_runs import working
from tests.agents.test_turns import hang_up, writer
from tests.agents.test_worker import finished, until
from tests.conftest import see_the_truth
from tests.factories import Someone, World

FLOW: dict[str, Any] = {
    "id": "one-by-one",
    "nodes": [{"id": "start", "type": "entry", "next": "end"}, {"id": "end", "type": "exit", "output": "done"}],
}


TALK: dict[str, Any] = {
    "id": "talk",
    "nodes": [
        {"id": "start", "type": "entry", "next": "ask"},
        {"id": "ask", "type": "llm", "model": "offline", "prompt": "Say {{input}}", "next": "end"},
        {"id": "end", "type": "exit"},
    ],
}


def a_flow(
    who: Someone, world: World, *, slug: str | None = None, document: dict[str, Any] = FLOW, **policy: str
) -> Flow:
    flow = create_flow(who.actor, project=world.project, document=document, slug=slug)
    change_flow(who.actor, flow.id, edit=FlowEdit(**policy))
    publish_flow(who.actor, flow=flow.id)
    return flow


def start(who: Someone, flow: Flow, conversation_id: str = "") -> Run:
    request = RunRequest(agent_id=str(flow.id), input="Go", conversation_id=conversation_id)
    return start_run(who.actor, request=request)


async def claimed(*, limit: int = 10) -> list[UUID]:
    one = writer()
    await one.call_next()
    claims = await one.claim(limit)
    await hang_up(one)
    return [claim.run_id for claim in claims]


def test_allowed_runs_wait_for_nobody(committed_world: World) -> None:
    flow = a_flow(committed_world.dev, committed_world)
    runs = [start(committed_world.dev, flow) for _ in range(3)]
    assert set(asyncio.run(claimed())) == {run.id for run in runs}


def test_queued_runs_go_one_behind_another_in_their_order(committed_world: World, truth: psycopg.Connection) -> None:
    flow = a_flow(committed_world.dev, committed_world, concurrency="queue")
    runs = [start(committed_world.dev, flow) for _ in range(3)]
    for run in runs:
        assert asyncio.run(claimed()) == [run.id]
        # Whoever waits for a person is not over.
        truth.execute("update agents_run set status = 'waiting', claimed_until = null where id = %s", [run.id])
        assert asyncio.run(claimed()) == []
        end(truth, run)


def end(truth: psycopg.Connection, run: Run) -> None:
    truth.execute(
        "update agents_run set status = 'succeeded', completed_at = now(), claimed_until = null where id = %s", [run.id]
    )


def test_one_of_the_queue_that_is_cancelled_holds_up_nobody(committed_world: World, truth: psycopg.Connection) -> None:
    flow = a_flow(committed_world.dev, committed_world, concurrency="queue")
    first, second, third = (start(committed_world.dev, flow) for _ in range(3))
    cancel_run(committed_world.dev.actor, second.id)
    assert set(asyncio.run(claimed())) == {first.id, second.id}
    end(truth, second)
    assert asyncio.run(claimed()) == []
    end(truth, first)
    assert asyncio.run(claimed()) == [third.id]


def test_conversations_do_not_wait_for_each_other(committed_world: World) -> None:
    flow = a_flow(committed_world.dev, committed_world, concurrency="queue", concurrency_scope="conversation")
    runs = [start(committed_world.dev, flow, name) for name in ("a", "a", "b", "", "")]
    assert set(asyncio.run(claimed())) == {run.id for run in (runs[0], *runs[2:])}


def test_a_second_run_is_rejected_with_the_first_ones_id(committed_world: World, truth: psycopg.Connection) -> None:
    flow = a_flow(committed_world.dev, committed_world, concurrency="reject")
    first = start(committed_world.dev, flow)
    with pytest.raises(RunUnderWay) as refused:
        start(committed_world.lead, flow)
    assert refused.value.details["run_id"] == str(first.id)
    end(truth, first)
    assert start(committed_world.dev, flow).id != first.id


async def test_of_many_that_start_at_once_one_is_accepted(committed_world: World, truth: psycopg.Connection) -> None:
    flow = await asyncio.to_thread(a_flow, committed_world.dev, committed_world, concurrency="reject")
    tries = [asyncio.to_thread(start, committed_world.dev, flow) for _ in range(6)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Run", *["RunUnderWay"] * 5]
    assert truth.execute("select count(*) from agents_run").fetchone() == (1,)


async def test_many_that_are_queued_at_once_each_have_a_place(
    committed_world: World, truth: psycopg.Connection
) -> None:
    flow = await asyncio.to_thread(a_flow, committed_world.dev, committed_world, concurrency="queue")
    await asyncio.gather(*(asyncio.to_thread(start, committed_world.dev, flow) for _ in range(6)))
    places = truth.execute("select place from agents_run order by place").fetchall()
    assert places == [(place,) for place in range(1, 7)]
    workers = [writer(f"w{number}") for number in range(4)]
    await asyncio.gather(*(worker.call_next() for worker in workers))
    taken = await asyncio.gather(*(worker.claim(10) for worker in workers))
    await hang_up(*workers)
    assert sum(map(len, taken)) == 1


def test_the_newest_run_replaces_the_others(committed_world: World, truth: psycopg.Connection) -> None:
    # given: one run is under way, one stands behind it
    flow = a_flow(committed_world.dev, committed_world, concurrency="replace")
    first = start(committed_world.dev, flow)
    assert asyncio.run(claimed()) == [first.id]
    second = start(committed_world.lead, flow)
    # when
    last = start(committed_world.lead, flow)
    assert last.id not in asyncio.run(claimed())
    # then: the worker that holds them is gone, the next one ends both and carries the last
    truth.execute("update agents_run set claimed_until = null")
    with working("heir"):
        asyncio.run(finished(truth, last.id))
    statuses = [row[0] for row in truth.execute("select status from agents_run order by place, id")]
    assert statuses == ["cancelled", "cancelled", "succeeded"]
    _, said = asyncio.run(shown(committed_world.viewer, first))
    # It was the second run that replaced the first, whatever the third did later.
    assert said["error"] == {
        "code": "cancelled",
        "reason": "replace",
        "run_id": str(second.id),
        "message": f"{committed_world.lead.person} started run {str(second.id)!r} of the same flow, which replaced "
        "this one.",
    }
    assert any(f"started run {str(second.id)!r}" in line["message"] for line in said["logs"])


async def shown(who: Someone, run: Run) -> tuple[int, Any]:
    answer = await AsyncClient().get(f"/api/v1/runs/{run.id}/", headers={"Authorization": f"Bearer {who.token}"})
    return answer.status_code, answer.json()


async def test_a_replaced_run_ends_at_once_though_its_worker_is_busy(
    committed_world: World, truth: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: a run is in the middle of a step, and its worker neither renews its lease nor looks for runs
    monkeypatch.setattr(workers, "RENEW_EVERY_SECONDS", 3600)
    monkeypatch.setattr(workers, "LOOK_EVERY_SECONDS", 3600)
    asked, never = Event(), asyncio.Event()

    async def hang(*_args: Any) -> Any:
        asked.set()
        await never.wait()
        yield

    monkeypatch.setattr(GatewayModel, "stream", hang)
    flow = await asyncio.to_thread(a_flow, committed_world.dev, committed_world, document=TALK, concurrency="replace")
    with working() as worker:
        first = await asyncio.to_thread(start, committed_world.dev, flow)
        assert await asyncio.to_thread(asked.wait, 20)
        # when: post for all workers says nothing of this run, so it goes by name
        second = await asyncio.to_thread(start, committed_world.lead, flow)
        await finished(truth, first.id)
        assert worker.carrying <= 1
        await asyncio.to_thread(cancel_run, committed_world.lead.actor, second.id)
        await finished(truth, second.id)
    _, said = await shown(committed_world.dev, first)
    assert (said["status"], said["error"]["run_id"]) == ("cancelled", str(second.id))


async def test_of_many_that_replace_at_once_the_last_is_left(committed_world: World, truth: psycopg.Connection) -> None:
    # given: nine runs are under way, whose rows stand in another order than their ids
    flow = await asyncio.to_thread(a_flow, committed_world.dev, committed_world, concurrency="queue")
    before = [await asyncio.to_thread(start, committed_world.dev, flow) for _ in range(9)]
    edit = FlowEdit(concurrency="replace")
    await asyncio.to_thread(change_flow, committed_world.dev.actor, flow.id, edit=edit)
    for run in reversed(before):
        truth.execute("update agents_run set bad_takes = 0 where id = %s", [run.id])
    with see_the_truth() as other, other.transaction():
        other.execute("select 1 from agents_run where id = %s for no key update", [before[0].id])
        starts = [asyncio.create_task(asyncio.to_thread(start, committed_world.dev, flow)) for _ in range(4)]
        await until(lambda: waiting_for_locks(truth) >= 4)
        for run in before[1:]:
            # when: who waits for the first holds no other, so whoever locks them in this order waits for nobody
            other.execute("select 1 from agents_run where id = %s for no key update nowait", [run.id])
    # then
    runs = await asyncio.gather(*starts)
    left = truth.execute("select id from agents_run where not is_cancelling").fetchall()
    assert left == [(max(runs, key=lambda run: run.place).id,)]
    sent = truth.execute("select count(*), count(distinct run_id) from agents_inboxmessage").fetchone()
    assert sent == (12, 12)


def waiting_for_locks(truth: psycopg.Connection) -> int:
    row = truth.execute("select count(distinct pid) from pg_locks where not granted").fetchone()
    return row[0] if row else 0


def test_a_run_that_has_ended_is_not_replaced(committed_world: World, truth: psycopg.Connection) -> None:
    flow = a_flow(committed_world.dev, committed_world, concurrency="replace")
    end(truth, start(committed_world.dev, flow))
    start(committed_world.dev, flow)
    assert truth.execute("select count(*) from agents_inboxmessage").fetchone() == (0,)


def test_nothing_of_another_organization_is_replaced(committed_world: World, truth: psycopg.Connection) -> None:
    # given: by some mistake a run of the other organization stands in this line
    flow = a_flow(committed_world.dev, committed_world, concurrency="replace")
    theirs = start_run(committed_world.stranger.actor, request=RunRequest(agent_id="x", input="Go", document=FLOW))
    mine = start(committed_world.dev, flow)
    truth.execute("update agents_run set line = %s, place = 7 where id = %s", [mine.line, theirs.id])
    # when
    newest = start(committed_world.dev, flow)
    # then
    called_off = "select id from agents_run where is_cancelling or has_post"
    assert truth.execute(called_off).fetchall() == [(mine.id,)]
    assert newest.place == mine.place + 1
    events = truth.execute("select about_id from accounts_auditevent where action = 'run.replaced'").fetchall()
    assert [str(row[0]) for row in events] == [str(mine.id)]


def test_a_start_that_is_cut_off_leaves_nobody_behind_it(committed_world: World, truth: psycopg.Connection) -> None:
    # given: a run stands behind one that ended while its start was not durable yet, so that nobody called it
    flow = a_flow(committed_world.dev, committed_world, concurrency="queue")
    first, second = start(committed_world.dev, flow), start(committed_world.dev, flow)
    end(truth, first)
    # then: a worker's own look finds it
    assert asyncio.run(claimed()) == [second.id]


def test_a_run_in_line_says_whom_it_waits_for(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = a_flow(committed_world.dev, committed_world, concurrency="queue")
    first, second = start(committed_world.dev, flow), start(committed_world.dev, flow)
    viewer = committed_world.viewer.actor
    wait = list_waits(viewer, [access_run(viewer, second.id)])[second.id]
    assert (wait.reason, wait.run_id) == ("line", first.id)
    monkeypatch.setattr(settings, "RUNS_PER_ORGANIZATION", 1)
    asyncio.run(claimed())
    other = start(committed_world.dev, a_flow(committed_world.lead, committed_world, slug="another"))
    wait = list_waits(viewer, [access_run(viewer, other.id)])[other.id]
    assert wait.message == "waits for a place: 1 of your organization's runs are under way"


def test_a_queue_that_is_full_takes_no_more(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "QUEUED_RUNS_PER_ORGANIZATION", 2)
    flow = a_flow(committed_world.dev, committed_world)
    for _ in range(2):
        start(committed_world.dev, flow)
    with pytest.raises(TooManyRunsQueued) as refused:
        start(committed_world.dev, flow)
    assert refused.value.details["retry_after_seconds"] == 30


@pytest.mark.parametrize(("who", "refusal"), [("viewer", NotAllowed), ("lead", NotAllowed), ("stranger", NotFound)])
def test_who_may_not_change_a_policy(committed_world: World, who: str, refusal: type[CodexosError]) -> None:
    flow = a_flow(committed_world.dev, committed_world)
    with pytest.raises(refusal):
        change_flow(getattr(committed_world, who).actor, flow.id, edit=FlowEdit(concurrency="queue"))
