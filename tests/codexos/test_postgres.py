# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Connections that leave the pool: a dead one is never handed out, a lively one is not asked each time.

And transactions: what opens one goes with its first statement, however that is asked, and with nothing else.
"""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import DataError, transaction
from django.db import connection as django_connection
from psycopg_pool import ConnectionPool

from codexos.postgres import base
from codexos.postgres.keeping import stay_connected


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
    with psycopg.connect(**django_connection.get_connection_params()) as connection:
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


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What goes to the server."""
    found: list[str] = []
    send = psycopg.ClientCursor._execute_send

    def listen(cursor: Any, query: Any, **options: Any) -> None:
        found.append(query.query.decode())
        send(cursor, query, **options)

    monkeypatch.setattr(psycopg.ClientCursor, "_execute_send", listen)
    return found


def ask(statement: str, *values: object) -> Any:
    """What one statement answers first."""
    with django_connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchone()[0]


@pytest.mark.usefixtures("committed")
class TestTransactions:
    def test_a_first_statement_is_sent_behind_what_opens_its_transaction(self, sent: list[str]) -> None:
        with transaction.atomic():
            django_connection.open_with("app.word", "it's")  # type: ignore[attr-defined]
            assert ask("select current_setting(%s) || %s", "app.word", "!") == "it's!"
            assert ask("select 'a%'") == "a%"
        assert [line.partition(" select ")[0] for line in sent][:1] == ["begin; set local app.word = 'it''s';"]
        assert sent[1:] == ["select 'a%'"]

    def test_a_statement_without_values_opens_it_too(self, sent: list[str]) -> None:
        with transaction.atomic():
            assert ask("select 'a%'") == "a%"
            assert _is_in_transaction()
        assert sent == ["begin; ", "select 'a%'"]

    def test_what_was_set_ends_with_the_transaction(self) -> None:
        with transaction.atomic():
            django_connection.open_with("app.word", "here")  # type: ignore[attr-defined]
            ask("select %s", 1)
        assert ask("select current_setting('app.word', true)") in (None, "")
        with transaction.atomic():
            assert ask("select current_setting('app.word', true)") in (None, "")

    def test_one_that_asks_nothing_sends_nothing(self, sent: list[str]) -> None:
        with transaction.atomic():
            django_connection.open_with("app.word", "here")  # type: ignore[attr-defined]
        assert sent == []
        assert not _is_in_transaction()

    def test_a_statement_that_never_left_opens_nothing_and_the_next_one_does(self) -> None:
        with transaction.atomic():
            django_connection.open_with("app.word", "here")  # type: ignore[attr-defined]
            with pytest.raises(DataError, match="NUL"):
                ask("select %s", "\x00")
            assert ask("select current_setting(%s)", "app.word") == "here"
            assert _is_in_transaction()

    def test_a_first_statement_that_fails_takes_the_transaction_with_it(self) -> None:
        with pytest.raises(DataError), transaction.atomic():
            ask("select 1 / %s", 0)
        assert not _is_in_transaction()
        assert ask("select %s", 1) == 1

    def test_what_is_rolled_back_was_never_written(self) -> None:
        with transaction.atomic():
            ask("select set_config('app.word', %s, false)", "written")
            transaction.set_rollback(True)
        assert not _is_in_transaction()
        assert ask("select current_setting('app.word', true)") in (None, "")

    def test_many_rows_and_savepoints_are_inside_of_it(self, sent: list[str]) -> None:
        with transaction.atomic():
            with transaction.atomic():
                assert _is_in_transaction()
            with django_connection.cursor() as cursor:
                cursor.executemany("select %s", [[1], [2]])
            assert _is_in_transaction()
        assert sent[0] == "begin; "

    def test_a_read_that_is_alone_brings_its_end_along_and_what_follows_begins_anew(self, sent: list[str]) -> None:
        with transaction.atomic():
            django_connection.open_with("app.word", "here")  # type: ignore[attr-defined]
            django_connection.read_once()  # type: ignore[attr-defined]
            assert ask("select current_setting(%s)", "app.word") == "here"
            assert not _is_in_transaction()
            assert ask("select current_setting(%s)", "app.word") == "here"
            assert _is_in_transaction()
        assert [line.endswith("; commit") for line in sent] == [True, False]

    def test_a_read_inside_of_what_has_begun_ends_nothing(self) -> None:
        with transaction.atomic():
            ask("select %s", 1)
            django_connection.read_once()  # type: ignore[attr-defined]
            ask("select %s", 2)
            assert _is_in_transaction()

    def test_a_cursor_with_a_name_is_opened_inside_and_not_held_beyond(self) -> None:
        with transaction.atomic(), django_connection.chunked_cursor() as cursor:
            cursor.execute("select generate_series(1, 500)")
            assert _is_in_transaction()
            assert ask("select bool_or(is_holdable) from pg_cursors where name like '_django%'") is False
            assert len(cursor.fetchall()) == 500
        with django_connection.chunked_cursor() as cursor:
            cursor.execute("select generate_series(1, 500)")
            assert len(cursor.fetchall()) == 500

    def test_a_connection_that_goes_back_to_the_pool_begins_nothing_there(self) -> None:
        with transaction.atomic():
            driver = django_connection.connection
            assert driver.opening is not None
            django_connection.close()
        assert driver.opening is None


@pytest.mark.usefixtures("committed")
class TestKeeping:
    @pytest.fixture(autouse=True)
    def pooled(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """A pool of eight connections, as the web process has one."""
        django_connection.close()
        monkeypatch.setitem(django_connection.settings_dict, "CONN_HEALTH_CHECKS", True)
        monkeypatch.setitem(django_connection.settings_dict["OPTIONS"], "pool", {"min_size": 0, "max_size": 8})
        django_connection.close_pool()
        yield
        stay_connected(None)
        django_connection.close()
        django_connection.close_pool()

    @pytest.mark.parametrize(("place", "is_kept"), [(0, True), (1, True), (2, False), (None, False)])
    def test_the_first_threads_keep_their_connection_and_leave_most_to_the_others(
        self, place: int | None, is_kept: bool
    ) -> None:
        stay_connected(place)
        ask("select 1")
        django_connection.close_if_unusable_or_obsolete()
        assert (django_connection.connection is not None) == is_kept

    def test_one_that_was_kept_long_goes_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stay_connected(0)
        monkeypatch.setattr(base, "KEPT_SECONDS", 0.0)
        ask("select 1")
        django_connection.close_if_unusable_or_obsolete()
        assert django_connection.connection is None

    def test_a_kept_one_that_the_server_has_ended_is_never_used(self, truth: psycopg.Connection) -> None:
        stay_connected(0)
        truth.execute("select pg_terminate_backend(%s, 5000)", [ask("select pg_backend_pid()")])
        django_connection.close_if_unusable_or_obsolete()
        assert django_connection.connection is None
        assert ask("select 1") == 1

    def test_a_transaction_left_open_by_hand_is_not_kept(self) -> None:
        stay_connected(0)
        with django_connection.cursor() as cursor:
            cursor.execute("begin")
        django_connection.close_if_unusable_or_obsolete()
        assert django_connection.connection is None


def _is_in_transaction() -> bool:
    status = django_connection.connection.pgconn.transaction_status
    return bool(status == psycopg.pq.TransactionStatus.INTRANS)
