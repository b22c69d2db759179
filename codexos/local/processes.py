# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What runs: the embedded servers, and the product's processes as the Procfile names them."""

import os
import re
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template

from codexos.local import postgres, redis, sandbox_packages
from codexos.local.environment import Setup
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT, Home
from codexos.local.leftovers import remember
from codexos.local.privileges import end_with_parent, server_user

PROCFILE = CHECKOUT / "Procfile"
DATABASE, QUEUE, SANDBOX = "db", "redis", "sandbox"
OWNERS_ALONE = ("DATABASE_OWNER_URL", "DATABASE_OWNER_URL_FILE", "DATABASE_ADMIN_URL", "DATABASE_ADMIN_URL_FILE")
"""What no serving process is told: with it a mistake in one of them could reach past the wall of tenancy."""
SANDBOX_USER = 60599
"""From root the sandbox is this user, and its slots are the numbers that follow: no system gives them to anybody."""
SANDBOX_SETTINGS = {
    "CODEXOS_SANDBOX_SLOTS": "--slots",
    "CODEXOS_SANDBOX_WARM": "--warm",
    "CODEXOS_SANDBOX_SESSIONS": "--sessions",
    "CODEXOS_SANDBOX_MEMORY_MB": "--most-memory",
    "CODEXOS_SANDBOX_SECONDS": "--most-seconds",
    "CODEXOS_SANDBOX_PROGRAMS": "--programs",
    "CODEXOS_WORKSPACE_BYTES": "--folder-bytes",
    "CODEXOS_WORKSPACES_BYTES": "--all-folder-bytes",
}
LINE = re.compile(r"^(?P<name>[a-z][a-z0-9_-]*):\s*(?P<command>.+)$")


def product_processes(path: Path = PROCFILE) -> dict[str, str]:
    """Name and command of every process of the product."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {match["name"]: match["command"] for line in lines if (match := LINE.match(line))}


def command_of(name: str, *, variables: Mapping[str, str]) -> list[str]:
    """The words that start a process, with its variables filled in. Raises LocalFault for a name nobody knows."""
    known = product_processes()
    if name not in known:
        raise LocalFault(f"There is no process {name!r}; the Procfile names {', '.join(known)}.")
    try:
        return shlex.split(Template(known[name]).substitute(variables))
    except KeyError as error:
        raise LocalFault(f"The process {name!r} needs the variable {error.args[0]}, which is not set.") from error


def run(name: str, *, setup: Setup, is_durable: bool = True) -> None:
    """Become the process ``name``; it ends when its parent does. Returns never."""
    remember(setup.home, name)
    if name == DATABASE:
        _become_postgres(setup.home, is_durable=is_durable)
    if name == QUEUE:
        _become_redis(setup.home, is_durable=is_durable)
    variables = _of_sandbox(setup) if name == SANDBOX else _of_product(setup)
    os.umask(0o077)
    os.chdir(CHECKOUT)
    end_with_parent(signal.SIGTERM)
    words = command_of(name, variables=variables)
    os.execvpe(words[0], words, variables)  # noqa: S606 - the words come from our own Procfile


def _become_postgres(home: Home, *, is_durable: bool) -> None:
    descriptor = os.open(home.postgres, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(descriptor, True)
    data = f"/proc/self/fd/{descriptor}" if os.geteuid() == 0 else str(home.postgres)
    words = postgres.server_command(data, sockets=postgres.socket_folder(home), is_durable=is_durable)
    _exec_server(words, folder=Path("/"), ending=signal.SIGINT)


def _become_redis(home: Home, *, is_durable: bool) -> None:
    reader, writer = os.pipe()
    os.write(writer, redis.settings(home, is_durable=is_durable).encode())
    os.close(writer)
    os.dup2(reader, 0)
    _exec_server([str(redis.program()), "-"], folder=home.redis, ending=signal.SIGTERM)


def _of_product(setup: Setup) -> dict[str, str]:
    return {name: value for name, value in setup.variables().items() if name not in OWNERS_ALONE}


def _of_sandbox(setup: Setup) -> dict[str, str]:
    """What the sandbox is told: where it listens and what it may lend, and nothing else of this installation."""
    return {
        "PATH": f"{CHECKOUT / '.venv' / 'bin'}:{setup.given.get('PATH', os.defpath)}",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONUNBUFFERED": "1",
        "CODEXOS_SANDBOX_SOCKET": setup.sandbox_socket,
        "CODEXOS_SANDBOX_WORDS": shlex.join(sandbox_words(setup)),
    }


def sandbox_words(setup: Setup) -> list[str]:
    """What the sandbox's command line says of this installation."""
    words = ["--user", f"{SANDBOX_USER}:{SANDBOX_USER}"] if os.geteuid() == 0 else []
    words += ["--environment", str(sandbox_packages.folder())] if sandbox_packages.is_ready() else []
    words += ["--folders", str(setup.home.folders)]
    for name, option in SANDBOX_SETTINGS.items():
        if value := setup.given.get(name):
            words += [option, value]
    return [*words, "--unsafe"] if _is_unsafe(setup) else words


def _is_unsafe(setup: Setup) -> bool:
    """Whether code is to run without walls. Raises LocalFault where that would be others' risk."""
    on = {"1", "true", "yes", "on"}
    if setup.given.get("CODEXOS_SANDBOX_UNSAFE", "").lower() not in on:
        return False
    is_alone = setup.given.get("CODEXOS_MODE", "consumer") == "consumer"
    if not is_alone or setup.given.get("CODEXOS_DEBUG", "").lower() not in on or os.geteuid() == 0:
        raise LocalFault(
            "CODEXOS_SANDBOX_UNSAFE runs what agents write without any walls. It is taken only with CODEXOS_DEBUG=on, "
            "in CODEXOS_MODE=consumer, and from an ordinary user. Take it away, and see docs/sandbox.md."
        )
    return True


def _exec_server(words: list[str], *, folder: Path, ending: signal.Signals) -> None:
    os.chdir(folder)
    os.umask(0o077)
    server_user().become()
    end_with_parent(ending)
    os.execve(words[0], words, {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"})  # noqa: S606 - our own words


def launcher_words(*words: str) -> list[str]:
    """The command line that runs this package."""
    return [sys.executable, "-m", "codexos.local", *words]
