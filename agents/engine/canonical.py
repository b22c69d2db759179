# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""One canonical form of a flow document, and the first dialect, which people write.

The canonical form keeps apart what a flow does (nodes with ``config``, and edges) and how it is drawn (``layout``).
Nodes stand in the order of the document, edges in that of their sources, and everything else in one order.
"""

from collections.abc import Iterable, Mapping, Sequence

from agents.engine.boxes import Arrow, Box
from agents.engine.choices import case_names
from agents.engine.drawing import FRAME, TOP, read_boxes
from agents.engine.errors import GraphInvalid
from agents.engine.findings import Findings
from agents.engine.fittings import position_trouble
from agents.engine.graph import CHOOSING, ELSE
from agents.engine.nodes.every import EVERY_KIND
from agents.engine.registry import KINDS
from agents.engine.shape import has_shape
from codexos.kernel.jsontypes import JsonObject, JsonValue

_LAST = 1_000_000


def canonical(document: JsonValue) -> JsonObject:
    """Bring a document of either dialect into the canonical form, also one that cannot run yet.

    Raises GraphInvalid where something in it cannot be read, so that nothing that was written is lost.
    """
    findings = Findings()
    boxes: Sequence[Box] = ()
    if has_shape(document, findings) and isinstance(document, Mapping):
        boxes = read_boxes(document, findings)
    errors = [problem for problem in findings.listed() if problem.is_error]
    if errors or not isinstance(document, Mapping):
        raise GraphInvalid(errors)
    made: dict[str, JsonValue] = {
        "nodes": [_node(box) for box in boxes],
        "edges": [edge for box in boxes for edge in _edges(box)],
        "layout": _layout(document.get("layout"), boxes),
    }
    if isinstance(document.get("metadata"), Mapping):
        made["metadata"] = document["metadata"]
    said = {key: value for key, value in document.items() if key not in _MADE and value is not None}
    whole = {**said, **made}
    return {key: whole[key] for key in _in_order(whole, TOP)}


def as_first_dialect(document: JsonValue) -> JsonObject:
    """Write a document as people write it: settings beside id and type, ``next`` instead of edges, ``position``.

    Edges remain where ``next`` cannot say them: a way out of a condition that names no outcome. Raises GraphInvalid.
    """
    form = canonical(document)
    ways: dict[str, list[tuple[str, str | None]]] = {}
    for edge in _objects(form["edges"]):
        when = edge.get("when")
        ways.setdefault(str(edge["source"]), []).append((str(edge["target"]), None if when is None else str(when)))
    layout = form["layout"] if isinstance(form["layout"], Mapping) else {}
    nodes: list[JsonValue] = []
    left: list[JsonValue] = []
    for node in _objects(form["nodes"]):
        node_id = str(node["id"])
        nodes.append(_written(node, ways.get(node_id, []), position=layout.get(node_id)))
        if node["type"] in CHOOSING:
            left.extend({"source": node_id, "target": target} for target, when in ways.get(node_id, []) if when is None)
    made = {**form, "nodes": nodes, **({"edges": left} if left else {})}
    return {key: made[key] for key in made if key != "layout" and (key != "edges" or left)}


_MADE = frozenset({"nodes", "edges", "layout", "metadata"})


def _node(box: Box) -> JsonObject:
    kind = KINDS.get(box.kind)
    order = [*(kind.settings if kind else ()), *EVERY_KIND]
    about = {name: box.about[name] for name in ("label", "description") if name in box.about}
    config = {name: box.settings[name] for name in _in_order(box.settings, order)}
    return {"id": box.id, "type": box.kind, **about, "config": config}


def _edges(box: Box) -> Iterable[JsonObject]:
    ways = [arrow for arrow in box.arrows if not arrow.is_for_errors]
    if box.kind in CHOOSING:
        names = list(dict.fromkeys([*case_names(box), *(arrow.outcome for arrow in ways)]))
        # Those of one outcome together, in the order of the cases or of the document; the rest last.
        ways.sort(key=lambda arrow: _LAST if arrow.outcome in {None, ELSE} else names.index(arrow.outcome))
        ways.sort(key=lambda arrow: arrow.outcome is None)
    edges = dict.fromkeys((arrow.id, _when(arrow, box)) for arrow in ways)
    for target, when in edges:
        yield {"source": box.id, "target": target, **({} if when is None else {"when": when})}


def _when(arrow: Arrow, box: Box) -> str | None:
    when = arrow.when if arrow.outcome is None else arrow.outcome
    return None if when == "true" and box.kind not in CHOOSING else when


def _layout(layout: JsonValue, boxes: Sequence[Box]) -> JsonObject:
    drawn = layout if isinstance(layout, Mapping) else {}
    made: dict[str, JsonValue] = {}
    for box in boxes:
        for position in (drawn.get(box.id), box.about.get("position")):
            if isinstance(position, Mapping) and position_trouble(position) is None:
                made[box.id] = {"x": position["x"], "y": position["y"]}
                break
    return made


def _in_order(keys: Iterable[str], order: Sequence[str]) -> list[str]:
    given = list(keys)
    return [key for key in order if key in given] + [key for key in given if key not in order]


def _written(node: JsonObject, ways: Sequence[tuple[str, str | None]], *, position: JsonValue) -> JsonObject:
    config = node["config"] if isinstance(node["config"], Mapping) else {}
    beside = {name: value for name, value in config.items() if name not in FRAME}
    inside = {name: value for name, value in config.items() if name in FRAME}
    lead = _choice(beside, ways) if node["type"] in CHOOSING else _lead(ways)
    return {
        **{name: value for name, value in node.items() if name != "config"},
        **({"config": inside} if inside else {}),
        **beside,
        **lead,
        **({} if position is None else {"position": position}),
    }


def _lead(ways: Sequence[tuple[str, str | None]]) -> JsonObject:
    if not ways:
        return {}
    listed: list[JsonValue] = [target if when is None else {"when": when, "next": target} for target, when in ways]
    return {"next": listed[0] if len(ways) == 1 and isinstance(listed[0], str) else listed}


def _choice(beside: Mapping[str, JsonValue], ways: Sequence[tuple[str, str | None]]) -> JsonObject:
    targets: dict[str, list[str]] = {}
    for target, outcome in ways:
        if outcome is not None:
            targets.setdefault(outcome, []).append(target)
    made: dict[str, JsonValue] = {}
    cases = beside.get("cases")
    if isinstance(cases, list):
        made["cases"] = [_case(case, index, targets=targets) for index, case in enumerate(cases)]
        if ELSE in targets:
            made[ELSE] = _one_or_all(targets.pop(ELSE))
    if targets:
        made["next"] = {outcome: _one_or_all(found) for outcome, found in targets.items()}
    return made


def _case(case: JsonValue, index: int, *, targets: dict[str, list[str]]) -> JsonValue:
    if not isinstance(case, Mapping):
        return case
    name = case.get("name")
    found = targets.pop(name, None) if isinstance(name, str) else None
    kept = {key: value for key, value in case.items() if key != "name" or value != f"case {index + 1}"}
    return kept if found is None else {**kept, "next": _one_or_all(found)}


def _one_or_all(targets: list[str]) -> JsonValue:
    return targets[0] if len(targets) == 1 else list(targets)


def _objects(values: JsonValue) -> list[JsonObject]:
    return [value for value in values if isinstance(value, Mapping)] if isinstance(values, list) else []
