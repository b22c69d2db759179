# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs of a peer, one after the other or so many at a time. Standard library only."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from codexos.local.bench.loading import Told
from codexos.local.bench.workloads import Workload


class Runs:
    """A load that calls ``run_one`` for every run."""

    def __init__(self, workload: Workload, run_one: Callable[[], object]) -> None:
        self._workload = workload
        self._run_one = run_one

    def go(self) -> None:
        """Do all runs."""
        if self._workload.at_once == 1:
            for _number in range(self._workload.runs):
                self._run_one()
            return
        with ThreadPoolExecutor(self._workload.at_once) as pool:
            for done in [pool.submit(self._run_one) for _number in range(self._workload.runs)]:
                done.result()

    def end(self) -> Told:
        """Nothing is to be put away."""
        return {}
