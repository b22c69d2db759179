# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""LangGraph with its PostgresSaver: every step is durable before the next begins (``durability="sync"``).

A chain keeps one value that each node replaces, which is the least it can write; a fan-out needs a list that grows.
"""

import operator
import os
import uuid
from queue import SimpleQueue
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import END, START, StateGraph
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from codexos.local.bench.loading import Load, Told, serve
from codexos.local.bench.peers.runs import Runs
from codexos.local.bench.workloads import FAN_OUT, Workload, result_of

CONNECTIONS = 20


class Value(TypedDict):
    """What a chain knows."""

    value: str


class Values(TypedDict):
    """What a fan-out gathers."""

    values: Annotated[list[str], operator.add]


def compiled(workload: Workload, saver: Any) -> Any:
    """The flow of a workload."""
    result = result_of(workload.result_bytes)
    names = [f"n{number}" for number in range(workload.nodes)]
    is_wide = workload.shape == FAN_OUT
    graph = StateGraph(Values if is_wide else Value)
    for name in names:
        graph.add_node(name, (lambda _state: {"values": [result]}) if is_wide else (lambda _state: {"value": result}))
    if is_wide:
        graph.add_node("join", lambda _state: {"values": []})
        for name in names:
            graph.add_edge(START, name)
        graph.add_edge(names, "join")
        graph.add_edge("join", END)
    else:
        for one, other in zip([START, *names], [*names, END], strict=True):
            graph.add_edge(one, other)
    return graph.compile(checkpointer=saver)


def main(url: str) -> None:
    """Serve."""
    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    with ConnectionPool(url, min_size=CONNECTIONS, max_size=CONNECTIONS, kwargs=options) as pool:
        PostgresSaver(pool).setup()

        def prepare(workload: Workload) -> tuple[Load, Told]:
            # A saver lets one call in at a time: each run in flight has one of its own.
            graphs: SimpleQueue[Any] = SimpleQueue()
            for _number in range(workload.at_once):
                graphs.put(compiled(workload, PostgresSaver(pool)))
            given: dict[str, object] = {"values": []} if workload.shape == FAN_OUT else {"value": "go"}

            def run_one() -> None:
                thread = {"configurable": {"thread_id": uuid.uuid4().hex}, "recursion_limit": workload.nodes + 10}
                graph = graphs.get()
                graph.invoke(given, thread, durability="sync")
                graphs.put(graph)

            return Runs(workload, run_one), {}

        serve(prepare)


if __name__ == "__main__":
    # No word of it goes to its makers.
    os.environ["LANGSMITH_TRACING"] = "false"
    main(os.environ["BENCH_URL"])
