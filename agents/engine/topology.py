# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Does the drawing hold together? One entry, one exit, every box on the one way between them."""

from collections.abc import Mapping, Sequence

from agents.engine.drawing import Arrow, Box, shown
from agents.engine.errors import Problem


def check_topology(boxes: Sequence[Box], problems: list[Problem]) -> None:
    """Add every trouble with how the boxes are wired."""
    by_id = {box.id: box for box in boxes}
    entries = _check_ends(boxes, problems)
    _check_arrows(boxes, by_id, problems=problems)
    circle = _circle(boxes, by_id)
    if circle is not None:
        way = " → ".join(shown(node_id) for node_id in _abridged(circle))
        problems.append(Problem(by_id[circle[0]].place, f"The flow goes round in a circle: {way}. Break it."))
    if len(entries) == 1:
        _check_reached(boxes, by_id, entry=entries[0], problems=problems)


def _check_ends(boxes: Sequence[Box], problems: list[Problem]) -> list[Box]:
    entries = [box for box in boxes if box.kind == "entry"]
    for kind, found, do in (
        ("entry", entries, "Begin with one"),
        ("exit", [box for box in boxes if box.kind == "exit"], "End with one"),
    ):
        if not found:
            problems.append(Problem("$.nodes", f"The flow has no node of type {kind!r}. {do}."))
        for extra in found[1:]:
            problems.append(
                Problem(
                    f"{extra.place}.type", f"A second {kind}: {shown(found[0].id)} is one already. Keep one of them."
                )
            )
    return entries


def _check_arrows(boxes: Sequence[Box], by_id: Mapping[str, Box], *, problems: list[Problem]) -> None:
    arrivals: dict[str, str] = {}
    told = {problem.place for problem in problems}
    for box in boxes:
        if len(box.targets) > 1:
            problems.append(
                Problem(box.targets[1].place, "Parallel branches are not in this version. Lead to one node only.")
            )
        if not box.targets and box.kind != "exit" and f"{box.place}.next" not in told:
            problems.append(
                Problem(f"{box.place}.next", f"{shown(box.id)} leads nowhere. Name the node that follows it.")
            )
        if box.targets and box.kind == "exit":
            problems.append(Problem(box.targets[0].place, "Nothing comes after an exit. Leave 'next' out."))
        for arrow in box.targets:
            _check_arrow(box, arrow, by_id=by_id, arrivals=arrivals, problems=problems)


def _check_arrow(
    box: Box, arrow: Arrow, *, by_id: Mapping[str, Box], arrivals: dict[str, str], problems: list[Problem]
) -> None:
    target, place = arrow.id, arrow.place
    if target not in by_id:
        problems.append(Problem(place, f"There is no node {shown(target)}. Name one that is there."))
    elif by_id[target].kind == "entry":
        problems.append(Problem(place, f"{shown(target)} is the entry; nothing leads to it. Name another node."))
    elif target in arrivals and arrivals[target] != box.id:
        problems.append(
            Problem(
                place, f"{shown(arrivals[target])} leads to {shown(target)} already; joins are not in this version."
            )
        )
    arrivals.setdefault(target, box.id)


def _circle(boxes: Sequence[Box], by_id: Mapping[str, Box]) -> list[str] | None:
    """Find one circle, walking without recursion: a chain of a thousand boxes is deep."""
    finished: set[str] = set()
    for start in boxes:
        way: list[str] = []
        places: dict[str, int] = {}
        ahead: list[tuple[str, int]] = [(start.id, 0)]
        while ahead:
            node_id, depth = ahead.pop()
            for left in way[depth:]:
                finished.add(left)
                del places[left]
            del way[depth:]
            if node_id in places:
                return [*way[places[node_id] :], node_id]
            if node_id in finished or node_id not in by_id:
                continue
            places[node_id] = len(way)
            way.append(node_id)
            ahead.extend((arrow.id, len(way)) for arrow in by_id[node_id].targets)
        finished.update(way)
    return None


def _abridged(circle: Sequence[str]) -> list[str]:
    return list(circle) if len(circle) <= 8 else [*circle[:4], "…", *circle[-3:]]


def _check_reached(boxes: Sequence[Box], by_id: Mapping[str, Box], *, entry: Box, problems: list[Problem]) -> None:
    reached = {entry.id}
    ahead = [entry.id]
    while ahead:
        for arrow in by_id[ahead.pop()].targets:
            if arrow.id in by_id and arrow.id not in reached:
                reached.add(arrow.id)
                ahead.append(arrow.id)
    for box in boxes:
        if box.id not in reached and box.kind != "entry":
            problems.append(
                Problem(box.place, f"{shown(box.id)} is never reached from the entry. Lead to it or take it out.")
            )
