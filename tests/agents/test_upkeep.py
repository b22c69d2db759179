# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The journal's upkeep: partitions come before they are needed and go when what they hold has expired."""

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from agents.adapters import partitions
from agents.engine.journal import Entry
from agents.engine.periods import first_id, kept_from, period_at, periods_ahead, time_of
from agents.errors import PartitionsLocked
from agents.management.commands import maintain_journal as maintain_journal_command
from agents.operations.upkeep import maintain_journal
from codexos.kernel import clock
from codexos.kernel.ids import new_id
from tests.agents.test_partitions import accepted_with
from tests.agents.test_worker import accept, entry, writer, writing
from tests.factories import Someone, World

PLACES = "select run_id, seq, tableoid::regclass::text from agents_journalentry order by run_id, seq"
STANDING = "select relname from pg_class where relnamespace = 'journal'::regnamespace and relname ~ '_[0-9]{8}$'"
DAY = timedelta(days=1)


@pytest.fixture
def owner(django_db_setup: None, truth: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """The owner's connection, to a journal without any partitions but those that take the rest."""
    address = os.environ["DATABASE_OWNER_URL"]
    known = address.partition("?")[0].rpartition("/")[2]
    address = address.replace(f"/{known}", f"/{settings.DATABASES['default']['NAME']}")
    _clear(truth)
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection
    _clear(truth)


def _clear(truth: psycopg.Connection[Any]) -> None:
    for row in truth.execute(STANDING).fetchall():
        truth.execute(f"drop table journal.{row[0]}")


def keep_up(owner: psycopg.Connection[Any], *, days_later: int = 0, **how: Any) -> list[str]:
    """Maintain the journal as if it were some days later."""
    return list(maintain_journal(owner, now=clock.now() + days_later * DAY, **how))


def run_of(who: Someone, *, entries: int = 2) -> UUID:
    """Start a run, and write its journal as a worker does."""
    run_id = accept(who)
    asyncio.run(_write(entries))
    return run_id


async def _write(count: int) -> None:
    one = writer()
    claims = await one.claim(10)
    told = [entry(seq, "step.done", result=seq) for seq in range(1, count + 1)]
    answers = await writing(one, *(one.append(claim, told) for claim in claims))
    assert answers == [None] * len(claims)


def finish(truth: psycopg.Connection[Any], *run_ids: UUID, days_later: int = 0) -> None:
    """Let runs have ended, now or some days later."""
    truth.execute(
        "update agents_run set status = 'succeeded', completed_at = now() + %s, settled_at = now() where id = any(%s)",
        [days_later * DAY, list(run_ids)],
    )


# The calendar -----------------------------------------------------------------------------------------------------


def test_an_id_tells_when_it_was_made() -> None:
    before = clock.now() - timedelta(milliseconds=1)
    made = new_id()
    assert before <= time_of(made) <= clock.now()
    assert first_id(time_of(made)) <= made < first_id(time_of(made) + timedelta(milliseconds=1))


@pytest.mark.parametrize("days", [7, 30, 365])
def test_periods_follow_on_each_other_and_nothing_goes_early(days: int) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    ahead = list(periods_ahead(now, days=days))
    assert ahead[0].begin <= now < ahead[0].end
    assert [period.begin for period in ahead[1:]] == [period.end for period in ahead[:-1]]
    assert ahead[-1].end > now + 8 * DAY
    kept = kept_from(now, days=days)
    assert kept <= now - days * DAY < kept + (7 * DAY if days == 365 else DAY)


# Making -----------------------------------------------------------------------------------------------------------


def test_partitions_are_made_ahead_once(
    committed_world: World, owner: psycopg.Connection[Any], truth: psycopg.Connection[Any]
) -> None:
    would = keep_up(owner, is_dry=True, days_later=100)
    assert would
    assert all(line.startswith("would make entries_") for line in would)
    assert keep_up(owner, days_later=100) == [line.replace("would make", "made") for line in would]
    assert keep_up(owner, days_later=100) == []
    name = period_at(clock.now() + 100 * DAY, days=30).name
    assert truth.execute(
        "select relrowsecurity, relforcerowsecurity, relacl::text from pg_class where relname = %s", [name]
    ).fetchone() == (True, True, "{codexos_owner=arwdDxtm/codexos_owner}")


def test_what_was_written_before_its_partition_stood_moves_into_it(
    committed_world: World, owner: psycopg.Connection[Any], truth: psycopg.Connection[Any]
) -> None:
    ours, theirs = run_of(committed_world.dev), run_of(committed_world.stranger)
    assert {row[2] for row in truth.execute(PLACES)} == {"journal.entries_30_rest"}
    assert any("4 entries moved into it" in line for line in keep_up(owner, only_make=True))
    rows = truth.execute(PLACES).fetchall()
    assert [(row[0], row[1]) for row in rows] == [(ours, 1), (ours, 2), (theirs, 1), (theirs, 2)]
    assert "journal.entries_30_rest" not in {row[2] for row in rows}
    # and it goes on where it has moved to
    asyncio.run(_write(0))


# Dropping ---------------------------------------------------------------------------------------------------------


def test_content_goes_with_its_partition_and_the_row_stays(
    committed_world: World, owner: psycopg.Connection[Any], truth: psycopg.Connection[Any]
) -> None:
    people = committed_world
    ours, theirs = run_of(people.dev), run_of(people.stranger)
    keep_up(owner, only_make=True)
    finish(truth, ours, theirs)
    keep_up(owner, days_later=29)
    assert _entries(truth) == 4
    would = keep_up(owner, days_later=32, is_dry=True)
    assert "would let the content of 2 runs go that was kept for 30 days" in would
    assert truth.execute("select count(*) from agents_journalentry").fetchone() == (4,)
    lines = keep_up(owner, days_later=32)
    assert "let the content of 2 runs go that was kept for 30 days" in lines
    assert any(line.startswith("dropped entries_30_") for line in lines)
    assert truth.execute("select count(*) from agents_journalentry").fetchone() == (0,)
    rows = truth.execute(
        "select label, input, document, context, skeleton is null, content_expired_at is null from agents_run"
    ).fetchall()
    assert rows == [("a", None, {}, [], False, False)] * 2
    assert truth.execute("select count(*) from accounts_auditevent where action = 'run.started'").fetchone() == (2,)


def test_classes_go_each_in_its_time(
    committed_world: World, owner: psycopg.Connection[Any], truth: psycopg.Connection[Any]
) -> None:
    people = committed_world
    short = accepted_with(7, by=people.dev, admin=people.admin)
    asyncio.run(_write(1))
    long = accepted_with(365, by=people.dev, admin=people.admin)
    asyncio.run(_write(1))
    standard = run_of(people.stranger, entries=1)
    finish(truth, short, long, standard)
    left = [days for days in (0, 9, 32, 380) if keep_up(owner, days_later=days) is not None and _entries(truth) == 3]
    assert left == [0]
    assert _entries(truth) == 0


def _entries(truth: psycopg.Connection[Any]) -> int:
    row = truth.execute("select count(*) from agents_journalentry").fetchone()
    return int(row[0]) if row else 0


def test_a_run_that_goes_on_keeps_what_it_has(
    committed_world: World, owner: psycopg.Connection[Any], truth: psycopg.Connection[Any]
) -> None:
    """It leaves its partition to the others, and is kept as long as they were once it has ended."""
    done, waits = run_of(committed_world.dev), run_of(committed_world.dev)
    keep_up(owner, only_make=True)
    finish(truth, done)
    lines = keep_up(owner, days_later=32)
    assert any(line.endswith("2 entries of runs that go on were kept") for line in lines)
    assert truth.execute(PLACES).fetchall() == [(waits, seq, "journal.entries_30_rest") for seq in (1, 2)]
    assert not keep_up(owner, days_later=32), "they stay where they are"
    finish(truth, waits, days_later=33)
    keep_up(owner, days_later=62)
    assert _entries(truth) == 2, "30 days from its end are not over"
    assert "let the content of 1 runs go that was kept for 30 days" in keep_up(owner, days_later=64)
    assert _entries(truth) == 0


def test_killed_in_the_middle_it_goes_on_the_next_time(
    committed_world: World, owner: psycopg.Connection[Any], truth: psycopg.Connection[Any]
) -> None:
    run_id = run_of(committed_world.dev)
    keep_up(owner, only_make=True)
    finish(truth, run_id)
    whole = _stopped_after(owner, 10_000, days_later=32)
    for steps in range(1, whole):
        _stopped_after(owner, steps, days_later=32 + steps)
        state = truth.execute("select content_expired_at is null, input = 'null' from agents_run").fetchone()
        assert state in [(True, False), (False, True)], "both or neither"
    keep_up(owner, days_later=90)
    assert _entries(truth) == 0


def _stopped_after(owner: psycopg.Connection[Any], lines: int, *, days_later: int) -> int:
    """Hang up after some lines, as one who is killed; return how many there were."""
    said = maintain_journal(owner, now=clock.now() + days_later * DAY)
    count = sum(1 for _ in zip(range(lines), said, strict=False))
    said.close()  # type: ignore[attr-defined]
    return count


def test_two_at_once_do_it_once(committed_world: World, owner: psycopg.Connection[Any]) -> None:
    with partitions.only_one(owner) as is_alone, psycopg.connect(owner.info.dsn, password=owner.info.password) as other:
        assert is_alone
        other.autocommit = True
        assert keep_up(other) == ["another upkeep of the journal is under way; nothing was done"]
    keep_up(owner)
    assert keep_up(owner) == []


def test_what_others_hold_on_to_is_left_to_the_next_time(
    committed_world: World,
    owner: psycopg.Connection[Any],
    truth: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(partitions, "LOCK_SECONDS", 0.01)
    run_id = run_of(committed_world.dev)
    keep_up(owner, only_make=True)
    finish(truth, run_id)
    with truth.transaction():
        truth.execute("select 1 from agents_journalentry")
        said = maintain_journal(owner, now=clock.now() + 32 * DAY)
        lines = []
        with pytest.raises(PartitionsLocked) as left:
            lines.extend(iter(lambda: next(said), None))
    for locked in left.value.details["partitions"]:
        assert any(re.match(f"not (made|dropped) {locked}: ", line) for line in lines)
    assert any(line.startswith("not dropped entries_30_") for line in lines)
    # the rest was done
    assert any(line.startswith("let the content of 1 runs go") for line in lines)
    assert any(line.startswith("dropped entries_30_") for line in keep_up(owner, days_later=32))


def test_the_command_ends_with_an_error_where_a_partition_was_left(
    monkeypatch: pytest.MonkeyPatch, committed_world: World
) -> None:
    def locked(*_args: Any, **_options: Any) -> Iterator[str]:
        yield "not dropped entries_30_20260101: others hold on to it; it is tried again the next time"
        raise PartitionsLocked("entries_30_20260101")

    monkeypatch.setattr(maintain_journal_command, "maintain_journal", locked)
    out = StringIO()
    with pytest.raises(CommandError, match="held on to entries_30_20260101") as ended:
        call_command("maintain_journal", stdout=out)
    assert (ended.value.returncode, "not dropped entries_30_20260101" in out.getvalue()) == (1, True)


def test_the_app_may_not_maintain(committed_world: World) -> None:
    address = settings.DATABASE_JOURNAL_URL
    with psycopg.connect(address, autocommit=True) as journal, pytest.raises(psycopg.errors.InsufficientPrivilege):
        list(maintain_journal(journal, now=clock.now()))


# What people see afterwards ---------------------------------------------------------------------------------------


@pytest.fixture
def expired(committed_world: World, owner: psycopg.Connection[Any], truth: psycopg.Connection[Any]) -> UUID:
    """A run of a developer in Acme whose content has gone."""
    run_id = accept(committed_world.dev)
    asyncio.run(_write_steps())
    finish(truth, run_id)
    keep_up(owner, days_later=32)
    return run_id


async def _write_steps() -> None:
    one = writer()
    (claim,) = await one.claim(1)
    at = clock.now()
    kinds = [("step.intended", 0), ("step.done", 2), ("note", 3)]
    told = [
        Entry(seq, kind, at + timedelta(seconds=seconds), "ask", 1, 1, {"result": "kakapo"})  # type: ignore[arg-type]
        for seq, (kind, seconds) in enumerate(kinds, start=1)
    ]
    assert await writing(one, one.append(claim, told)) == [None]


def test_the_api_says_that_content_has_gone(committed_world: World, expired: UUID, api: Any) -> None:
    answer = api(committed_world.viewer).get(f"/api/v1/runs/{expired}/")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["status"], told["logs"], told["result"]) == ("succeeded", [], None)
    assert told["expired"]["message"].startswith("Content was kept for 30 days and is gone since 2")
    (step,) = told["expired"]["steps"]
    assert (step["node_id"], step["state"], step["duration_seconds"]) == ("ask", "succeeded", 2.0)
    assert api(committed_world.stranger).get(f"/api/v1/runs/{expired}/").status_code == 404


def test_following_it_is_refused_with_a_sentence(committed_world: World, expired: UUID, api: Any) -> None:
    answer = api(committed_world.dev).get(f"/api/v1/runs/{expired}/events")
    assert (answer.status_code, answer.json()["code"]) == (409, "run_content_expired")
    assert "was kept for 30 days and is gone since" in answer.json()["detail"]
    assert api(committed_world.stranger).get(f"/api/v1/runs/{expired}/events").status_code == 404


def test_its_page_says_so_and_shows_what_is_left(committed_world: World, expired: UUID, client: Client) -> None:
    client.force_login(committed_world.viewer.person)
    page = client.get(f"/runs/{expired}/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "was kept for 30 days and is gone since" in text
    assert 'data-node="ask"' in text
    assert "run-live" not in text
    assert client.get(f"/runs/{expired}/step/", {"node": "ask"}).status_code in (400, 409)
    assert client.get("/runs/").status_code == 200
    client.force_login(committed_world.stranger.person)
    assert client.get(f"/runs/{expired}/").status_code == 404
