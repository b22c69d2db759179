# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a check of a document has found so far."""

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches

from agents.engine.errors import Problem
from agents.engine.places import in_order

MAX_PROBLEMS = 1_000
# Looking for what was meant costs time with every name there is.
_MAX_GUESSES = 20
_MAX_COMPARED_CHARACTERS = 100


class Findings:
    """Gathers problems, as many as anybody would read, and guesses what was meant."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._places: set[str] = set()
        self._left_out = 0
        self._guesses = 0

    def error(self, place: str, message: str) -> None:
        """Add something the flow cannot run with."""
        self._add(Problem(place, message))

    def warn(self, place: str, message: str) -> None:
        """Add something that may be meant, and may go wrong."""
        self._add(Problem(place, message, "warning"))

    def take_over(self, inside: "Findings", place: str) -> None:
        """Add what was found in a flow that stands at ``place`` in this one."""
        for problem in inside.listed():
            self._add(replace(problem, place=place + problem.place.removeprefix("$")))

    def has(self, place: str) -> bool:
        """Whether something is told at that very place already."""
        return place in self._places

    def meant(self, name: str, known: Iterable[str]) -> str:
        """Guess which of ``known`` was meant, as a sentence to put between two others; empty where none is near."""
        self._guesses += 1
        if self._guesses > _MAX_GUESSES or len(name) > _MAX_COMPARED_CHARACTERS:
            return ""
        folded = {each.casefold(): each for each in known}
        near = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
        return f" Did you mean {shown(folded[near[0]])}?" if near else ""

    def listed(self) -> list[Problem]:
        """List everything in the order of the document."""
        problems = sorted(self._problems, key=lambda problem: in_order(problem.place))
        if self._left_out:
            problems.append(Problem("$", f"There are {self._left_out:,} more problems. Correct these first."))
        return problems

    def _add(self, problem: Problem) -> None:
        if len(self._problems) >= MAX_PROBLEMS:
            self._left_out += problem.is_error
            return
        self._problems.append(problem)
        self._places.add(problem.place)


def shown(name: str) -> str:
    """Quote a name for a message: short, and with nothing in it that a terminal or a page would act on."""
    return repr(name if len(name) <= 60 else f"{name[:57]}…")
