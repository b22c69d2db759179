# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""DBOS: a workflow whose steps are durable one by one; a fan-out gathers asynchronous steps of one workflow."""

import asyncio
import os

from dbos import DBOS, DBOSConfig

from codexos.local.bench.loading import Load, Told, serve
from codexos.local.bench.peers.runs import Runs
from codexos.local.bench.workloads import FAN_OUT, LARGE, SMALL, Workload, result_of

CONNECTIONS = 20


def _give(size: int) -> str:
    return RESULTS[size]


async def _give_soon(size: int) -> str:
    return RESULTS[size]


def _chain(nodes: int, size: int) -> str:
    for _number in range(nodes):
        step(size)
    return "done"


async def _fan_out(nodes: int, size: int) -> int:
    return len(await asyncio.gather(*(soon(size) for _number in range(nodes))))


RESULTS = {size: result_of(size) for size in (SMALL, LARGE)}
step, soon = DBOS.step(name="give")(_give), DBOS.step(name="give_soon")(_give_soon)
chain, fan_out = DBOS.workflow(name="chain")(_chain), DBOS.workflow(name="fan_out")(_fan_out)


def prepare(workload: Workload) -> tuple[Load, Told]:
    """Make a workload ready."""

    def run_one() -> None:
        if workload.shape == FAN_OUT:
            asyncio.run(fan_out(workload.nodes, workload.result_bytes))
        else:
            chain(workload.nodes, workload.result_bytes)

    return Runs(workload, run_one), {}


def main(url: str) -> None:
    """Serve."""
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": url,
        "sys_db_pool_size": CONNECTIONS,
        "log_level": "ERROR",
        "enable_otlp": False,
    }
    DBOS(config=config)
    DBOS.launch()
    try:
        serve(prepare)
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    main(os.environ["BENCH_URL"])
