# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Does the drawing hold together? One entry, one exit, every box on a way between them, and no circle."""

from collections.abc import Mapping, Sequence

from agents.engine.boxes import FAIL, Arrow, Box
from agents.engine.findings import Findings, shown

MAX_CIRCLES = 10


def check_topology(boxes: Sequence[Box], findings: Findings) -> None:
    """Add every trouble with how the boxes are wired."""
    by_id = {box.id: box for box in boxes}
    entries = _check_ends(boxes, findings)
    for box in boxes:
        _check_ways_out(box, by_id, findings=findings)
    for circle in _circles(boxes, by_id):
        way = " → ".join(shown(node_id) for node_id in _abridged(circle))
        findings.error(
            by_id[circle[0]].place,
            f"The flow goes round in a circle: {way}. Take one of these ways out; repeating is for a loop, "
            "which is not in this version.",
        )
    if len(entries) == 1:
        _check_reached(boxes, by_id, entry=entries[0], findings=findings)
    _check_joins(boxes, findings)


def _check_ends(boxes: Sequence[Box], findings: Findings) -> list[Box]:
    entries = [box for box in boxes if box.kind == "entry"]
    exits = [box for box in boxes if box.kind == "exit"]
    for kind, found, do in (("entry", entries, "Begin with one"), ("exit", exits, "End with one")):
        if not found:
            findings.error("$.nodes", f"The flow has no node of type {kind!r}. {do}.")
        for extra in found[1:]:
            findings.error(
                f"{extra.place}.type", f"A second {kind}: {shown(found[0].id)} is one already. Keep one of them."
            )
    return entries


def _check_ways_out(box: Box, by_id: Mapping[str, Box], *, findings: Findings) -> None:
    ordinary = [arrow for arrow in box.arrows if not arrow.is_for_errors]
    place = f"{box.place}.next"
    if not ordinary and box.kind != "exit" and not findings.has(place):
        # In a drawing without circles this is what keeps anything from the exit, so it is told here alone.
        findings.error(
            place, f"{shown(box.id)} leads nowhere, so the exit is never reached from it. Name the node that follows."
        )
    if box.arrows and box.kind == "exit":
        findings.error(box.arrows[0].place, "Nothing comes after an exit. Leave this out.")
    if FAIL in by_id and box.settings.get("on_error") == FAIL:
        findings.error(box.place_of("on_error"), "'fail' ends the run here, and is a node's id. Rename that node.")
    for arrow in box.arrows:
        _check_arrow(arrow, by_id, findings=findings)


def _check_arrow(arrow: Arrow, by_id: Mapping[str, Box], *, findings: Findings) -> None:
    target = arrow.id
    if target not in by_id:
        meant = findings.meant(target, by_id)
        findings.error(arrow.place, f"There is no node {shown(target)}.{meant} Name one that is there.")
    elif by_id[target].kind == "entry":
        findings.error(arrow.place, f"{shown(target)} is the entry; nothing leads to it. Name another node.")


def _circles(boxes: Sequence[Box], by_id: Mapping[str, Box]) -> list[list[str]]:
    """Find circles, one for each way back, walking without recursion: a chain of a thousand boxes is deep."""
    circles: list[list[str]] = []
    finished: set[str] = set()
    for start in boxes:
        way: list[str] = []
        places: dict[str, int] = {}
        ahead: list[tuple[str, int]] = [(start.id, 0)]
        while ahead and len(circles) < MAX_CIRCLES:
            node_id, depth = ahead.pop()
            for left in way[depth:]:
                finished.add(left)
                del places[left]
            del way[depth:]
            if node_id in places:
                circles.append([*way[places[node_id] :], node_id])
            elif node_id not in finished and node_id in by_id:
                places[node_id] = len(way)
                way.append(node_id)
                ahead.extend((target, len(way)) for target in by_id[node_id].ahead)
        finished.update(way)
    return circles


def _abridged(circle: Sequence[str]) -> list[str]:
    return list(circle) if len(circle) <= 8 else [*circle[:4], "…", *circle[-3:]]


def _check_reached(boxes: Sequence[Box], by_id: Mapping[str, Box], *, entry: Box, findings: Findings) -> None:
    reached = {entry.id}
    ahead = [entry.id]
    while ahead:
        for target in by_id[ahead.pop()].ahead:
            if target in by_id and target not in reached:
                reached.add(target)
                ahead.append(target)
    for box in boxes:
        if box.id not in reached and box.kind != "entry":
            findings.error(box.place, f"{shown(box.id)} is never reached from the entry. Lead to it or take it out.")


def _check_joins(boxes: Sequence[Box], findings: Findings) -> None:
    ways_in = dict.fromkeys((box.id for box in boxes), 0)
    for box in boxes:
        for target in box.ahead:
            if target in ways_in:
                ways_in[target] += 1
    for box in boxes:
        join, ways = box.settings.get("join", "all"), ways_in[box.id]
        place = box.place_of("join")
        if isinstance(join, int) and not isinstance(join, bool) and join > max(ways, 1):
            findings.error(
                place, f"'join' waits for {join:,} ways, and {ways:,} lead here. Say at most {ways:,}, or 'all'."
            )
        elif join != "all" and ways < 2 and not findings.has(place):
            findings.warn(place, f"'join' means nothing where {ways} way leads. Leave it out.")
