# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`python -m sandbox`: starts the keeper and, as a user of its own where this one is root, the service."""

import argparse
import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

from sandbox import cgroups
from sandbox.cgroups import Cgroups
from sandbox.errors import Away
from sandbox.folder_door import FolderDoor
from sandbox.folders import Folders, Quota
from sandbox.jobs import MIB, Limits
from sandbox.keeper import LIBC, PR_SET_PDEATHSIG, Keeper, Users, become
from sandbox.line import Line
from sandbox.serving import Service, listen
from sandbox.slots import Pool
from sandbox.walls import AGENT, PROXY_PORT, WRITTEN, Inside, lack_of_bubblewrap

FIRST_USER = 60600
FIRST_SESSION = 200
Doors = tuple[socket.socket, socket.socket]
"""Where jobs are asked for, and where folders are."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the words of the command line say."""

    socket: str
    user: tuple[int, int] | None
    bubblewrap: str | None
    egress: str
    """Where the proxies of jobs listen: the folder ``egress`` beside the socket."""
    folders: str | None
    folder_bytes: int
    all_folder_bytes: int
    environment: str | None
    programs: str | None
    slots: int
    warm: int
    sessions: int
    patience_seconds: float
    caps: Limits
    session_seconds: float
    peers: frozenset[int]
    socket_group: int | None
    is_unsafe: bool

    @property
    def folders_socket(self) -> str:
        """Where folders are asked for: beside the socket for jobs."""
        return os.path.join(os.path.dirname(self.socket), "folders.sock")


def main(words: list[str]) -> int:
    """Serve until told to stop, or until one of the two processes ends."""
    chosen = read(words)
    groups = cgroups.find(f"codexos-sandbox-{os.getpid()}")
    doors = _listen(chosen) if chosen.socket else None
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        return _serve(chosen, theirs, doors=doors, groups=groups)
    theirs.close()
    for door in doors or ():
        door.close()
    try:
        _keep(chosen, ours, groups)
    finally:
        # The service sees the line cut, and ends.
        ours.close()
        with suppress(OSError):
            os.waitpid(pid, 0)
        for path in (chosen.socket, chosen.folders_socket):
            with suppress(OSError):
                os.unlink(path)
    return 0


def _listen(chosen: Chosen) -> Doors:
    """Open the doors, for jobs and for folders, where the service itself may not."""
    os.makedirs(chosen.egress, mode=0o700, exist_ok=True)
    sweep_ways(chosen.egress)
    if chosen.folders:
        os.makedirs(chosen.folders, mode=0o700, exist_ok=True)
        if chosen.user:
            # Whatever the mask was: the other user has to pass through, and to own what is below.
            os.chmod(os.path.dirname(chosen.folders), 0o711)  # noqa: S103
            os.chown(chosen.folders, *chosen.user)
    paths = (chosen.socket, chosen.folders_socket)
    return listen(paths[0], group=chosen.socket_group), listen(paths[1], group=chosen.socket_group)


def sweep_ways(folder: str) -> None:
    """Remove the sockets of proxies nobody listens at any more: those of workers that were killed."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as way:
            if not stat.S_ISSOCK(os.lstat(path).st_mode):
                continue
            try:
                way.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)


def read(words: list[str]) -> Chosen:
    """Return what was said on the command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Runs untrusted code behind walls.")
    parser.add_argument("--socket", default="", help="where it listens; without one it tells whether it can, and ends")
    parser.add_argument("--user", help="UID:GID the service runs as where this is root")
    parser.add_argument("--folders", help="where the folders are kept that jobs work in")
    parser.add_argument("--folder-bytes", type=int, default=Quota().bytes, help="how much one folder may hold")
    parser.add_argument("--all-folder-bytes", type=int, default=Quota().all_bytes, help="how much all of them may")
    parser.add_argument("--environment", help="the folder of the Python environment")
    parser.add_argument("--programs", help="a folder shown read-only at /opt/programs")
    parser.add_argument("--slots", type=int, default=max(4, 2 * (os.cpu_count() or 1)), help="jobs at once")
    parser.add_argument("--warm", type=int, default=2, help="slots that are ready before they are asked for")
    parser.add_argument("--sessions", type=int, default=16, help="long-lived processes at once")
    parser.add_argument("--patience", type=float, default=120, help="seconds somebody waits for a slot")
    parser.add_argument("--most-seconds", type=float, default=600)
    parser.add_argument("--session-seconds", type=float, default=3600)
    parser.add_argument("--most-memory", type=int, default=2048, help="MiB a job may take")
    parser.add_argument("--most-processes", type=int, default=256)
    parser.add_argument("--peer", type=int, action="append", default=[], help="another user who may ask")
    parser.add_argument("--socket-group", type=int, help="the group that may reach the socket")
    parser.add_argument("--unsafe", action="store_true", help="run code without any walls")
    said = parser.parse_args(words)
    caps = Limits(
        seconds=said.most_seconds,
        memory_bytes=said.most_memory * MIB,
        processes=said.most_processes,
        output_bytes=16 * MIB,
        file_bytes=512 * MIB,
        files=100_000,
        artefacts=200,
        artefact_bytes=64 * MIB,
    )
    user = tuple(int(part) for part in said.user.split(":")) if said.user else None
    return Chosen(
        socket=said.socket,
        user=(user[0], user[1]) if user and os.geteuid() == 0 else None,
        bubblewrap=shutil.which("bwrap"),
        egress=os.path.join(os.path.dirname(said.socket), "egress") if said.socket else "",
        folders=said.folders if said.socket else None,
        folder_bytes=said.folder_bytes,
        all_folder_bytes=said.all_folder_bytes,
        environment=said.environment,
        programs=said.programs,
        slots=said.slots,
        warm=said.warm,
        sessions=said.sessions,
        patience_seconds=said.patience,
        caps=caps,
        session_seconds=said.session_seconds,
        peers=frozenset({0, os.geteuid(), *said.peer}),
        socket_group=said.socket_group,
        is_unsafe=said.unsafe,
    )


def _interpreter(environment: str | None) -> str:
    if environment:
        with suppress(OSError):
            return Path(environment, "interpreter").read_text(encoding="utf-8").strip()
    return next((path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if os.path.exists(path)), "")


def _variables(environment: str | None) -> dict[str, str]:
    if not environment:
        return {}
    with suppress(OSError, ValueError):
        return dict(json.loads(Path(environment, "variables.json").read_text(encoding="utf-8")))
    return {}


def _variables_outside(chosen: Chosen) -> dict[str, str]:
    """Where the environment lies for who sees the machine as it is."""
    return {"VIRTUAL_ENV": os.path.join(chosen.environment, "venv")} if chosen.environment else {}


def _keep(chosen: Chosen, line: socket.socket, groups: Cgroups) -> None:
    """Be the keeper."""
    inside = _inside(chosen)
    if chosen.is_unsafe:
        program = [sys.executable, "-I", "-S", "-B", str(Path(__file__).with_name("agent.py")), "0"]
    else:
        agent = [inside.interpreter, "-I", "-S", "-B", AGENT, str(PROXY_PORT), *WRITTEN]
        program = [inside.bubblewrap, "--args", "4", "--", *agent]
    users = Users(FIRST_USER, chosen.user[1]) if chosen.user else Users()
    Keeper(
        line=line,
        program=program,
        cgroups=groups,
        users=users,
        folder_owner=chosen.user[0] if chosen.user else os.geteuid(),
        egress=chosen.egress,
    ).run()


def _inside(chosen: Chosen) -> Inside:
    return Inside(
        bubblewrap=chosen.bubblewrap or "bwrap",
        interpreter=_interpreter(chosen.environment),
        environment=chosen.environment,
        programs=chosen.programs,
        is_unsafe=chosen.is_unsafe,
        libraries=_variables(chosen.environment).get("LD_LIBRARY_PATH"),
    )


def _serve(chosen: Chosen, line: socket.socket, *, doors: Doors | None, groups: Cgroups) -> int:
    """Be the service: give up what root may do, then answer."""
    parent = os.getppid()
    os.environ.clear()
    os.environ["PATH"] = "/usr/bin:/bin"
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
    become(chosen.user)
    LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        return 1
    asyncio.run(_answer(chosen, line, doors=doors, groups=groups))
    return 0


async def _answer(chosen: Chosen, line: socket.socket, *, doors: Doors | None, groups: Cgroups) -> None:
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    keeper = Line(line, on_cut=over.set)
    keeper.open()
    inside = _inside(chosen)
    lack = None if chosen.is_unsafe else lack_of_bubblewrap(chosen.bubblewrap)
    session_caps = replace(chosen.caps, seconds=chosen.session_seconds)
    jobs = Pool(keeper, inside, chosen.caps, most=chosen.slots, warm=chosen.warm, lack=lack)
    sessions = Pool(keeper, inside, session_caps, most=chosen.sessions, warm=0, first=FIRST_SESSION)
    jobs.patience_seconds = chosen.patience_seconds
    sessions.patience_seconds = min(5.0, chosen.patience_seconds)
    service = Service(
        line=keeper,
        jobs=jobs,
        sessions=sessions,
        caps=chosen.caps,
        session_caps=session_caps,
        walls=_walls(chosen, groups),
        environment=_variables_outside(chosen) if chosen.is_unsafe else _variables(chosen.environment),
        has_group=bool(groups.version),
        peers=chosen.peers,
        folders=_folders(chosen),
    )
    if doors is None:
        await jobs.open()
        print(json.dumps(service.standing()))  # noqa: T201 - who started this reads it
        await jobs.close()
        return
    if service.folders:
        door = FolderDoor(service.folders, Path(chosen.folders_socket), peers=chosen.peers)
        Thread(target=door.serve, args=[doors[1]], name="folders", daemon=True).start()
    await service.serve(doors[0], until=over)


def _folders(chosen: Chosen) -> Folders | None:
    if not chosen.folders:
        return None
    return Folders(Path(chosen.folders), quota=Quota(bytes=chosen.folder_bytes, all_bytes=chosen.all_folder_bytes))


def _walls(chosen: Chosen, groups: Cgroups) -> dict[str, object]:
    """What holds here, and what is weaker than it could be."""
    return {
        "is_unsafe": chosen.is_unsafe,
        "control_groups": groups.version,
        "why_no_groups": groups.lack,
        "own_user": chosen.user is not None,
        "user_per_slot": chosen.user is not None,
        "slots": chosen.slots,
        "warm": chosen.warm,
        "python": chosen.environment is not None,
    }


if __name__ == "__main__":
    with suppress(Away, KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
