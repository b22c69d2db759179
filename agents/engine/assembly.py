# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""From a document that was checked to the engine's graph of it, bodies and sub-flows included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from agents.engine.boxes import FAIL, Box
from agents.engine.drawing import read_boxes
from agents.engine.errors import GraphInvalid, Problem
from agents.engine.findings import Findings
from agents.engine.graph import DEFAULT_JITTER, FlowGraph, FlowTool, Join, Limits, Node, OnError, Variable, Way
from agents.engine.nodes.agent_settings import is_agent
from agents.engine.nodes.every import EVERY_KIND
from agents.engine.nodes.flow_tools import flow_tool
from agents.engine.nodes.rounds import draw_round
from agents.engine.nodes.subflow import library_name
from agents.engine.registry import KINDS
from agents.engine.steps import HoldingKind
from agents.engine.tool_names import FLOW_PREFIX, tools_named
from codexos.kernel.jsontypes import JsonObject, JsonValue

T = TypeVar("T")

_APART = frozenset({*EVERY_KIND, "body"})


def read_graph(document: JsonValue, *, library: Mapping[str, JsonValue]) -> FlowGraph:
    """Make the graph of a sound document. Raises GraphInvalid where flows do each other in a circle."""
    return _Assembly(library).flow(_object(document))


@dataclass(frozen=True, slots=True)
class _Assembly:
    """Makes graphs; ``doing`` are the sub-flows around the one being made."""

    library: Mapping[str, JsonValue]
    doing: tuple[str, ...] = field(default=())

    def flow(self, document: JsonObject, *, is_body: bool = False) -> FlowGraph:
        """Make the graph of a flow, or of the body of one of its nodes."""
        name = document.get("id") or document.get("name")
        return FlowGraph.of(
            name if isinstance(name, str) else "flow",
            [self._node(box) for box in read_boxes(document, Findings())],
            variables=_variables(document.get("state")),
            limits=_limits(document.get("limits")),
            is_closed=not is_body,
        )

    def _node(self, box: Box) -> Node:
        said = box.settings.get("retry")
        retry = said if isinstance(said, Mapping) else {}
        attempts = retry.get("attempts")
        sets = box.settings.get("set")
        node = Node(
            id=box.id,
            kind=box.kind,
            settings={name: value for name, value in box.settings.items() if name not in _APART},
            ways=tuple(Way(arrow.id, arrow.outcome, arrow.when) for arrow in box.arrows if not arrow.is_for_errors),
            attempts=attempts if isinstance(attempts, int) else 1,
            timeout_seconds=_seconds(box.settings.get("timeout_seconds"), None),
            join=_join(box.settings.get("join")),
            on_error=_on_error(box.settings.get("on_error")),
            backoff_seconds=_seconds(retry.get("backoff_seconds"), 1.0),
            max_backoff_seconds=_seconds(retry.get("max_backoff_seconds"), 60.0),
            jitter=_seconds(retry.get("jitter"), DEFAULT_JITTER),
            retry_on=_codes(retry.get("on")),
            idle_seconds=_seconds(box.settings.get("idle_seconds"), None),
            sets=sets if isinstance(sets, Mapping) else {},
        )
        return self._agent(box, node) if is_agent(box.kind, box.settings) else self._with_body(box, node)

    def _agent(self, box: Box, node: Node) -> Node:
        """Make a node that is done in rounds of an llm with tools."""
        made = replace(
            node, kind="agent", flows=self._flow_tools(tools_named(box.settings), place=box.place_of("tools"))
        )
        # The first round, as it is drawn before anything is known.
        return replace(made, rounds=partial(draw_round, made), body=draw_round(made, None))

    def _with_body(self, box: Box, node: Node) -> Node:
        name = str(box.settings.get("tool"))
        if box.kind != "tool" or not name.startswith(FLOW_PREFIX):
            return replace(node, body=self._body(box, node))
        flows = self._flow_tools([name], place=box.place_of("tool"))
        body = flows[name].graph if name in flows else None
        seconds = node.timeout_seconds or (body.limits.seconds if body is not None else None)
        return replace(node, kind="delegate", flows=flows, body=body, timeout_seconds=seconds)

    def _flow_tools(self, names: Sequence[str], *, place: str) -> dict[str, FlowTool]:
        """Return the flows among tools, as far as they are at hand."""
        found: dict[str, FlowTool] = {}
        for name in names:
            wanted = name.removeprefix(FLOW_PREFIX)
            if name != wanted and (graph := self._subflow(wanted, place=place)) is not None:
                found[name] = flow_tool(wanted, _object(self.library[wanted]), graph)
        return found

    def _body(self, box: Box, node: Node) -> FlowGraph | None:
        if box.kind == "subflow":
            return self._subflow(library_name(box.settings), place=f"{box.place}.flow")
        if isinstance(body := box.settings.get("body"), Mapping):
            return self.flow(body, is_body=True)
        kind = KINDS[box.kind]
        if not isinstance(kind, HoldingKind) or kind.body is None:
            return None
        return _tried_like(node, kind.body(box.settings))

    def _subflow(self, name: str, *, place: str) -> FlowGraph | None:
        if name in self.doing:
            trail = " → ".join(repr(each) for each in (*self.doing[self.doing.index(name) :], name))
            message = f"Flows do each other in a circle: {trail}. Take one of these sub-flows out."
            raise GraphInvalid([Problem(place, message)])
        if name not in self.library:
            return None
        return _Assembly(self.library, (*self.doing, name)).flow(_object(self.library[name]))


def _tried_like(node: Node, body: FlowGraph) -> FlowGraph:
    """Let the steps inside a node that draws its own body be tried again as it says of itself."""
    retry = {
        "attempts": node.attempts,
        "backoff_seconds": node.backoff_seconds,
        "max_backoff_seconds": node.max_backoff_seconds,
        "jitter": node.jitter,
        "retry_on": node.retry_on,
    }
    return replace(body, nodes={inner.id: replace(inner, **retry) for inner in body.nodes.values()})  # type: ignore[arg-type]


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _seconds(said: JsonValue, otherwise: T) -> float | T:
    return float(said) if isinstance(said, int | float) else otherwise


def _codes(said: JsonValue) -> frozenset[str] | None:
    return frozenset(map(str, said)) if isinstance(said, list | tuple) else None


def _join(said: JsonValue) -> Join:
    return said if isinstance(said, int) else "any" if said == "any" else "all"


def _on_error(said: JsonValue) -> OnError | None:
    if isinstance(said, Mapping):
        return OnError(default=said.get("default"))
    return OnError(target=said) if isinstance(said, str) and said != FAIL else None


def _variables(said: JsonValue) -> dict[str, Variable]:
    return {name: _variable(_object(each)) for name, each in _object(said).items()}


def _variable(said: JsonObject) -> Variable:
    return Variable(said.get("initial"), said.get("reducer", "last"))  # type: ignore[arg-type]


def _limits(said: JsonValue) -> Limits:
    limits = _object(said)
    steps, tokens = limits.get("steps"), limits.get("tokens")
    return Limits(
        seconds=_seconds(limits.get("seconds"), None),
        steps=steps if isinstance(steps, int) else None,
        tokens=tokens if isinstance(tokens, int) else None,
        cost_usd=_seconds(limits.get("cost_usd"), None),
    )
