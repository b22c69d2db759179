# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/up` as a person meets it: real PostgreSQL, Redis and supervisor around stand-ins for the product."""

import json
import os
import signal
import socket
import stat
import time

import psutil
import psycopg
import pytest

from codexos.local import postgres, redis
from codexos.local.home import Home, secret_text
from tests.local.conftest import Miniature, Started


def answer_of(started: Started, question: str) -> str:
    dsn = postgres.address(started.home, role=postgres.APP)
    with psycopg.connect(dsn) as connection:
        row = connection.execute(question).fetchone()  # type: ignore[call-overload]
    return str(row[0])


def wait_until_answered(started: Started) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            assert answer_of(started, "SELECT 1") == "1"
            return
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, started.said
            time.sleep(0.1)


def kill_and_wait_for_its_return(started: Started, name: str) -> None:
    before = started.number_of(name)
    os.kill(before, signal.SIGKILL)
    started.wait_for(f"{name} ended unexpectedly")
    deadline = time.monotonic() + 20
    while started.number_of(name) == before:
        assert time.monotonic() < deadline, started.said
        time.sleep(0.1)


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert not alive, f"still running: {alive}"


def test_a_home_from_first_start_to_last_ctrl_c(miniature: Miniature) -> None:
    with miniature.up() as started:
        assert f"http://127.0.0.1:{started.port}" in started.said
        assert "a-generated-one" in started.said, "the first start shows the demo sign-in"
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert answer_of(started, f"SHOW {setting}") == "on"
        assert answer_of(started, "SHOW listen_addresses") == ""
        assert (
            answer_of(started, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user") == "False"
        )
        assert answer_of(started, "SELECT extname FROM pg_extension WHERE extname = 'vector'") == "vector"

        second = miniature.run("up", home=started.home, port=redis.free_port())
        assert second.returncode == 1
        assert str(started.process.pid) in second.stderr
        assert f"http://127.0.0.1:{started.port}" in second.stderr
        assert answer_of(started, "SELECT 1") == "1", "the first one goes on"

        beside = miniature.run("manage", "variables", home=started.home, port=started.port)
        assert f"redis://:{secret_text(started.home, 'redis')}@127.0.0.1:" in beside.stdout
        everything = [*started.family(), psutil.Process(started.process.pid)]
        assert started.stop() == 0
    assert_gone(everything)

    with miniature.up(port=started.port) as again:
        assert "a-generated-one" not in again.said, "the password is shown once"
        assert str(again.home.demo) in again.said
        calls = (again.home.root / "commands.txt").read_text().split()
        assert calls == ["prepare_database", "seed_demo", "variables"], "what did not change is not done again"


def test_whatever_is_killed_the_home_serves_again(miniature: Miniature) -> None:
    with miniature.up() as started:
        for name in ("jobs", "db", "redis"):
            kill_and_wait_for_its_return(started, name)
        wait_until_answered(started)

        everything = started.family()
        os.kill(started.number_of("supervisor"), signal.SIGKILL)
        started.wait_for("everything was started again")
        assert_gone(everything)
        wait_until_answered(started)

        everything = started.family()
        started.process.kill()
        started.process.wait()
        with miniature.up() as again:
            assert_gone(everything)
            wait_until_answered(again)
            everything = again.family()
            assert again.stop(signal.SIGTERM) == 0
        assert_gone(everything)


def test_two_homes_side_by_side_share_nothing(miniature: Miniature) -> None:
    with miniature.up() as one, miniature.up("another") as two:
        for here, there in ((one, two), (two, one)):
            assert answer_of(here, "SELECT 1") == "1"
            stranger = postgres.address(here.home, role=postgres.APP).replace(
                secret_text(here.home, postgres.APP), secret_text(there.home, postgres.APP)
            )
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(stranger).close()
        with pytest.raises(OSError, match="another server"):
            redis.ask_version(redis.port(one.home), password=secret_text(two.home, "redis"))


def test_a_server_of_ones_own_gets_the_roles_but_never_those_of_another_home(miniature: Miniature) -> None:
    mine = Home(miniature.folder / "with-a-server")
    with miniature.up() as theirs:
        administrator = postgres.address(theirs.home, role=postgres.SUPERUSER)
        for _again in range(2):
            refused = miniature.run("manage", "variables", home=mine, DATABASE_URL=administrator)
            assert refused.returncode == 1
            assert "made by another home" in refused.stderr
            assert answer_of(theirs, "SELECT 1") == "1", "their passwords are as they were"

        with psycopg.connect(administrator, autocommit=True) as server:
            for role in postgres.ROLES:
                server.execute(f"ALTER ROLE {role} RENAME TO former_{role}")
        for _again in range(2):
            done = miniature.run("manage", "variables", home=mine, DATABASE_URL=administrator)
            assert done.returncode == 0, done.stderr
        variables = json.loads(done.stdout)
        assert "CODEXOS_EMBEDDED" not in variables
        assert secret_text(theirs.home, postgres.SUPERUSER) not in done.stdout, (
            "the product never sees the administrator"
        )
        with psycopg.connect(variables["DATABASE_JOURNAL_URL"]) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (postgres.JOURNAL,)


def test_a_taken_port_is_refused_before_anything_starts(miniature: Miniature) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        refused = miniature.run("up", home=Home(miniature.folder / "never"), port=port)
    assert refused.returncode == 1
    assert f"Port {port} is taken by process {os.getpid()}" in refused.stderr
    assert "PORT=" in refused.stderr
    assert not (miniature.folder / "never" / "postgres").exists()


def test_a_command_alone_starts_and_stops_the_servers(miniature: Miniature) -> None:
    home = Home(miniature.folder / "alone")
    done = miniature.run("manage", "variables", home=home, port=redis.free_port())
    assert done.returncode == 0, done.stderr
    assert "DATABASE_OWNER_URL" in done.stdout
    assert list(home.run.glob("*.pid")) == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.keys.iterdir()} == {0o600}
