# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The database's wall has no gap: read from the catalog of the migrated database, with what must be found planted."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import call_command

TABLES_WITHOUT_WALL = """
select c.relname from pg_class c
where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not c.relispartition
  and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id')
  and not (c.relrowsecurity and c.relforcerowsecurity
           and exists (select from pg_policy p where p.polrelid = c.oid and p.polpermissive
                       and pg_get_expr(p.polqual, c.oid) like '%app.tenant()%'
                       and pg_get_expr(p.polwithcheck, c.oid) like '%app.tenant()%'))
order by 1
"""
VIEWS_ABOVE_THE_WALL = """
select c.relname from pg_class c
where c.relnamespace = 'public'::regnamespace
  and (c.relkind = 'm' or c.relkind = 'v' and not coalesce('security_invoker=true' = any (c.reloptions), false))
order by 1
"""
ROLES = "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname like 'codexos%'"
OWNED = """
select c.relname from pg_class c join pg_roles r on r.oid = c.relowner
where r.rolname in ('codexos_app', 'codexos_journal')
  and c.relnamespace in ('public'::regnamespace, 'app'::regnamespace)
"""
POWERFUL_FUNCTIONS_FOR_ALL = """
select p.proname from pg_proc p
where p.pronamespace in ('public'::regnamespace, 'app'::regnamespace) and p.prosecdef
  and not exists (select from unnest(p.proconfig) setting where setting like 'search_path=%')
"""


@pytest.fixture
def catalog(django_db_setup: None, truth: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """A connection that may plant things; they are gone afterwards."""
    with truth.transaction(force_rollback=True):
        yield truth


def _names(catalog: psycopg.Connection[Any], question: str) -> list[str]:
    return [str(row[0]) for row in catalog.execute(question)]


def test_every_table_of_organizations_has_its_wall(catalog: psycopg.Connection[Any]) -> None:
    assert _names(catalog, TABLES_WITHOUT_WALL) == []


@pytest.mark.parametrize(
    "wall",
    [
        "",
        "alter table planted enable row level security",
        "alter table planted enable row level security; alter table planted force row level security",
        "alter table planted enable row level security; alter table planted force row level security;"
        "create policy p on planted using (true) with check (true)",
    ],
)
def test_a_table_with_a_gap_is_found(catalog: psycopg.Connection[Any], wall: str) -> None:
    catalog.execute("create table public.planted (id int, organization_id uuid)")
    if wall:
        catalog.execute(wall)
    assert _names(catalog, TABLES_WITHOUT_WALL) == ["planted"]


def test_every_view_asks_as_whoever_looks(catalog: psycopg.Connection[Any]) -> None:
    assert _names(catalog, VIEWS_ABOVE_THE_WALL) == []
    catalog.execute("create view public.planted as select 1")
    catalog.execute("create materialized view public.planted_too as select 1")
    assert _names(catalog, VIEWS_ABOVE_THE_WALL) == ["planted", "planted_too"]


def test_no_role_of_ours_stands_above_the_wall(catalog: psycopg.Connection[Any]) -> None:
    roles = {row[0]: row[1:] for row in catalog.execute(ROLES)}
    assert {"codexos_app", "codexos_journal", "codexos_owner"} <= roles.keys()
    assert set(roles.values()) == {(False, False, False, False)}


def test_who_serves_owns_nothing(catalog: psycopg.Connection[Any]) -> None:
    assert _names(catalog, OWNED) == []
    catalog.execute("create table public.planted (id int)")
    catalog.execute("alter table public.planted owner to codexos_app")
    assert _names(catalog, OWNED) == ["planted"]


def test_functions_with_the_owners_rights_name_their_schemas(catalog: psycopg.Connection[Any]) -> None:
    assert _names(catalog, POWERFUL_FUNCTIONS_FOR_ALL) == []


@pytest.mark.django_db
def test_migrations_say_all_that_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
