# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What reads otherwise in two texts of a policy, line by line."""

from difflib import SequenceMatcher
from typing import Literal, NamedTuple

AROUND = 3


class DiffLine(NamedTuple):
    """A line of a difference: added, removed, the same, or a gap where the same lines are left out."""

    mark: Literal["+", "-", " ", "…"]
    text: str
    before: int | None = None
    after: int | None = None


def diff_lines(before: str, after: str) -> list[DiffLine]:
    """Return the lines that differ, with some around them; nothing where the texts are the same."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[DiffLine] = []
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(AROUND):
        if lines or group[0][1]:
            lines.append(DiffLine("…", ""))
        for tag, from_, to, at, until in group:
            if tag == "equal":
                lines += [DiffLine(" ", old[n], n + 1, at + n - from_ + 1) for n in range(from_, to)]
                continue
            lines += [DiffLine("-", old[n], before=n + 1) for n in range(from_, to)]
            lines += [DiffLine("+", new[n], after=n + 1) for n in range(at, until)]
    return lines
