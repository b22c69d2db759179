# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The arithmetic of the measurements: what is divided by what, and who is compared with whom."""

import re
from pathlib import Path

import pytest

from codexos.local.bench import sandbox, vault
from codexos.local.bench.__main__ import _read
from codexos.local.bench.ciphers import CIPHERS, Cipher
from codexos.local.bench.figures import above_floor, best_of, figures_of, ratios
from codexos.local.bench.peers.environment import LOCK, PEERS, versions
from codexos.local.bench.ruler import Reading
from codexos.local.bench.workloads import EFFECT, FAN_OUT, LARGE, WORKLOADS, Workload, result_of

TEN = Workload("ten", EFFECT, nodes=10, runs=20)
WRITTEN = Reading(wal_bytes=400_000, transactions=220, entries=400)
TOLD = {"seconds": 0.1, "cpu": 0.05, "accepting": 0.06, "journal_commits": 200}


def test_every_figure_is_for_one_node_of_the_work() -> None:
    figures = figures_of(TEN, told=TOLD, written=WRITTEN)
    assert figures["us_per_node"] == pytest.approx(500)
    assert figures["cpu_us_per_node"] == pytest.approx(250)
    assert figures["us_per_node_with_accepting"] == pytest.approx(800)
    assert figures["accept_ms_per_run"] == pytest.approx(3)
    assert figures["runs_per_second"] == pytest.approx(200)
    assert (figures["commits_per_node"], figures["journal_commits_per_node"]) == (1.1, 1.0)
    assert (figures["wal_bytes_per_node"], figures["wal_bytes_per_entry"]) == (2000, 1000)
    assert "wal_bytes_per_result" not in figures


def test_a_peer_has_no_figures_that_only_we_have() -> None:
    written = Reading(wal_bytes=400_000, transactions=220, entries=0)
    figures = figures_of(TEN, told={"seconds": 0.1, "cpu": 0.05}, written=written)
    assert {"accept_ms_per_run", "journal_commits_per_node", "wal_bytes_per_entry"} & set(figures) == set()


def test_log_is_told_by_result_where_results_are_large() -> None:
    large = Workload("large", EFFECT, nodes=10, runs=2, result_bytes=LARGE)
    assert figures_of(large, told=TOLD, written=WRITTEN)["wal_bytes_per_result"] == 20_000


def test_a_reading_counts_what_was_written_between() -> None:
    assert Reading(30, 20, 10).since(Reading(10, 5, 10)) == Reading(20, 15, 0)


def test_the_best_round_is_shown_whole_and_the_median_beside_it() -> None:
    rounds = [{"us_per_node": time, "wal_bytes_per_node": log} for time, log in ((300.0, 1), (100.0, 3), (200.0, 2))]
    assert best_of(rounds) == {"us_per_node": 100, "wal_bytes_per_node": 3, "us_per_node_median": 200, "rounds": 3}


def test_ratios_compare_the_best_and_tell_the_worst_pair_and_the_accepting() -> None:
    def round_of(us: float, *, accepting: float = 0) -> dict[str, float]:
        figures = {"us_per_node": us, "cpu_us_per_node": us / 2, "wal_bytes_per_node": us * 10}
        return figures | {"us_per_node_with_accepting": us + accepting}

    ours, theirs = [round_of(100, accepting=60), round_of(200, accepting=60)], [round_of(900), round_of(800)]
    assert ratios(ours, theirs) == {
        "times_faster": 8,
        "times_faster_least": 4,
        "times_faster_with_accepting": 5,
        "times_less_cpu": 8,
        "times_less_wal": 8,
    }


def test_only_a_chain_of_effects_is_held_against_the_commit() -> None:
    best = {"us_per_node": 500.0}
    assert above_floor(TEN, best=best, floor_us=300) == {"us_above_commit": 200}
    many = Workload("many", EFFECT, nodes=10, runs=20, at_once=50)
    wide = Workload("wide", FAN_OUT, nodes=10, runs=20)
    assert [above_floor(workload, best=best, floor_us=300) for workload in (many, wide)] == [{}, {}]


def test_no_database_can_make_results_smaller() -> None:
    text = result_of(LARGE)
    assert len(text) == LARGE
    # What a simple compressor lives on: three letters that were there shortly before.
    seen = sum(text[place : place + 3] in text[max(0, place - 4096) : place] for place in range(LARGE - 3))
    assert seen / LARGE < 0.05


def test_workloads_have_names_of_their_own_and_divide_by_their_work_alone() -> None:
    assert len({workload.name for workload in WORKLOADS}) == len(WORKLOADS)
    assert all(str(workload.nodes) in workload.name for workload in WORKLOADS)


def test_peers_are_pinned_with_hashes() -> None:
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if re.match(r"^[a-z]", line)]
    assert all("==" in line and line.endswith("\\") for line in pins)
    assert "://" not in LOCK.read_text(encoding="utf-8")
    assert set(versions()) == set(PEERS)


def test_a_workload_that_was_cut_says_so() -> None:
    many = next(workload for workload in WORKLOADS if workload.runs == 1000)
    assert many.cut(None).shown == many.cut(5000).shown == many.name
    assert many.cut(200).shown == f"{many.name} (cut to 200 runs)"
    assert many.cut(200).all_nodes == 200 * many.nodes


@pytest.mark.parametrize("cipher", CIPHERS, ids=lambda cipher: cipher.system)
def test_every_cipher_opens_what_it_sealed_and_seals_it_anew_each_time(cipher: Cipher) -> None:
    first, second = cipher.seal(b"a value"), cipher.seal(b"a value")
    assert first != second
    assert cipher.open(first) == cipher.open(second) == b"a value"
    assert cipher.sealing_seconds(b"a value", count=3) >= 0
    assert cipher.opening_seconds(b"a value", count=3) >= 0


def test_the_vault_is_measured_whole_or_in_parts() -> None:
    assert _read(["vault"]).parts == vault.PARTS
    assert _read(["vault", "--parts", "seal"]).parts == ["seal"]


def test_two_sandboxes_that_are_measured_at_once_share_no_door(tmp_path: Path) -> None:
    # Each opens a door for folders beside the one for jobs, whatever that is called.
    warm, cold = (sandbox._place(tmp_path, of) for of in ("warm", "cold"))
    assert warm.parent != cold.parent
    assert warm.parent.is_dir()
