# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a process that loads is spoken to: a line in, a line of JSON out. Standard library only: the peers read it too.

``prepare RUNS NAME`` makes a workload ready, ``go`` does it and tells its time, ``end`` puts away what it needed.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from codexos.local.bench.workloads import Workload, workload_named

Told = dict[str, float]


class Load(Protocol):
    """A workload that is ready."""

    def go(self) -> None:
        """Do it; return when its last run is over."""

    def end(self) -> Told:
        """Put away what it needed, and tell what only this system knows of itself."""


def serve(prepare: Callable[[Workload], tuple[Load, Told]]) -> None:
    """Do as the lines say, until there are none."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What a library prints is not an answer.
    os.dup2(2, 1)
    load: Load | None = None
    for line in sys.stdin:
        word, _, name = line.strip().partition(" ")
        if word == "prepare":
            runs, _, name = name.partition(" ")
            load, told = prepare(replace(workload_named(name), runs=int(runs)))
        elif load is not None:
            told = _timed(load.go) if word == "go" else load.end()
        answers.write(f"{json.dumps(told)}\n")
        answers.flush()


def _timed(go: Callable[[], None]) -> Told:
    cpu, began = _cpu(), time.perf_counter()
    go()
    return {"seconds": time.perf_counter() - began, "cpu": _cpu() - cpu}


def _cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime
