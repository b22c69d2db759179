# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What changed between two flow documents, node by node; either may be unsound, in either dialect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codexos.kernel.jsontypes import JsonObject, JsonValue

_LAYOUT = frozenset({"position", "label", "description"})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One member that reads otherwise; ``before`` or ``after`` is None where it was not there."""

    name: str
    before: JsonValue
    after: JsonValue

    @property
    def is_layout(self) -> bool:
        """Whether it says how the flow is drawn, and nothing about what it does."""
        return self.name in _LAYOUT


@dataclass(frozen=True, slots=True)
class NodeChange:
    """A node that was added, removed or changed."""

    id: str
    kind: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class FlowDiff:
    """Everything in which two documents differ; ``others`` are members beside the nodes."""

    added: tuple[NodeChange, ...] = ()
    removed: tuple[NodeChange, ...] = ()
    changed: tuple[NodeChange, ...] = ()
    others: tuple[FieldChange, ...] = ()

    @property
    def count(self) -> int:
        """How many things differ."""
        return len(self.added) + len(self.removed) + len(self.changed) + len(self.others)


def diff_documents(before: JsonObject, after: JsonObject) -> FlowDiff:
    """Tell what of ``before`` reads otherwise in ``after``. Dialects and the order of nodes make no difference."""
    old, new = _nodes_of(before), _nodes_of(after)
    changes = [(name, _changes(old[name], new[name])) for name in old if name in new]
    return FlowDiff(
        added=tuple(NodeChange(name, _kind(new[name]), _changes({}, new[name])) for name in new if name not in old),
        removed=tuple(NodeChange(name, _kind(old[name]), _changes(old[name], {})) for name in old if name not in new),
        changed=tuple(NodeChange(name, _kind(new[name]), fields) for name, fields in changes if fields),
        others=_changes(_beside(before), _beside(after)),
    )


def _changes(before: JsonObject, after: JsonObject) -> tuple[FieldChange, ...]:
    names = [*before, *(name for name in after if name not in before)]
    return tuple(
        FieldChange(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    )


def _beside(document: JsonObject) -> JsonObject:
    return {name: value for name, value in document.items() if name not in ("nodes", "edges")}


def _kind(node: JsonObject) -> str:
    kind = node.get("type")
    return kind if isinstance(kind, str) else ""


def _nodes_of(document: JsonObject) -> dict[str, dict[str, JsonValue]]:
    """Return the nodes by id, settings beside the rest and every way out in ``next``."""
    nodes: dict[str, dict[str, JsonValue]] = {}
    for drawn in _sequence(document.get("nodes")):
        if isinstance(drawn, Mapping) and isinstance(node_id := drawn.get("id"), str):
            config = drawn.get("config")
            beside = {name: value for name, value in drawn.items() if name not in ("id", "config")}
            nodes[node_id] = {**beside, **config} if isinstance(config, Mapping) else beside
    for edge in _sequence(document.get("edges")):
        source = edge.get("source") if isinstance(edge, Mapping) else None
        if isinstance(edge, Mapping) and isinstance(source, str) and source in nodes:
            nodes[source]["next"] = _with_way(nodes[source].get("next"), edge)
    return nodes


def _with_way(ways: JsonValue, edge: JsonObject) -> JsonValue:
    when = edge.get("when")
    way: JsonValue = edge.get("target") if when in (None, "", "true", True) else {str(when): edge.get("target")}
    known: list[JsonValue] = list(_sequence(ways)) if isinstance(ways, list | tuple) else [] if ways is None else [ways]
    if way in known:
        return ways
    return way if not known else [*known, way]


def _sequence(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
