# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The engine's shape of a flow: nodes, and the ways between them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from codexos.kernel.jsontypes import JsonObject, JsonValue

ELSE = "else"
"""The outcome that stands for "none of the others"."""

Join = Literal["all", "any"] | int


@dataclass(frozen=True, slots=True)
class Way:
    """One way out of a node.

    Of a node that chooses (``condition``), ``outcome`` names the choice that takes this way. Of any other node
    ``when`` is an expression that must hold, ``"else"`` where no other way with a ``when`` was taken; a way with
    neither is always taken.
    """

    target: str
    outcome: str | None = None
    when: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is taken whatever the node gave."""
        return self.outcome is None and self.when is None


@dataclass(frozen=True, slots=True)
class OnError:
    """What follows when a node fails for good: another node (``target``), or going on with ``default``."""

    target: str | None = None
    default: JsonValue = None


@dataclass(frozen=True, slots=True)
class Node:
    """A box in the drawing: its kind, its settings, the ways out of it, and what it does about trouble.

    ``join`` says how many of the ways that lead here must have come: all that still can, any, or a number.
    ``on_error`` is None where a failure of the node fails the run. Before it is tried again it rests for
    ``backoff_seconds``, twice as long each time, up to ``max_backoff_seconds``.
    """

    id: str
    kind: str
    settings: JsonObject
    ways: tuple[Way, ...] = ()
    attempts: int = 1
    timeout_seconds: float | None = None
    join: Join = "all"
    on_error: OnError | None = None
    backoff_seconds: float = 1.0
    max_backoff_seconds: float = 60.0

    @property
    def targets(self) -> tuple[str, ...]:
        """Every node it may lead to, once each, the one for errors last."""
        ahead = [way.target for way in self.ways]
        if self.on_error is not None and self.on_error.target is not None:
            ahead.append(self.on_error.target)
        return tuple(dict.fromkeys(ahead))


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
        """Build the graph of nodes that were checked: one entry, one exit, every target known, no circle."""
        before: dict[str, list[str]] = {node.id: [] for node in nodes}
        for node in nodes:
            for target in node.targets:
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
    logic = [_logic_of(node) for node in sorted(graph.nodes.values(), key=lambda node: node.id)]
    written = json.dumps(logic, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(written.encode()).hexdigest()


def _logic_of(node: Node) -> list[JsonValue]:
    ways = sorted([way.target, way.outcome or "", way.when or ""] for way in node.ways)
    trouble = None if node.on_error is None else [node.on_error.target, node.on_error.default]
    retry: list[JsonValue] = [node.attempts, node.backoff_seconds, node.max_backoff_seconds]
    return [node.id, node.kind, node.settings, ways, retry, node.timeout_seconds, node.join, trouble]
