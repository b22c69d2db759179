# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench kill`: kills an executor at every point of a run in peace, then again while it picks up the pieces."""

import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg

from codexos.local.bench.companion import Companion
from codexos.local.bench.engine import MEMORY, place_in
from codexos.local.bench.kill.flow import ANY, MODEL
from codexos.local.bench.kill.harness import Fatal, Harness, Story, doubled, points_of, wrong_with
from codexos.local.bench.kill.node import BENCH, measure_harms
from codexos.local.bench.kill.server import CountingServer
from codexos.local.bench.machine import print_figures

MODULE = "kill.nursery"
LOTS = 50
"""How many runs lose one holder after the other, at places drawn by lot."""
DEATHS = 8
FARTHEST = 60
"""After how many points one dies at the latest that dies by lot: some get as far as the end."""


@contextmanager
def harness(variables: Mapping[str, str], database: psycopg.Connection) -> Iterator[Harness]:
    """A harness whose executors find the outside, and a database that is served already."""
    with CountingServer() as server:
        outside = f"127.0.0.1:{server.port}"
        reach = {
            "CODEXOS_EGRESS_ALLOW": outside,
            "CODEXOS_MODEL_URL": f"http://{outside}/v1",
            "CODEXOS_MODELS": MODEL,
        }
        nursery = Companion(MODULE, variables={**variables, **reach})
        try:
            yield Harness(nursery, server, database)
        finally:
            nursery.end()


def measure(*, seed: int, at_most: int | None) -> None:
    """Kill at every point, or at so many of them, and print what came of it."""
    with (
        place_in(MEMORY, name="tmpfs") as place,
        psycopg.connect(place.address(), autocommit=True) as database,
        harness(place.variables, database) as killer,
    ):
        calm = killer.run()
        matrix = deaths_of(calm, seed=seed, at_most=at_most)
        _print_stories("one kill, at every point", [killer.run(fatal) for fatal in _timed(matrix)], calm=calm)
        lots = deaths_by_lot(seed=seed, count=LOTS if at_most is None else at_most // 4)
        _print_stories("one kill after the other, by lot", [killer.run(fatal) for fatal in _timed(lots)], calm=calm)
    measure_harms(most_times=None if at_most is None else 1)


def deaths_of(calm: Story, *, seed: int, at_most: int | None) -> list[Fatal]:
    """One death for each point of a run in peace, or for as many of them, some of each kind."""
    points = points_of(calm)
    if at_most is not None and at_most < len(points):
        points = _some_of_each_kind(points, seed=seed, count=at_most)
    return [[*[None] * turn, point] for turn, point in points]


def deaths_by_lot(*, seed: int, count: int) -> list[Fatal]:
    """Deaths of one holder after the other: who comes after finds less to do, so some live on."""
    drawn = random.Random(seed)  # noqa: S311 (a lot that can be drawn again)
    return [[f"{ANY} #{drawn.randint(1, FARTHEST)}" for _ in range(DEATHS)] for _ in range(count)]


def _some_of_each_kind(points: Sequence[tuple[int, str]], *, seed: int, count: int) -> list[tuple[int, str]]:
    """Take turns among the kinds of points, so that a rare one is in every sample."""
    drawn = random.Random(seed)  # noqa: S311 (a lot that can be drawn again)
    kinds: dict[str, list[tuple[int, str]]] = {}
    for point in drawn.sample(points, len(points)):
        kinds.setdefault(point[1].partition(" #")[0], []).append(point)
    chosen: list[tuple[int, str]] = []
    while len(chosen) < count:
        for kind in kinds.values():
            if kind:
                chosen.append(kind.pop())
    return chosen[:count]


def summary(stories: Sequence[Story]) -> dict[str, int]:
    """Count what came of deaths."""
    return {
        "runs": len(stories),
        "kills": sum(story.kills for story in stories),
        "resumed": sum(story.kills > 0 and story.status == "succeeded" for story in stories),
        "not_reached": sum(story.kills == 0 for story in stories),
        "wrong": sum(bool(wrong_with(story)) for story in stories),
        "doubled": sum(bool(doubled(story)) for story in stories),
        "uncertain": sum(story.uncertain for story in stories),
        "repeated_reads": sum(sum(times - 1 for times in story.asked.values()) for story in stories),
    }


_spent: list[float] = []


def _timed(deaths: Sequence[Fatal]) -> Iterator[Fatal]:
    _spent.clear()
    for fatal in deaths:
        began = time.monotonic()
        yield fatal
        _spent.append(time.monotonic() - began)


def _print_stories(name: str, stories: Sequence[Story], *, calm: Story) -> None:
    for story in stories:
        if troubles := wrong_with(story):
            print_figures(BENCH, workload="wrong", fatal=str(story.fatal), run=story.run_id, why="; ".join(troubles))
    kinds = Counter(point.partition(" #")[0] for _, point in points_of(calm))
    figures: dict[str, float] = {**summary(stories)}
    print_figures(
        BENCH,
        workload=name,
        system="codexos",
        points=sum(kinds.values()),
        kinds_of_points=len(kinds),
        **figures,
        seconds=sum(_spent),
        median_ms_per_run=statistics.median(_spent) * 1000,
        load_1m=os.getloadavg()[0],
    )
