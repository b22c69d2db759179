# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Calls of tools as models write them: reading their arguments, and telling a model in words what is wrong."""

import json
from collections.abc import Iterable, Sequence

from codexos.kernel.jsontypes import JsonObject

LONGEST_NAME_TOLD = 100


def read_arguments(written: str) -> JsonObject | str:
    """Read what a model wrote; of a call without arguments, that is nothing at all. Says in words what is wrong."""
    try:
        value = json.loads(written or "{}")
    except json.JSONDecodeError as error:
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        return "they are not JSON"
    return value if isinstance(value, dict) else "they are no object"


def told_unknown(name: str, known: Iterable[str]) -> str:
    """Say that there is no such tool."""
    names = ", ".join(map(repr, known))
    return f"There is no tool {name[:LONGEST_NAME_TOLD]!r}. These may be called: {names or 'none'}."


def told_unreadable(name: str, why: str) -> str:
    """Say that arguments cannot be read."""
    return f"The arguments of {name!r} cannot be read: {why}. Send one JSON object."


def told_misfit(name: str, wrong: Sequence[str]) -> str:
    """Say that arguments do not fit what the tool takes."""
    return f"The arguments of {name!r} do not fit: {'; '.join(wrong)}. Correct them and call it again."


def told_failed(name: str, why: str) -> str:
    """Say that a call failed."""
    return f"{name!r} failed: {why}"
