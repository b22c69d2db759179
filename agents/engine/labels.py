# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Labels: where text of strangers came from that a value was made of. They travel with what is read.

A value is a node's result, a lane's beginning or a variable, whole: who reads a part of one has read all of it. Where
it is not sure what was read, everything that could be counts. What a way was chosen by labels nothing: it was drawn.
"""

from collections.abc import Iterable, Mapping, Sequence

from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions import Path, expression_references, references
from agents.engine.graph import Node
from agents.engine.lanes import Lane
from agents.engine.nodes.rendering import texts_of
from agents.engine.registry import kind_of
from codexos.kernel.chat import ContextDocument
from codexos.kernel.jsontypes import JsonObject, JsonValue

Labels = frozenset[str]
NONE: Labels = frozenset()

KNOWLEDGE = "knowledge"
"""Of the files and passages that a model is shown: who wrote them is not known."""
TOOL = "tool:"
"""What the label of a tool's results begins with."""

# What a kind reads where this setting of it is left out: what leads to it. Kinds that are not here read what they like.
_SAYS = {
    "entry": "",
    "condition": "",
    "llm": "prompt",
    "agent": "prompt",
    "delegate": "arguments",
    "tool": "arguments",
    "rag": "question",
    "exit": "output",
    "map": "over",
    "subflow": "input",
    "reflection": "of",
    "planner": "goal",
    "loop": "begins with what leads to it, whatever is set",
}
_SHOWN_THE_INPUT = frozenset({"llm", "agent"})
_READS_NOTHING_MORE = frozenset({"entry", "condition"})
# What these give is a reference of the flow's own, and what a person said.
_GIVES_NONE = frozenset({"vault", "approval"})
_SHOWS_DOCUMENTS_NOT = frozenset({"tool", "rag", "vault"})
_NEVER_READ = frozenset({"body"})


def told(labels: Iterable[str]) -> list[JsonValue]:
    """Say labels as JSON, always in the same order."""
    return [*sorted(labels)]


def labels_from(value: JsonValue) -> Labels:
    """Read labels from an entry's data; none where there are none."""
    return frozenset(map(str, value)) if isinstance(value, list | tuple) else NONE


def only_told_in(data: JsonObject) -> Labels:
    """Read from an entry's data which labels of a result are not those of the files it tells of."""
    return labels_from(data.get("labels")) - labels_from(data.get("file_labels"))


def labels_read(lane: Lane, node: Node) -> Labels:
    """Return the labels of everything that the result of a node may come from, but for what it fetches itself."""
    if node.kind in _GIVES_NONE:
        return NONE
    if node.kind not in _SAYS:
        return labels_at(lane)
    if node.settings.get("collects") is True:
        return labels_at(lane)
    kind = kind_of(node.kind)
    found: set[str] = set()
    for name, value in node.settings.items():
        if name not in _NEVER_READ:
            setting = kind.settings.get(name)
            found |= labels_in(value, lane, is_expression=setting is not None and setting.is_expression)
    if node.kind == "entry":
        found |= lane.input_labels
    elif node.kind not in _READS_NOTHING_MORE and _SAYS[node.kind] not in node.settings:
        found |= labels_before(lane, node)
    return frozenset(found) | _labels_of_passages(lane, node)


def _labels_of_passages(lane: Lane, node: Node) -> Labels:
    """Return the labels of the passages that a model is shown beside its question, whatever that names."""
    if node.kind not in _SHOWN_THE_INPUT:
        return NONE
    nodes = lane.graph.nodes
    sources = [source for source in lane.sources_of(node.id) if nodes[source].kind == "rag"]
    return NONE.union(*(lane.labels.get(source, NONE) for source in sources))


def labels_before(lane: Lane, node: Node) -> Labels:
    """Return the labels of what leads to a node; a model is shown what its lane began with as well."""
    sources = lane.sources_of(node.id)
    found = NONE.union(*(lane.labels.get(source, NONE) for source in sources))
    return found | lane.given_labels if node.kind in _SHOWN_THE_INPUT or not sources else found


def labels_at(lane: Lane) -> Labels:
    """Return the labels of everything that may be read in a lane."""
    return NONE.union(*(_all_of(each) for each in lane.outward()), *lane.home.variable_labels.values())


def labels_in(value: JsonValue, lane: Lane, *, is_expression: bool = False, own: Mapping[str, Labels] = {}) -> Labels:
    """Return the labels of what a setting names, wherever in it; ``own`` are those of names that stand only here."""
    found: set[str] = set()
    for _, text in texts_of(value, ""):
        for path in _paths_in(text, is_expression=is_expression):
            found |= own[path.root] if path.root in own else _labels_of(path, lane)
    return frozenset(found)


def labels_shown(node: Node, documents: Sequence[ContextDocument]) -> Labels:
    """Return the label of the documents of a run, where a node shows them to a model."""
    return frozenset({KNOWLEDGE}) if documents and node.kind not in _SHOWS_DOCUMENTS_NOT else NONE


def labels_steering(lane: Lane, arguments: JsonValue, *, content: frozenset[str]) -> Labels:
    """Return the labels of those arguments of a call, as they are drawn, that steer it."""
    if not isinstance(arguments, Mapping):
        return labels_in(arguments, lane)
    return NONE.union(*(labels_in(value, lane) for name, value in arguments.items() if name not in content))


def planned_around(lane: Lane) -> Lane | None:
    """Return the lane that does a flow which a model wrote, if this one is it or stands in it."""
    each: Lane | None = lane
    while each is not None and each.flow is None:
        each = each.outer
    return each


def labels_of_set(node: Node, lane: Lane, *, result: Labels) -> JsonObject:
    """Say the labels of the variables that a node sets, of those that get some."""
    found = {name: labels_in(value, lane, own={node.id: result}) for name, value in node.sets.items()}
    return {name: told(labels) for name, labels in found.items() if labels}


def _paths_in(text: str, *, is_expression: bool) -> Iterable[Path]:
    try:
        if "{{" in text and not is_expression:
            return references(text)
        return expression_references(text) if is_expression else ()
    except ExpressionInvalid:
        # What cannot be read is never filled in either.
        return ()


def _labels_of(path: Path, lane: Lane) -> Labels:
    outward = list(lane.outward())
    match path.root:
        case "input":
            return outward[-1].given_labels
        case "state" if lane.home.graph.variables:
            return _labels_of_state(path, lane)
        case "steps" if path.node_id is None:
            return NONE.union(*(_all_of(each) for each in outward))
    name = path.node_id or path.root
    for each in outward:
        if name in each.results:
            return each.labels.get(name, NONE)
        if name in each.names:
            return each.given_labels
    return NONE


def _labels_of_state(path: Path, lane: Lane) -> Labels:
    known, first = lane.home.variable_labels, path.accessors[0] if path.accessors else None
    return known.get(first, NONE) if isinstance(first, str) else NONE.union(*known.values())


def _all_of(lane: Lane) -> Labels:
    return lane.given_labels.union(*lane.labels.values())
