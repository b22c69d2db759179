# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Accepts the runs of `bin/bench load`: each asks a model and has nothing else to do. A line in, a line out."""

import json
import sys
from itertools import cycle, islice

from codexos.kernel.jsontypes import JsonObject

# Before what needs Django: it readies it.
from codexos.local.bench.engine_load import accept, make_actors
from codexos.local.terminal import say

FLOW: JsonObject = {
    "id": "bench",
    "nodes": [
        {"id": "start", "type": "entry", "next": "ask"},
        {
            "id": "ask",
            "type": "llm",
            "model": "slow",
            "prompt": "Take your time.",
            "timeout_seconds": 3000,
            "next": "end",
        },
        {"id": "end", "type": "exit"},
    ],
}


def main() -> None:
    """Accept as many as each line says, for all organizations in turn."""
    actors = make_actors()
    for line in sys.stdin:
        for actor in islice(cycle(actors), int(line)):
            accept(actor, FLOW)
        say(json.dumps({"accepted": int(line)}))


if __name__ == "__main__":
    main()
