# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Organizations take turns: none starves another, and none has more under way than its places. Told in claims."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from agents.adapters import claims
from agents.adapters.claims import Claim
from agents.adapters.journal_writer import JournalWriter
from agents.operations.interventions import cancel_run
from tests.agents.test_worker import accept, entry, writing
from tests.factories import World

CROWD = 10_000


def writer(holder: str = "one", *, most: int = 1000) -> JournalWriter:
    return JournalWriter(settings.DATABASE_JOURNAL_URL, holder=holder, most_runs_of_one=most)


def crowd(truth: psycopg.Connection, run_id: UUID, *, runs: int) -> None:
    """Let ``runs`` more runs like this one wait, each older than all there are."""
    columns = [
        row[0]
        for row in truth.execute(
            "select column_name from information_schema.columns where table_name = 'agents_run' and column_name <> 'id'"
        )
    ]
    named = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL(
        "insert into agents_run (id, {named}) "
        "select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, {named} "
        "from agents_run, generate_series(1, %s) n where id = %s"
    )
    truth.execute(statement.format(named=named), [runs, run_id])
    truth.execute("analyze agents_run")


async def hang_up(*writers: JournalWriter) -> None:
    await asyncio.gather(*(one.close() for one in writers))


def finish(truth: psycopg.Connection, taken: Sequence[Claim]) -> None:
    truth.execute(
        "update agents_run set status = 'succeeded', completed_at = now(), claimed_until = null where id = any(%s)",
        [[claim.run_id for claim in taken]],
    )


async def test_ten_thousand_runs_do_not_starve_one(committed_world: World, truth: psycopg.Connection) -> None:
    # given: ten thousand runs of one organization were there before the one of another
    crowd(truth, await asyncio.to_thread(accept, committed_world.dev), runs=CROWD)
    lonely = await asyncio.to_thread(accept, committed_world.stranger)
    one, two = writer("one"), writer("two")
    # when: workers with a single place each take turns, and what they take is over at once
    taken: list[UUID] = []
    for worker in (one, two):
        (claim,) = await worker.claim(1)
        finish(truth, [claim])
        taken.append(claim.run_id)
    await hang_up(one, two)
    # then
    assert lonely in taken


async def test_turns_go_round_over_all_workers(committed_world: World, truth: psycopg.Connection) -> None:
    for who in (committed_world.dev, committed_world.stranger):
        crowd_of_one = [await asyncio.to_thread(accept, who) for _ in range(4)]
        assert crowd_of_one
    workers = [writer("one"), writer("two")]
    owners = []
    for turn in range(8):
        (claim,) = await workers[turn % 2].claim(1)
        finish(truth, [claim])
        owners.append(claim.organization_id)
    await hang_up(*workers)
    assert all(before != after for before, after in itertools.pairwise(owners))


async def test_whoever_has_fewer_runs_under_way_is_first(committed_world: World, truth: psycopg.Connection) -> None:
    crowd(truth, await asyncio.to_thread(accept, committed_world.dev), runs=30)
    one = writer()
    await one.claim(10)
    late = [await asyncio.to_thread(accept, committed_world.stranger) for _ in range(3)]
    claims = await one.claim(4)
    await hang_up(one)
    assert [claim.run_id in late for claim in claims].count(True) == 3


async def test_an_organizations_places_hold_over_all_workers(committed_world: World, truth: psycopg.Connection) -> None:
    # given: twenty places, forty runs, and eight workers that all claim at once
    crowd(truth, await asyncio.to_thread(accept, committed_world.dev), runs=40)
    workers = [writer(f"w{number}", most=20) for number in range(8)]
    # when
    taken = await asyncio.gather(*(worker.claim(7) for worker in workers))
    # then
    assert sum(map(len, taken)) == 20
    assert len({claim.run_id for claims in taken for claim in claims}) == 20
    # and: a place that becomes free is taken once
    finish(truth, next(claims for claims in taken if claims)[:1])
    again = await asyncio.gather(*(worker.claim(7) for worker in workers))
    await hang_up(*workers)
    assert sum(map(len, again)) == 1


async def test_an_organization_may_allow_itself_less_not_more(
    committed_world: World, truth: psycopg.Connection
) -> None:
    crowd(truth, await asyncio.to_thread(accept, committed_world.dev), runs=20)
    truth.execute("update accounts_organization set most_runs = 3 where slug = 'acme'")
    one = writer(most=5)
    assert len(await one.claim(10)) == 3
    truth.execute("update accounts_organization set most_runs = 100 where slug = 'acme'")
    assert len(await one.claim(10)) == 2
    await hang_up(one)


async def test_runs_whose_worker_is_gone_need_no_new_place(committed_world: World, truth: psycopg.Connection) -> None:
    crowd(truth, await asyncio.to_thread(accept, committed_world.dev), runs=5)
    old, new = writer("old", most=3), writer("new", most=3)
    lost = await old.claim(10)
    truth.execute("update agents_run set claimed_until = now() - interval '1 second' where status = 'running'")
    found = await new.claim(10)
    await hang_up(old, new)
    assert {claim.run_id for claim in found} == {claim.run_id for claim in lost}


async def test_a_run_ended_by_a_worker_thought_dead_is_not_taken(
    committed_world: World, truth: psycopg.Connection
) -> None:
    # given: a lease has lapsed, and its holder ends the run in a transaction that is not over
    await asyncio.to_thread(accept, committed_world.dev)
    old, new = writer("old"), writer("new")
    (claim,) = await old.claim(1)
    truth.execute("update agents_run set claimed_until = now() - interval '1 second'")
    with truth.transaction():
        finish(truth, [claim])
        assert await new.claim(1) == []
    assert await new.claim(1) == []
    await hang_up(old, new)


async def test_a_run_that_is_called_off_waits_for_no_place(committed_world: World, truth: psycopg.Connection) -> None:
    await asyncio.to_thread(accept, committed_world.dev)
    one = writer(most=1)
    assert len(await one.claim(10)) == 1
    waiting = await asyncio.to_thread(accept, committed_world.dev)
    assert await one.claim(10) == []
    await asyncio.to_thread(cancel_run, committed_world.dev.actor, waiting)
    (claim,) = await one.claim(10)
    await hang_up(one)
    assert claim.run_id == waiting


async def test_claims_stay_cheap_among_ten_thousand(committed_world: World, truth: psycopg.Connection) -> None:
    crowd(truth, await asyncio.to_thread(accept, committed_world.dev), runs=CROWD)
    await asyncio.to_thread(accept, committed_world.stranger)
    asked = {"holder": "h", "lease": 8.0, "limit": 10, "most": 500, "full": [], "held": []}
    with truth.transaction(force_rollback=True), psycopg.ClientCursor(truth) as cursor:
        for setting in claims.PLANNED_WITHOUT:
            cursor.execute(sql.SQL("set local {} = off").format(sql.Identifier(setting)))
        plan: Any = cursor.execute("explain (analyze, buffers, format json) " + claims._CLAIM, asked).fetchone()
    top = plan[0][0]["Plan"]
    # A walk through all that wait would read thousands of pages.
    assert top["Shared Hit Blocks"] + top["Shared Read Blocks"] < 1000
    assert not [step for step in _steps(top) if step["Node Type"] == "Seq Scan" and step.get("Actual Rows", 0) > 100]


async def test_only_takes_that_came_to_nothing_are_counted(committed_world: World, truth: psycopg.Connection) -> None:
    await asyncio.to_thread(accept, committed_world.dev)
    one = writer()

    async def take(*entries: Any) -> int:
        (claim,) = await one.claim(1)
        if entries:
            await one.append(claim, entries)
        truth.execute("update agents_run set claimed_until = null where status = 'running'")
        return claim.bad_takes

    async def takes() -> list[int]:
        counted = [await take(), await take(entry(1, "run.started"), entry(2, "step.intended")), await take()]
        return [*counted, await take(entry(3, "step.done")), await take()]

    (counted,) = await writing(one, takes())
    # What is written before a step has come to anything is what a run that ends its workers writes each time.
    assert counted == [1, 2, 3, 4, 1]


async def test_letting_go_in_good_order_is_held_against_nobody(
    committed_world: World, truth: psycopg.Connection
) -> None:
    crowd(truth, await asyncio.to_thread(accept, committed_world.dev), runs=19)
    truth.execute("update agents_run set bad_takes = 5")
    one = writer()
    held = await one.claim(100)
    await asyncio.gather(*(one.release(claim, wake="codexos_runs") for claim in held))
    await hang_up(one)
    assert truth.execute("select distinct bad_takes, claimed_until from agents_run").fetchall() == [(0, None)]


def _steps(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield step
    for inner in step.get("Plans", []):
        yield from _steps(inner)


async def test_a_worker_that_stops_lets_go_of_all_in_a_few_statements(
    committed_world: World, truth: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: more runs than could be let go one behind another in the time there is
    crowd(truth, await asyncio.to_thread(accept, committed_world.dev), runs=1999)
    one, sent = writer(most=2000), []
    held = await one.claim(2000)
    execute = one._execute

    async def counted(statement: Any, parameters: Any) -> Any:
        sent.append(statement)
        return await execute(statement, parameters)

    monkeypatch.setattr(one, "_execute", counted)
    # when
    await asyncio.gather(*(one.release(claim, wake="codexos_runs") for claim in held))
    await hang_up(one)
    # then
    assert truth.execute("select count(*) from agents_run where claimed_until is null").fetchone() == (2000,)
    assert len(sent) <= 3
