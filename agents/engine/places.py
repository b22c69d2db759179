# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Places in a document, written as JSON paths: ``$.nodes[1].prompt``, ``$.nodes[2].next["not sure"]``."""

import json
import re

MAX_KEY_CHARACTERS = 60

_NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_STEP = re.compile(r'\.([A-Za-z_][\w-]*)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]', re.ASCII)

Step = str | int


def inside(place: str, step: Step) -> str:
    """Write the place of a key or an item of what stands at ``place``; a very long key is cut."""
    if isinstance(step, int):
        return f"{place}[{step}]"
    if _NAME.fullmatch(step) and len(step) <= MAX_KEY_CHARACTERS:
        return f"{place}.{step}"
    return f"{place}[{json.dumps(step if len(step) <= MAX_KEY_CHARACTERS else f'{step[:57]}…')}]"


def steps_of(place: str) -> tuple[Step, ...] | None:
    """Read a place as keys and indexes; None where it is none."""
    if not place.startswith("$"):
        return None
    steps: list[Step] = []
    at = 1
    while at < len(place):
        match = _STEP.match(place, at)
        if match is None:
            return None
        name, index, quoted = match.groups()
        steps.append(name if name is not None else int(index) if index is not None else _unquoted(quoted))
        at = match.end()
    return tuple(steps)


def in_order(place: str) -> list[tuple[int, int, str]]:
    """Give what to sort places by: items by their number, keys by their name, the whole before its parts."""
    steps = steps_of(place) or ()
    return [(0, step, "") if isinstance(step, int) else (1, 0, step) for step in steps]


def _unquoted(quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        return quoted
