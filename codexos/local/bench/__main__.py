# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The words after `bin/bench`."""

import argparse
import sys

from codexos.local.bench import api, engine, start
from codexos.local.bench.machine import print_machine
from codexos.local.errors import LocalFault
from codexos.local.terminal import say


def main(words: list[str]) -> int:
    """Measure what the first word names."""
    parser = argparse.ArgumentParser(prog="bin/bench", description="Measure CodexOS; figures are JSON lines.")
    parser.add_argument("--seconds", type=int, default=30, help="how long to load the API (30)")
    parser.add_argument("--rate", type=int, default=50, help="requests a second, sent whether answered or not (50)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each workload of the engine is done (3)")
    parser.add_argument(
        "name",
        choices=("up", "api", "engine"),
        help="up: start-up and idle memory. api: latency and CPU. engine: time and log per node",
    )
    chosen = parser.parse_args(words)
    try:
        print_machine(chosen.name)
        if chosen.name == "up":
            start.measure()
        elif chosen.name == "engine":
            engine.measure(rounds=chosen.rounds)
        else:
            api.measure(rate=chosen.rate, seconds=chosen.seconds)
        print_machine(chosen.name)
    except LocalFault as fault:
        say(str(fault), stream=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
