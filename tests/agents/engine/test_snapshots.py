# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Snapshots: a run goes on from one as from its whole journal, wherever it was taken."""

import json
from collections.abc import Sequence

import pytest

from agents.engine import snapshots
from agents.engine.decide import decide
from agents.engine.documents import parse_flow
from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry
from agents.engine.view import JournalView
from tests.agents.engine.stage import CountingTool, Stage, StoppedClock, WorkerKilled, chain
from tests.agents.engine.test_lanes import TWELVE, body, echo, mapping, shouting

NOW = StoppedClock().now()
FLOWS = {
    "twelve": parse_flow(TWELVE, library={"shout": shouting()}),
    "failing": parse_flow(chain(mapping(over=[1, 2, 3], body=body(echo("say", "{{ item }}"))))),
}


def taken_up(view: JournalView, graph: FlowGraph) -> JournalView:
    """Write a view down as the database keeps it, and read it back."""
    written = json.loads(json.dumps(snapshots.dump(view), default=dict))
    restored = snapshots.restore(written, graph, input=view.root.input, read_flow=parse_flow)
    assert restored is not None
    return restored


@pytest.mark.parametrize("name", FLOWS)
async def test_going_on_from_a_snapshot_is_going_on_from_the_journal(name: str):
    # given
    graph = FLOWS[name]
    stage = Stage(graph, tools=[CountingTool("Echo")])
    await stage.run()
    entries = stage.journal.entries
    # then
    for length in range(len(entries)):
        whole = JournalView.of(graph, entries[:length], input="What now?")
        again = taken_up(whole, graph)
        assert decide(graph, again, NOW) == decide(graph, whole, NOW)
        for entry in entries[length:]:
            again.fold(entry)
            whole.fold(entry)
        assert json.dumps(snapshots.dump(again), default=dict, sort_keys=True) == json.dumps(
            snapshots.dump(whole), default=dict, sort_keys=True
        )
        assert again.finished == whole.finished


def test_a_snapshot_of_another_form_is_left_alone():
    view = JournalView(FLOWS["twelve"])
    older = {**snapshots.dump(view), "form": 0}
    assert snapshots.restore(older, FLOWS["twelve"], input=None, read_flow=parse_flow) is None


def test_snapshots_come_at_doubling_lengths():
    taken, newest = [], 0
    for seq in range(1, 9_000):
        if snapshots.is_due(seq, newest=newest):
            taken.append(seq)
            newest = seq
    assert taken == [1_000, 2_000, 4_000, 8_000]


async def test_a_long_run_taken_up_again_reads_its_end_alone(monkeypatch: pytest.MonkeyPatch):
    # given
    monkeypatch.setattr(snapshots, "FIRST_AT", 10)
    stage = Stage(FLOWS["twelve"], tools=[CountingTool("Echo")])
    stage.journal.dies_at = 6
    with pytest.raises(WorkerKilled):
        await stage.run()
    assert stage.snapshots.seqs
    reads: list[int] = []
    read = stage.journal.read

    async def reading(after: int = 0) -> Sequence[Entry]:
        reads.append(after)
        return await read(after)

    monkeypatch.setattr(stage.journal, "read", reading)
    # when
    standing = await stage.run()
    # then
    calm = await Stage(FLOWS["twelve"], tools=[CountingTool("Echo")]).run()
    assert standing.data["output"] == calm.data["output"]
    assert reads[0] >= 10


def test_nothing_that_a_run_has_come_to_is_left_out():
    view = JournalView(FLOWS["twelve"])
    kept = {*snapshots.dump(view), "graph", "root", "finished", "_read_flow", "_keeps_lanes", "_ending", "_failing"}
    assert vars(view).keys() <= kept
