# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the walls are made of: the filter on every processor, control groups of either version, and advice."""

import errno
import os
import struct
from pathlib import Path

import pytest

from sandbox import cgroups, filters
from sandbox.errors import AskInvalid
from sandbox.jobs import Limits, is_beneath, read_limits
from sandbox.walls import Inside, advice, lack_of_bubblewrap


def decide(program: bytes, *, arch: int, number: int, words: tuple[int, ...] = (0, 0)) -> int:
    """Run a filter as the kernel would."""
    steps = [struct.unpack("=HBBI", program[at : at + 8]) for at in range(0, len(program), 8)]
    known = {filters.NUMBER: number, filters.ARCH: arch, filters.FIRST_LOW: words[0], filters.SECOND_LOW: words[1]}
    at = value = 0
    while True:
        code, yes, no, constant = steps[at]
        at += 1
        if code == filters.GIVE:
            return int(constant)
        if code == filters.LOAD:
            value = known[constant]
            continue
        is_so = {
            filters.EQUAL: value == constant,
            filters.ABOVE: value > constant,
            filters.SET: bool(value & constant),
        }[code]
        at += yes if is_so else no


@pytest.mark.parametrize("name", sorted(filters.MACHINES))
def test_the_filter_shuts_what_is_named_and_lets_the_rest_through(name: str):
    machine = filters.MACHINES[name]
    program = filters.program(machine)

    def ask(number: int, *words: int) -> int:
        return decide(program, arch=machine.mark, number=number, words=(*words, 0, 0)[:2])

    refused = filters.FAIL | errno.EPERM
    assert {ask(number) for number in machine.shut.values()} == {refused}
    assert ask(machine.clone3) == filters.FAIL | errno.ENOSYS
    assert ask(machine.clone, 0x10000000) == refused
    assert ask(machine.clone, 0x01200011) == filters.ALLOW
    assert ask(machine.socket, 1) == ask(machine.socket, 2) == ask(machine.socket, 10) == filters.ALLOW
    assert ask(machine.socket, 40) == ask(machine.socket, 16) == filters.FAIL | errno.EAFNOSUPPORT
    assert ask(machine.socketpair, 2) == filters.FAIL | errno.EAFNOSUPPORT
    assert ask(machine.ioctl, 0, filters.TIOCSTI) == refused
    assert ask(machine.ioctl, 0, 0x5401) == filters.ALLOW
    assert ask(filters.NEWEST + 1) == filters.FAIL | errno.ENOSYS
    assert ask(0) == filters.ALLOW
    assert decide(program, arch=0x40000003, number=0) == filters.KILL_PROCESS


def test_only_x86_has_a_second_table_of_calls():
    program = filters.program(filters.MACHINES["x86_64"])
    assert decide(program, arch=filters.X86_64, number=filters.X32_BIT | 1) == filters.FAIL | errno.EPERM


@pytest.fixture
def unified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files as a kernel with control groups of version 2 shows them."""
    own = tmp_path / "cgroup" / "unit"
    own.mkdir(parents=True)
    for folder in (own, own.parent):
        (folder / "cgroup.controllers").write_text("cpu memory pids")
        (folder / "cgroup.subtree_control").write_text("")
    (tmp_path / "mounts").write_text(f"cgroup2 {tmp_path / 'cgroup'} cgroup2 rw 0 0\n")
    (tmp_path / "own").write_text("0::/unit\n")
    monkeypatch.setattr(cgroups, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(cgroups, "OWN", tmp_path / "own")
    return own


def test_groups_of_version_2_bound_memory_swap_and_processes(unified: Path):
    found = cgroups.find("codexos-sandbox-1")
    assert (found.version, found.lack) == (2, None)
    assert (unified / "codexos-sandbox-1.keeper" / "cgroup.procs").read_text() == "0"
    assert (unified / "cgroup.subtree_control").read_text() == "+memory +pids"
    group = found.make("slot-1")
    group.bound(memory_bytes=1000, processes=5)
    place = unified / "codexos-sandbox-1" / "slot-1"
    assert {name: (place / name).read_text() for name in ("memory.max", "memory.swap.max", "pids.max")} == {
        "memory.max": "1000",
        "memory.swap.max": "0",
        "pids.max": "8",
    }
    assert not group.was_short_of_memory()
    (place / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert group.was_short_of_memory()


def test_where_no_controllers_are_lent_it_says_what_to_do(unified: Path):
    for folder in (unified, unified.parent):
        (folder / "cgroup.controllers").write_text("cpu")
    assert "Delegate=yes" in str(cgroups.find("codexos-sandbox-1").lack)


def test_no_job_gets_more_than_the_installation_allows():
    caps = Limits(seconds=10, memory_bytes=1000)
    assert read_limits({"seconds": 99, "memory_bytes": 10}, caps=caps) == Limits(seconds=10, memory_bytes=10)
    for wrong in (
        {"seconds": True},
        {"seconds": "9"},
        {"memory_bytes": 0},
        {"unknown": 1},
        {"seconds": float("inf")},
        [],
    ):
        with pytest.raises(AskInvalid):
            read_limits(wrong, caps=caps)


@pytest.mark.parametrize("path", ["", "/x", "../x", "a/../x", "a//x", "./a", "a/", "a\0b", "x" * 300, "a/" * 40 + "a"])
def test_a_path_that_leads_out_is_none(path: str):
    assert not is_beneath(path)
    assert is_beneath("data/table 1.csv")


def test_no_path_of_the_machine_is_said_but_what_is_shown():
    words = Inside("/usr/bin/bwrap", "/usr/bin/python3").words(files=(), folder=None).decode().split("\0")
    for wall in ("--unshare-user", "--unshare-net", "--unshare-pid", "--disable-userns", "--clearenv", "--new-session"):
        assert wall in words
    shown = {words[at + 1] for at, word in enumerate(words) if word == "--ro-bind"}
    assert not [path for path in shown if not path.startswith(("/usr", "/etc", "/lib", "/dev/null"))]
    assert "--bind" not in words


@pytest.mark.parametrize(
    ("said", "advised"),
    [
        ("bwrap: setting up uid map: Permission denied", "namespaces"),
        ("bwrap: Creating new namespace failed: unshare", "namespaces"),
        ("bwrap: Can't mount proc on /newroot/proc", "systempaths"),
        ("something else", "docs/sandbox.md"),
    ],
)
def test_what_bubblewrap_says_leads_to_advice(said: str, advised: str):
    assert advised in advice(said)
    assert "apt-get install bubblewrap" in str(lack_of_bubblewrap(None))


def test_an_old_bubblewrap_is_no_wall(tmp_path: Path):
    old = tmp_path / "bwrap"
    old.write_text("#!/bin/sh\necho usage: bwrap --unshare-all\n")
    old.chmod(0o755)
    assert "older than 0.8" in str(lack_of_bubblewrap(str(old)))
    assert os.access(old, os.X_OK)
