# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A flow document as it was drawn: boxes and arrows, every trouble with them noted beside its place."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agents.engine.errors import Problem
from agents.engine.expressions import RESERVED_NAMES
from agents.engine.nodes import settings
from agents.engine.registry import KINDS, KINDS_TO_COME
from agents.engine.steps import Setting
from codexos.kernel.jsontypes import JsonObject, JsonValue

MAX_NODES = 1_000
# One is right; a few more are each told where they stand. Every one may bring a schema, which is dear to check.
MAX_ENTRIES = 10
MAX_ID_CHARACTERS = 100
MAX_NESTING = 40
MAX_VALUES = 100_000
MAX_TEXT_CHARACTERS = 2_000_000

# How a box is drawn and wired, apart from what it does.
_FRAME = frozenset({"id", "type", "next", "config", "position", "label", "description"})
_NOT_YET = frozenset({"on_error", "join", "output_schema", "tools", "memory"})
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Arrow:
    """Where a box leads to, and where in the document that is said."""

    id: str
    place: str


@dataclass(frozen=True, slots=True)
class Box:
    """A node as it was drawn."""

    place: str
    id: str
    kind: str
    settings: JsonObject
    settings_place: str
    targets: list[Arrow] = field(default_factory=list)


def check_shape(document: JsonValue) -> list[Problem]:
    """Refuse what is too deep, too large or not a flow at all, without ever recursing into it."""
    trouble = _size_trouble(document)
    if trouble is not None:
        return [Problem("$", trouble)]
    if not isinstance(document, Mapping):
        return [Problem("$", "A flow is an object with a list of 'nodes'. Write one.")]
    nodes = document.get("nodes")
    if not isinstance(nodes, list | tuple):
        return [Problem("$.nodes", "The flow has no list of 'nodes'. Give it one, from an entry to an exit.")]
    if not nodes:
        return [Problem("$.nodes", "The flow has no nodes. Begin with an entry and end with an exit.")]
    if len(nodes) > MAX_NODES:
        return [Problem("$.nodes", f"The flow has {len(nodes):,} nodes; at most {MAX_NODES:,} run. Split it.")]
    entries = sum(isinstance(node, Mapping) and node.get("type") == "entry" for node in nodes)
    if entries > MAX_ENTRIES:
        return [Problem("$.nodes", f"The flow has {entries} nodes of type 'entry'. Keep one of them.")]
    return []


def read_boxes(document: JsonObject, problems: list[Problem]) -> list[Box]:
    """Read every box that can be read, both dialects, adding each trouble to ``problems``."""
    nodes = document["nodes"]
    boxes: list[Box] = []
    taken: dict[str, str] = {}
    for index, drawn in enumerate(nodes if isinstance(nodes, Sequence) else ()):
        place = f"$.nodes[{index}]"
        box = _read_box(drawn, place, problems=problems)
        if box is None:
            continue
        if box.id in taken:
            problems.append(
                Problem(f"{place}.id", f"{shown(box.id)} is the id of {taken[box.id]} too. Give it another.")
            )
            continue
        taken[box.id] = place
        boxes.append(box)
    _read_edges(document.get("edges"), {box.id: box for box in boxes}, problems=problems)
    return boxes


def shown(name: str) -> str:
    """Quote a name for a message: short, and with nothing in it that a terminal or a page would act on."""
    return repr(name if len(name) <= 60 else f"{name[:57]}…")


def _size_trouble(document: JsonValue) -> str | None:
    values = characters = 0
    waiting: list[tuple[JsonValue, int]] = [(document, 1)]
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if depth > MAX_NESTING:
            return f"The document is nested deeper than {MAX_NESTING} levels. Flatten it."
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, Mapping):
            characters += sum(len(str(key)) for key in value)
            waiting.extend((part, depth + 1) for part in value.values())
        elif isinstance(value, Sequence):
            waiting.extend((part, depth + 1) for part in value)
        if values + len(waiting) > MAX_VALUES or characters > MAX_TEXT_CHARACTERS:
            return f"The document is too large: at most {MAX_VALUES:,} values and {MAX_TEXT_CHARACTERS:,} characters."
    return None


def _read_box(drawn: JsonValue, place: str, *, problems: list[Problem]) -> Box | None:
    if not isinstance(drawn, Mapping):
        problems.append(Problem(place, "A node is an object with an 'id' and a 'type'. Write one."))
        return None
    node_id, kind = drawn.get("id"), drawn.get("type")
    problems.extend(_kind_problems(kind, f"{place}.type"))
    id_trouble = _id_trouble(node_id, kind)
    if id_trouble is not None:
        problems.append(Problem(f"{place}.id", id_trouble))
    box_settings, settings_place = _settings_of(drawn, place, problems=problems)
    _check_settings(kind, box_settings, place=settings_place, problems=problems)
    targets = _read_next(drawn.get("next"), f"{place}.next", problems=problems)
    if id_trouble is not None or not isinstance(node_id, str):
        return None
    return Box(place, node_id, kind if isinstance(kind, str) else "", box_settings, settings_place, targets)


def _kind_problems(kind: JsonValue, place: str) -> list[Problem]:
    if not isinstance(kind, str) or not kind:
        return [Problem(place, f"The node has no type. Use one of: {', '.join(KINDS)}.")]
    if kind in KINDS_TO_COME:
        return [Problem(place, f"Nodes of type {kind!r} are not in this version. Use: {', '.join(KINDS)}.")]
    if kind not in KINDS:
        return [Problem(place, f"There is no node type {shown(kind)}. Use one of: {', '.join(KINDS)}.")]
    return []


def _id_trouble(node_id: JsonValue, kind: JsonValue) -> str | None:
    if not isinstance(node_id, str) or not node_id.strip():
        return "The node has no id. Give it a short name in text, such as 'planner'."
    if len(node_id) > MAX_ID_CHARACTERS:
        return f"The id has {len(node_id):,} characters; at most {MAX_ID_CHARACTERS} are taken. Shorten it."
    if _UNPRINTABLE.search(node_id):
        return f"The id {shown(node_id)} holds control characters. Leave them out."
    if node_id in RESERVED_NAMES and not (node_id == "input" and kind == "entry"):
        return f"{node_id!r} has a meaning of its own in templates. Choose another id."
    return None


def _settings_of(drawn: JsonObject, place: str, *, problems: list[Problem]) -> tuple[JsonObject, str]:
    beside = {name: value for name, value in drawn.items() if name not in _FRAME}
    config = drawn.get("config")
    if config is None:
        return beside, place
    if not isinstance(config, Mapping):
        problems.append(Problem(f"{place}.config", "'config' must be an object of settings."))
        return beside, place
    return {**beside, **config}, f"{place}.config"


def _check_settings(kind: JsonValue, given: JsonObject, *, place: str, problems: list[Problem]) -> None:
    known = KINDS.get(kind) if isinstance(kind, str) else None
    if known is None:
        return
    for name, value in given.items():
        trouble = _setting_trouble(name, value, known=known.settings)
        if trouble is not None:
            problems.append(Problem(f"{place}.{_short(name)}", trouble))
    for name, setting in known.settings.items():
        if setting.is_required and name not in given:
            problems.append(Problem(f"{place}.{name}", f"A node of type {kind!r} needs {name!r}. Say it."))


def _setting_trouble(name: str, value: JsonValue, *, known: Mapping[str, Setting]) -> str | None:
    if name == "retry":
        return _retry_trouble(value)
    if name == "timeout_seconds":
        setting: Setting | None = Setting(settings.number(least=0.1, most=86_400))
    else:
        setting = known.get(name)
    if setting is None:
        if name in _NOT_YET:
            return f"{name!r} is not in this version. Leave it out."
        return f"There is no setting {shown(name)} here. Use: {', '.join([*known, 'retry', 'timeout_seconds'])}."
    trouble = setting.trouble(value)
    return f"{name!r} {trouble}." if trouble else None


def _retry_trouble(value: JsonValue) -> str | None:
    trouble = settings.whole_number(least=1, most=10)
    if not isinstance(value, Mapping) or set(value) != {"attempts"}:
        return "'retry' must be an object such as {\"attempts\": 3}."
    wrong = trouble(value["attempts"])
    return f"'attempts' {wrong}." if wrong else None


def _read_next(value: JsonValue, place: str, *, problems: list[Problem]) -> list[Arrow]:
    if value is None:
        return []
    if isinstance(value, str):
        return [Arrow(value, place)]
    if isinstance(value, Mapping):
        problems.append(Problem(place, "A choice of next nodes by condition is not in this version. Name one node."))
        return []
    if not isinstance(value, Sequence) or not all(isinstance(target, str) for target in value):
        problems.append(Problem(place, "'next' must be the id of a node. Name one."))
        return []
    return [Arrow(str(target), f"{place}[{index}]") for index, target in enumerate(value)]


def _read_edges(edges: JsonValue, boxes: Mapping[str, Box], *, problems: list[Problem]) -> None:
    if edges is None:
        return
    if not isinstance(edges, Sequence) or isinstance(edges, str):
        problems.append(Problem("$.edges", "'edges' must be a list of objects with 'source' and 'target'."))
        return
    for index, edge in enumerate(edges):
        _read_edge(edge, f"$.edges[{index}]", boxes=boxes, problems=problems)


def _read_edge(edge: JsonValue, place: str, *, boxes: Mapping[str, Box], problems: list[Problem]) -> None:
    source, target = (edge.get("source"), edge.get("target")) if isinstance(edge, Mapping) else (None, None)
    if not isinstance(edge, Mapping) or not isinstance(source, str) or not isinstance(target, str):
        problems.append(Problem(place, "An edge is an object with 'source' and 'target', both ids of nodes."))
        return
    if edge.get("when") not in (None, "", "true", True):
        problems.append(Problem(f"{place}.when", "Conditions on edges are not in this version. Leave 'when' out."))
    if source not in boxes:
        problems.append(Problem(f"{place}.source", f"There is no node {shown(source)}. Name one that is there."))
    elif target not in {arrow.id for arrow in boxes[source].targets}:
        boxes[source].targets.append(Arrow(target, f"{place}.target"))


def _short(name: str) -> str:
    return _UNPRINTABLE.sub("?", name if len(name) <= 60 else f"{name[:57]}…")
