# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A flow document as it was drawn, read from either dialect into boxes and arrows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agents.engine.arrows import add_arrows, add_edges, case_name
from agents.engine.boxes import Box
from agents.engine.findings import Findings, shown
from agents.engine.graph import CHOOSING, ELSE
from agents.engine.places import inside
from codexos.kernel.jsontypes import JsonObject, JsonValue

TOP = ("$schema", "id", "name", "owner_id", "description", "nodes", "edges", "state", "limits", "layout", "metadata")
"""What a document may say of a flow, in the order of the canonical form."""

FRAME = frozenset({"id", "type", "next", "config", "position", "label", "description"})
"""How a box is drawn and wired, apart from what it does."""

_ABOUT = ("label", "description", "position")


def read_boxes(document: JsonObject, findings: Findings) -> list[Box]:
    """Read every box that can be read, both dialects; what cannot be read goes to ``findings``."""
    nodes = document["nodes"]
    boxes: dict[str, Box] = {}
    for index, drawn in enumerate(nodes if isinstance(nodes, Sequence) else ()):
        box = _read_box(drawn, f"$.nodes[{index}]", findings=findings)
        if box is None:
            continue
        if box.id in boxes:
            first = boxes[box.id].place
            findings.error(f"{box.place}.id", f"{shown(box.id)} is the id of {first} too. Give it another.")
            continue
        boxes[box.id] = box
    add_edges(document.get("edges"), boxes, findings=findings)
    return [_settled(box) for box in boxes.values()]


def _read_box(drawn: JsonValue, place: str, *, findings: Findings) -> Box | None:
    if not isinstance(drawn, Mapping):
        findings.error(place, "A node is an object with an 'id' and a 'type'. Write one.")
        return None
    node_id, kind = drawn.get("id"), drawn.get("type")
    settings, places = _settings_of(drawn, place, findings=findings)
    about = {name: drawn[name] for name in _ABOUT if drawn.get(name) is not None}
    has_id = isinstance(node_id, str) and bool(node_id.strip())
    if not has_id:
        findings.error(f"{place}.id", "The node has no id. Give it a short name in text, such as 'planner'.")
    box = Box(str(node_id), kind if isinstance(kind, str) else "", place, settings, places, about)
    add_arrows(box, drawn, findings=findings)
    return box if has_id else None


def _settings_of(
    drawn: JsonObject, place: str, *, findings: Findings
) -> tuple[Mapping[str, JsonValue], Mapping[str, str]]:
    """Gather the settings that stand beside id and type, and those in ``config``, which win."""
    settings = {name: value for name, value in drawn.items() if name not in FRAME}
    places = {name: inside(place, name) for name in settings}
    config = drawn.get("config")
    if config is None:
        return settings, places
    if not isinstance(config, Mapping):
        findings.error(f"{place}.config", "'config' is an object of settings. Write one, or leave it out.")
        return settings, places
    for name in config.keys() & settings.keys():
        findings.warn(places[name], f"{shown(name)} stands in 'config' too, which wins. Leave one of them out.")
    return {**settings, **config}, {**places, **{name: inside(f"{place}.config", name) for name in config}}


def _settled(box: Box) -> Box:
    """Keep each arrow once, and take the ways out of a condition's settings: every case has its name by now."""
    arrows = list({arrow.way: arrow for arrow in reversed(box.arrows)}.values())[::-1]
    settings = dict(box.settings)
    cases = settings.get("cases")
    if box.kind in CHOOSING:
        settings.pop(ELSE, None)
        if isinstance(cases, list | tuple):
            settings["cases"] = [_case(case, index) for index, case in enumerate(cases)]
    return replace(box, settings=settings, arrows=arrows)


def _case(case: JsonValue, index: int) -> JsonValue:
    if not isinstance(case, Mapping):
        return case
    named = {name: value for name, value in case.items() if name != "next"}
    if named.get("name") is None or isinstance(named["name"], str):
        named["name"] = case_name(case, index)
    return {key: named[key] for key in sorted(named, key=lambda key: key != "name")}
