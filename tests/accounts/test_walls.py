# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Two walls: the code refuses unscoped reads, the database refuses everything else.

Each attack has its positive control: with the wall away, it works.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.checks import refuse_powerful_role
from accounts.models import Organization, Project, Team
from accounts.tenancy import platform, sign_token, tenant, tenant_token
from codexos.env import postgres_settings
from codexos.kernel.errors import UnscopedRead
from codexos.kernel.ids import new_id
from codexos.kernel.sealing import mac
from tests.factories import World


def raw_teams() -> set[str]:
    """Read every team that the database shows, past the first wall: what SQL injection would see."""
    with connection.cursor() as cursor:
        cursor.execute("select organization_id::text from accounts_team")
        return {row[0] for row in cursor.fetchall()}


def set_token(token: str, *, is_local: bool = True) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config('app.tenant_token', %s, %s)", [token, is_local])


@contextmanager
def as_app(truth: psycopg.Connection, *, without_policy_on: str = "") -> Iterator[psycopg.Connection]:
    """Act as the app's role in a transaction that is undone, with the wall around one table taken away."""
    with truth.transaction(force_rollback=True):
        if without_policy_on:
            truth.execute(f"alter table {without_policy_on} disable row level security")
        truth.execute("set local role codexos_app")
        yield truth


# The first wall ---------------------------------------------------------------------------------------------------


def test_a_read_without_an_organization_is_refused(world: World) -> None:
    with tenant(world.acme.id), pytest.raises(UnscopedRead):
        list(Team.objects.all())


@pytest.mark.parametrize("ask", ["count", "exists", "delete", "first", "get", "iterator", "update"])
def test_no_way_of_asking_goes_around_it(world: World, ask: str) -> None:
    rows = Team.objects.filter(slug="core")
    arguments = {"name": "Mine"} if ask == "update" else {}
    with tenant(world.acme.id), pytest.raises(UnscopedRead):
        list(rows.iterator()) if ask == "iterator" else getattr(rows, ask)(**arguments)


def test_a_scoped_read_outside_of_a_transaction_is_refused(world: World) -> None:
    with pytest.raises(UnscopedRead):
        list(Team.objects.for_organization(world.acme.id))


def test_rows_asked_for_lazily_do_not_leave_their_organization(world: World) -> None:
    with tenant(world.acme.id):
        rows = Team.objects.for_organization(world.acme.id)
    with pytest.raises(UnscopedRead):
        list(rows)


def test_inside_one_organization_the_other_is_empty(world: World) -> None:
    with tenant(world.acme.id):
        assert Team.objects.for_organization(world.acme.id).count() == 1
        assert Team.objects.for_organization(world.other.id).count() == 0


# The second wall --------------------------------------------------------------------------------------------------


def test_without_a_token_the_database_shows_nothing(committed_world: World, truth: psycopg.Connection) -> None:
    assert raw_teams() == set()
    # control: the rows are there, and with the policy away the same role sees them
    with as_app(truth) as app:
        assert app.execute("select count(*) from accounts_team").fetchone() == (0,)
    with as_app(truth, without_policy_on="accounts_team") as app:
        assert app.execute("select count(*) from accounts_team").fetchone() == (2,)


def test_injected_sql_sees_the_own_organization_only(committed_world: World) -> None:
    world = committed_world
    with tenant(world.acme.id):
        assert raw_teams() == {str(world.acme.id)}
        assert {row[0] for row in Team.objects.across_organizations(because="injected").values_list("slug")} == {"core"}


def test_the_token_is_gone_with_its_transaction(committed_world: World) -> None:
    with tenant(committed_world.acme.id):
        connection_id = id(connection.connection)
    assert id(connection.connection) == connection_id
    assert raw_teams() == set()


def test_a_token_set_for_the_session_would_have_leaked(committed_world: World) -> None:
    """The control of the test before: it is the transaction-local setting that keeps the next request clean."""
    set_token(tenant_token(committed_world.acme.id), is_local=False)
    try:
        assert raw_teams() == {str(committed_world.acme.id)}
    finally:
        set_token("", is_local=False)


def test_a_rolled_back_transaction_leaves_no_token(committed_world: World) -> None:
    with pytest.raises(RuntimeError), tenant(committed_world.acme.id):
        raise RuntimeError
    assert raw_teams() == set()


def test_entering_another_organization_restores_the_outer_one(committed_world: World) -> None:
    world = committed_world
    with tenant(world.acme.id):
        with tenant(world.other.id):
            assert raw_teams() == {str(world.other.id)}
            with tenant(world.acme.id):
                assert raw_teams() == {str(world.acme.id)}
            assert raw_teams() == {str(world.other.id)}
        assert raw_teams() == {str(world.acme.id)}


def test_leaving_by_an_error_restores_the_outer_one_too(committed_world: World) -> None:
    world = committed_world
    with tenant(world.acme.id):
        with pytest.raises(RuntimeError), tenant(world.other.id):
            raise RuntimeError
        assert raw_teams() == {str(world.acme.id)}


def test_a_released_savepoint_keeps_what_was_set_in_it(committed_world: World) -> None:
    """The control: without putting it back by hand, the inner organization would stay."""
    world = committed_world
    with tenant(world.acme.id):
        with transaction.atomic():
            set_token(tenant_token(world.other.id))
        assert raw_teams() == {str(world.other.id)}


async def test_many_organizations_at_once_in_one_process_stay_apart(committed_world: World) -> None:
    world = committed_world

    def look(organization_id: UUID) -> bool:
        with tenant(organization_id):
            before = raw_teams()
            time.sleep(0.002)
            return before == raw_teams() == {str(organization_id)}

    def look_and_close(organization_id: UUID) -> bool:
        try:
            return look(organization_id)
        finally:
            connection.close()

    asking = sync_to_async(look_and_close, thread_sensitive=False)
    answers = await asyncio.gather(*(asking(world.acme.id if n % 2 else world.other.id) for n in range(20)))
    assert all(answers)


# Tokens -----------------------------------------------------------------------------------------------------------


def refused(token: str, *, saying: str) -> None:
    def read() -> None:
        with transaction.atomic():
            set_token(token)
            raw_teams()

    with pytest.raises(DatabaseError, match=saying):
        read()


def test_a_forged_token_is_refused(world: World) -> None:
    good = sign_token("tenant", world.acme.id, expires_at=int(time.time()) + 60)
    for position in (len("tenant."), len(good) - 1):
        changed = "0" if good[position] != "0" else "1"
        refused(good[:position] + changed + good[position + 1 :], saying="forged|malformed")
    refused(good.replace("tenant.", "platform.", 1), saying="malformed")


def test_a_token_signed_with_another_key_is_refused(world: World) -> None:
    message = f"tenant.{world.acme.id}.{int(time.time()) + 60}"
    refused(f"{message}.{mac(b'k' * 32, message.encode()).hex()}", saying="forged")
    # control: the same message under our key opens
    with transaction.atomic():
        set_token(f"{message}.{mac(settings.TENANT_TOKEN_KEY, message.encode()).hex()}")
        assert raw_teams() == {str(world.acme.id)}
        set_token("")


def test_an_expired_token_is_refused(world: World) -> None:
    refused(sign_token("tenant", world.acme.id, expires_at=int(time.time()) - 1), saying="expired")


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "tenant.x.y.z", "tenant.1.2.zz", "tenant....", "tenant.%s.99999999999999999999.00"]
)
def test_a_malformed_token_is_refused(world: World, token: str) -> None:
    refused(token.replace("%s", str(world.acme.id)), saying="malformed|forged")


def test_a_platform_token_is_no_tenant_token(committed_world: World) -> None:
    world = committed_world
    refused(sign_token("platform", world.acme.id, expires_at=int(time.time()) + 60), saying="malformed")
    with platform(world.system_admin.person.id), connection.cursor() as cursor:
        assert raw_teams() == set(), "teams are not the admin console's matter"
        # control: organizations are
        cursor.execute("select count(*) from accounts_organization")
        assert cursor.fetchone() == (2,)


def test_a_platform_token_writes_nothing(committed_world: World) -> None:
    world = committed_world
    with platform(world.system_admin.person.id), connection.cursor() as cursor:
        cursor.execute("update accounts_organization set name = 'Mine'")
        assert cursor.rowcount == 0


def test_the_signing_key_cannot_be_read(world: World, truth: psycopg.Connection) -> None:
    for attack in ("select * from app.signing_key", "select app.verified('tenant', '')", "table app.signing_key"):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(attack)
    # as a control, it is there
    assert truth.execute("select count(*) from app.signing_key").fetchone() == (1,)


def test_the_journals_writer_cannot_look_people_up(truth: psycopg.Connection) -> None:
    attack = "select * from app.memberships_of('00000000-0000-7000-8000-000000000000')"
    with truth.transaction(force_rollback=True):
        truth.execute("set local role codexos_journal")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), truth.transaction():
            truth.execute(attack)
    # control: the app can
    with as_app(truth) as app:
        assert app.execute(attack).fetchall() == []


def test_every_function_that_sees_past_the_wall_pins_its_search_path(truth: psycopg.Connection) -> None:
    loose = truth.execute(
        "select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace where p.prosecdef "
        "and n.nspname in ('app', 'public') and not exists (select from unnest(p.proconfig) c "
        "where c like 'search_path=pg_catalog, pg_temp')"
    ).fetchall()
    assert loose == []


# Writing ----------------------------------------------------------------------------------------------------------


def test_nothing_is_written_for_another_organization(world: World, truth: psycopg.Connection) -> None:
    with pytest.raises(DatabaseError, match="row-level security"), tenant(world.acme.id):
        Team.objects.create(organization_id=world.other.id, name="Spy", slug="spy")


def test_without_the_policy_it_would_be_written(committed_world: World, truth: psycopg.Connection) -> None:
    attack = "insert into accounts_team (id, organization_id, name, slug, created_at) values (%s, %s, 'S', 's', now())"
    values = [new_id(), committed_world.other.id]
    with pytest.raises(psycopg.errors.InsufficientPrivilege), as_app(truth) as app:
        app.execute(attack, values)
    with as_app(truth, without_policy_on="accounts_team") as app:
        assert app.execute(attack, values).rowcount == 1


def test_rows_cannot_be_moved_to_another_organization(world: World) -> None:
    with pytest.raises(DatabaseError, match="row-level security"), tenant(world.acme.id):
        Team.objects.for_organization(world.acme.id).update(organization_id=world.other.id)


def test_rows_of_another_organization_are_neither_changed_nor_deleted(
    committed_world: World, truth: psycopg.Connection
) -> None:
    world = committed_world
    with tenant(world.acme.id), connection.cursor() as cursor:
        cursor.execute("update accounts_project set name = 'Mine' where organization_id = %s", [world.other.id])
        assert cursor.rowcount == 0
        cursor.execute("delete from accounts_project where organization_id = %s", [world.other.id])
        assert cursor.rowcount == 0
    kept = truth.execute("select name from accounts_project where id = %s", [world.other_project.id])
    assert kept.fetchone() == ("Main",)


def test_short_names_tell_nothing_of_other_organizations(world: World) -> None:
    """Short names are unique within an organization, so that "taken" is no oracle for what others have."""
    with tenant(world.other.id):
        Team.objects.create(organization_id=world.other.id, name="Secret plan", slug="secret-plan")
    with tenant(world.acme.id):
        Team.objects.create(organization_id=world.acme.id, name="Secret plan", slug="secret-plan")
        # control: within one organization it is taken
        with pytest.raises(IntegrityError), transaction.atomic():
            Team.objects.create(organization_id=world.acme.id, name="Secret plan", slug="secret-plan")


def test_no_unique_constraint_but_of_random_values_crosses_organizations(truth: psycopg.Connection) -> None:
    """A unique index over values that people choose, without the organization in it, would be an oracle."""
    rows = truth.execute(
        """
        select c.relname, pg_get_indexdef(i.indexrelid)
        from pg_index i join pg_class c on c.oid = i.indrelid
        where i.indisunique and not i.indisprimary and c.relrowsecurity
          and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attnum = any (i.indkey)
              and (a.attname like '%%organization%%' or format_type(a.atttypid, null) in ('uuid', 'bytea')))
          and c.relname like 'accounts%%'
        """
    ).fetchall()
    named = {row[0] for row in rows} - {"accounts_organizationgrant", "accounts_teamgrant"}
    assert named == {"accounts_organization"}, "an organization's own short name is public: it is in its addresses"


# The role ---------------------------------------------------------------------------------------------------------


def test_the_app_signs_in_as_a_role_that_the_wall_binds(world: World) -> None:
    refuse_powerful_role(connection)
    with connection.cursor() as cursor:
        cursor.execute("select current_user, rolsuper, rolbypassrls from pg_roles where rolname = current_user")
        assert cursor.fetchone() == ("codexos_app", False, False)


@pytest.mark.parametrize("address", ["CODEXOS_TEST_ADMIN_URL", "DATABASE_OWNER_URL"])
def test_it_refuses_to_serve_as_a_powerful_role(committed: None, address: str) -> None:
    powerful = postgres_settings(os.environ[address], name=address)
    before = {key: connection.settings_dict[key] for key in ("USER", "PASSWORD")}
    connection.close()
    connection.settings_dict.update({key: powerful[key] for key in before})
    try:
        with pytest.raises(ImproperlyConfigured, match="codexos_app"):
            connection.ensure_connection()
        assert connection.connection is None
    finally:
        connection.settings_dict.update(before)
    connection.ensure_connection()


def test_every_table_of_an_organization_has_both_flags_and_a_policy(truth: psycopg.Connection) -> None:
    open_tables = truth.execute(
        """
        select c.relname from pg_class c
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
          and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id'
              and not a.attisdropped)
          and not (c.relrowsecurity and c.relforcerowsecurity
              and exists (select from pg_policy p where p.polrelid = c.oid))
        """
    ).fetchall()
    assert open_tables == []


def test_every_policy_for_writing_checks_what_is_written(truth: psycopg.Connection) -> None:
    unchecked = truth.execute(
        "select polrelid::regclass::text from pg_policy where polcmd in ('*', 'a', 'w') and polwithcheck is null"
    ).fetchall()
    assert unchecked == []


def test_no_view_lets_its_owner_read(truth: psycopg.Connection) -> None:
    views = truth.execute(
        """
        select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace
          and (c.relkind = 'm' or (c.relkind = 'v'
              and not coalesce(c.reloptions::text ilike '%%security_invoker=true%%', false)))
        """
    ).fetchall()
    assert views == []


def test_the_app_owns_nothing(truth: psycopg.Connection) -> None:
    owned = truth.execute(
        "select relname from pg_class where relowner in (select oid from pg_roles where rolname in "
        "('codexos_app', 'codexos_journal'))"
    ).fetchall()
    assert owned == []


def test_a_model_of_an_organization_is_behind_both_walls(world: World) -> None:
    with tenant(world.acme.id):
        assert Organization.objects.count() == 1, "the organization itself is behind the second wall"
        assert Project.objects.for_organization(world.acme.id).get().pk == world.project.pk
