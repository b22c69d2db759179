# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which parts are embedded, and the variables every process of a home is given."""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from codexos.local import postgres, redis
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT, Home, home_named

DEFAULT_PORT = 8000
MASTER_KEY_NAMES = ("CODEXOS_MASTER_KEY", "CODEXOS_MASTER_KEY_FILE", "VAULT_MASTER_KEY", "VAULT_MASTER_KEY_FILE")
MODELS = ("OPENAI_", "ANTHROPIC_", "OLLAMA_", "CODEXOS_MODEL_", "CODEXOS_MODELS", "CODEXOS_DEFAULT_MODEL")


@dataclass(frozen=True)
class Setup:
    """A home and what its person has set."""

    home: Home
    given: Mapping[str, str]

    @property
    def has_own_database(self) -> bool:
        """Whether the embedded PostgreSQL serves."""
        return not (self.given.get("DATABASE_URL") or self.given.get("DATABASE_URL_FILE"))

    @property
    def has_own_redis(self) -> bool:
        """Whether the embedded Redis serves."""
        return not (self.given.get("REDIS_URL") or self.given.get("REDIS_URL_FILE"))

    @property
    def has_own_key(self) -> bool:
        """Whether the master key is the home's generated one."""
        return not any(self.given.get(name) for name in MASTER_KEY_NAMES)

    @property
    def is_administrator_given(self) -> bool:
        """Whether DATABASE_URL is a server's administrator, from whom the three roles are still to be made."""
        names = ("DATABASE_OWNER_URL", "DATABASE_JOURNAL_URL")
        return not self.has_own_database and not any(self.given.get(n) or self.given.get(f"{n}_FILE") for n in names)

    @property
    def port(self) -> int:
        """Where the web process listens. Raises LocalFault for something that is no port."""
        text = self.given.get("PORT") or str(DEFAULT_PORT)
        if not text.isdecimal() or not 0 < int(text) < 65536:
            raise LocalFault(f"PORT is {text!r}; write a number from 1 to 65535, for example PORT=8000 bin/up.")
        return int(text)

    @property
    def host(self) -> str:
        """The address the web process binds: this machine only, unless HOST says otherwise."""
        return self.given.get("HOST") or "127.0.0.1"

    @property
    def url(self) -> str:
        """Where a person on this machine finds it."""
        return self.given.get("CODEXOS_URL") or f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_socket(self) -> str:
        """Where the sandbox listens."""
        return self.given.get("CODEXOS_SANDBOX_SOCKET") or str(self.home.sandbox_socket)

    def variables(self) -> dict[str, str]:
        """Everything a process needs, on top of what the person has set."""
        made = {"CODEXOS_HOME": str(self.home.root), "PORT": str(self.port)}
        made["HOST"] = self.host
        made["CODEXOS_SANDBOX_SOCKET"] = self.sandbox_socket
        if self.has_own_database:
            made |= embedded_addresses(self.home) | {"CODEXOS_EMBEDDED": "1"}
        elif self.is_administrator_given:
            made |= provisioned_addresses(self.home, administrator=self.read("DATABASE_URL"))
        if self.has_own_redis:
            made["REDIS_URL"] = redis.address(self.home)
        if self.has_own_key:
            made["CODEXOS_MASTER_KEY_FILE"] = str(master_key_file(self.home))
        path = f"{CHECKOUT / '.venv' / 'bin'}:{self.given.get('PATH', os.defpath)}"
        given = with_bytecode(self.given, folder=self.home.bytecode)
        return {**given, **made, "PATH": path, "PYTHONUNBUFFERED": "1"}

    def variables_of_nothing(self) -> dict[str, str]:
        """What a process needs that reaches no server of ours and no model: addresses where nobody answers."""
        kept = {name: value for name, value in self.given.items() if not name.startswith(MODELS)}
        nothing = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing", "REDIS_URL": "redis://127.0.0.1:9"}
        return {**kept, **nothing, "CODEXOS_MASTER_KEY": secrets.token_hex(32), "PYTHONUNBUFFERED": "1"}

    def read(self, name: str) -> str:
        """A setting, from the variable or the file it names. Raises LocalFault when that cannot be read."""
        if path := self.given.get(f"{name}_FILE"):
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise LocalFault(f"{name}_FILE names {path!r}, which cannot be read: {error.strerror}.") from error
        return self.given.get(name, "")


def setup_here(given: Mapping[str, str] | None = None) -> Setup:
    """The setup a person asked for by their environment and the checkout's .env."""
    variables = {**env_file(CHECKOUT / ".env"), **(os.environ if given is None else given)}
    return Setup(home_named(variables.get("CODEXOS_HOME")), variables)


def with_bytecode(given: Mapping[str, str], *, folder: Path) -> dict[str, str]:
    """Have Python keep compiled modules in ``folder`` where a person wants none beside the sources.

    Without them a process compiles every library anew and takes three times as long to start, or to be back.
    """
    kept = dict(given)
    if kept.pop("PYTHONDONTWRITEBYTECODE", ""):
        kept.setdefault("PYTHONPYCACHEPREFIX", str(folder))
    return kept


def env_file(path: Path) -> dict[str, str]:
    """Read ``NAME=value`` lines; blank values, comments and quotes around a value are left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        value = value.strip()
        if separator and not name.startswith("#") and value:
            is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            found[name.strip()] = value[1:-1] if is_quoted else value
    return found


def embedded_addresses(home: Home) -> dict[str, str]:
    """The three DSNs of the embedded server."""
    return {
        "DATABASE_URL": postgres.address(home, role=postgres.APP),
        "DATABASE_OWNER_URL": postgres.address(home, role=postgres.OWNER),
        "DATABASE_JOURNAL_URL": postgres.address(home, role=postgres.JOURNAL),
    }


def provisioned_addresses(home: Home, *, administrator: str) -> dict[str, str]:
    """The three DSNs on a server whose administrator is given: the same address with our roles' names and passwords."""
    roles = postgres.Roles.of(home)
    return {
        "DATABASE_URL": as_role(administrator, postgres.APP, password=roles.app),
        "DATABASE_OWNER_URL": as_role(administrator, postgres.OWNER, password=roles.owner),
        "DATABASE_JOURNAL_URL": as_role(administrator, postgres.JOURNAL, password=roles.journal),
    }


def as_role(dsn: str, role: str, *, password: str) -> str:
    """The same server and database for another role."""
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{place}"))


def database_of(dsn: str) -> str:
    """The database a DSN names. Raises LocalFault where it names none."""
    name = urlsplit(dsn).path.lstrip("/")
    if not name:
        raise LocalFault(
            "DATABASE_URL names no database. Write it at the end: postgresql://user:password@host:5432/codexos"
        )
    return name


def master_key_file(home: Home) -> Path:
    """The home's master key, made at the first start: 32 random bytes in base64, for this user only."""
    path = home.keys / "master.key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(32)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return path
