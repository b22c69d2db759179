# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""From what was told and read to the figures that are printed. Pure."""

import statistics
from collections.abc import Sequence

from codexos.local.bench.loading import Told
from codexos.local.bench.ruler import Reading
from codexos.local.bench.workloads import EFFECT, LARGE, Workload

Figures = dict[str, float]


def figures_of(workload: Workload, *, told: Told, written: Reading) -> Figures:
    """One round's figures. ``told``: seconds and cpu, and of us also accepting (seconds) and journal_commits."""
    nodes = workload.all_nodes
    figures = {
        "us_per_node": told["seconds"] / nodes * 1e6,
        "cpu_us_per_node": told["cpu"] / nodes * 1e6,
        "runs_per_second": workload.runs / told["seconds"],
        "commits_per_node": written.transactions / nodes,
        "wal_bytes_per_node": written.wal_bytes / nodes,
    }
    if "accepting" in told:
        figures["accept_ms_per_run"] = told["accepting"] / workload.runs * 1000
        figures["us_per_node_with_accepting"] = (told["seconds"] + told["accepting"]) / nodes * 1e6
    if "journal_commits" in told:
        figures["journal_commits_per_node"] = told["journal_commits"] / nodes
    if written.entries:
        figures["entries_per_node"] = written.entries / nodes
        figures["wal_bytes_per_entry"] = written.wal_bytes / written.entries
    if workload.result_bytes == LARGE:
        figures["wal_bytes_per_result"] = written.wal_bytes / nodes
    return figures


def best_of(rounds: Sequence[Figures]) -> Figures:
    """The round with the least time per node, whole, with the median of all rounds beside it."""
    best = min(rounds, key=lambda figures: figures["us_per_node"])
    median = statistics.median(figures["us_per_node"] for figures in rounds)
    return {**best, "us_per_node_median": median, "rounds": len(rounds)}


def above_floor(workload: Workload, *, best: Figures, floor_us: float) -> Figures:
    """What an effect takes beyond the one commit that it cannot do without."""
    if workload.shape != EFFECT or workload.at_once > 1:
        return {}
    return {"us_above_commit": best["us_per_node"] - floor_us}


def ratios(ours: Sequence[Figures], theirs: Sequence[Figures]) -> Figures:
    """How many times as much the other takes: best round against best, and the worst of the pairs done in turn."""
    best, other = best_of(ours), best_of(theirs)
    pairs = [their["us_per_node"] / our["us_per_node"] for our, their in zip(ours, theirs, strict=True)]
    return {
        "times_faster": other["us_per_node"] / best["us_per_node"],
        "times_faster_least": min(pairs),
        "times_faster_with_accepting": other["us_per_node"] / best["us_per_node_with_accepting"],
        "times_less_cpu": other["cpu_us_per_node"] / best["cpu_us_per_node"],
        "times_less_wal": other["wal_bytes_per_node"] / best["wal_bytes_per_node"],
    }
