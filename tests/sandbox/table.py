# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The table that is printed when the escapes have been tried."""

TABLE: list[tuple[str, str, str, bool]] = []
"""Attempt, wall, how it was held, whether it worked with the wall away."""


def lines() -> list[str]:
    """Return the table as text."""
    made = [f"{name:<46} held by {wall:<34} {held[:46]:<46} {_told(works)}" for name, wall, held, works in TABLE]
    return [*made, f"{len(TABLE)} attempts ran and were held"]


def _told(works: bool) -> str:
    return "works without it" if works else "the kernel holds it too"
