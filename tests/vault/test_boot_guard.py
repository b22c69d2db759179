# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""With something sealed in the database nothing starts without the master that opens it; with it, everything does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from codexos.kernel.sealing import new_key
from codexos.local.home import CHECKOUT
from codexos.local.redis import free_port
from tests.factories import World
from vault import checks
from vault.crypto.keyring import name_of
from vault.errors import KeyUnavailable
from vault.operations.secrets import Folder, put_secret

PATIENCE_SECONDS = 90.0

SERVED = {
    "web": "-m uvicorn codexos.asgi:application --host 127.0.0.1 --port {port} --log-level info",
    "flows": "-m celery -A codexos.celery worker -P solo -Q flows-of-this-test -n guard@%h --without-gossip "
    "--without-mingle --loglevel INFO",
    "jobs": "-m celery -A codexos.celery worker -P prefork -c 1 -Q jobs-of-this-test -n guarded@%h --without-gossip "
    "--without-mingle --loglevel INFO",
    "beat": "-m celery -A codexos.celery beat --schedule {folder}/timetable --pidfile= --loglevel INFO",
}
READY = {"web": "Uvicorn running", "flows": "ready.", "jobs": "ready.", "beat": "beat: Starting"}
COMMANDS = {"audit": "manage.py audit verify", "prepare_database": "manage.py prepare_database"}


@pytest.fixture
def sealed(committed_world: World) -> World:
    """A database with a secret in it."""
    put_secret(committed_world.dev.actor, "github", b"x", folder=Folder(project=committed_world.project))
    return committed_world


def variables(**given: str) -> dict[str, str]:
    """What a process of this test is started with: the database of the test, and the key that the test has."""
    name = str(settings.DATABASES["default"]["NAME"])
    made = dict(os.environ) | {"CODEXOS_MASTER_KEY": settings.MASTER_KEY.hex(), "PYTHONUNBUFFERED": "1"}
    for address in ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_JOURNAL_URL"):
        made[address] = urlunsplit(urlsplit(os.environ[address])._replace(path=f"/{name}"))
    return made | given


@contextmanager
def started(words: str, folder: Path, **given: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, *words.format(port=free_port(), folder=folder).split()]
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=CHECKOUT, env=variables(**given), stdout=said, stderr=said)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)


def said_in(folder: Path) -> str:
    return (folder / "said").read_text()


@pytest.mark.parametrize("process", [*SERVED, *COMMANDS])
def test_with_another_master_nothing_starts_and_the_missing_one_is_named(
    sealed: World, tmp_path: Path, process: str
) -> None:
    wrong = new_key()
    words = (SERVED | COMMANDS)[process]
    with started(words, tmp_path, CODEXOS_MASTER_KEY=wrong.hex()) as run:
        assert run.wait(PATIENCE_SECONDS) != 0
    said = said_in(tmp_path)
    assert f"sealed under the master key '{name_of(settings.MASTER_KEY)}'" in said
    assert f"it has '{name_of(wrong)}'" in said
    assert "Give the key back" in said
    assert "Traceback" not in said
    assert wrong.hex() not in said


@pytest.mark.parametrize("process", SERVED)
def test_with_the_right_master_everything_starts(sealed: World, tmp_path: Path, process: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with started(SERVED[process], tmp_path) as run:
        while READY[process] not in said_in(tmp_path):
            is_waiting = run.poll() is None and time.monotonic() < deadline
            assert is_waiting, said_in(tmp_path)
            time.sleep(0.05)


def test_with_the_right_master_commands_run(sealed: World, tmp_path: Path) -> None:
    with started(COMMANDS["audit"], tmp_path) as run:
        assert run.wait(PATIENCE_SECONDS) == 0, said_in(tmp_path)


def test_the_command_that_helps_runs_with_another_master(sealed: World, tmp_path: Path) -> None:
    # The master of the vault alone: with another one for everything the database would refuse its tokens.
    other = new_key()
    with started("manage.py vault status", tmp_path, CODEXOS_VAULT_KEYS=other.hex()) as run:
        assert run.wait(PATIENCE_SECONDS) == 0, said_in(tmp_path)
    assert f"also needed: {name_of(settings.MASTER_KEY)}" in said_in(tmp_path)


def test_where_the_master_is_lost_the_vaults_are_given_up_and_all_starts_again(sealed: World, tmp_path: Path) -> None:
    new = new_key().hex()

    def run(words: str) -> str:
        with started(words, tmp_path, CODEXOS_MASTER_KEY=new) as process:
            assert process.wait(PATIENCE_SECONDS) == 0, said_in(tmp_path)
        return said_in(tmp_path)

    try:
        run("manage.py prepare_database --masters-are-lost")
        assert f"also needed: {name_of(settings.MASTER_KEY)}" in run("manage.py vault status")
        run("manage.py vault shred acme --confirm acme")
        run("manage.py prepare_database")
        run("manage.py system_admin add system@acme.example")
    finally:
        # The other tests' database believes the other key again.
        new = settings.MASTER_KEY.hex()
        run("manage.py prepare_database --masters-are-lost")


def test_the_old_master_behind_the_new_one_is_enough(sealed: World, tmp_path: Path) -> None:
    with started(COMMANDS["audit"], tmp_path, CODEXOS_VAULT_KEYS=new_key().hex()) as run:
        assert run.wait(PATIENCE_SECONDS) == 0, said_in(tmp_path)


def test_a_database_without_any_secret_asks_for_nothing(committed: None) -> None:
    checks.refuse_missing_masters(connection, ask_outside=True)


def test_a_keeper_that_is_away_is_a_warning(
    sealed: World, truth: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    truth.execute("update vault_vaultkey set master = 'kms:eu-1/alpha'")

    def away(master: str, _sample: object) -> None:
        raise KeyUnavailable(master=master, because="it does not answer")

    monkeypatch.setattr(checks, "try_key", away)
    checks.refuse_missing_masters(connection, ask_outside=True)
    assert "Secrets stay shut until it can" in caplog.text
    caplog.clear()
    checks.refuse_missing_masters(connection)
    assert not caplog.text, "who connects does not wait for a keeper elsewhere"


def test_a_keeper_nobody_knows_is_refused_where_something_starts(sealed: World, truth: psycopg.Connection) -> None:
    truth.execute("update vault_vaultkey set master = 'kms:eu-1/alpha'")
    with pytest.raises(ImproperlyConfigured, match="'kms:eu-1/alpha', which this process was not given"):
        checks.refuse_missing_masters(connection, ask_outside=True)


def test_one_damaged_key_stops_nobody_and_all_of_them_do(sealed: World, truth: psycopg.Connection) -> None:
    put_secret(sealed.stranger.actor, "theirs", b"x", folder=Folder(project=sealed.other_project))
    for organization, stops in ((sealed.acme, False), (sealed.other, True)):
        truth.execute(
            "update vault_vaultkey set wrapped = set_byte(wrapped, 20, 255 - get_byte(wrapped, 20)) "
            "where organization_id = %s",
            [organization.pk],
        )
        if stops:
            with pytest.raises(ImproperlyConfigured, match="does not open them"):
                checks.refuse_missing_masters(connection)
        else:
            checks.refuse_missing_masters(connection)
