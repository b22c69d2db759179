# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The database goes away in the middle of a commit: what was done outside is written down when it is back, once."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
import uvloop

from agents.adapters.journal_writer import JournalWriter
from agents.engine.errors import LeaseLost
from agents.engine.ports import Rest
from tests.agents.test_worker import accept, entry, writer, writing
from tests.factories import World

HANG_UP = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'codexos_journal'"


class CutOff(JournalWriter):
    """Loses its connection once: before a commit is sent, or after it was kept and before the answer came."""

    keeps: bool
    hang_up: Callable[[], object] | None = None

    async def _write(self, batch: Any) -> set[UUID]:
        if self.hang_up is None:
            return await super()._write(batch)
        if self.keeps:
            await super()._write(batch)
        else:
            await super()._execute("select 1", {})
        hang_up, self.hang_up = self.hang_up, None
        hang_up()
        return await super()._write(batch)


@pytest.fixture
def run_id(committed_world: World) -> UUID:
    return accept(committed_world.dev)


def cut_off(truth: psycopg.Connection, *, keeps: bool) -> CutOff:
    made = CutOff(writer()._url, holder="cut")
    made.keeps, made.hang_up = keeps, lambda: truth.execute(HANG_UP)
    return made


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("kind", ["note", "run.finished"])
async def test_a_commit_that_was_cut_off_is_kept_once(
    run_id: UUID, truth: psycopg.Connection, keeps: bool, kind: str
) -> None:
    one = cut_off(truth, keeps=keeps)
    (claim,) = await one.claim(1)
    answers = await writing(one, one.append(claim, [entry(1), entry(2, kind, status="succeeded")]))
    assert answers == [None]
    assert truth.execute("select seq, type from agents_journalentry order by seq").fetchall() == [
        (1, "note"),
        (2, kind),
    ]


@pytest.mark.parametrize("keeps", [False, True])
async def test_a_run_that_was_let_rest_rests(run_id: UUID, truth: psycopg.Connection, keeps: bool) -> None:
    one = cut_off(truth, keeps=keeps)
    (claim,) = await one.claim(1)
    assert await writing(one, one.append(claim, [entry(1)], rest=Rest())) == [None]
    assert truth.execute("select status, last_seq from agents_run").fetchone() == ("waiting", 1)


async def test_who_lost_the_lease_meanwhile_writes_nothing(run_id: UUID, truth: psycopg.Connection) -> None:
    one = cut_off(truth, keeps=False)
    (claim,) = await one.claim(1)

    def taken_by_another() -> None:
        truth.execute("update agents_run set epoch = epoch + 1")
        truth.execute(HANG_UP)

    one.hang_up = taken_by_another
    (late,) = await writing(one, one.append(claim, [entry(1)]))
    assert isinstance(late, LeaseLost)
    assert truth.execute("select count(*) from agents_journalentry").fetchone() == (0,)


async def test_a_run_that_is_carried_is_renewed_and_not_taken_anew(run_id: UUID, truth: psycopg.Connection) -> None:
    one = writer()
    (claim,) = await one.claim(1)
    truth.execute("update agents_run set claimed_until = now() - interval '1 second'")
    assert await one.claim(1, besides=[run_id]) == []
    assert await one.renew([claim]) == {run_id: False}
    assert truth.execute("select epoch, claimed_until > now() from agents_run").fetchone() == (1, True)
    await asyncio.wait_for(one.close(), 5)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_commit_larger_than_a_line_takes_at_once_is_written(
    run_id: UUID, truth: psycopg.Connection, run: Callable[..., object]
) -> None:
    async def write() -> list[Any]:
        one = writer()
        (claim,) = await one.claim(1)
        large = [entry(seq, text="x" * 1_000_000) for seq in range(1, 31)]
        return await writing(one, one.append(claim, large), one.append(claim, [entry(31, text=None)]))

    assert run(write()) == [None, None]
    kept = truth.execute("select count(*), min(length(delta)), max(length(delta)) from agents_journalentry").fetchone()
    assert kept == (31, len('{"text":null}'), len('{"text":""}') + 1_000_000)
