# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The flow worker under trouble: lost leases, two workers, cut steps, live followers."""

import asyncio
import json
from collections import Counter
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.test import AsyncClient

from accounts.operations.tokens import actor_from_token, issue_token
from accounts.roles import Permission, TokenScope
from accounts.tenancy import tenant, tenant_token
from agents.adapters.claims import Claim
from agents.adapters.events import MOST_QUEUED_BYTES, EventPublisher
from agents.adapters.journal_writer import JournalWriter
from agents.engine import documents
from agents.engine.errors import GraphInvalid, LeaseLost, Problem
from agents.engine.journal import Entry
from agents.operations.live import follow_run
from agents.operations.runs import RunRequest, start_run
from agents.queries.runs import list_entries
from agents.workers import runs
from agents.workers.loading import LoadedRun, load_runs
from agents.workers.runs import FlowWorker
from codexos.kernel import clock
from tests.agents.test_runs import BLUEPRINT, run_agent, working
from tests.factories import Someone, World


@pytest.fixture
def run_id(committed_world: World) -> UUID:
    """A run that was accepted and that nobody has taken yet."""
    return accept(committed_world.dev)


def accept(who: Someone) -> UUID:
    return start_run(who.actor, request=RunRequest(agent_id="a", document=BLUEPRINT, input="What is a kakapo?")).id


def entry(seq: int, kind: Any = "note", **data: Any) -> Entry:
    return Entry(seq, kind, clock.now(), None, 0, 1, data)


async def writing(writer: JournalWriter, *steps: Any) -> list[Any]:
    """Run coroutines beside the writer's own loop."""
    loop = asyncio.create_task(writer.run())
    try:
        return await asyncio.gather(*steps, return_exceptions=True)
    finally:
        loop.cancel()
        await writer.close()


def writer(holder: str = "one") -> JournalWriter:
    return JournalWriter(settings.DATABASE_JOURNAL_URL, holder=holder)


async def test_two_workers_never_hold_one_run(run_id: UUID) -> None:
    one, two = writer("one"), writer("two")
    first, second = await asyncio.gather(one.claim(10), two.claim(10))
    await asyncio.gather(one.close(), two.close())
    assert sorted(claim.run_id for claim in [*first, *second]) == [run_id]


async def test_a_worker_thought_dead_cannot_write(run_id: UUID, truth: psycopg.Connection) -> None:
    old = writer("old")
    (claim,) = await old.claim(1)
    truth.execute("update agents_run set claimed_until = now() - interval '1 second'")
    new = writer("new")
    (newer,) = await new.claim(1)
    (late,) = await writing(old, old.append(claim, [entry(1)]))
    (fresh,) = await writing(new, new.append(newer, [entry(1)]))
    assert isinstance(late, LeaseLost)
    assert fresh is None
    assert truth.execute("select epoch, seq from agents_journalentry").fetchall() == [(newer.epoch, 1)]


async def test_entries_of_two_organizations_share_one_commit(committed_world: World, truth: psycopg.Connection) -> None:
    await asyncio.to_thread(accept, committed_world.dev)
    await asyncio.to_thread(accept, committed_world.stranger)
    shared = writer()
    claims = await shared.claim(10)
    answers = await writing(shared, *(shared.append(claim, [entry(1), entry(2)]) for claim in claims))
    assert answers == [None, None]
    assert shared.commits == 1
    rows = truth.execute(
        "select distinct j.organization_id = r.organization_id from agents_journalentry j "
        "join agents_run r on r.id = j.run_id"
    ).fetchall()
    assert rows == [(True,)]


async def test_one_bad_run_does_not_fail_its_neighbors(committed_world: World, truth: psycopg.Connection) -> None:
    await asyncio.to_thread(accept, committed_world.dev)
    await asyncio.to_thread(accept, committed_world.dev)
    shared = writer()
    good, bad = await shared.claim(2)
    twice = [entry(1), entry(1)]
    answers = await writing(shared, shared.append(good, [entry(1)]), shared.append(bad, twice))
    assert answers[0] is None
    assert isinstance(answers[1], psycopg.errors.UniqueViolation)
    assert truth.execute("select run_id from agents_journalentry").fetchall() == [(good.run_id,)]


async def test_the_writers_role_sees_no_content(run_id: UUID) -> None:
    async with await psycopg.AsyncConnection.connect(settings.DATABASE_JOURNAL_URL, autocommit=True) as journal:
        for forbidden in (
            "select document from agents_run",
            "select delta from agents_journalentry",
            "delete from agents_journalentry",
            "update agents_run set document = '{}'",
            "select * from accounts_person",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await journal.execute(forbidden)


async def test_the_app_cannot_write_the_journal(committed_world: World, run_id: UUID) -> None:
    def forge() -> None:
        from django.db import connection

        with tenant(committed_world.acme.id), connection.cursor() as cursor:
            cursor.execute("update agents_run set status = 'succeeded'")

    from django.db import ProgrammingError

    with pytest.raises(ProgrammingError, match="permission denied"):
        await asyncio.to_thread(forge)


async def test_a_run_whose_worker_vanished_goes_on(run_id: UUID, truth: psycopg.Connection) -> None:
    lost = writer("lost")
    (claim,) = await lost.claim(1)
    await writing(lost, lost.append(claim, [entry(1, "run.accepted"), entry(2, "run.started", epoch=1)]))
    truth.execute("update agents_run set claimed_until = now() - interval '1 second'")
    with working("heir"):
        await finished(truth, run_id)
    kinds = [row[0] for row in truth.execute("select type from agents_journalentry order by seq")]
    assert kinds.count("run.started") == 2
    assert kinds[-1] == "run.finished"
    assert truth.execute("select status from agents_run").fetchone() == ("succeeded",)


async def test_a_finished_run_is_settled_once(committed_world: World, truth: psycopg.Connection) -> None:
    with working():
        await run_agent(committed_world.dev, {"agent_id": "a", "flow": BLUEPRINT, "input": "Go"})
        await until(lambda: truth.execute("select settled_at from agents_run").fetchone() != (None,))
    metered = truth.execute("select count(*) from accounts_usagerecord where kind = 'run.tokens'").fetchone()
    told = truth.execute("select count(*) from accounts_outboxevent where name = 'run.finished'").fetchone()
    assert (metered, told) == ((1,), (1,))


async def test_a_person_who_left_cannot_have_their_run_go_on(
    committed_world: World, run_id: UUID, truth: psycopg.Connection
) -> None:
    truth.execute("update accounts_person set is_active = false where email = 'dev@acme.example'")
    with working():
        await finished(truth, run_id)
    assert truth.execute("select status from agents_run").fetchone() == ("failed",)
    assert truth.execute("select count(*) from agents_journalentry where type = 'step.done'").fetchone() == (0,)


async def test_a_run_that_kills_every_worker_is_given_up(run_id: UUID, truth: psycopg.Connection) -> None:
    truth.execute("update agents_run set bad_takes = 20")
    with working():
        await finished(truth, run_id)
    assert truth.execute("select status from agents_run").fetchone() == ("failed",)
    assert truth.execute("select count(*) from agents_journalentry where type = 'step.intended'").fetchone() == (0,)


@pytest.mark.parametrize("after", [0, 1, 5, 1000])
async def test_following_from_any_seq_loses_and_repeats_nothing(committed_world: World, after: int) -> None:
    run_id = await asyncio.to_thread(accept, committed_world.dev)
    follower = asyncio.create_task(_follow(committed_world.dev, run_id, after=0))
    with working():
        seqs = await asyncio.wait_for(follower, 20)
    assert seqs == list(range(1, len(seqs) + 1))
    if after < len(seqs):
        assert await asyncio.wait_for(_follow(committed_world.dev, run_id, after=after), 20) == seqs[after:]


async def test_events_stream_as_they_are_promised(committed_world: World) -> None:
    with working():
        run = (await run_agent(committed_world.dev, {"agent_id": "a", "flow": BLUEPRINT, "input": "Go"})).json()
    answer = await AsyncClient().get(
        f"/api/v1/runs/{run['id']}/events",
        headers={
            "Authorization": f"Bearer {committed_world.viewer.token}",
            "Last-Event-ID": "3",
            "Accept": "text/event-stream",
        },
    )
    text = b"".join([part async for part in answer.streaming_content]).decode()
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    assert answer["Content-Type"].startswith("text/event-stream")
    assert [event["seq"] for event in events] == list(range(4, 4 + len(events)))
    assert events[-1]["type"] == "run.finished"
    assert set(events[0]) == {"seq", "type", "at", "node_id", "data"}


@pytest.mark.parametrize(("who", "status"), [("stranger", 404), (None, 401)])
async def test_who_may_not_follow(committed_world: World, run_id: UUID, who: str | None, status: int) -> None:
    headers = {"Authorization": f"Bearer {getattr(committed_world, who).token}"} if who else {}
    answer = await AsyncClient().get(f"/api/v1/runs/{run_id}/events", headers=headers)
    assert answer.status_code == status


async def test_a_client_may_prefer_not_to_wait(committed_world: World) -> None:
    body = {"agent_id": "a", "flow": BLUEPRINT, "input": "Go"}
    answer = await run_agent(committed_world.dev, body, Prefer="respond-async")
    assert answer.status_code == 202
    assert answer.json()["status"] == "queued"
    assert answer["Location"] == f"/api/v1/runs/{answer.json()['id']}/"


async def test_a_repeated_call_starts_one_run_and_answers_twice(
    committed_world: World, truth: psycopg.Connection
) -> None:
    body = {"agent_id": "a", "flow": BLUEPRINT, "input": "Go"}
    with working():
        first = await run_agent(committed_world.dev, body, **{"Idempotency-Key": "once"})
        again = await run_agent(committed_world.dev, body, **{"Idempotency-Key": "once"})
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again["Idempotency-Replayed"] == "true"
    assert "RateLimit" in first
    assert truth.execute("select count(*) from agents_run").fetchone() == (1,)


async def test_an_organization_whose_places_are_taken_waits_for_the_others(committed_world: World) -> None:
    await asyncio.to_thread(accept, committed_world.dev)
    others = await asyncio.to_thread(accept, committed_world.stranger)
    one = writer()
    claims = await one.claim(10, but_of=[committed_world.acme.id])
    await one.close()
    assert [claim.run_id for claim in claims] == [others]


async def test_one_organization_takes_no_more_than_its_places_at_once(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: three runs of one organization wait, and a younger one of another
    monkeypatch.setattr(settings, "RUNS_PER_WORKER", 4)
    monkeypatch.setattr(runs, "PATIENT_SECONDS", 0.01)
    monkeypatch.setattr(runs, "LAST_SECONDS", 0.01)
    for who in (*[committed_world.dev] * 3, committed_world.stranger):
        await asyncio.to_thread(accept, who)
    carried: list[UUID] = []

    async def carry(_worker: FlowWorker, claim: Claim, _loading: object) -> None:
        carried.append(claim.organization_id)
        await asyncio.Event().wait()

    monkeypatch.setattr(FlowWorker, "_carry", carry)
    # when
    with working() as worker:
        await until(lambda: worker.carrying == 3)
    # then
    assert Counter(carried) == {committed_world.acme.id: 2, committed_world.stranger.actor.organization_id: 1}


def test_a_run_can_do_no_more_than_the_token_that_started_it(committed_world: World) -> None:
    issued = issue_token(committed_world.dev.actor, name="Runner", scopes=[TokenScope.RUN])
    opened = actor_from_token(issued.value)
    assert opened is not None
    request = RunRequest(agent_id="a", document=BLUEPRINT, input="Go")
    run = start_run(opened[1], request=request)
    loaded = load_runs({committed_world.acme.id: [run.id]})[run.id]
    assert isinstance(loaded, LoadedRun)
    actor = loaded.standing.load_actor()
    assert actor is not None
    assert actor.may(Permission.RUN_FLOWS, committed_world.project)
    assert not actor.may(Permission.ACCESS_VAULT, committed_world.project)
    # The same person without a token could: the wall is the token's.
    assert committed_world.dev.actor.may(Permission.ACCESS_VAULT, committed_world.project)


def test_events_that_nobody_takes_do_not_pile_up(committed_world: World) -> None:
    async def publish() -> int:
        publisher = EventPublisher(settings.REDIS_URL)
        for seq in range(1, 60):
            publisher.publish_entries(committed_world.acme.id, [entry(seq, text="x" * 2_000_000)])
        size = sum(len(queued.packed) for queued in publisher._queued)
        await publisher.close()
        return size

    assert asyncio.run(publish()) <= MOST_QUEUED_BYTES


async def test_a_follower_holds_no_connection(committed_world: World, truth: psycopg.Connection) -> None:
    run_id = await asyncio.to_thread(accept, committed_world.dev)
    follower = asyncio.create_task(_follow(committed_world.dev, run_id, after=0))
    held = "select count(*) from pg_stat_activity where usename = 'codexos_app' and state like 'idle in%'"
    await asyncio.sleep(0.5)
    assert truth.execute(held).fetchone() == (0,)
    assert connection.connection is None
    follower.cancel()


async def _follow(who: Someone, run_id: UUID, *, after: int) -> list[int]:
    return [event.seq async for event in follow_run(who.actor, run_id, after=after) if event.seq]


async def finished(truth: psycopg.Connection, run_id: UUID) -> None:
    await until(
        lambda: truth.execute("select completed_at from agents_run where id = %s", [run_id]).fetchone() != (None,)
    )


async def until(condition: Any) -> None:
    """Wait for a condition that another process or thread brings about."""
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.1)
    pytest.fail("what was waited for never came")


def test_entries_read_back_as_they_were_written(committed_world: World) -> None:
    run_id = accept(committed_world.dev)
    kept = entry(1, "note", text="a\x00b", more={"deep": [1, 2, {"x": None}]})

    async def write() -> None:
        one = writer()
        (claim,) = await one.claim(1)
        assert isinstance(claim, Claim)
        await writing(one, one.append(claim, [kept]))

    asyncio.run(write())
    (read,) = list_entries(committed_world.dev.actor, run_id)
    assert (read.data, read.type, read.seq) == (kept.data, "note", 1)


async def test_runs_of_several_organizations_are_read_at_once_each_by_its_own_token(
    committed_world: World, truth: psycopg.Connection
) -> None:
    ours = await asyncio.to_thread(accept, committed_world.dev)
    theirs = await asyncio.to_thread(accept, committed_world.stranger)
    acme, other = committed_world.acme.id, committed_world.stranger.actor.organization_id
    loaded = await asyncio.to_thread(load_runs, {acme: [ours], other: [theirs]})
    assert [type(each) for each in loaded.values()] == [LoadedRun, LoadedRun]
    # One that is asked for with another organization's token is not there.
    assert await asyncio.to_thread(load_runs, {acme: [theirs], other: [ours]}) == {}
    # Nothing of it stays behind for whoever asks next over the connection.
    assert await asyncio.to_thread(_visible_runs) == 0


def _visible_runs() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from agents_run")
        return int(cursor.fetchone()[0])


async def test_one_organization_whose_runs_cannot_be_read_holds_up_no_other(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = await asyncio.to_thread(accept, committed_world.dev)
    theirs = await asyncio.to_thread(accept, committed_world.stranger)
    acme, other = committed_world.acme.id, committed_world.stranger.actor.organization_id

    def token_of(organization_id: UUID) -> str:
        return tenant_token(organization_id) if organization_id == acme else "tenant.forged"

    monkeypatch.setattr("agents.workers.loading.tenant_token", token_of)
    loaded = await asyncio.to_thread(load_runs, {acme: [ours], other: [theirs]})
    assert isinstance(loaded[ours], LoadedRun)
    assert isinstance(loaded[theirs], DatabaseError)


async def test_a_rule_made_later_holds_up_no_run_that_was_accepted(
    committed_world: World, truth: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = await asyncio.to_thread(accept, committed_world.dev)
    monkeypatch.setattr(documents, "check_flow", lambda *_words, **_options: [Problem("$", "No flow is any more.")])
    with pytest.raises(GraphInvalid):
        documents.parse_flow(BLUEPRINT)
    with working():
        await finished(truth, run_id)
    assert truth.execute("select status from agents_run").fetchone() == ("succeeded",)


async def test_a_worker_that_has_stopped_holds_no_connection(committed_world: World, truth: psycopg.Connection) -> None:
    run_id = await asyncio.to_thread(accept, committed_world.dev)
    held = "select count(*) from pg_stat_activity where usename in ('codexos_app', 'codexos_journal')"
    (before,) = truth.execute(held).fetchone() or (0,)
    with working():
        await finished(truth, run_id)
    # One that was there before may be gone by now, too.
    await until(lambda: (truth.execute(held).fetchone() or (0,))[0] <= before)
