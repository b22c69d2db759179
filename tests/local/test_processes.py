# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The Procfile is the one place that says how a process is started."""

import configparser
from pathlib import Path

import pytest

from codexos.local import postgres, processes, redis
from codexos.local.environment import Setup
from codexos.local.errors import DiskFull, LocalFault, ServerFailed
from codexos.local.home import Home, secret_text
from codexos.local.supervision import ProcessState, Supervisor, settings_text
from codexos.local.watch import Watch

VARIABLES = {
    "HOST": "127.0.0.1",
    "PORT": "8000",
    "CODEXOS_HOME": "/home of/somebody",
    "CODEXOS_SANDBOX_SOCKET": "/home of/somebody/run/sandbox.sock",
    "CODEXOS_SANDBOX_WORDS": "--slots 4",
}


def test_the_procfile_names_the_processes_and_each_can_be_started() -> None:
    assert list(processes.product_processes()) == ["web", "flows", "jobs", "sandbox", "beat"]
    for name in processes.product_processes():
        assert "$" not in " ".join(processes.command_of(name, variables=VARIABLES))
    with pytest.raises(LocalFault, match="web, flows, jobs, sandbox, beat"):
        processes.command_of("nobody", variables=VARIABLES)
    with pytest.raises(LocalFault, match="HOST"):
        processes.command_of("web", variables={})


def test_the_supervisor_reads_its_settings_as_they_were_meant(tmp_path: Path) -> None:
    home = Home(tmp_path / "50% of it")
    parser = configparser.RawConfigParser()
    parser.read_string(settings_text(home, servers=["db", "redis"], product=["web"]))
    assert "50%% of it" in parser["program:web"]["stdout_logfile"]
    assert parser["program:db"]["stopsignal"] == "INT"
    assert int(parser["group:servers"]["priority"]) < int(parser["group:product"]["priority"])
    assert parser["unix_http_server"]["chmod"] == "0700"


def test_the_database_is_durable_and_on_no_network() -> None:
    words = postgres.server_command("/data", sockets=Path("/s"), is_durable=True)
    for wanted in ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "listen_addresses="):
        assert wanted in words
    assert "fsync=off" in postgres.server_command("/data", sockets=Path("/s"), is_durable=False)


def test_redis_takes_its_password_from_no_command_line(home: Home) -> None:
    redis.prepare(home)
    text = redis.settings(home, is_durable=True)
    assert f"requirepass {secret_text(home, 'redis')}" in text
    assert "bind 127.0.0.1\n" in text
    assert "appendonly yes" in text


def test_a_cluster_of_another_release_is_left_alone(home: Home) -> None:
    home.postgres.mkdir()
    (home.postgres / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServerFailed, match="made by PostgreSQL 16"):
        postgres.is_initialized(home)


def test_a_full_disk_in_the_servers_log_becomes_a_sentence() -> None:
    words = 'FATAL:  could not write lock file "postmaster.pid": No space left on device'
    fault = postgres.start_failure(words)
    assert isinstance(fault, DiskFull)
    assert "Nothing that was saved is lost" in str(fault)
    assert "bad luck" in str(postgres.start_failure("FATAL: bad luck"))


def state(name: str, pid: int, how: str = "RUNNING") -> ProcessState:
    return ProcessState(name, "product", how, pid, "")


def test_what_ended_is_said_once_and_its_return_too(home: Home) -> None:
    watch = Watch(Supervisor(Setup(home, {})))
    assert watch.look([state("web", 1), state("jobs", 2)]) == []
    assert watch.look([state("web", 1), state("jobs", 2)]) == []
    assert watch.look([state("web", 3)]) == ["web ended unexpectedly and was started again."]
    assert watch.look([state("jobs", 0, "BACKOFF")]) == ["jobs ended unexpectedly; it is being started again."]
    assert watch.look([state("jobs", 0, "BACKOFF")]) == []
    assert watch.look([state("jobs", 5, "STARTING")]) == []
    assert watch.look([state("jobs", 5)]) == ["jobs runs again."]
    assert watch.look([state("jobs", 5)]) == []


def test_a_full_disk_is_said_while_it_serves_but_not_every_second(home: Home) -> None:
    watch = Watch(Supervisor(Setup(home, {})))
    assert watch.warn_of_disk("LOG:  all is well") == []
    assert "free some space" in watch.warn_of_disk("PANIC: could not write: No space left on device")[0]
    assert watch.warn_of_disk("No space left on device") == []


@pytest.mark.parametrize("given", [{}, {"CODEXOS_DEBUG": "on", "CODEXOS_MODE": "enterprise"}])
def test_code_without_walls_is_refused_where_it_would_be_the_risk_of_others(home: Home, given: dict[str, str]) -> None:
    with pytest.raises(LocalFault, match="without any walls"):
        processes.sandbox_words(Setup(home, {**given, "CODEXOS_SANDBOX_UNSAFE": "on"}))


def test_the_sandbox_is_told_nothing_of_the_installation(home: Home) -> None:
    words = processes.sandbox_words(Setup(home, {"CODEXOS_MASTER_KEY": "canary", "CODEXOS_SANDBOX_SLOTS": "3"}))
    assert "canary" not in " ".join(words)
    assert words[words.index("--slots") + 1] == "3"
    assert "--unsafe" not in words
