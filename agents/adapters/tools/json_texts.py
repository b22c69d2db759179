# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading JSON from strangers: no numbers that JSON does not have, and no deeper than a run's journal takes."""

import json
import math
from collections.abc import Mapping
from typing import NoReturn, cast

from codexos.kernel.jsontypes import JsonValue

DEEPEST = 80


def read_json(text: str | bytes) -> JsonValue:
    """Return what ``text`` says as JSON; None where it is none, or too deep to be passed on."""
    try:
        value = cast(JsonValue, json.loads(text, parse_constant=_refuse, parse_float=_number))
    except (ValueError, RecursionError):
        return None
    return None if _is_too_deep(value) else value


def _number(written: str) -> float:
    # Python would write what is too large as Infinity, which nobody who watches a run could read.
    number = float(written)
    return number if math.isfinite(number) else _refuse(written)


def _refuse(written: str) -> NoReturn:
    raise ValueError(f"{written[:20]} is not a number that JSON has")


def _is_too_deep(value: JsonValue) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [item for part in level for item in _inside(part)]
        if not level:
            return False
    return True


def _inside(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []
