# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Fixtures of the whole suite: a real PostgreSQL as the app's role, the truth behind its walls, and people."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.db import connections
from django.utils import translation
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from tests.casting import FILLED_BY_MIGRATIONS
from tests.factories import World, make_world

ADMIN_URL = os.environ.get("CODEXOS_TEST_ADMIN_URL", "")


@pytest.fixture(scope="session")
def django_db_setup(worker_id: str) -> None:
    """Use the database that bin/test has migrated; each parallel worker gets a copy."""
    if worker_id == "master":
        return
    template, name = settings.DATABASES["default"]["NAME"], f"codexos_{worker_id}"
    with psycopg.connect(_admin_url("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        admin.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template)))
    connections["default"].settings_dict["NAME"] = name
    settings.DATABASES["default"]["NAME"] = name
    settings.DATABASE_JOURNAL_URL = settings.DATABASE_JOURNAL_URL.replace(f"/{template}", f"/{name}")
    settings.REDIS_URL = settings.REDIS_URL


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """Return the name of this parallel worker, "master" where there is only one."""
    workerinput: dict[str, Any] = getattr(request.config, "workerinput", {"workerid": "master"})
    return str(workerinput["workerid"])


def _admin_url(name: str) -> str:
    before, _, after = ADMIN_URL.partition("?")
    return f"{before.rpartition('/')[0]}/{name}?{after}"


@pytest.fixture
def truth() -> Iterator[psycopg.Connection]:
    """A superuser's connection that sees what is really in the database, behind both walls.

    It sees committed rows only: use it together with ``committed``.
    """
    with see_the_truth() as connection:
        yield connection


def see_the_truth() -> psycopg.Connection:
    """Connect as a superuser."""
    return psycopg.connect(_admin_url(str(settings.DATABASES["default"]["NAME"])), autocommit=True)


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker, truth: psycopg.Connection) -> Iterator[None]:
    """Let the test commit for real; every row is gone afterwards."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
    wipe(truth)


_WIPE = """
do $$
declare
    name text;
begin
    for name in select tablename from pg_tables where schemaname = 'public' and tablename != all ({kept}) loop
        execute format('delete from %I', name);
    end loop;
end $$
"""


def wipe(truth: psycopg.Connection) -> None:
    truth.execute("set session_replication_role = replica")
    truth.execute(sql.SQL(_WIPE).format(kept=sql.Literal(sorted(FILLED_BY_MIGRATIONS))))
    truth.execute("set session_replication_role = origin")


@pytest.fixture
def world(db: None) -> World:
    """Two organizations with their people, a stranger and nobody; see tests/factories.py."""
    return make_world()


@pytest.fixture
def committed_world(committed: None) -> World:
    """The same, committed."""
    return make_world()


@pytest.fixture
def api() -> Callable[..., Any]:
    """Return a client for a person, a token or nobody: ``api(world.dev).get("/api/v1/projects/")``."""
    from tests.factories import client_for

    return client_for


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Walk journeys last: Playwright keeps an event loop running, beside which no asyncio test could start."""
    for item in items:
        if "page" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(autouse=True, scope="session")
def dear_hashing() -> int:
    """Hash passwords for little, or each sign-in takes a tenth of a second; give what it costs in the product."""
    dear, ScryptPasswordHasher.work_factor = ScryptPasswordHasher.work_factor, 16
    return dear


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """Leave no test in the language that the one before spoke."""
    yield
    translation.activate(settings.LANGUAGE_CODE)
