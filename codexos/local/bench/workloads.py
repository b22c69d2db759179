# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What every system of `bin/bench engine` is given to do. Standard library only: the peers read it too."""

import base64
import hashlib
from dataclasses import dataclass, replace

PURE, EFFECT, FAN_OUT = "pure", "effect", "fan-out"
SMALL, LARGE = 180, 20_000
"""Bytes that a node gives: with what is around it, a small one makes an entry of about two hundred bytes."""


@dataclass(frozen=True)
class Workload:
    """Runs of one flow: how many nodes each has, how many runs there are, how many at a time."""

    name: str
    shape: str
    nodes: int
    runs: int
    at_once: int = 1
    result_bytes: int = SMALL

    @property
    def all_nodes(self) -> int:
        """How many nodes all runs do. An entry and an exit are not counted: they are nobody's work."""
        return self.nodes * self.runs

    @property
    def shown(self) -> str:
        """Its name, and that it was cut where it was."""
        is_whole = self.runs == workload_named(self.name).runs
        return self.name if is_whole else f"{self.name} (cut to {self.runs} runs)"

    def cut(self, most_runs: int | None) -> "Workload":
        """The same with at most so many runs."""
        return self if most_runs is None or most_runs >= self.runs else replace(self, runs=most_runs)


WORKLOADS = (
    Workload("pure chain of 10", PURE, nodes=10, runs=100),
    Workload("pure chain of 100", PURE, nodes=100, runs=20),
    Workload("effect chain of 100", EFFECT, nodes=100, runs=20),
    Workload("fan-out of 100 and join", FAN_OUT, nodes=100, runs=20),
    Workload("1000 runs of 10 nodes, 50 at a time", EFFECT, nodes=10, runs=1000, at_once=50),
    Workload("effect chain of 50, 20 KB each", EFFECT, nodes=50, runs=20, result_bytes=LARGE),
)


def workload_named(name: str) -> Workload:
    """The workload of that name."""
    return next(workload for workload in WORKLOADS if workload.name == name)


def result_of(size: int) -> str:
    """So many letters that no database can compress, the same ones every time."""
    return base64.b64encode(hashlib.shake_256(b"bench").digest(size)).decode()[:size]
