# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The engine's shape of a flow: nodes, and what follows what."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from codexos.kernel.jsontypes import JsonObject


@dataclass(frozen=True, slots=True)
class Node:
    """A box in the drawing: its kind, its settings, and the nodes it leads to."""

    id: str
    kind: str
    settings: JsonObject
    next: tuple[str, ...] = ()
    attempts: int = 1
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class FlowGraph:
    """A flow that holds together. Made by ``documents.parse_flow``; everything the engine asks of it is one look-up."""

    name: str
    entry: str
    exit: str
    nodes: Mapping[str, Node]
    before: Mapping[str, tuple[str, ...]] = field(repr=False)

    @classmethod
    def of(cls, name: str, nodes: Sequence[Node]) -> "FlowGraph":
        """Build the graph of nodes that were checked: one entry, one exit, every ``next`` known."""
        before: dict[str, list[str]] = {node.id: [] for node in nodes}
        for node in nodes:
            for target in node.next:
                before[target].append(node.id)
        return cls(
            name=name,
            entry=next(node.id for node in nodes if node.kind == "entry"),
            exit=next(node.id for node in nodes if node.kind == "exit"),
            nodes={node.id: node for node in nodes},
            before={node_id: tuple(sources) for node_id, sources in before.items()},
        )


def logic_hash(graph: FlowGraph) -> str:
    """Hash what a flow does, apart from how it is drawn: order, position, labels and name change nothing."""
    logic = [
        [node.id, node.kind, node.settings, sorted(node.next), node.attempts, node.timeout_seconds]
        for node in sorted(graph.nodes.values(), key=lambda node: node.id)
    ]
    written = json.dumps(logic, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(written.encode()).hexdigest()
