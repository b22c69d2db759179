# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Documents as JSON text: read strictly, with the line and column of what is wrong, and written readably."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from agents.engine.findings import shown
from agents.engine.places import Step
from agents.engine.shape import MAX_NESTING
from agents.engine.spots import Spot, unreadable
from codexos.kernel.jsontypes import JsonValue

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def read_json(text: str) -> JsonValue:
    """Read JSON. Raises GraphInvalid, also where a key stands twice or a number is none that JSON has."""
    try:
        value: JsonValue = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_float)
    except RecursionError:
        raise unreadable("The document is nested too deeply. Flatten it.", text, at=None) from None
    except _Twice as twice:
        message = f"The key {shown(twice.key)} stands twice in one object. Keep one of them."
        raise unreadable(message, text, at=_second(text, twice.key)) from None
    except json.JSONDecodeError as error:
        raise unreadable(f"This is not JSON: {error.msg}. Correct it there.", text, at=error.pos) from None
    except ValueError as error:
        raise unreadable(f"This is not JSON: {error}. Correct it.", text, at=None) from None
    return value


def to_json(document: JsonValue) -> str:
    """Write a document as JSON for people: indented, in its own order."""
    return json.dumps(document, indent=2, ensure_ascii=False, default=dict) + "\n"


def spots_of_json(text: str) -> Iterator[Spot]:
    """Walk over JSON text: every place in it, in order, the whole before its parts.

    Of broken text, and of text nested deeper than documents are, what there is.
    """
    open_: list[_Open] = []
    before = ""
    for match in _WORD.finditer(text):
        word = match.group()
        if word in "}]":
            del open_[-1:]
        elif word == "," and open_:
            open_[-1].go_on()
        elif word not in ",:":
            if not open_ or open_[-1].begins(word, after=before):
                yield tuple(each.step for each in open_), match.start()
            if len(open_) > MAX_NESTING:
                return
            if word in "{[":
                open_.append(_Open("" if word == "{" else 0))
        before = word


@dataclass(slots=True)
class _Open:
    """A bracket that is open: under which key or index what comes now stands."""

    step: Step

    def begins(self, word: str, *, after: str) -> bool:
        """Take a word: whether a new place begins with it, as with a key or an item, and not with a key's value."""
        if isinstance(self.step, int):
            return True
        if after != ":":
            self.step = _key(word)
        return after != ":"

    def go_on(self) -> None:
        """Pass a comma."""
        if isinstance(self.step, int):
            self.step += 1


def _key(word: str) -> str:
    try:
        return str(json.loads(word))
    except ValueError:
        return word


class _Twice(Exception):
    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(key)


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Twice(key)
            seen.add(key)
    return made


def _second(text: str, key: str) -> int | None:
    seen: set[tuple[Step, ...]] = set()
    for steps, at in spots_of_json(text):
        if steps and steps[-1] == key:
            if steps in seen:
                return at
            seen.add(steps)
    return None


def _refuse(name: str) -> JsonValue:
    raise ValueError(f"{name} is not a number")


def _float(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(f"{shown(written)} is too large a number")
    return number
