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

from codexos.local import postgres, redis
from codexos.local.environment import Setup
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT, Home
from codexos.local.leftovers import remember
from codexos.local.privileges import end_with_parent, server_user

PROCFILE = CHECKOUT / "Procfile"
DATABASE, QUEUE = "db", "redis"
OWNERS_ALONE = ("DATABASE_OWNER_URL", "DATABASE_OWNER_URL_FILE", "DATABASE_ADMIN_URL", "DATABASE_ADMIN_URL_FILE")
"""What no serving process is told: with it a mistake in one of them could reach past the wall of tenancy."""
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
    variables = {name: value for name, value in setup.variables().items() if name not in OWNERS_ALONE}
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


def _exec_server(words: list[str], *, folder: Path, ending: signal.Signals) -> None:
    os.chdir(folder)
    os.umask(0o077)
    server_user().become()
    end_with_parent(ending)
    os.execve(words[0], words, {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"})  # noqa: S606 - our own words


def launcher_words(*words: str) -> list[str]:
    """The command line that runs this package."""
    return [sys.executable, "-m", "codexos.local", *words]
