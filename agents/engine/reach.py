# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is done by the time a node runs? Worked out once for a drawing, as sets kept in the bits of whole numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.engine.boxes import Arrow, Box
from agents.engine.graph import CHOOSING, ELSE


@dataclass(frozen=True, slots=True)
class Reach:
    """Of every box: what comes before it on some way, and what surely has a result when it runs."""

    numbers: Mapping[str, int]
    before: Mapping[str, int]
    sure: Mapping[str, int]
    choices: Mapping[str, Mapping[str, str]]

    def are_apart(self, one: str, other: str) -> bool:
        """Whether no run does both: they stand behind different outcomes of one choice."""
        chosen = self.choices[other]
        return any(box_id in chosen and chosen[box_id] != outcome for box_id, outcome in self.choices[one].items())

    def comes_before(self, earlier: str, later: str) -> bool:
        """Whether some way leads from one to the other."""
        return bool(self.before[later] >> self.numbers[earlier] & 1)

    def is_sure(self, earlier: str, later: str) -> bool:
        """Whether the one has a result whenever the other runs."""
        return bool(self.sure[later] >> self.numbers[earlier] & 1)


def reach_of(boxes: Sequence[Box], by_id: Mapping[str, Box]) -> Reach:
    """Work it out. Boxes in a circle and after one are left out: of them nothing can be said."""
    order = _in_order(boxes, by_id)
    numbers = {box.id: number for number, box in enumerate(boxes)}
    arrivals = _arrivals(order, by_id)
    known = {box.id for box in order}
    will_run = _Future(numbers, known).of(order)
    before: dict[str, int] = {}
    settled: dict[str, int] = {}
    surely: dict[str, int] = {}
    sure: dict[str, int] = {}
    choices: dict[str, Mapping[str, str]] = {}
    for box in order:
        ways = [(source, arrow) for source, arrow in arrivals[box.id] if source in before]
        come = [(before[source] | 1 << numbers[source], settled[source] | 1 << numbers[source]) for source, _ in ways]
        before[box.id] = _union([each for each, _ in come])
        settled[box.id] = (_union if _waits_for_all(box, ways) else _common)([each for _, each in come])
        # It runs because one of the ways was taken, nobody knows which: what holds on each of them holds here.
        on_each_way = [surely[source] | will_run.taking(by_id[source], arrow) for source, arrow in ways]
        choices[box.id] = _made_on_all([_made(by_id[source], arrow, choices[source]) for source, arrow in ways])
        surely[box.id] = will_run.started[box.id] | _common(on_each_way)
        sure[box.id] = surely[box.id] & settled[box.id]
    return Reach(numbers, before, sure, choices)


def _made(source: Box, arrow: Arrow, before: Mapping[str, str]) -> Mapping[str, str]:
    """Which choices were made in a run that takes this way: of each box the outcome."""
    if source.kind not in CHOOSING or arrow.outcome is None or arrow.is_for_errors:
        return before
    return {**before, source.id: arrow.outcome}


def _made_on_all(ways: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    if not ways:
        return {}
    return {
        box_id: outcome for box_id, outcome in ways[0].items() if all(way.get(box_id) == outcome for way in ways[1:])
    }


class _Future:
    """What is done, sooner or later, in every run that does not fail: once a box has started, and once it is done."""

    def __init__(self, numbers: Mapping[str, int], known: set[str]) -> None:
        self._numbers = numbers
        self._known = known
        self.started: dict[str, int] = {}
        self.after: dict[str, int] = {}
        self._chosen: dict[str, Mapping[str, int]] = {}

    def of(self, order: Sequence[Box]) -> "_Future":
        """Work it out from the end of the drawing."""
        for box in reversed(order):
            ordinary = [arrow for arrow in box.ways_out if not arrow.is_for_errors]
            self.after[box.id] = 1 << self._numbers[box.id] | self._taken(box, ordinary)
            rescued = [arrow for arrow in box.ways_out if arrow.is_for_errors]
            # Where a failure leads elsewhere, only what comes on both ways is sure.
            self.started[box.id] = _common([self.after[box.id], *(self._run_by(arrow) for arrow in rescued)])
        return self

    def taking(self, box: Box, arrow: Arrow) -> int:
        """What is done in every run in which this way is taken."""
        if arrow.is_for_errors:
            return 0
        choice = _choice(box, arrow)
        return self.after[box.id] | (self._chosen[box.id].get(choice, 0) if choice is not None else 0)

    def _taken(self, box: Box, arrows: Sequence[Arrow]) -> int:
        always, chosen = 0, dict[str, int]()
        for arrow in arrows:
            choice = _choice(box, arrow)
            if choice is None:
                always |= self._run_by(arrow)
            else:
                chosen[choice] = chosen.get(choice, 0) | self._run_by(arrow)
        self._chosen[box.id] = chosen
        # If the run goes on at all, a condition takes one of its choices, and others do where they have an else.
        is_complete = box.kind in CHOOSING or ELSE in chosen
        return always | (_common(list(chosen.values())) if is_complete else 0)

    def _run_by(self, arrow: Arrow) -> int:
        return self.started[arrow.id] if arrow.id in self._known else 0


def _choice(box: Box, arrow: Arrow) -> str | None:
    return arrow.outcome if box.kind in CHOOSING else arrow.when


def _in_order(boxes: Sequence[Box], by_id: Mapping[str, Box]) -> list[Box]:
    """Put every box after all that lead to it; what is in a circle, or after one, never comes."""
    missing = dict.fromkeys(by_id, 0)
    for box in boxes:
        for target in box.ahead:
            if target in missing:
                missing[target] += 1
    ready = [box for box in boxes if not missing[box.id]]
    order: list[Box] = []
    while ready:
        box = ready.pop()
        order.append(box)
        for target in box.ahead:
            if target in missing:
                missing[target] -= 1
                if not missing[target]:
                    ready.append(by_id[target])
    return order


def _arrivals(order: Sequence[Box], by_id: Mapping[str, Box]) -> Mapping[str, list[tuple[str, Arrow]]]:
    arrivals: dict[str, list[tuple[str, Arrow]]] = {node_id: [] for node_id in by_id}
    for box in order:
        for arrow in box.ways_out:
            if arrow.id in arrivals:
                arrivals[arrow.id].append((box.id, arrow))
    return arrivals


def _waits_for_all(box: Box, ways: Sequence[tuple[str, Arrow]]) -> bool:
    join = box.settings.get("join", "all")
    sources = {source for source, _ in ways}
    return join == "all" or len(sources) < 2 or (isinstance(join, int) and join >= len(sources))


def _union(sets: Sequence[int]) -> int:
    total = 0
    for each in sets:
        total |= each
    return total


def _common(sets: Sequence[int]) -> int:
    if not sets:
        return 0
    total = sets[0]
    for each in sets[1:]:
        total &= each
    return total
