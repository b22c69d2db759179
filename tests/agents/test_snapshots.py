# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Snapshots in the database: kept while a run goes on, read by its next holder, gone when it has ended."""

import asyncio
import zlib
from typing import Any
from uuid import UUID

import psycopg
import pytest

from accounts.tenancy import tenant
from agents.adapters.snapshots import PostgresSnapshots
from agents.engine import snapshots
from agents.models import InboxMessage, Snapshot
from tests.agents.test_interventions import accept
from tests.agents.test_runs import working
from tests.agents.test_worker import finished, until, writer, writing
from tests.factories import World

ROUNDS = {
    "nodes": [
        {"id": "start", "type": "entry", "next": "end"},
        {"id": "end", "type": "exit", "output": "{{ round }}"},
    ]
}
COUNTING: dict[str, Any] = {
    "id": "counting",
    "nodes": [
        {"id": "start", "type": "entry", "next": "count"},
        {"id": "count", "type": "loop", "body": ROUNDS, "max_rounds": 30, "next": "ask"},
        {"id": "ask", "type": "approval", "next": {"approve": "end", "else": "end"}},
        {"id": "end", "type": "exit", "output": "{{ count }}"},
    ],
}


def approve(world: World, run_id: UUID) -> None:
    with tenant(world.acme.id):
        InboxMessage.objects.create(
            organization=world.acme,
            run_id=run_id,
            kind=InboxMessage.Kind.DECIDE,
            by_id=world.dev.actor.person_id,
            data={"node_id": "ask", "decision": "approve", "form": None},
        )


async def test_a_long_run_goes_on_from_its_snapshot(
    committed_world: World, truth: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: more than enough entries, then a person who thinks
    monkeypatch.setattr(snapshots, "FIRST_AT", 20)
    monkeypatch.setattr("agents.workers.ending.FIRST_AT", 20)
    run_id = await asyncio.to_thread(accept, committed_world.dev, COUNTING)
    with working("one"):
        await until(lambda: truth.execute("select status from agents_run").fetchone() == ("waiting",))
    [(seq, state)] = truth.execute("select seq, state from agents_snapshot").fetchall()
    assert seq >= 20
    assert b"count" in zlib.decompress(state)
    # when: another holder takes it up, and the entries before the snapshot cannot be read any more
    truth.execute("delete from agents_journalentry where seq <= %s", [seq])
    await asyncio.to_thread(approve, committed_world, run_id)
    truth.execute("update agents_run set has_post = true")
    with working("two"):
        await finished(truth, run_id)
        await until(lambda: truth.execute("select count(*) from agents_snapshot").fetchone() == (0,))
    # then
    (status,) = truth.execute("select status from agents_run").fetchone() or ("",)
    assert status == "succeeded"


async def test_who_lost_the_run_keeps_no_snapshot_and_no_stranger_reads_one(
    committed_world: World, truth: psycopg.Connection
) -> None:
    # given
    run_id = await asyncio.to_thread(accept, committed_world.dev, COUNTING)
    one, two = writer("one"), writer("two")
    (claim,) = await one.claim(1)
    kept = PostgresSnapshots(claim, one, read=None)  # type: ignore[arg-type]
    await writing(one, kept.keep(7, b"mine"))
    truth.execute("update agents_run set claimed_until = now() - interval '1 second'")
    await two.claim(1)
    # when
    await writing(one, kept.keep(9, b"too late"))
    # then
    assert truth.execute("select run_id, seq, state from agents_snapshot").fetchall() == [(run_id, 7, b"mine")]

    def seen_by(organization_id: UUID) -> int:
        with tenant(organization_id):
            return Snapshot.objects.for_organization(organization_id).count()

    assert await asyncio.to_thread(seen_by, committed_world.acme.id) == 1
    assert await asyncio.to_thread(seen_by, committed_world.other.id) == 0
    await two.close()
