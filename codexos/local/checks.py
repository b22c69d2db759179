# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What must be true before a start: a free port and room on the disk."""

import errno
import shutil
import socket

import psutil

from codexos.local.errors import DiskFull, PortTaken
from codexos.local.home import Home

LEAST_FREE_BYTES = 300 * 1024**2


def check_port(host: str, port: int) -> None:
    """Raise PortTaken, naming who listens and which port is free, when the port cannot be ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            raise PortTaken(_port_message(error, port=port)) from error


def _port_message(error: OSError, *, port: int) -> str:
    another = f"choose another: PORT={next_free_port(port)} bin/up"
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than you have (ports below 1024 do); {another}"
    return f"Port {port} is taken by {listener(port)}. Stop that, or {another}"


def listener(port: int) -> str:
    """Who listens on a port, as well as this user may know."""
    try:
        open_ports = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.pid]
        process = psutil.Process(next(c.pid or 0 for c in open_ports if c.laddr[1:2] == (port,)))
        return f"process {process.pid} ({' '.join(process.cmdline())[:80]})"
    except (psutil.Error, StopIteration, OSError):
        return "another program (of another user, so its name is not to be seen)"


def next_free_port(port: int) -> int:
    """The next port after this one nobody listens on."""
    for candidate in range(port + 1 if port >= 1024 else 8000, 65536):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", candidate)) != 0:
                return candidate
    return 0


def check_disk(home: Home) -> None:
    """Raise DiskFull when a database should not be started here."""
    free = shutil.disk_usage(home.root).free
    if free < LEAST_FREE_BYTES:
        raise DiskFull(
            f"Only {free // 1024**2} MB are free on the disk of {home.root}; CodexOS needs "
            f"{LEAST_FREE_BYTES // 1024**2} MB to start. "
            "Free some space, or name a home on another disk: CODEXOS_HOME=/another/disk bin/up"
        )
