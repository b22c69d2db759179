# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the settings of nodes may look like."""

import math
from collections.abc import Callable, Mapping

from codexos.kernel.jsontypes import JsonValue

Trouble = Callable[[JsonValue], str | None]


def text(*, longest: int, may_be_empty: bool = False) -> Trouble:
    """A string of at most ``longest`` characters."""

    def trouble(value: JsonValue) -> str | None:
        if not isinstance(value, str):
            return "must be text"
        if not value.strip() and not may_be_empty:
            return "must not be empty"
        if "\x00" in value:
            return "must not hold NUL characters"
        return f"must have at most {longest:,} characters" if len(value) > longest else None

    return trouble


def number(*, least: float, most: float) -> Trouble:
    """A number between two bounds."""

    def trouble(value: JsonValue) -> str | None:
        fits = (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and math.isfinite(value)
            and least <= value <= most
        )
        return None if fits else f"must be a number from {least:g} to {most:g}"

    return trouble


def whole_number(*, least: int, most: int) -> Trouble:
    """A whole number between two bounds."""

    def trouble(value: JsonValue) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if fits else f"must be a whole number from {least:,} to {most:,}"

    return trouble


def an_object(value: JsonValue) -> str | None:
    """An object, whatever is in it."""
    return None if isinstance(value, Mapping) else "must be an object"


def anything(value: JsonValue) -> str | None:
    """Any value at all."""
    return None
