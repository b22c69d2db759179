# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The journal in partitions: the wall stands before each of them, and a run's entries stand in those of its class."""

import asyncio
import re
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from accounts.operations.organizations import change_organization
from accounts.tenancy import tenant
from agents.models import JournalEntry
from tests.agents.test_worker import accept, entry, writer, writing
from tests.factories import Someone, World

PLACES = "select run_id, tableoid::regclass::text from agents_journalentry order by run_id, seq"


async def write(*numbers: int) -> Any:
    """Take every run up and write these entries into each."""
    one = writer()
    claims = await one.claim(10)
    answers = await writing(one, *(one.append(claim, [entry(seq) for seq in numbers]) for claim in claims))
    return answers[0] if len(claims) == 1 else answers


def accepted_with(days: int, *, by: Someone, admin: Someone) -> UUID:
    """Start a run under another retention class."""
    change_organization(admin.actor, content_days=days)
    return accept(by)


@pytest.mark.parametrize("days", [7, 30, 365])
async def test_a_run_stands_where_its_organization_wants_it(
    committed_world: World, truth: psycopg.Connection[Any], days: int
) -> None:
    people = committed_world
    run_id = await asyncio.to_thread(accepted_with, days, by=people.dev, admin=people.admin)
    assert await write(1, 2) is None
    (row, again) = truth.execute(PLACES).fetchall()
    assert row == again
    assert row[0] == run_id
    assert row[1].startswith(f"journal.entries_{days}_")


async def test_a_run_stays_in_its_class_when_the_organization_changes_its_mind(
    committed_world: World, truth: psycopg.Connection[Any]
) -> None:
    people = committed_world
    await asyncio.to_thread(accept, people.dev)
    one = writer()
    (claim,) = await one.claim(1)
    later = await asyncio.to_thread(accepted_with, 7, by=people.dev, admin=people.admin)
    (new,) = await one.claim(1)
    answers = await writing(one, one.append(claim, [entry(1), entry(2)]), one.append(new, [entry(1)]))
    assert answers == [None, None]
    classes = truth.execute("select distinct run_id, content_days from agents_journalentry order by run_id").fetchall()
    assert classes == [(claim.run_id, 30), (later, 7)]


async def test_a_seq_stands_once(committed_world: World, truth: psycopg.Connection[Any]) -> None:
    await asyncio.to_thread(accept, committed_world.dev)
    assert isinstance(await write(1, 1), psycopg.errors.UniqueViolation)
    assert truth.execute(PLACES).fetchall() == []


async def test_nobody_but_the_owner_may_name_a_partition(
    committed_world: World, truth: psycopg.Connection[Any]
) -> None:
    people = committed_world
    await asyncio.to_thread(accept, people.dev)
    await write(1)
    ((_, place),) = truth.execute(PLACES).fetchall()

    def ask(organization_id: UUID, table: str) -> list[Any]:
        with tenant(organization_id), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"select seq from {table}")  # noqa: S608 - our own names
            return list(cursor.fetchall())

    # control: through the journal its organization sees it, and another one sees nothing
    assert await asyncio.to_thread(ask, people.acme.id, "agents_journalentry") == [(1,)]
    assert await asyncio.to_thread(ask, people.other.id, "agents_journalentry") == []
    for table in (place, "journal.entries_30", "journal.entries_30_rest"):
        with pytest.raises(DatabaseError, match="permission denied"):
            await asyncio.to_thread(ask, people.acme.id, table)
        async with await psycopg.AsyncConnection.connect(settings.DATABASE_JOURNAL_URL, autocommit=True) as journal:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await journal.execute(f"insert into {table} select * from {table}")  # noqa: S608 - our own names
    # and where somebody could name it, its own wall would still stand
    for grant in ("grant usage on schema journal to codexos_app", f"grant select on {place} to codexos_app"):
        truth.execute(grant)
    try:
        assert await asyncio.to_thread(ask, people.acme.id, place) == []
    finally:
        truth.execute(f"revoke all on {place} from codexos_app")
        truth.execute("revoke all on schema journal from codexos_app")


def test_a_class_is_looked_for_in_its_own_partitions(world: World) -> None:
    """A run is found without looking at what has no room for it: one partition of each class is asked."""
    run_id = accept(world.dev)
    rows = JournalEntry.objects.for_organization(world.acme.id).filter(run_id=run_id)
    with tenant(world.acme.id):
        assert len(partitions_in(rows.explain())) == 3
        assert len(partitions_in(rows.filter(content_days=30).explain())) == 1


def partitions_in(plan: str) -> set[str]:
    """The partitions that a plan reads; a bitmap scan names their indexes beside them."""
    return {name.removesuffix("_pkey") for name in re.findall(r" on (entries_\w+)", plan)}
