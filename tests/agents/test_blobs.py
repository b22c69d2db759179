# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Large values: written before what refers to them, once per organization, read back unseen, swept when idle."""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from accounts.tenancy import tenant
from agents.adapters.events import FINISHED, EventPublisher, LiveEvent
from agents.adapters.journal import PostgresJournal
from agents.adapters.watchers import Watcher
from agents.engine.errors import JournalDiverged
from agents.engine.thinning import LARGE_BYTES
from agents.operations.live import follow_run
from agents.queries.runs import list_entries
from agents.workers.loading import read_entries
from tests.agents.test_upkeep import finish, keep_up, owner
from tests.agents.test_worker import accept, entry, writer
from tests.factories import World

__all__ = ["owner"]
LARGE = "kakapo " * LARGE_BYTES
SIZES = "select organization_id, count(*) from agents_blob group by 1 order by 1"


async def _read(*_: Any) -> Any:
    return ()


async def _append(*results: Any, until: "asyncio.Task[Any] | None" = None) -> list[UUID]:
    """Take every run up and let its journal end with these results, through the journal that runs use.

    What is published goes out at least ``until`` that is done.
    """
    one, publisher = writer(), EventPublisher(settings.REDIS_URL)
    helpers = [asyncio.create_task(one.run()), asyncio.create_task(publisher.run())]
    try:
        claims = await one.claim(10)
        for claim in claims:
            journal = PostgresJournal(claim, one, publisher=publisher, read=_read)
            await journal.append([entry(seq, "step.done", result=result) for seq, result in enumerate(results, 1)])
        if until is not None:
            await asyncio.wait([until], timeout=20)
        return [claim.run_id for claim in claims]
    finally:
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        await one.close()
        await publisher.close()


def test_two_runs_of_one_organization_share_a_value_and_two_organizations_do_not(
    committed_world: World, truth: psycopg.Connection[Any]
) -> None:
    people = committed_world
    for who in (people.dev, people.dev, people.stranger):
        accept(who)
    asyncio.run(_append(LARGE, {"body": LARGE, "status": 200}, "small"))
    assert truth.execute(SIZES).fetchall() == sorted([(people.acme.id, 1), (people.other.id, 1)])
    assert truth.execute("select count(*) from agents_blobuse").fetchone() == (3,)
    row = truth.execute("select max(length(delta)) from agents_journalentry").fetchone()
    assert row
    assert row[0] < 300


def test_it_is_read_back_unseen(committed_world: World) -> None:
    people = committed_world
    accept(people.dev)
    (run_id,) = asyncio.run(_append(LARGE, {"body": LARGE, "status": 200}))
    whole = [{"result": LARGE}, {"result": {"body": LARGE, "status": 200}}]
    assert [told.data for told in list_entries(people.dev.actor, run_id)] == whole
    assert [told.data for told in read_entries(run_id, organization_id=people.acme.id)] == whole


def test_a_result_of_20_kilobytes_stays_where_it_is(committed_world: World, truth: psycopg.Connection[Any]) -> None:
    accept(committed_world.dev)
    asyncio.run(_append("x" * 20_000))
    assert truth.execute("select count(*) from agents_blob").fetchone() == (0,)


def test_a_value_that_is_missing_is_said_and_not_made_up(
    committed_world: World, truth: psycopg.Connection[Any]
) -> None:
    accept(committed_world.dev)
    (run_id,) = asyncio.run(_append(LARGE))
    truth.execute("delete from agents_blob")
    with pytest.raises(JournalDiverged, match="missing"):
        list_entries(committed_world.dev.actor, run_id)


def test_nobody_asks_whether_another_organization_has_a_value(
    committed_world: World, truth: psycopg.Connection[Any]
) -> None:
    people = committed_world
    accept(people.dev)
    asyncio.run(_append(LARGE))

    def seen_by(organization_id: UUID, table: str = "agents_blob") -> int:
        with tenant(organization_id), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"select count(*) from {table}")  # noqa: S608 - our own names
            return int(cursor.fetchone()[0])

    assert (seen_by(people.acme.id), seen_by(people.other.id)) == (1, 0)
    with pytest.raises(DatabaseError, match="permission denied"):
        seen_by(people.acme.id, "agents_blobuse")
    for forbidden in ("select content from agents_blob", "delete from agents_blob", "select 1 from agents_blobuse"):
        with psycopg.connect(settings.DATABASE_JOURNAL_URL) as journal, pytest.raises(psycopg.Error, match="denied"):
            journal.execute(forbidden)


def test_it_goes_with_the_last_run_that_refers_to_it(
    committed_world: World, owner: psycopg.Connection[Any], truth: psycopg.Connection[Any]
) -> None:
    accept(committed_world.dev)
    (first,) = asyncio.run(_append(LARGE))
    accept(committed_world.dev)
    (second,) = asyncio.run(_append(LARGE))
    truth.execute("update agents_blob set used_at = now() - interval '2 days'")
    finish(truth, first)
    keep_up(owner, days_later=32)
    assert truth.execute("select run_id from agents_blobuse").fetchall() == [(second,)]
    assert list_entries(committed_world.dev.actor, second)[0].data == {"result": LARGE}
    finish(truth, second)
    assert "swept 1 large values that no run refers to any more" in keep_up(owner, days_later=33)
    assert truth.execute("select count(*) from agents_blob").fetchone() == (0,)


def test_one_without_a_use_is_left_for_a_day(
    committed_world: World, owner: psycopg.Connection[Any], truth: psycopg.Connection[Any]
) -> None:
    """Whoever wrote it may be about to write what refers to it."""
    accept(committed_world.dev)
    asyncio.run(_append(LARGE))
    truth.execute("delete from agents_blobuse")
    keep_up(owner)
    assert truth.execute("select count(*) from agents_blob").fetchone() == (1,)
    truth.execute("update agents_blob set used_at = now() - interval '2 days'")
    asyncio.run(_keep_again(truth))
    keep_up(owner)
    assert truth.execute("select count(*) from agents_blob").fetchone() == (1,), "written again, it is used again"


async def _keep_again(truth: psycopg.Connection[Any]) -> None:
    row = truth.execute("select sha256, content from agents_blob").fetchone()
    assert row
    one = writer()
    truth.execute("update agents_run set claimed_until = null")
    (claim,) = await one.claim(1)
    await one.keep_blobs(claim, {row[0].hex(): row[1]})
    await one.close()


# Live -------------------------------------------------------------------------------------------------------------


async def test_who_follows_gets_the_whole_and_redis_carries_a_word(committed_world: World) -> None:
    people = committed_world
    run_id = await asyncio.to_thread(accept, people.dev)
    sent: list[LiveEvent] = []

    async def follow() -> list[LiveEvent]:
        events = []
        async for event in follow_run(people.dev.actor, run_id):
            if event.seq is not None:
                events.append(event)
            if len(events) == 2:
                break
        return events

    following = asyncio.create_task(follow())
    await _append("small", LARGE, until=following)
    sent = await asyncio.wait_for(following, 1)
    assert [event.seq for event in sent] == [1, 2]
    assert len(sent[1].text) > len(LARGE)


async def test_a_watcher_is_sent_to_the_journal_for_what_does_not_travel() -> None:
    watcher = Watcher()
    watcher.go_live(4)
    watcher.take(LiveEvent(5, "step.done", "{}"))
    watcher.take(LiveEvent(6, FINISHED, ""))
    assert await watcher.next() == LiveEvent(5, "step.done", "{}")
    assert await watcher.next() is None
    assert not watcher.has_overflowed
