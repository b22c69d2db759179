# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Entries of one run alone are written by statements of their own: nothing shows by which."""

from uuid import UUID

import psycopg
import pytest

from agents.adapters.append import MOST_ENTRIES_OF_ONE
from agents.engine.errors import LeaseLost
from agents.engine.journal import Entry, EntryType, decode_data
from codexos.kernel import clock
from tests.agents.test_worker import accept, writer, writing
from tests.factories import World

FEW_AND_MORE = range(1, MOST_ENTRIES_OF_ONE + 2)


@pytest.fixture
def run_id(committed_world: World) -> UUID:
    return accept(committed_world.dev)


def entries(number: int, epoch: int, *, kind: EntryType = "step.done") -> list[Entry]:
    return [
        Entry(seq, kind, clock.now(), f"ü{seq}" if seq % 2 else None, seq - 1, epoch, {"result": "é" * seq})
        for seq in range(1, number + 1)
    ]


@pytest.mark.parametrize("number", FEW_AND_MORE)
async def test_entries_are_kept_as_they_were_told(run_id: UUID, truth: psycopg.Connection, number: int) -> None:
    # given
    one = writer()
    (claim,) = await one.claim(1)
    given = entries(number, claim.epoch)
    # when
    assert await writing(one, one.append(claim, given)) == [None]
    # then
    rows = truth.execute(
        "select seq, type, at, node_id, attempt, epoch, delta from agents_journalentry order by seq"
    ).fetchall()
    assert [Entry(*row[:6], decode_data(row[6])) for row in rows] == given
    run = truth.execute(
        "select status, last_seq, claimed_until > now(), wake_at, completed_at, bad_takes from agents_run"
    ).fetchone()
    assert run == ("running", number, True, None, None, 0)


@pytest.mark.parametrize("number", FEW_AND_MORE)
async def test_what_says_nothing_new_excuses_no_take(run_id: UUID, truth: psycopg.Connection, number: int) -> None:
    one = writer()
    (claim,) = await one.claim(1)
    assert await writing(one, one.append(claim, entries(number, claim.epoch, kind="step.intended"))) == [None]
    assert truth.execute("select bad_takes from agents_run").fetchone() == (claim.bad_takes,)


@pytest.mark.parametrize("number", FEW_AND_MORE)
async def test_who_has_lost_the_run_writes_none_of_them(run_id: UUID, truth: psycopg.Connection, number: int) -> None:
    # given
    old = writer("old")
    (claim,) = await old.claim(1)
    truth.execute("update agents_run set epoch = epoch + 1")
    # when
    (late,) = await writing(old, old.append(claim, entries(number, claim.epoch)))
    # then
    assert isinstance(late, LeaseLost)
    assert truth.execute("select count(*) from agents_journalentry").fetchone() == (0,)
    assert truth.execute("select last_seq from agents_run").fetchone() == (0,)
