# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The same attempts with one wall away: as plain processes, or behind all walls but one. All of them bounded."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress

from codexos.local import sandbox_packages
from sandbox.walls import Inside
from tests.sandbox.attempts import MIB, PRELUDE, Attempt

SECONDS = 15
MOST_BYTES = 768 * MIB
SLOT_USER = 60990
# Makes this process root of a namespace of its own, in which it may do what root may: to itself.
_ROOT_OF_A_NAMESPACE = """
import os as _os, ctypes as _ctypes
_user = _os.getuid()
assert _ctypes.CDLL(None).unshare(0x10000000 | 0x20000 | 0x4000000) == 0
with open("/proc/self/uid_map", "w") as _file:
    _file.write(f"0 {_user} 1")
"""


def run_control(attempt: Attempt, facts: Mapping[str, object], *, descriptor: int) -> str:
    """Run an attempt with its wall away; what it said."""
    return CONTROLS[attempt.control](attempt, {**facts, "is_control": True}, descriptor)


def _plain(attempt: Attempt, facts: Mapping[str, object], descriptor: int, *, before: str = "") -> str:
    words = [sys.executable, "-I", "-c", before + PRELUDE + attempt.code, json.dumps(facts)]
    return _said(words, descriptor, env={"PATH": os.defpath, "CODEXOS_CANARY": "CANARY"})


def _as_root_of_a_namespace(attempt: Attempt, facts: Mapping[str, object], descriptor: int) -> str:
    return _plain(attempt, facts, descriptor, before=_ROOT_OF_A_NAMESPACE)


def _without_filter(attempt: Attempt, facts: Mapping[str, object], _descriptor: int, *, most: int = MOST_BYTES) -> str:
    """All walls but the filter and the group."""
    return _behind_walls(attempt, facts, are_words_shown=False, most=most)


def _without_group(attempt: Attempt, facts: Mapping[str, object], descriptor: int) -> str:
    """All walls, and a bound for each process: but none for all of them together."""
    return _without_filter(attempt, facts, descriptor, most=attempt.limits.memory_bytes or MOST_BYTES)


def _with_words_shown(attempt: Attempt, facts: Mapping[str, object], _descriptor: int) -> str:
    return _behind_walls(attempt, facts, are_words_shown=True, most=MOST_BYTES)


def _behind_walls(attempt: Attempt, facts: Mapping[str, object], *, are_words_shown: bool, most: int) -> str:
    program = shutil.which("bwrap") or "bwrap"
    inside = Inside(program, "", environment=str(sandbox_packages.folder()))
    given = inside.words(files=(), folder=None, has_filter=False)
    python = ["/opt/codexos/venv/bin/python", "-I", "-c", PRELUDE + attempt.code, json.dumps(facts)]
    if are_words_shown:
        return _said([program, *given.decode().split("\0")[:-1], *python], -1, user=SLOT_USER, most=most)
    words = os.memfd_create("words")
    os.write(words, given)
    os.lseek(words, 0, os.SEEK_SET)
    try:
        return _said([program, "--args", str(words), *python], words, user=SLOT_USER, most=most)
    finally:
        os.close(words)


def _said(
    words: list[str],
    descriptor: int,
    *,
    env: Mapping[str, str] | None = None,
    user: int | None = None,
    most: int = MOST_BYTES,
) -> str:
    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if user is not None and os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)

    process = subprocess.Popen(
        words,
        env=dict(env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[descriptor] if descriptor >= 0 else [],
        preexec_fn=bound,
        start_new_session=True,
    )
    try:
        return process.communicate(timeout=SECONDS)[0].decode("utf-8", "replace")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


CONTROLS: Mapping[str, Callable[[Attempt, Mapping[str, object], int], str]] = {
    "plain": _plain,
    "daemon": _plain,
    "root of a namespace": _as_root_of_a_namespace,
    "no filter": _without_filter,
    "no group": _without_group,
    "words shown": _with_words_shown,
}
