# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where in a text something stands, and what is said where a text cannot be read."""

from agents.engine.errors import GraphInvalid, Problem
from agents.engine.places import Step

Spot = tuple[tuple[Step, ...], int]
"""A place in a document, as steps from its top, and at which character of the text it begins."""


def line_and_column(text: str, at: int) -> tuple[int, int]:
    """Say where the character number ``at`` stands; both count from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def unreadable(message: str, text: str, *, at: int | None) -> GraphInvalid:
    """Make the error that says why a text is no document, and where."""
    if at is None:
        return GraphInvalid([Problem("$", message)])
    line, column = line_and_column(text, at)
    return GraphInvalid([Problem("$", f"Line {line}, column {column}: {message}", line=line, column=column)])
