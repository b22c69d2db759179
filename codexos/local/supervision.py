# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""supervisord keeps the processes running; this module writes its settings and talks to it."""

import os
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from supervisor.xmlrpc import SupervisorTransport

from codexos.local import processes
from codexos.local.environment import Setup, with_bytecode
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT, Home
from codexos.local.leftovers import remember
from codexos.local.privileges import end_with_parent

SERVERS, PRODUCT = "servers", "product"
ALIVE = frozenset({"STARTING", "RUNNING"})
STOP_SIGNALS = {processes.DATABASE: "INT"}
STOP_TIMEOUT_SECONDS = 45.0
HEAD = """\
[supervisord]
nodaemon=true
silent=true
umask=077
identifier=codexos
{user}logfile={logs}/supervisord.log
logfile_maxbytes=2MB
logfile_backups=1
pidfile={run}/supervisord.number
childlogdir={logs}

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
PROGRAM = """
[program:{name}]
command={command}
directory={checkout}
autostart=false
autorestart=true
startsecs={start_seconds}
startretries=20
stopsignal={stop_signal}
stopwaitsecs=20
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""
GROUP = """
[group:{name}]
programs={programs}
priority={priority}
"""


def settings_text(home: Home, *, servers: list[str], product: list[str]) -> str:
    """The supervisor's whole configuration; groups are stopped in reverse order, the servers last."""
    places = {"logs": home.logs, "run": home.run, "checkout": CHECKOUT, "socket": socket_file(home)}
    escaped = {name: escape(str(place)) for name, place in places.items()}
    parts = [HEAD.format(user="user=root\n" if os.geteuid() == 0 else "", **escaped)]
    for name in (*servers, *product):
        command = escape(shlex.join(processes.launcher_words("process", name)))
        signal_name = STOP_SIGNALS.get(name, "TERM")
        start_seconds = 1 if name in servers else 3
        parts.append(
            PROGRAM.format(name=name, command=command, stop_signal=signal_name, start_seconds=start_seconds, **escaped)
        )
    for name, programs, priority in ((SERVERS, servers, 1), (PRODUCT, product, 10)):
        if programs:
            parts.append(GROUP.format(name=name, programs=",".join(programs), priority=priority))
    return "".join(parts)


def escape(text: str) -> str:
    """Write ``text`` so that the supervisor reads it as it is."""
    return text.replace("%", "%%")


def socket_file(home: Home) -> Path:
    """Where the supervisor listens; the folder is this user's alone."""
    return home.sockets / "supervisor.sock"


def become_supervisor(home: Home) -> None:
    """Become supervisord, which ends properly when the launcher ends, however that ends. Returns never."""
    remember(home, "supervisor")
    end_with_parent(signal.SIGTERM)
    words = [sys.executable, "-m", "codexos.local.supervisord", "-c", str(settings_file(home))]
    os.execv(words[0], words)  # noqa: S606 - our own words


def settings_file(home: Home) -> Path:
    """Where its configuration is written at each start."""
    return home.run / "supervisord.conf"


@dataclass(frozen=True)
class ProcessState:
    """One process as the supervisor sees it."""

    name: str
    group: str
    state: str
    pid: int
    problem: str

    @property
    def is_alive(self) -> bool:
        """Whether it runs or is about to."""
        return self.state in ALIVE


@dataclass
class Supervisor:
    """A running supervisord and the processes it keeps."""

    setup: Setup
    _child: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def _home(self) -> Home:
        return self.setup.home

    @property
    def servers(self) -> list[str]:
        """The embedded servers of this setup."""
        names = [processes.DATABASE] * self.setup.has_own_database
        return names + [processes.QUEUE] * self.setup.has_own_redis

    @property
    def product(self) -> list[str]:
        """The product's processes."""
        return list(processes.product_processes())

    def start(self) -> None:
        """Start supervisord with every process still stopped. Raises LocalFault when it does not answer."""
        self._home.prepare_sockets()
        text = settings_text(self._home, servers=self.servers, product=self.product)
        settings_file(self._home).write_text(text, encoding="utf-8")
        socket_file(self._home).unlink(missing_ok=True)
        given = with_bytecode(self.setup.given, folder=self._home.bytecode)
        self._child = subprocess.Popen(
            processes.launcher_words("process", "supervisor"),
            cwd=CHECKOUT,
            env={**given, "CODEXOS_HOME": str(self._home.root)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self._home.logs / "supervisord.errors").open("wb"),
            start_new_session=True,
        )
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 20
        while self.is_running and time.monotonic() < deadline:
            try:
                self._call("getState")
                return
            except (OSError, xmlrpc.client.Error):
                time.sleep(0.05)
        words = (self._home.logs / "supervisord.errors").read_text(encoding="utf-8", errors="replace")
        raise LocalFault(f"The supervisor does not start:\n{words[-2000:]}")

    @property
    def is_running(self) -> bool:
        """Whether supervisord itself is there."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """The process number of supervisord."""
        return self._child.pid if self._child else 0

    def start_process(self, name: str) -> None:
        """Start one process; does not wait."""
        group = SERVERS if name in self.servers else PRODUCT
        self._call("startProcess", f"{group}:{name}", False)

    def stop_process(self, name: str) -> None:
        """Stop one process and wait for it."""
        group = SERVERS if name in self.servers else PRODUCT
        self._call("stopProcess", f"{group}:{name}", True)

    def states(self) -> list[ProcessState]:
        """Every process. Raises OSError when the supervisor is gone."""
        rows = cast(list[dict[str, Any]], self._call("getAllProcessInfo"))
        return [ProcessState(r["name"], r["group"], r["statename"], r["pid"], r["spawnerr"]) for r in rows]

    def is_alive(self, name: str) -> bool:
        """Whether one process runs or is about to."""
        return any(state.is_alive for state in self.states() if state.name == name)

    def stop(self) -> None:
        """Stop every process and supervisord itself, the servers last."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _call(self, method: str, *words: object) -> object:
        transport = SupervisorTransport(None, None, f"unix://{socket_file(self._home)}")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*words)
