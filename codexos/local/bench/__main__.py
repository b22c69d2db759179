# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The words after `bin/bench`."""

import argparse
import sys

from codexos.local.bench import api, engine, live, start
from codexos.local.bench.machine import print_machine
from codexos.local.errors import LocalFault
from codexos.local.terminal import say


def main(words: list[str]) -> int:
    """Measure what the first word names."""
    parser = argparse.ArgumentParser(prog="bin/bench", description="Measure CodexOS; figures are JSON lines.")
    parser.add_argument("--seconds", type=int, help="how long to load (api: 30, live: 10)")
    parser.add_argument("--rate", type=int, help="api: requests a second (50). live: entries a second (1000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each workload of the engine is done (3)")
    parser.add_argument("--sockets", type=int, default=10_000, help="live: how many are held open in the end (10000)")
    parser.add_argument(
        "name",
        choices=("up", "api", "engine", "live"),
        help="up: start-up and idle memory. api: latency and CPU. engine: time and log per node. "
        "live: from the writer to many sockets",
    )
    chosen = parser.parse_args(words)
    try:
        print_machine(chosen.name)
        if chosen.name == "up":
            start.measure()
        elif chosen.name == "engine":
            engine.measure(rounds=chosen.rounds)
        elif chosen.name == "api":
            api.measure(rate=chosen.rate or 50, seconds=chosen.seconds or 30)
        else:
            live.measure(rate=chosen.rate or 1000, seconds=chosen.seconds or 10, sockets=chosen.sockets)
        print_machine(chosen.name)
    except LocalFault as fault:
        say(str(fault), stream=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
