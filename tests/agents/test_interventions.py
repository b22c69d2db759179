# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Stepping into runs: cancelling them, and deciding about a step whose effect may have happened."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.test import AsyncClient

from agents.engine.journal import Entry
from agents.engine.view import JournalView
from agents.models import Run
from agents.operations import interventions
from agents.operations.runs import RunRequest, start_run
from agents.queries.runs import list_entries
from agents.queries.timeline import fold_run
from codexos.kernel import clock
from tests.agents.test_runs import BLUEPRINT, working
from tests.agents.test_worker import finished, until, writer, writing
from tests.factories import Someone, World

POSTING: dict[str, Any] = {
    "id": "posting",
    "nodes": [
        {"id": "start", "type": "entry", "next": "post"},
        {
            "id": "post",
            "type": "tool",
            "tool": "HTTPRequest",
            "arguments": {"method": "POST", "url": "https://example.org/orders", "json": {"n": 1}},
            "next": "end",
        },
        {"id": "end", "type": "exit"},
    ],
}


def accept(who: Someone, document: Mapping[str, Any] = POSTING) -> UUID:
    return start_run(who.actor, request=RunRequest(agent_id="a", document=dict(document), input="go")).id


async def call(who: Someone | None, path: str, body: Any = None) -> Any:
    headers = {} if who is None else {"Authorization": f"Bearer {who.token}"}
    return await AsyncClient().post(path, body or {}, content_type="application/json", headers=headers)


async def waiting_run(world: World, truth: psycopg.Connection) -> UUID:
    """A run whose worker died in the middle of a POST, taken up by another: it waits for a person."""
    run_id = await asyncio.to_thread(accept, world.dev)
    lost = writer("lost")
    (claim,) = await lost.claim(1)

    def entry(seq: int, kind: Any, node_id: str | None = None, **data: Any) -> Entry:
        return Entry(seq, kind, clock.now(), node_id, 1, claim.epoch, data)

    told = [
        entry(1, "run.accepted"),
        entry(2, "run.started"),
        entry(3, "step.done", "start", result="go"),
        entry(4, "step.intended", "post", tool="HTTPRequest", may_repeat=False),
    ]
    await writing(lost, lost.append(claim, told))
    truth.execute("update agents_run set claimed_until = now() - interval '1 second'")
    with working("heir"):
        await until(lambda: truth.execute("select status from agents_run").fetchone() == ("waiting",))
    return run_id


async def test_a_cut_post_waits_and_goes_on_when_a_person_says_it_is_done(
    committed_world: World, truth: psycopg.Connection
) -> None:
    # given
    run_id = await waiting_run(committed_world, truth)
    shown = await AsyncClient().get(
        f"/api/v1/runs/{run_id}/", headers={"Authorization": f"Bearer {committed_world.dev.token}"}
    )
    (waits,) = shown.json()["waiting"]
    assert (waits["node_id"], waits["reason"]) == ("post", "may_have_happened")
    # when
    decided = await call(
        committed_world.dev,
        f"/api/v1/runs/{run_id}/decide/",
        {"node_id": "post", "decision": "done", "result": {"status": 201}},
    )
    again = await call(committed_world.lead, f"/api/v1/runs/{run_id}/decide/", {"node_id": "post", "decision": "again"})
    with working("next"):
        await finished(truth, run_id)
    # then
    assert decided.status_code == 202
    assert (again.status_code, again.json()["code"]) == (409, "decision_made")
    assert truth.execute("select status from agents_run").fetchone() == ("succeeded",)
    kinds = [row[0] for row in truth.execute("select type from agents_journalentry order by seq")]
    assert kinds[5:] == ["run.waiting", "run.started", "approval.decided", "step.done", "step.done", "run.finished"]
    audited = truth.execute("select count(*) from accounts_auditevent where action = 'run.step_decided'").fetchone()
    assert audited == (1,)


async def test_whoever_decides_does_not_hold_up_the_writer_of_entries(
    committed_world: World, truth: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    run_id = await waiting_run(committed_world, truth)
    folded: list[UUID] = []

    def fold(run: Run, entries: Sequence[Entry]) -> JournalView:
        # Raises where somebody holds the row.
        truth.execute("select id from agents_run where id = %s for no key update nowait", [run.id])
        folded.append(run.id)
        return fold_run(run, entries)

    monkeypatch.setattr(interventions, "fold_run", fold)
    # when
    decided = await call(committed_world.dev, f"/api/v1/runs/{run_id}/decide/", {"node_id": "post", "decision": "fail"})
    # then
    assert (decided.status_code, folded) == (202, [run_id])


async def test_a_waiting_run_is_not_taken_up_while_nobody_writes(
    committed_world: World, truth: psycopg.Connection
) -> None:
    await waiting_run(committed_world, truth)
    idle = writer("idle")
    assert await idle.claim(10) == []
    await idle.close()


async def test_cancelling_ends_a_run_and_asking_twice_is_asking_once(
    committed_world: World, truth: psycopg.Connection
) -> None:
    # given
    run_id = await asyncio.to_thread(accept, committed_world.dev, BLUEPRINT)
    # when
    first = await call(committed_world.dev, f"/api/v1/runs/{run_id}/cancel/")
    second = await call(committed_world.dev, f"/api/v1/runs/{run_id}/cancel/")
    with working():
        await finished(truth, run_id)
    late = await call(committed_world.dev, f"/api/v1/runs/{run_id}/cancel/")
    # then
    assert (first.status_code, second.status_code) == (202, 202)
    assert (late.status_code, late.json()["code"]) == (409, "run_finished")
    assert "has ended already: cancelled" in late.json()["detail"]
    assert truth.execute("select status from agents_run").fetchone() == ("cancelled",)
    assert truth.execute("select count(*) from agents_inboxmessage").fetchone() == (1,)
    assert truth.execute("select count(*) from agents_journalentry where type = 'step.intended'").fetchone() == (0,)


@pytest.mark.parametrize(
    ("who", "status"), [("viewer", 403), ("stranger", 404), (None, 401), ("lead", 202), ("admin", 202)]
)
async def test_who_may_cancel_a_developers_run(
    committed_world: World, truth: psycopg.Connection, who: str | None, status: int
) -> None:
    run_id = await asyncio.to_thread(accept, committed_world.dev)
    answer = await call(getattr(committed_world, who) if who else None, f"/api/v1/runs/{run_id}/cancel/")
    assert answer.status_code == status
    sent = truth.execute("select count(*) from agents_inboxmessage").fetchone()
    assert sent == (1 if status == 202 else 0,)


async def test_a_decision_about_a_run_where_nothing_waits_is_refused(
    committed_world: World, truth: psycopg.Connection
) -> None:
    run_id = await asyncio.to_thread(accept, committed_world.dev)
    answer = await call(committed_world.dev, f"/api/v1/runs/{run_id}/decide/", {"node_id": "post", "decision": "done"})
    assert (answer.status_code, answer.json()["code"]) == (409, "step_not_waiting")
    assert truth.execute("select count(*) from agents_inboxmessage").fetchone() == (0,)


async def test_the_app_cannot_change_what_was_sent(committed_world: World, truth: psycopg.Connection) -> None:
    from django.db import ProgrammingError, connection

    from accounts.tenancy import tenant

    run_id = await asyncio.to_thread(accept, committed_world.dev)
    await call(committed_world.dev, f"/api/v1/runs/{run_id}/cancel/")

    def forge() -> None:
        with tenant(committed_world.acme.id), connection.cursor() as cursor:
            cursor.execute("delete from agents_inboxmessage")

    with pytest.raises(ProgrammingError, match="permission denied"):
        await asyncio.to_thread(forge)


async def test_of_a_long_journal_the_beginning_and_the_end_are_read(
    committed_world: World, truth: psycopg.Connection
) -> None:
    run_id = await asyncio.to_thread(accept, committed_world.dev, BLUEPRINT)
    with working():
        await finished(truth, run_id)
    read = await asyncio.to_thread(list_entries, committed_world.dev.actor, run_id, most=3)
    assert [entry.type for entry in read] == ["run.accepted", "run.started", "step.done", "run.finished"]
