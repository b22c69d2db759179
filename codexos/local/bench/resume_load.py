# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A worker of `bin/bench resume`. Lines: ``work`` begins to carry runs, ``run`` accepts one of many short steps.

Its word is ``elsewhere`` where it is to pass for the worker of another machine. SIGTERM stops it as it stops a node.
"""

import json
import os
import signal
import sys
from types import FrameType

from agents.adapters.holders import this_holder
from codexos.local.bench.engine_load import Nothings, Worker, accept, document_of, make_actor
from codexos.local.bench.workloads import EFFECT, SMALL, Workload, result_of
from codexos.local.terminal import say

STEP_SECONDS = 0.05
LONG = Workload("long", EFFECT, nodes=500, runs=1)


def main(where: str) -> None:
    """Do as the lines say until there are none, or the signal comes."""
    holder = f"other:elsewhere:{os.getpid()}" if where == "elsewhere" else this_holder()
    worker = Worker(Nothings(result_of(SMALL), seconds=STEP_SECONDS), most_runs=10, holder=holder)
    signal.signal(signal.SIGTERM, _stop)
    say(json.dumps({"holder": holder}))
    try:
        for line in sys.stdin:
            if line.strip() == "work":
                worker.start()
                say(json.dumps({}))
            else:
                run = accept(make_actor(os.getpid()), document_of(LONG))
                say(json.dumps({"run": str(run.id)}))
    finally:
        worker.stop()


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main(sys.argv[1])
