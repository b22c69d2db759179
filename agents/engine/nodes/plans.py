# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Plans: flows that a model wrote for a run. Read from its answer, and held to what the planner allows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agents.engine.boxes import Box
from agents.engine.drawing import read_boxes
from agents.engine.errors import GraphInvalid, Problem
from agents.engine.findings import Findings, shown
from agents.engine.json_text import read_json
from agents.engine.nodes.asking import unfenced
from agents.engine.shape import has_shape, nodes_trouble
from codexos.kernel.jsontypes import JsonObject, JsonValue

PLANNABLE = ("llm", "tool", "condition", "map", "loop", "reflection", "approval")
"""Kinds that a planner may be allowed. A plan never plans, and does no flows but those it draws."""

ASKING = frozenset({"llm", "reflection"})
_ENDS = frozenset({"entry", "exit"})
_MODELS = ("model", "critic")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a plan may do: these kinds, these tools, so many nodes, and asking this one model."""

    kinds: Sequence[str]
    tools: Sequence[str]
    max_nodes: int
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A model's answer, read: ``document`` is None where ``problems`` say why it may not run."""

    document: JsonObject | None
    problems: Sequence[Problem] = ()


def read_plan(answer: str, bounds: Bounds, *, read_flow: Callable[[JsonValue], object]) -> Plan:
    """Read an answer and look at it from every side; ``read_flow`` raises GraphInvalid for what is no sound flow."""
    try:
        document = read_json(_json_in(answer))
    except GraphInvalid as error:
        return Plan(None, error.problems)
    if not isinstance(document, Mapping):
        return Plan(None, [Problem("$", "A plan is a JSON object with a list of 'nodes'. Write one.")])
    findings = Findings()
    if not has_shape(document, findings):
        return Plan(None, findings.listed())
    written = _with_model(document, bounds.model)
    problems = [*_unsound(written, read_flow), *_beyond(written, bounds)]
    # One trouble in one place is enough to correct it by.
    told = list({problem.place: problem for problem in reversed(problems)}.values())[::-1]
    return Plan(None, told) if told else Plan(written)


def _json_in(answer: str) -> str:
    """Find the JSON in an answer: all of it, what is fenced, or what stands between the first and the last brace."""
    said = unfenced(answer)
    if said.startswith("{"):
        return said
    start, end = said.find("{"), said.rfind("}")
    return said[start : end + 1] if 0 <= start < end else said


def _unsound(document: JsonObject, read_flow: Callable[[JsonValue], object]) -> Sequence[Problem]:
    try:
        read_flow(document)
    except GraphInvalid as error:
        return error.problems
    return ()


def _beyond(document: JsonObject, bounds: Bounds) -> Iterator[Problem]:
    """Say what of a document goes beyond its bounds."""
    boxes = list(_all_boxes(document))
    if len(boxes) > bounds.max_nodes:
        message = f"The plan has {len(boxes)} nodes; at most {bounds.max_nodes} are allowed. Plan fewer steps."
        yield Problem("$.nodes", message)
    for box in boxes:
        if box.kind not in _ENDS and box.kind not in bounds.kinds:
            allowed = ", ".join(bounds.kinds) or "none"
            yield Problem(f"{box.place}.type", f"A plan here may not have a node of type {shown(box.kind)}: {allowed}.")
        if box.kind == "entry" and "schema" in box.settings:
            yield Problem(box.place_of("schema"), "The entry of a plan takes what it is given. Leave 'schema' out.")
        if "memory" in box.settings:
            yield Problem(box.place_of("memory"), "A plan keeps nothing and reads no memory. Leave 'memory' out.")
        yield from _beyond_tools(box, bounds)
        yield from _beyond_models(box, bounds)


def _beyond_tools(box: Box, bounds: Bounds) -> Iterator[Problem]:
    named = [("tool", box.settings.get("tool"))]
    several = box.settings.get("tools")
    named += [("tools", each) for each in (several if isinstance(several, list | tuple) else ())]
    for setting, name in named:
        if name is not None and name not in bounds.tools:
            allowed = ", ".join(bounds.tools) or "none"
            yield Problem(box.place_of(setting), f"A plan here may not call {shown(str(name))}: {allowed}.")


def _beyond_models(box: Box, bounds: Bounds) -> Iterator[Problem]:
    for setting in _MODELS:
        if box.settings.get(setting, bounds.model) != bounds.model:
            yield Problem(box.place_of(setting), "The steps of a plan ask the planner's own model. Leave this out.")


def _all_boxes(document: JsonObject, place: str = "$") -> Iterator[Box]:
    """Walk the nodes of a flow, and those of the bodies in it, each with its place in the whole."""
    for box in read_boxes(document, Findings()):
        moved = {name: place + where.removeprefix("$") for name, where in box.places.items()}
        placed = replace(box, place=place + box.place.removeprefix("$"), places=moved)
        yield placed
        body = box.settings.get("body")
        if isinstance(body, Mapping) and nodes_trouble(body.get("nodes")) is None:
            yield from _all_boxes(body, placed.place_of("body"))


def _with_model(document: JsonObject, model: str | None) -> JsonObject:
    """Let the nodes that ask a model, and name none, ask this one."""
    nodes = document.get("nodes")
    if model is None or not isinstance(nodes, list | tuple):
        return document
    return {**document, "nodes": [_node_with_model(node, model) for node in nodes]}


def _node_with_model(node: JsonValue, model: str) -> JsonValue:
    if not isinstance(node, Mapping):
        return node
    config = node.get("config")
    settings: JsonObject = config if isinstance(config, Mapping) else {}
    made: dict[str, JsonValue] = dict(node)
    if node.get("type") in ASKING and node.get("model") is None and settings.get("model") is None:
        made["model"] = model
    if isinstance(body := node.get("body"), Mapping):
        made["body"] = _with_model(body, model)
    if isinstance(body := settings.get("body"), Mapping):
        made["config"] = {**settings, "body": _with_model(body, model)}
    return made
