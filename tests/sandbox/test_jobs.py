# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a job is given, what it says, what it leaves, and how it ends."""

import asyncio
import errno
import itertools
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest

from agents.adapters.folders import Folder
from agents.adapters.sandbox import Job, JobLimits, Sandbox
from agents.engine.workspaces.errors import WorkspaceFileInvalid
from agents.errors import SandboxRefused, SandboxUnavailable
from sandbox.__main__ import sweep_ways
from sandbox.errors import Away
from sandbox.jobs import Limits, read_job
from sandbox.line import Line
from sandbox.running import Doing
from sandbox.slots import FILES, Pool, Slot
from sandbox.walls import Inside
from tests.sandbox.conftest import Served


def sh(text: str, **given: object) -> Job:
    """A job of one line of shell."""
    return Job(("/bin/sh", "-c", text), **given)  # type: ignore[arg-type]


async def test_a_job_reads_what_it_is_given_and_leaves_what_it_made(sandbox: Sandbox):
    job = sh(
        'cat; cat data/deep/x; echo oops >&2; cd /out; printf %s "$COLOR" > made.txt; mkdir d; echo 2 > d/e; exit 3',
        stdin=b"in ",
        files={"data/deep/x": b"file"},
        env={"COLOR": "green"},
        collect=True,
    )
    outcome = await sandbox.run(job)
    assert (outcome.stdout, outcome.stderr, outcome.exit_code) == (b"in file", b"oops\n", 3)
    assert {each.name: each.content for each in outcome.artefacts} == {"made.txt": b"green", "d/e": b"2\n"}
    assert not outcome.ended_by
    assert outcome.peak_bytes > 0


async def test_what_is_said_comes_while_it_runs(sandbox: Sandbox):
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    job = sh("echo first; read answer; echo $answer")
    async with sandbox.open(job) as process:
        told = process.output()
        heard.put_nowait((await anext(told))[1])
        # Only then it is told to go on: nothing was held back until its end.
        await process.write(b"second\n")
        await process.end_input()
        rest = [part async for part in told]
    assert heard.get_nowait() == b"first\n"
    assert rest == [("stdout", b"second\n")]
    assert process.outcome
    assert process.outcome.exit_code == 0


async def test_each_job_begins_in_an_empty_place(sandbox: Sandbox):
    await sandbox.run(sh("echo left > left; echo left > /tmp/left; echo left > /dev/shm/left"))
    outcome = await sandbox.run(sh("ls -A /work /tmp /dev/shm /out"))
    assert b"left" not in outcome.stdout


async def test_a_program_that_is_not_there_is_told_as_a_shell_tells_it(sandbox: Sandbox):
    outcome = await sandbox.run(Job(("no-such-program",)))
    assert outcome.exit_code == 127
    assert b"no-such-program" in outcome.stderr


async def test_whoever_hangs_up_ends_the_job(sandbox: Sandbox):
    running = asyncio.ensure_future(sandbox.run(sh("echo on; exec sleep 300")))
    began = asyncio.Event()
    second = asyncio.ensure_future(sandbox.run(sh("echo on; exec sleep 300"), emit=lambda *_: began.set()))
    await began.wait()
    for each in (running, second):
        each.cancel()
    await asyncio.gather(running, second, return_exceptions=True)
    # All slots are free again: as many as there are at once find one each.
    done = await asyncio.gather(*(sandbox.run(sh("echo $$")) for _ in range(8)))
    assert {each.exit_code for each in done} == {0}


@pytest.mark.parametrize(
    ("job", "because"),
    [
        (Job(()), "command"),
        (Job(("ls", "a\0b")), "command"),
        (Job(("ls",), files={"../x": b""}), "work folder"),
        (Job(("ls",), files={"/etc/x": b""}), "work folder"),
        (Job(("ls",), files={"a/./x": b""}), "work folder"),
        (Job(("ls",), env={"A=B": "x"}), "environment"),
        (Job(("ls",), folder="../../etc"), "folder"),
        (Job(("ls",), limits=JobLimits(seconds=-1)), "limit"),
    ],
)
async def test_what_does_not_hold_together_is_refused_with_its_reason(sandbox: Sandbox, job: Job, because: str):
    with pytest.raises(SandboxRefused, match=because):
        await sandbox.run(job)


async def test_a_service_that_is_away_is_told_so():
    away = Sandbox("/nonexistent/sandbox.sock")
    standing = await away.standing()
    assert not standing.is_available
    with pytest.raises(SandboxUnavailable, match="doctor"):
        await away.run(Job(("ls",)))


async def test_a_job_works_in_the_folder_it_names_and_others_see_what_it_did(served: Served):
    folder = Folder(str(Path(served.socket).with_name("folders.sock")), "run-1")
    await folder.write("src/app.py", b"print('hi')\n")
    job = sh(
        "python3 src/app.py; echo made > src/made; ln -s ../../../../etc/passwd src/way; chmod 600 src/made",
        folder="run-1",
    )
    outcome = await served.sandbox.run(job)
    assert (outcome.stdout, outcome.exit_code) == (b"hi\n", 0)
    again = await served.sandbox.run(sh("cat src/made; ls -ln src/app.py | cut -d' ' -f3", folder="run-1"))
    assert again.stdout == b"made\n1000\n"
    assert (await folder.read("src/made", length=100))[0] == b"made\n"
    with pytest.raises(WorkspaceFileInvalid):
        await folder.read("src/way", length=100)
    other = await served.sandbox.run(sh("ls", folder="run-2"))
    assert other.stdout == b""


async def test_a_slot_that_ends_late_is_there_again(monkeypatch: pytest.MonkeyPatch):
    # given a keeper that has not told yet that a slot is gone
    monkeypatch.setattr("sandbox.slots.READY_SECONDS", 0.01)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        pool = Pool(Line(ours, on_cut=lambda: None), Inside("bwrap", "python3"), Limits(), most=1, warm=0)
        slot = Slot(pool._free.popleft(), pool.line)
        await pool._turns.acquire()
        await pool.give_back(slot)
        assert not pool._free
        # when it tells, then its number is given to others again
        slot.ended.set_result({"ended": slot.number})
        await asyncio.sleep(0)
        assert list(pool._free) == [slot.number]


def _a_pool(ours: socket.socket) -> Pool:
    return Pool(Line(ours, on_cut=lambda: None), Inside("bwrap", "python3"), Limits(), most=1, warm=0)


@pytest.mark.parametrize("fails_at", range(1, len(FILES) + 3))
async def test_a_slot_that_cannot_be_started_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch, fails_at: int):
    # given a service that runs out of descriptors
    real, calls = os.memfd_create, itertools.count(1)

    def short_of_descriptors(*given: Any) -> int:
        if next(calls) == fails_at:
            raise OSError(errno.EMFILE, "Too many open files")
        return real(*given)

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        pool = _a_pool(ours)
        monkeypatch.setattr("sandbox.slots.os.memfd_create", short_of_descriptors)
        monkeypatch.setattr("sandbox.slots.READY_SECONDS", 0.01)
        before, free = sorted(os.listdir("/proc/self/fd")), list(pool._free)
        # when, then
        with pytest.raises(Away, match="Too many open files"):
            await pool.take(None)
        assert (sorted(os.listdir("/proc/self/fd")), sorted(pool._free)) == (before, sorted(free))
        assert not pool.line._of_slots


async def test_one_who_does_not_listen_holds_no_slot_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sandbox.running.SPOKEN_SECONDS", 0.01)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        line = Line(ours, on_cut=lambda: None)
        job = read_job({"command": ["true"]}, caps=Limits())
        doing = Doing(job, Slot(0, line), None, line=line, has_group=False, environment={})  # type: ignore[arg-type]
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await doing._heard_out(never)
        assert doing._is_cut
        assert never.cancelled()


def test_the_sockets_of_proxies_that_were_killed_go_and_those_of_others_stay():
    with tempfile.TemporaryDirectory(prefix="cx-") as folder, socket.socket(socket.AF_UNIX) as lives:
        with socket.socket(socket.AF_UNIX) as killed:
            killed.bind(f"{folder}/killed")
        lives.bind(f"{folder}/lives")
        lives.listen(1)
        Path(folder, "file").write_text("x")
        sweep_ways(folder)
        assert sorted(os.listdir(folder)) == ["file", "lives"]
