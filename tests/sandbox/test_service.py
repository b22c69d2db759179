# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The service itself: who may ask it, what it is, what is left of it when a part of it is killed, and many at once."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from agents.adapters.sandbox import Job, JobLimits, Outcome, Sandbox
from agents.errors import SandboxUnavailable
from codexos.kernel.frames import HEAD, Frame
from codexos.local.home import CHECKOUT
from tests.sandbox.conftest import Served, serving

ROOT = os.geteuid() == 0


def family(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def are_gone(processes: list[psutil.Process]) -> bool:
    """Whether they are, soon."""
    _, alive = psutil.wait_procs(processes, timeout=15)
    return not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]


def test_it_stands_as_another_user_and_says_which_walls_stand(served: Served):
    standing = asyncio.run(served.sandbox.standing())
    assert standing.is_available, standing.reason
    keeper, service = psutil.Process(served.process.pid), psutil.Process(served.process.pid).children()[0]
    if ROOT:
        assert (keeper.uids().effective, service.uids().effective) == (0, 60599)
        assert standing.walls["user_per_slot"]
        assert (service.uids().saved, service.gids().saved) == (60599, 60599)
    state = Path(f"/proc/{service.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in state
    assert not ROOT or "CapEff:\t0000000000000000" in state
    assert Path(served.socket).stat().st_mode & 0o777 == 0o600


def test_whoever_is_not_the_product_is_not_answered(served: Served):
    if not ROOT:
        return  # only root can be somebody else
    code = f"""
import os, socket
os.setresgid(60777, 60777, 60777); os.setresuid(60777, 60777, 60777)
try:
    socket.socket(socket.AF_UNIX).connect({served.socket!r}); print("IN")
except PermissionError:
    print("OUT")
"""
    done = subprocess.run(["/usr/bin/env", "python3", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "OUT\n", done.stderr


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        HEAD.pack(ord("A"), 2**31),
        Frame("A", b"[" * 100_000).packed(),
        Frame("A", b'{"ask": "shutdown"}').packed(),
        Frame("D", b"x" * 1000).packed(),
        Frame("A", b'{"ask": "run", "command": ["cat"], "stdin_bytes": 10}').packed() + Frame("I", b"x").packed(),
        Frame("A", b'{"ask": "run", "command": ["cat"], "stdin_bytes": 5}').packed() + Frame("D", b"x" * 50).packed(),
    ],
)
def test_what_is_no_question_harms_nobody(served: Served, sent: bytes):
    with socket.socket(socket.AF_UNIX) as way:
        way.settimeout(20)
        way.connect(served.socket)
        way.sendall(sent)
        way.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while way.recv(65536):
                pass
    outcome = asyncio.run(served.sandbox.run(Job(("/bin/echo", "on"))))
    assert outcome.stdout == b"on\n"


@pytest.mark.parametrize("which", ["keeper", "service"])
def test_when_one_half_is_killed_nothing_is_left(which: str):
    async def kill() -> None:
        began = asyncio.Event()
        job = Job(("/bin/sh", "-c", "echo on; exec sleep 100"), limits=JobLimits(seconds=90))
        running = asyncio.ensure_future(served.sandbox.run(job, lambda *_: began.set()))
        await asyncio.wait_for(began.wait(), 20)
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(SandboxUnavailable):
            await running

    with serving(ends_well=False) as served:
        everybody = family(served.process.pid)
        victim = everybody[0 if which == "keeper" else 1].pid
        asyncio.run(kill())
        assert are_gone(everybody)


def test_two_hundred_calls_at_once_are_all_answered_and_leave_nothing_behind(served: Served):
    async def crowd(count: int) -> list[Outcome]:
        jobs = (served.sandbox.run(Job(("/bin/sh", "-c", f"echo {number}"))) for number in range(count))
        return await asyncio.gather(*jobs)

    service = psutil.Process(served.process.pid).children()[0]
    asyncio.run(crowd(20))
    before, open_before = service.memory_info().rss, service.num_fds()
    outcomes = asyncio.run(crowd(200))
    assert [each.stdout for each in outcomes] == [f"{number}\n".encode() for number in range(200)]
    assert service.memory_info().rss - before < 16 * 1024 * 1024
    _settle(lambda: service.num_fds() <= open_before + 20)
    groups = [path for root in ("memory", "pids") for path in Path("/sys/fs/cgroup", root).rglob("codexos-sandbox-*/*")]
    ours = [path for path in groups if f"codexos-sandbox-{served.process.pid}" in str(path) and path.is_dir()]
    assert len(ours) <= 2 * 4, "one of each kind for the slots that wait"


def _settle(is_so: "object") -> None:
    deadline = time.monotonic() + 15
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_who_waits_too_long_for_a_slot_is_told():
    async def fill() -> str:
        started = [asyncio.Event(), asyncio.Event()]
        job = Job(("/bin/sh", "-c", "echo on; exec sleep 60"))
        running = [asyncio.ensure_future(_hold(served.sandbox, job, event)) for event in started]
        await asyncio.gather(*(asyncio.wait_for(event.wait(), 20) for event in started))
        try:
            async with served.sandbox.open(job) as process:
                async for _ in process.output():
                    pass
            return ""
        except SandboxUnavailable as error:
            return error.message
        finally:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _hold(sandbox: Sandbox, job: Job, event: asyncio.Event) -> None:
        async with sandbox.open(job) as process:
            async for _ in process.output():
                event.set()

    with serving("--sessions", "2", "--patience", "0.3") as served:
        assert "2 slots" in asyncio.run(fill())


def test_as_an_ordinary_user_it_holds_too_and_says_what_is_weaker():
    """One user for all, and memory is looked at instead of bounded, where there are no control groups."""
    if not ROOT:
        return  # then all of these tests are this one
    with serving(as_user=60888) as served:
        standing = asyncio.run(served.sandbox.standing())
        assert standing.is_available, standing.reason
        assert not standing.walls["user_per_slot"]
        code = """
import os, time
for _ in range(6):
    if os.fork() == 0:
        held = bytearray(b"x") * (24 << 20); time.sleep(5); os._exit(0)
print("RAN", flush=True)
time.sleep(5)
print("ESCAPED")
"""
        limits = JobLimits(seconds=20, memory_bytes=100 * 1024 * 1024)
        outcome = asyncio.run(served.sandbox.run(Job(("python", "-c", code), python=True, limits=limits)))
        assert (outcome.stdout, outcome.ended_by) == (b"RAN\n", "memory")
        many = Job(("/bin/sh", "-c", "for i in $(seq 40); do sleep 3 & done; wait"), limits=JobLimits(processes=8))
        assert b"fork" in asyncio.run(served.sandbox.run(many)).stderr.lower()


def test_where_there_is_no_bubblewrap_it_says_so_and_refuses():
    command = [sys.executable, "-m", "sandbox"]
    env = {"PATH": "/nonexistent"}
    done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert told["is_available"] is False
    assert "apt-get install bubblewrap" in told["reason"]


def test_without_walls_code_runs_only_where_that_was_said_and_it_says_so():
    with serving("--unsafe", as_user=60889 if ROOT else None) as served:
        standing = asyncio.run(served.sandbox.standing())
        assert standing.walls["is_unsafe"]
        job = Job(
            ("python", "-c", "import os, numpy; open(os.environ['OUT'] + '/made', 'w').write(open('given').read())"),
            files={"given": b"text"},
            python=True,
            collect=True,
        )
        outcome = asyncio.run(served.sandbox.run(job))
        assert [each.content for each in outcome.artefacts] == [b"text"], outcome
        late = Job(("/bin/sh", "-c", "trap '' TERM; echo on; sleep 30 & wait"), limits=JobLimits(seconds=0.5))
        assert asyncio.run(served.sandbox.run(late)).ended_by == "seconds"
