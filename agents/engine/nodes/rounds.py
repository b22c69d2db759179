# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rounds of a model with tools, as flows: the calls that the last answer asked for, then the next question."""

import re
from collections.abc import Mapping, Sequence

from agents.engine.graph import FlowGraph, Node, OnError, Way
from agents.engine.memories import declared_by
from agents.engine.tool_names import FLOW_PREFIX
from codexos.kernel.jsontypes import JsonObject, JsonValue

START, THINK, END = "start", "think", "end"
"""The nodes that every round has."""
RECALL = "recall-"
"""What the nodes begin with that read memory before the first question; the scope follows."""
_UNFIT = re.compile(r"[^\w.-]")
_LONGEST_ID = 60


def draw_round(node: Node, given: JsonValue) -> FlowGraph:
    """Draw the round of a node that begins with this: its calls side by side, or one by one, and the question."""
    names = names_in(given)
    ids = call_ids(names)
    recalls = [] if isinstance(given, Mapping) and given.get("round") != 1 else _recalls(node)
    is_parallel = node.settings.get("parallel_calls") is not False
    follows = [THINK] * len(ids) if is_parallel else [*ids[1:], THINK][: len(ids)]
    first = (ids if is_parallel else ids[:1]) or [each.id for each in recalls] or [THINK]
    calls = [
        _call(node, name, node_id=node_id, index=index, then=then)
        for index, (name, node_id, then) in enumerate(zip(names, ids, follows, strict=True))
    ]
    nodes = [
        Node(START, "entry", {}, tuple(Way(each) for each in first)),
        *recalls,
        *calls,
        _question(node),
        Node(END, "exit", {"collects": True}),
    ]
    # Closed: its steps read what the node was given and what came of its rounds, and nothing else around.
    return FlowGraph.of(node.id, nodes)


def _recalls(node: Node) -> list[Node]:
    """Draw the steps that read memory, one for each scope that is declared."""
    declared = declared_by(node.settings)
    made: list[Node] = []
    for scope in declared.scopes:
        wanted = [each for each in declared.read if each["scope"] == scope]
        keys: list[JsonValue] = [each["key"] for each in wanted if "key" in each]
        settings: dict[str, JsonValue] = {"scopes": [scope]}
        if len(keys) == len(wanted):
            settings["keys"] = keys
        # Without its memory the model is asked all the same.
        made.append(Node(f"{RECALL}{scope}", "recall", settings, (Way(THINK),), on_error=OnError(target=THINK)))
    return made


def names_in(given: JsonValue) -> list[str]:
    """Return the names of the tools that a round calls."""
    listed = given.get("calls") if isinstance(given, Mapping) else None
    return [str(name) for name in listed] if isinstance(listed, list | tuple) else []


def call_ids(names: Sequence[str]) -> list[str]:
    """Name the steps of a round's calls after their tools."""
    taken = {START, THINK, END}
    ids: list[str] = []
    for name in names:
        plain = _UNFIT.sub("_", name)[:_LONGEST_ID] or "tool"
        node_id, count = plain, 1
        while node_id in taken:
            count += 1
            node_id = f"{plain}-{count}"
        taken.add(node_id)
        ids.append(node_id)
    return ids


def _call(node: Node, name: str, *, node_id: str, index: int, then: str) -> Node:
    settings: JsonObject = {"tool": name, "call": index}
    # Whatever goes wrong with a call is told to the model, which goes on.
    trouble = OnError(target=then)
    if name.startswith(FLOW_PREFIX) and name in node.flows:
        body = node.flows[name].graph
        limits = {"timeout_seconds": body.limits.seconds, "body": body, "flows": node.flows}
        return Node(node_id, "delegate", settings, (Way(then),), on_error=trouble, **limits)  # type: ignore[arg-type]
    return Node(node_id, "call", settings, (Way(then),), on_error=trouble)


def _question(node: Node) -> Node:
    return Node(
        THINK,
        "think",
        {},
        (Way(END),),
        attempts=node.attempts,
        backoff_seconds=node.backoff_seconds,
        max_backoff_seconds=node.max_backoff_seconds,
        jitter=node.jitter,
        retry_on=node.retry_on,
        idle_seconds=node.idle_seconds,
    )
