# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which nodes of a flow ask models, how often, and about how much: all that can be known before it runs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from agents.engine.graph import FlowGraph, Node
from agents.engine.nodes.agent import DEFAULT_CALLS, DEFAULT_STEPS
from codexos.kernel.jsontypes import JsonValue

ASKING = frozenset({"llm", "judge", "revise", "write_plan", "agent"})
"""Kinds of node that ask a model."""
USUAL_ITEMS = 5
"""How many items a map is taken to go over where its list is not known."""
USUAL_ROUNDS = 2
USUAL_AGENT_ROUNDS = 3
_OWN_WORDS = frozenset({"llm", "agent"})
_ROUNDS = {"loop": 10, "reflection": 3, "planner": 3}
# A judge or a planner is told what to do by a prompt of the house.
_OWN_PROMPT_CHARACTERS = 1_500
_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_PICTURE = 1_600


@dataclass(frozen=True, slots=True)
class Times:
    """How often something is done: at least, usually, and at most; None where nothing bounds it."""

    least: int = 1
    usual: int = 1
    most: int | None = 1

    def __mul__(self, other: "Times") -> "Times":
        most = None if self.most is None or other.most is None else self.most * other.most
        return Times(self.least * other.least, self.usual * other.usual, most)


# An answer that does not fit its schema is asked for once more.
_PUT_RIGHT = Times(1, 1, 2)


@dataclass(frozen=True, slots=True)
class Asked:
    """A node that asks a model: its place through the nodes around it, how often, and about how many tokens.

    ``max_tokens`` is what bounds an answer; None where the model alone does.
    """

    place: str
    model: str
    times: Times
    input_tokens: int
    max_tokens: int | None


def asked_of(graph: FlowGraph, *, given_characters: int) -> list[Asked]:
    """Return the nodes of a flow that ask models. ``given_characters`` is how large its input and its files are."""
    return list(_asked(graph, "", times=Times(), given_characters=given_characters))


def is_open_ended(graph: FlowGraph) -> bool:
    """Tell whether the flow may do what nobody can know beforehand: a plan that a model writes, or tools it calls."""
    return any(
        node.kind == "planner"
        or bool(node.settings.get("tools"))
        or (node.body is not None and is_open_ended(node.body))
        for node in graph.nodes.values()
    )


def _asked(graph: FlowGraph, around: str, *, times: Times, given_characters: int) -> Iterator[Asked]:
    sure = _sure(graph)
    for node in graph.nodes.values():
        place = f"{around}{node.id}"
        here = times * (Times(1, 1, node.attempts) if node.id in sure else Times(0, 1, node.attempts))
        if node.kind in ASKING:
            asked = here * _PUT_RIGHT if node.settings.get("output_schema") is not None else here
            asked = asked * _rounds(node) if node.kind == "agent" else asked
            yield _one(node, place, times=asked, given=given_characters)
        if node.kind == "agent":
            # Its rounds are those of the one line above; a flow among its tools may be called, or not at all.
            for name, tool in node.flows.items():
                often = here * Times(0, 0, _calls(node))
                yield from _asked(tool.graph, f"{place}/{name}/", times=often, given_characters=given_characters)
        elif node.body is not None:
            inner = here * _rounds(node)
            yield from _asked(node.body, f"{place}/", times=inner, given_characters=given_characters)


def _one(node: Node, place: str, *, times: Times, given: int) -> Asked:
    told = [node.settings.get(name) for name in ("system", "prompt")]
    said = sum(len(text) for text in told if isinstance(text, str))
    # Without a prompt it is given the input and what came before it; with one it is shown the files all the same.
    characters = said + given + (_OWN_PROMPT_CHARACTERS if node.kind not in _OWN_WORDS else 0)
    shown = node.settings.get("images")
    pictures = 0 if shown is None else len(shown) if isinstance(shown, list | tuple) else 1
    most, model = node.settings.get("max_tokens"), node.settings.get("model")
    return Asked(
        place,
        model if isinstance(model, str) else "default",
        times,
        -(-characters // _CHARACTERS_PER_TOKEN) + pictures * _TOKENS_PER_PICTURE,
        most if isinstance(most, int) else None,
    )


def _whole(node: Node, name: str) -> int | None:
    said = node.settings.get(name)
    return said if isinstance(said, int) else None


def _calls(node: Node) -> int:
    return _whole(node, "max_tool_calls") or DEFAULT_CALLS


def _rounds(node: Node) -> Times:
    if node.kind == "map":
        over = node.settings.get("over")
        count = len(over) if isinstance(over, list | tuple) else None
        return Times(0, USUAL_ITEMS, None) if count is None else Times(count, count, count)
    if node.kind == "agent":
        most = _whole(node, "max_steps") or DEFAULT_STEPS
        return Times(1, min(USUAL_AGENT_ROUNDS, most), most)
    if node.kind in _ROUNDS:
        said = node.settings.get("max_rounds")
        most = said if isinstance(said, int) else _ROUNDS[node.kind]
        return Times(1, min(USUAL_ROUNDS, most), most)
    return Times()


def _sure(graph: FlowGraph) -> frozenset[str]:
    """Return the nodes that are done whatever the others give, as long as none fails."""
    found, ahead = {graph.entry}, [graph.entry]
    while ahead:
        for target in graph.nodes[ahead.pop()].open_targets - found:
            found.add(target)
            ahead.append(target)
    return frozenset(found)


def size_of(value: JsonValue) -> int:
    """Return about how many characters a value has as a model is shown it."""
    return len(value) if isinstance(value, str) else len(json.dumps(value))
