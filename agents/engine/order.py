# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The order in which people read a flow's nodes."""

from heapq import heappop, heappush

from agents.engine.graph import FlowGraph


def in_order(graph: FlowGraph) -> list[str]:
    """Return every node behind all that lead to it; among those that may come next, the one drawn first."""
    places = {node_id: place for place, node_id in enumerate(graph.nodes)}
    missing = {node_id: len(before) for node_id, before in graph.before.items()}
    ahead = [(places[graph.entry], graph.entry)]
    found: list[str] = []
    while ahead:
        node_id = heappop(ahead)[1]
        found.append(node_id)
        for target in graph.nodes[node_id].targets:
            missing[target] -= 1
            if missing[target] == 0:
                heappush(ahead, (places[target], target))
    return found
