# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The engine's shape of a flow: nodes, and the ways between them."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from codexos.kernel.jsontypes import JsonObject, JsonValue

ELSE = "else"
"""The outcome that stands for "none of the others"."""

CHOOSING = frozenset({"condition", "approval"})
"""Kinds of node whose ways out are taken by an outcome they name."""
HOLDING = frozenset({"map", "loop", "subflow", "reflection", "planner", "agent", "delegate"})
"""Kinds of node that do a flow in lanes, see ``lanes``."""

APPROVE, REJECT, TIMEOUT = "approve", "reject", "timeout"
"""The outcomes of a question to people. A plain way on is taken when they approve."""

Join = Literal["all", "any"] | int

DEFAULT_JITTER = 0.2
"""Up to what share a rest before another attempt is shortened, so that runs which failed together part."""


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
    ``backoff_seconds``, twice as long each time, up to ``max_backoff_seconds``, and shorter by a share of up to
    ``jitter``. ``retry_on`` are the codes of the errors it is tried again after; None: all that may pass. ``sets`` are
    values, with templates in them, that go into the run's variables once it is done. ``body`` is the flow that a node
    which holds lanes does in each of them; where it depends on what a lane begins with, ``rounds`` draws it. ``flows``
    are the flows that it may call as tools, by the names of these.

    What follows from its ways: ``has_choice``, whether its result decides which are taken; ``targets``, every node it
    may lead to, once each, the one for errors last; ``open_targets``, those it leads to whatever it gives.
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
    jitter: float = DEFAULT_JITTER
    retry_on: frozenset[str] | None = None
    idle_seconds: float | None = None
    sets: Mapping[str, JsonValue] = field(default_factory=dict)
    body: "FlowGraph | None" = None
    rounds: "Callable[[JsonValue], FlowGraph] | None" = field(default=None, repr=False, compare=False)
    flows: "Mapping[str, FlowTool]" = field(default_factory=dict)
    has_choice: bool = field(init=False, repr=False, compare=False)
    targets: tuple[str, ...] = field(init=False, repr=False, compare=False)
    open_targets: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Worked out once: every step of every run asks.
        for_errors = [] if self.on_error is None or self.on_error.target is None else [self.on_error.target]
        targets = dict.fromkeys([*(way.target for way in self.ways), *for_errors])
        object.__setattr__(self, "targets", tuple(targets))
        object.__setattr__(self, "open_targets", frozenset(way.target for way in self.ways if way.is_open))
        object.__setattr__(self, "has_choice", not all(way.is_open for way in self.ways))

    def graph_for(self, given: JsonValue) -> "FlowGraph | None":
        """Return the flow that it does in a lane that begins with this."""
        return self.body if self.rounds is None else self.rounds(given)


Reducer = Literal["last", "add", "append", "extend", "merge", "min", "max"]


@dataclass(frozen=True, slots=True)
class Variable:
    """Something a run keeps and its nodes may set: what it is at first, and how one more value goes into it."""

    first: JsonValue = None
    reducer: Reducer = "last"


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a run may go: seconds since it was accepted, steps done, tokens and dollars spent. None: no limit."""

    seconds: float | None = None
    steps: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class FlowGraph:
    """A flow that holds together. Made by ``documents.parse_flow``; everything the engine asks of it is one look-up.

    ``is_closed`` where its templates see nothing of the flow around it: a flow of its own, not the body of a node.
    ``secrets`` holds of each vault node the key it refers to.
    """

    name: str
    entry: str
    exit: str
    nodes: Mapping[str, Node]
    before: Mapping[str, tuple[str, ...]] = field(repr=False)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    is_closed: bool = True
    secrets: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        name: str,
        nodes: Sequence[Node],
        *,
        variables: Mapping[str, Variable] | None = None,
        limits: Limits | None = None,
        is_closed: bool = True,
    ) -> "FlowGraph":
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
            variables=variables or {},
            limits=limits or Limits(),
            is_closed=is_closed,
            secrets={node.id: str(node.settings.get("secret")) for node in nodes if node.kind == "vault"},
        )

    def walk(self, path: str = "") -> Iterator[tuple[str, Node]]:
        """Walk over every node with the way there, those of bodies and sub-flows behind the node that does them."""
        for node in self.nodes.values():
            yield path + node.id, node
            if node.body is not None:
                yield from node.body.walk(f"{path}{node.id}/")
            for name, tool in node.flows.items():
                yield from tool.graph.walk(f"{path}{node.id}/{name}/")


@dataclass(frozen=True, slots=True)
class FlowTool:
    """A flow that is offered as a tool: what it is for, what it takes, and what is done when it is called.

    Where the flow does not say what it takes, it ``takes_text``, which is the one argument ``input``.
    """

    description: str
    schema: JsonObject
    graph: FlowGraph
    takes_text: bool = False


def logic_hash(graph: FlowGraph) -> str:
    """Hash what a flow does, apart from how it is drawn: order, position, labels and name change nothing."""
    written = json.dumps(_logic_of(graph), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(written.encode()).hexdigest()


def logic_of(node: Node) -> str:
    """Say what one node does, its ways out included, alike for two that differ in their look alone."""
    return json.dumps(_logic_of_node(node), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _logic_of(graph: FlowGraph) -> list[JsonValue]:
    nodes: list[JsonValue] = [_logic_of_node(node) for node in sorted(graph.nodes.values(), key=lambda node: node.id)]
    more: dict[str, JsonValue] = {}
    if graph.variables:
        more["variables"] = {name: [each.first, each.reducer] for name, each in graph.variables.items()}
    if graph.limits != Limits():
        limits = graph.limits
        more["limits"] = [limits.seconds, limits.steps, limits.tokens, limits.cost_usd]
    return [*nodes, more] if more else nodes


def _logic_of_node(node: Node) -> list[JsonValue]:
    ways = sorted([way.target, way.outcome or "", way.when or ""] for way in node.ways)
    trouble = None if node.on_error is None else [node.on_error.target, node.on_error.default]
    retry: list[JsonValue] = [node.attempts, node.backoff_seconds, node.max_backoff_seconds]
    logic: list[JsonValue] = [node.id, node.kind, node.settings, ways, retry, node.timeout_seconds, node.join, trouble]
    more: dict[str, JsonValue] = {}
    if node.idle_seconds is not None:
        more["idle_seconds"] = node.idle_seconds
    if node.jitter != DEFAULT_JITTER:
        more["jitter"] = node.jitter
    if node.retry_on is not None:
        more["retry_on"] = sorted(node.retry_on)
    if node.sets:
        more["set"] = dict(node.sets)
    if node.body is not None:
        more["body"] = _logic_of(node.body)
    if node.flows:
        more["flows"] = {name: _logic_of(tool.graph) for name, tool in node.flows.items()}
    return [*logic, more] if more else logic
