# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench vault`: what sealing and opening cost, putting and reading over the API, and rotating a key."""

import json
import os
from collections.abc import Callable, Mapping, Sequence

from codexos.local.bench.api import Call, Client, demo_developer, load, own_instance, print_answers
from codexos.local.bench.ciphers import CIPHERS, Cipher
from codexos.local.bench.machine import Figure, cpu_seconds, family, print_figures
from codexos.local.bench.vault_rewrap import measure_rewrap

BENCH = "vault"
VALUE_BYTES = 1024
_OPERATIONS = 20_000
_WARM_UP_SECONDS = 3
_KEYS = 50
REWRAPPED = 100_000


def measure(*, parts: Sequence[str], rounds: int, rate: int, seconds: int) -> None:
    """Measure the parts that are asked for."""
    asked: Mapping[str, Callable[[], None]] = {
        "seal": lambda: _measure_sealing(rounds=rounds),
        "api": lambda: _measure_api(rate=rate, seconds=seconds),
        "rewrap": lambda: measure_rewrap(secrets=REWRAPPED),
    }
    for part in parts:
        asked[part]()


PARTS = ("seal", "api", "rewrap")


def _measure_sealing(*, rounds: int) -> None:
    """Time every cipher in turn, round by round, so that what else goes on meets all of them; print the best round."""
    value = os.urandom(VALUE_BYTES)
    best: dict[str, tuple[float, float]] = {}
    for _round in range(rounds):
        for cipher in CIPHERS:
            timed = _rates(cipher, value)
            before = best.get(cipher.system, (0.0, 0.0))
            best[cipher.system] = max(before[0], timed[0]), max(before[1], timed[1])
    for system, (seals, opens) in best.items():
        print_figures(BENCH, workload="1 KB on one core", system=system, seals_per_second=seals, opens_per_second=opens)


def _rates(cipher: Cipher, value: bytes) -> tuple[float, float]:
    """Seals and opens for each second of this process's own time."""
    sealing = cipher.sealing_seconds(value, count=_OPERATIONS)
    opening = cipher.opening_seconds(value, count=_OPERATIONS)
    return _OPERATIONS / sealing, _OPERATIONS / opening


def _measure_api(*, rate: int, seconds: int) -> None:
    """Put and read in turn, half of each, on a product of its own."""
    with own_instance() as instance:
        token, project = demo_developer(instance)
        client = Client(instance.url, token=token)
        puts, reads = _puts(project), _reads()
        in_turn = [call for pair in zip(puts, reads, strict=True) for call in pair]
        load(client, puts, rate=_KEYS, seconds=_WARM_UP_SECONDS)
        web = family(int((instance.home.run / "web.pid").read_text(encoding="utf-8").split()[0]))
        before = cpu_seconds(web)
        answers = load(client, in_turn, rate=rate, seconds=seconds)
        spent: dict[str, Figure] = {"web_cpu_ms": 1000 * (cpu_seconds(web) - before) / len(answers)}
    for workload, calls in (("POST /vault/put", puts), ("GET /api/v1/secrets/<key>/value/", reads)):
        mine = [answer for answer in answers if answer.call in calls]
        print_answers(BENCH, mine, workload=workload, rate=rate)
    print_answers(BENCH, answers, workload="both", rate=rate, **spent)


def _puts(project: str) -> list[Call]:
    bodies = ({"key": f"key-{number}", "value": "x" * VALUE_BYTES, "project_id": project} for number in range(_KEYS))
    return [Call("/vault/put", json.dumps(body)) for body in bodies]


def _reads() -> list[Call]:
    return [Call(f"/api/v1/secrets/key-{number}/value/") for number in range(_KEYS)]
