# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Connections that leave the pool: a dead one is never handed out, a lively one is not asked each time."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection
from psycopg_pool import ConnectionPool

from codexos.postgres import base


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The connections that were asked over the wire."""
    found: list[Any] = []
    ask = ConnectionPool.check_connection
    monkeypatch.setattr(ConnectionPool, "check_connection", staticmethod(lambda one: [found.append(one), ask(one)]))
    return found


@pytest.fixture
def one(db: None) -> Iterator[psycopg.Connection]:
    """A connection of its own."""
    with psycopg.connect(**django_connection.get_connection_params(), autocommit=True) as connection:
        yield connection


def test_one_that_was_just_asked_is_not_asked_again(one: psycopg.Connection, asked: list[Any]) -> None:
    for _use in range(3):
        base.check_connection(one)
        one.execute("select 1")
    assert asked == [one]


def test_one_that_was_long_silent_is_asked(
    one: psycopg.Connection, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "ASKED_EVERY_SECONDS", -1.0)
    base.check_connection(one)
    base.check_connection(one)
    assert asked == [one, one]


def test_one_that_the_server_has_ended_is_found_at_once(one: psycopg.Connection, truth: psycopg.Connection) -> None:
    base.check_connection(one)
    truth.execute("select pg_terminate_backend(%s, 5000)", [one.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        base.check_connection(one)


def test_the_pool_of_the_settings_checks_so(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setitem(django_connection.settings_dict, "CONN_HEALTH_CHECKS", True)
    monkeypatch.setitem(django_connection.settings_dict["OPTIONS"], "pool", {"min_size": 0, "max_size": 1})
    try:
        assert django_connection.pool._check is base.check_connection
    finally:
        django_connection.close_pool()
