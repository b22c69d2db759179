# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The words after `bin/bench`."""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from codexos.local.bench import (
    api,
    embed,
    engine,
    live,
    load,
    models,
    policy,
    rag,
    rag_scale,
    resume,
    sandbox,
    start,
    vault,
)
from codexos.local.bench.kill.measure import measure as measure_kills
from codexos.local.bench.machine import print_machine
from codexos.local.bench.peers.environment import PEERS
from codexos.local.errors import LocalFault
from codexos.local.terminal import say


def _measure_rag(chosen: argparse.Namespace) -> None:
    if chosen.collections:
        rag.measure(folders=chosen.collections)
    else:
        rag_scale.measure(chunks=chosen.runs or 200_000)


MEASURES: dict[str, Callable[[argparse.Namespace], None]] = {
    "up": lambda _chosen: start.measure(),
    "api": lambda chosen: api.measure(rate=chosen.rate or 50, seconds=chosen.seconds or 30),
    "engine": lambda chosen: engine.measure(
        rounds=chosen.rounds, peers=[] if chosen.alone else chosen.peers, most_runs=chosen.runs
    ),
    "load": lambda chosen: load.measure(runs=chosen.runs or 2000),
    "resume": lambda chosen: resume.measure(rounds=chosen.rounds),
    "kill": lambda chosen: measure_kills(seed=chosen.seed, at_most=chosen.runs),
    "live": lambda chosen: live.measure(rate=chosen.rate or 1000, seconds=chosen.seconds or 10, sockets=chosen.sockets),
    "embed": lambda chosen: embed.measure(rounds=chosen.rounds),
    "models": lambda chosen: models.measure(rounds=chosen.rounds),
    "policy": lambda chosen: policy.measure(rounds=chosen.rounds),
    "rag": lambda chosen: _measure_rag(chosen),
    "sandbox": lambda chosen: sandbox.measure(rounds=chosen.rounds),
    "vault": lambda chosen: vault.measure(
        parts=chosen.parts, rounds=chosen.rounds, rate=chosen.rate or 20, seconds=chosen.seconds or 30
    ),
}


def main(words: list[str]) -> int:
    """Measure what the first word names."""
    chosen = _read(words)
    # What was started is put away, also when somebody else's patience ends.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    try:
        print_machine(chosen.name)
        MEASURES[chosen.name](chosen)
        print_machine(chosen.name)
    except LocalFault as fault:
        say(str(fault), stream=sys.stderr)
        return 1
    return 0


def _read(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/bench", description="Measure CodexOS; figures are JSON lines.")
    parser.add_argument("--seconds", type=int, help="how long to load (api, vault: 30, live: 10)")
    parser.add_argument(
        "--rate", type=int, help="api, vault: requests a second (50, 20). live: entries a second (1000)"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=3,
        help="embed, engine, models, policy, resume, sandbox, vault: how often each (3)",
    )
    parser.add_argument(
        "--runs", type=int, help="engine, kill: at most so many of each workload. load: how many (2000)"
    )
    parser.add_argument("--seed", type=int, default=1, help="kill: which lots are drawn (1)")
    parser.add_argument("--sockets", type=int, default=10_000, help="live: how many are held open in the end (10000)")
    parser.add_argument(
        "--collections",
        nargs="+",
        type=Path,
        default=[],
        help="rag: folders of test collections; without any, many synthetic chunks",
    )
    parser.add_argument("--alone", action="store_true", help="engine: measure nobody but CodexOS")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS, help="engine: who is measured beside it")
    parser.add_argument("--parts", nargs="+", choices=vault.PARTS, default=vault.PARTS, help="vault: which of them")
    parser.add_argument(
        "name",
        choices=tuple(MEASURES),
        help="up: start-up and idle memory. api: latency and CPU. engine: time and log per node, beside peers. "
        "load: runs that wait in one worker. resume: from a worker's end to the next step. "
        "kill: what comes of an executor killed everywhere. live: from the writer to many sockets. "
        "embed: the embedded model, and calls saved by gathering callers. "
        "models: what asking a model takes, beside httpx and litellm. "
        "policy: deciding about calls of tools, by rules and by Rego. "
        "rag: how well and how fast knowledge is found over HTTP. "
        "sandbox: from asking to the first byte, beside plain processes, and many calls at once. "
        "vault: sealing and opening, putting and reading, rotating a key",
    )
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
