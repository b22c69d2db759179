# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The embedded servers as children of this process, for tests and single commands."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from codexos.local import postgres, processes, redis
from codexos.local.environment import Setup, database_of
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT, Home
from codexos.local.logtail import LogTail

STOP_TIMEOUT_SECONDS = 20.0
REDIS_ATTEMPTS = 3


@dataclass
class Servers:
    """Starts and stops the embedded parts of a setup."""

    setup: Setup
    is_durable: bool = True
    _children: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def _home(self) -> Home:
        return self.setup.home

    def start(self) -> None:
        """Start what is embedded and provision it. Raises ServerFailed or DiskFull with the server's last words."""
        prepare(self.setup)
        if self.setup.has_own_database:
            self._spawn(processes.DATABASE)
        if self.setup.has_own_redis:
            self._spawn(processes.QUEUE)
            self._wait_for_redis()
        if self.setup.has_own_database:
            self._wait_for_postgres()
        provision(self.setup)

    def stop(self) -> None:
        """Stop everything that was started, properly."""
        for name, child in self._children.items():
            child.send_signal(signal.SIGINT if name == processes.DATABASE else signal.SIGTERM)
        for child in self._children.values():
            try:
                child.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()

    def _spawn(self, name: str) -> None:
        words = processes.launcher_words("process", name, *([] if self.is_durable else ["--disposable"]))
        with self._log(name).open("wb") as log:
            self._children[name] = subprocess.Popen(
                words,
                cwd=CHECKOUT,
                env={**self.setup.given, "CODEXOS_HOME": str(self._home.root)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_for_postgres(self) -> None:
        child = self._children[processes.DATABASE]
        log = self._log(processes.DATABASE)
        dsn = postgres.address(self._home, role=postgres.SUPERUSER, database="postgres")
        postgres.wait_until_ready(
            dsn, is_alive=lambda: child.poll() is None, log=LogTail(log, is_from_beginning=True).since_start
        )

    def _wait_for_redis(self) -> None:
        for _attempt in range(REDIS_ATTEMPTS):
            try:
                redis.wait_until_ready(self._home, is_alive=self._is_queue_alive)
                return
            except LocalFault:
                self.stop_one(processes.QUEUE)
                redis.prepare(self._home)
                self._spawn(processes.QUEUE)
        redis.wait_until_ready(self._home)

    def _is_queue_alive(self) -> bool:
        return self._children[processes.QUEUE].poll() is None

    def stop_one(self, name: str) -> None:
        """Stop one server."""
        child = self._children.pop(name)
        child.terminate()
        child.wait(STOP_TIMEOUT_SECONDS)

    def _log(self, name: str) -> Path:
        return self._home.logs / f"{name}.log"


def prepare(setup: Setup) -> bool:
    """Make what the servers need before they start; whether a new cluster was made."""
    if setup.has_own_redis:
        redis.prepare(setup.home)
    if not setup.has_own_database:
        return False
    postgres.prepare_sockets(setup.home)
    if postgres.is_initialized(setup.home):
        return False
    postgres.initialize(setup.home)
    return True


def provision(setup: Setup) -> None:
    """Make the roles and the database where that is ours to do."""
    if setup.has_own_database:
        administrator = postgres.address(setup.home, role=postgres.SUPERUSER, database="postgres")
        postgres.provision(administrator, roles=postgres.Roles.of(setup.home))
    elif setup.is_administrator_given:
        _provision_server(setup, administrator=setup.read("DATABASE_URL"))


def _provision_server(setup: Setup, *, administrator: str) -> None:
    """Make the roles on somebody's server. Which one is kept beside the passwords: only there may they be set again."""
    place = urlsplit(administrator)._replace(netloc=urlsplit(administrator).netloc.rpartition("@")[2]).geturl()
    ours = setup.home.keys / "server"
    may_change = ours.exists() and ours.read_text(encoding="utf-8").strip() == place
    roles, database = postgres.Roles.of(setup.home), database_of(administrator)
    postgres.provision(administrator, roles=roles, database=database, may_change_roles=may_change)
    ours.write_text(f"{place}\n", encoding="utf-8")
    ours.chmod(0o600)


def provision_given(setup: Setup) -> None:
    """Make the roles whose addresses are given, as DATABASE_ADMIN_URL. Raises LocalFault for any others."""
    given = {name: setup.read(name) for name in ("DATABASE_OWNER_URL", "DATABASE_URL", "DATABASE_JOURNAL_URL")}
    for (name, dsn), role in zip(given.items(), postgres.ROLES, strict=True):
        if urlsplit(dsn).username != role or not urlsplit(dsn).password:
            raise LocalFault(f"{name} must be the address of the role {role}, with its password.")
    roles = postgres.Roles(*(unquote(urlsplit(dsn).password or "") for dsn in given.values()))
    administrator = setup.read("DATABASE_ADMIN_URL")
    if not administrator:
        raise LocalFault("DATABASE_ADMIN_URL is not set: the address of a role that may create roles.")
    postgres.provision(administrator, roles=roles, database=database_of(given["DATABASE_URL"]))


@contextmanager
def serving(setup: Setup, *, is_durable: bool = True) -> Iterator[None]:
    """Serve the embedded parts while the block runs."""
    servers = Servers(setup, is_durable)
    try:
        servers.start()
        yield
    finally:
        servers.stop()
        setup.home.forget_run()
