# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading the ways out of a box: ``next``, the ``next`` of cases, ``else``, ``on_error``, and edges."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

from agents.engine.boxes import FAIL, Arrow, Box
from agents.engine.findings import Findings, shown
from agents.engine.graph import APPROVE, CHOOSING, ELSE
from agents.engine.places import inside
from codexos.kernel.jsontypes import JsonObject, JsonValue

_NEXT = "'next' is the id of a node, or a list of ids."
_CHOICE = 'The \'next\' of a condition leads from each outcome to a node, such as {"true": "a", "else": "b"}.'


def add_arrows(box: Box, drawn: JsonObject, *, findings: Findings) -> None:
    """Add every way out that is said with a box itself."""
    box.arrows.extend(_next_arrows(drawn.get("next"), f"{box.place}.next", box=box, findings=findings))
    if box.kind in CHOOSING:
        cases, place = box.settings.get("cases"), box.place_of("cases")
        for index, case in enumerate(cases if _is_list(cases) else ()):
            if isinstance(case, Mapping):
                at = f"{place}[{index}].next"
                for target, where in _targets(case.get("next"), at, findings=findings):
                    box.arrows.append(Arrow(target, where, outcome=case_name(case, index) or None))
        for target, where in _targets(box.settings.get(ELSE), box.place_of(ELSE), findings=findings):
            box.arrows.append(Arrow(target, where, outcome=ELSE))
    trouble = box.settings.get("on_error")
    if isinstance(trouble, str) and trouble != FAIL:
        box.arrows.append(Arrow(trouble, box.place_of("on_error"), is_for_errors=True))


def case_name(case: JsonObject, index: int) -> str:
    """Name the outcome of a case: as it says, else by its number."""
    name = case.get("name")
    return name.strip() if isinstance(name, str) else f"case {index + 1}"


def add_edges(edges: JsonValue, boxes: Mapping[str, Box], *, findings: Findings) -> None:
    """Add every edge to the box it comes out of."""
    if edges is None:
        return
    if not _is_list(edges):
        findings.error("$.edges", "'edges' is a list of objects with 'source' and 'target'. Write one.")
        return
    for index, edge in enumerate(edges):
        read = _read_edge(edge, f"$.edges[{index}]", boxes=boxes, findings=findings)
        if read is not None:
            read[0].arrows.append(read[1])


def _read_edge(
    edge: JsonValue, place: str, *, boxes: Mapping[str, Box], findings: Findings
) -> tuple[Box, Arrow] | None:
    source, target = (edge.get("source"), edge.get("target")) if isinstance(edge, Mapping) else (None, None)
    if not isinstance(edge, Mapping) or not isinstance(source, str) or not isinstance(target, str):
        findings.error(place, "An edge is an object with 'source' and 'target', both ids of nodes. Write it so.")
        return None
    for key in edge.keys() - {"source", "target", "when"}:
        findings.warn(inside(place, key), f"{shown(key)} means nothing on an edge; it is not kept. Leave it out.")
    when = _when_text(edge.get("when"))
    if when is None:
        findings.error(f"{place}.when", "'when' is text: an outcome of a condition, or an expression. Write it so.")
        return None
    if source not in boxes:
        meant = findings.meant(source, boxes)
        findings.error(f"{place}.source", f"There is no node {shown(source)}.{meant} Name one that is there.")
        return None
    box = boxes[source]
    return box, Arrow(target, f"{place}.target", *_condition(box, when), when_place=f"{place}.when")


def _when_text(when: JsonValue) -> str | None:
    """Say what is asked of a way as text: empty where it is always taken, None where it is not text at all."""
    if when is None:
        return ""
    if isinstance(when, bool):
        return "true" if when else "false"
    return when.strip() if isinstance(when, str) else None


def _condition(box: Box, when: str) -> tuple[str | None, str | None]:
    """Tell which outcome takes a way, or what must hold for it."""
    if box.kind in CHOOSING:
        return when or None, None
    return None, None if when in {"", "true"} else when


def _next_arrows(value: JsonValue, place: str, *, box: Box, findings: Findings) -> Iterator[Arrow]:
    if isinstance(value, Mapping):
        # Of a box that is no condition this is wrong too, and said with the ways of the others.
        for outcome, targets in value.items():
            for target, where in _targets(targets, inside(place, outcome), findings=findings):
                yield Arrow(target, where, outcome=outcome.strip() or None, when_place=where)
    elif _is_list(value):
        for index, item in enumerate(value):
            yield from _item_arrows(item, f"{place}[{index}]", box=box, findings=findings)
    else:
        for target, where in _targets(value, place, findings=findings):
            yield _plain_arrow(target, where, box=box)


def _item_arrows(item: JsonValue, place: str, *, box: Box, findings: Findings) -> Iterator[Arrow]:
    if isinstance(item, str):
        yield _plain_arrow(item, place, box=box)
        return
    when = _when_text(item.get("when")) if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not when or item.keys() - {"when", "next"}:
        hint = 'An item of the list may also be {"when": an expression, "next": the id of a node}.'
        findings.error(place, f"{_CHOICE if box.kind in CHOOSING else _NEXT} {hint}")
        return
    for target, where in _targets(item.get("next"), f"{place}.next", findings=findings):
        yield Arrow(target, where, *_condition(box, when), when_place=f"{place}.when")


def _plain_arrow(target: str, place: str, *, box: Box) -> Arrow:
    if box.kind == "approval":
        return Arrow(target, place, outcome=APPROVE, when_place=place)
    falls_through = box.kind in CHOOSING and "cases" in box.settings
    return Arrow(target, place, outcome=ELSE if falls_through else None, when_place=place)


def _targets(value: JsonValue, place: str, *, findings: Findings) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, str):
        yield value, place
    elif _is_list(value) and all(isinstance(target, str) for target in value):
        for index, target in enumerate(value):
            yield str(target), f"{place}[{index}]"
    else:
        findings.error(place, f"{_NEXT} Name a node that is there.")


def _is_list(value: JsonValue) -> TypeGuard[Sequence[JsonValue]]:
    return isinstance(value, list | tuple)
