# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""SqlQuery against a real PostgreSQL: what it reads, everything it must not do, and where it must not go."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from psycopg.conninfo import make_conninfo

from agents.adapters.tools.room import ToolRoom
from agents.adapters.tools.sql_query import SPEC, SqlQuery, insist_reading
from agents.engine.gate import Occasion
from agents.engine.tools import check_arguments, kept_result
from agents.errors import ToolCallRefused, ToolFailed, ToolUnavailable
from codexos.kernel.egress import EgressPolicy, EgressRefused
from codexos.kernel.errors import CodexosError
from tests.conftest import see_the_truth
from tests.kernel.asking import CLOSED, opened
from tests.tcp_door import door_to

PASSWORD = "reader-7f3a9c51e2"


def dsn_for(port: int, **said: str) -> str:
    """The address of the tests' database by TCP, as the application's user."""
    known = settings.DATABASES["default"]
    return make_conninfo(
        host="127.0.0.1",
        port=port,
        dbname=str(known["NAME"]),
        **{"user": str(known["USER"]), "password": str(known["PASSWORD"]), **said},
    )


@pytest.fixture(scope="module")
def door() -> Iterator[int]:
    known = settings.DATABASES["default"]
    with door_to(f"{known['HOST']}/.s.PGSQL.{known.get('PORT') or 5432}") as port:
        yield port


@pytest.fixture
def reader(django_db_setup: None, door: int) -> Iterator[str]:
    """The address of a real server, as a user who could write to a table there."""
    with see_the_truth() as link:
        link.execute("drop table if exists birds")
        link.execute("create table birds (name text, kg numeric, seen timestamptz)")
        link.execute("insert into birds values ('kakapo', 2.0, '2026-01-02 03:04:05+00'), ('kea', 0.9, null)")
        link.execute(f"grant all on birds to {settings.DATABASES['default']['USER']}")
        yield dsn_for(door)
        link.execute("drop table birds")


async def ask(dsn: str, sql: str, *, policy: EgressPolicy | None = None, **arguments: Any) -> Any:
    asked = {"dsn": dsn, "sql": sql, **arguments}
    check_arguments(SPEC, asked)
    found = await SqlQuery(ToolRoom(egress=policy or opened("127.0.0.1"))).call(asked, on=Occasion("k"))
    kept_result(SPEC, found)
    return found


async def test_rows_come_back_by_their_columns(reader: str) -> None:
    found = await ask(reader, "select name, kg, seen from birds where kg > $1 order by name;", parameters=[0.5])
    assert found["columns"] == ["name", "kg", "seen"]
    assert [(row["name"], row["kg"]) for row in found["rows"]] == [("kakapo", 2.0), ("kea", 0.9)]
    assert (found["row_count"], found["truncated"]) == (2, False)
    found = await ask(reader, "with b as (select name from birds) select * from b where name like 'ka%' -- ok")
    assert found["rows"] == [{"name": "kakapo"}]
    assert (await ask(reader, "values (1), (2)"))["row_count"] == 2
    assert (await ask(reader, "table birds", max_rows=1))["truncated"] is True


WRITES = [
    "insert into birds values ('moa')",
    "update birds set kg = 0",
    "delete from birds",
    "truncate birds",
    "drop table birds",
    "create table moa (a int)",
    "copy birds to program 'id'",
    "copy birds from '/etc/passwd'",
    "do $$ begin delete from birds; end $$",
    "call something()",
    "set default_transaction_read_only = off",
    "begin; delete from birds; commit",
    "commit",
    "notify birds",
    "vacuum",
    "with gone as (delete from birds returning *) select * from gone",
    "select 1; delete from birds",
    "select 1) asked limit 1) told; delete from birds; select (select (1",
    "select * from birds for update",
    "select * into moa from birds",
    "select nextval('moa')",
    "select lo_import('/etc/passwd')",
    "select lo_export(1, '/tmp/x')",
    "select pg_read_file('/etc/passwd')",
    "select * from pg_ls_dir('/')",
    "select dblink_exec('host=127.0.0.1', 'delete from birds')",
    "select \"dblink\"('x')",
    "select U&\"dbl\\0069nk\"('x')",
    "select query_to_xml('delete from birds', true, true, '')",
    "select set_config('default_transaction_read_only', 'off', false)",
    "select pg_terminate_backend(1)",
    "select pg_advisory_lock(1)",
    "explain analyze delete from birds",
    "/* x */ delete from birds",
    "-- x\ndelete from birds",
]


@pytest.mark.parametrize("sql", WRITES)
async def test_nothing_is_written(reader: str, sql: str) -> None:
    with pytest.raises((ToolCallRefused, ToolFailed)):
        await ask(reader, sql)
    assert (await ask(reader, "select count(*) as n, sum(kg) as kg from birds"))["rows"] == [{"n": 2, "kg": 2.9}]


async def test_the_transaction_itself_refuses_what_the_text_does_not_show(reader: str) -> None:
    with see_the_truth() as link:
        link.execute("create function sly() returns int language sql security definer as 'delete from birds; select 1'")
        try:
            with pytest.raises(ToolFailed, match="read-only transaction"):
                await ask(reader, "select sly()")
        finally:
            link.execute("drop function sly()")


async def test_a_user_who_may_do_more_is_refused(reader: str, door: int) -> None:
    with see_the_truth() as link:
        link.execute("create role strong login superuser password 'x'")
        try:
            with pytest.raises(ToolFailed, match="superuser"):
                await ask(dsn_for(door, user="strong", password="x"), "select 1 as one")
        finally:
            link.execute("drop role strong")


async def test_time_rows_and_bytes_are_bounded(reader: str) -> None:
    with pytest.raises(ToolFailed, match=r"too long|took longer"):
        await ask(reader, "select pg_sleep(30)", timeout_seconds=0.3)
    found = await ask(reader, "select n from generate_series(1, 1000000) n", max_rows=50)
    assert (found["row_count"], found["truncated"]) == (50, True)
    found = await ask(reader, "select repeat('x', 200000000) as big")
    assert (found["rows"], found["truncated"]) == ([], True)
    found = await ask(reader, "select repeat('x', 90000) as big from generate_series(1, 100)")
    assert found["row_count"] < 20
    assert found["truncated"]


async def test_it_goes_only_where_the_rules_let_it(reader: str) -> None:
    with pytest.raises(EgressRefused):
        await ask(reader, "select 1", policy=CLOSED)
    for host in ("169.254.169.254", "10.0.0.1", "[::ffff:127.0.0.1]", "0x7f000001", "2130706433"):
        with pytest.raises(CodexosError) as refused:
            await ask(f"postgresql://u:p@{host}/d", "select 1", policy=CLOSED)
        assert refused.value.code in {"egress_refused", "tool_failed", "tool_unavailable"}, host
    with pytest.raises(EgressRefused):
        await ask("postgresql://u:p@8.8.8.8/d", "select 1", policy=EgressPolicy(only_hosts=frozenset({"db.example"})))


@pytest.mark.parametrize(
    "dsn",
    [
        f"not an address {PASSWORD}",
        f"postgresql://u:{PASSWORD}@/d",
        f"postgresql://u:{PASSWORD}@/d?host=/var/run/postgresql",
        f"postgresql://u:{PASSWORD}@a.example,b.example/d",
        f"postgresql://u:{PASSWORD}@a.example/d?sslkey=/etc/passwd",
        f"postgresql://u:{PASSWORD}@a.example/d?options=-crole%3Dpostgres",
        f"postgresql://u:{PASSWORD}@a.example/d?hostaddr=127.0.0.1",
        f"service=x password={PASSWORD}",
        f"postgresql://u:{PASSWORD}@127.0.0.1:1/d",
    ],
)
async def test_what_is_no_address_is_refused_without_being_repeated(dsn: str) -> None:
    with pytest.raises((ToolFailed, ToolUnavailable)) as refused:
        await ask(dsn, "select 1")
    assert PASSWORD not in refused.value.message + str(refused.value.details)


async def test_a_wrong_password_is_said_without_it(reader: str) -> None:
    wrong = make_conninfo(reader, password=PASSWORD, user="nobody_here")
    with pytest.raises((ToolFailed, ToolUnavailable)) as refused:
        await ask(wrong, "select 1")
    assert PASSWORD not in refused.value.message


def test_what_reads_may_be_written_in_many_ways() -> None:
    for sql in (
        "SELECT 1",
        " \n select 1",
        "/* a */ -- b\n with a as (select 1) select 1",
        "(select 1)",
        "Table birds",
    ):
        insist_reading(sql)
    assert SPEC.capabilities_of({"sql": "select 1", "secret": "db"}) == ("read", "egress:*", "secret:db")
