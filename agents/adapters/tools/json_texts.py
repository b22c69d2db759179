# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading JSON from strangers: no numbers that JSON does not have, and no deeper than a run's journal takes."""

import json
import math
from typing import NoReturn, cast

from agents.engine.sizes import nests_deeper
from codexos.kernel.jsontypes import JsonValue

DEEPEST = 80


def read_json(text: str | bytes) -> JsonValue:
    """Return what ``text`` says as JSON; None where it is none, or too deep to be passed on."""
    try:
        value = cast(JsonValue, json.loads(text, parse_constant=_refuse, parse_float=_number))
    except (ValueError, RecursionError):
        return None
    return None if nests_deeper(value, DEEPEST) else value


def _number(written: str) -> float:
    # Python would write what is too large as Infinity, which nobody who watches a run could read.
    number = float(written)
    return number if math.isfinite(number) else _refuse(written)


def _refuse(written: str) -> NoReturn:
    raise ValueError(f"{written[:20]} is not a number that JSON has")
