# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Documents as YAML text, as far as YAML is another way to write JSON.

No tags, no anchors, no dates: plain ``true``, ``false``, ``null`` and numbers as JSON writes them mean what they say,
and every other plain word is text (``yes``, ``no``, ``on``, ``2026-01-01``, ``012``). Built from the parser's events,
so that nothing recurses and reading stops where the document is too deep or too large.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from agents.engine.findings import shown
from agents.engine.places import Step
from agents.engine.shape import MAX_NESTING, MAX_VALUES
from agents.engine.spots import Spot, unreadable
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonValue

WORDS: dict[str, JsonValue] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<rest>(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)", re.ASCII)
UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML does not take as it is."""

# Checking many of them against each other takes the parser long.
_DIRECTIVE = re.compile(r"^%(?:YAML|TAG)\b", re.MULTILINE)
LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser: the fast one where there is one."""


def read_yaml(text: str) -> JsonValue:
    """Read YAML. Raises GraphInvalid."""
    reader = _Reader(text)
    for event in reader.events():
        reader.take(event)
    return reader.whole


def spots_of_yaml(text: str) -> Iterator[Spot]:
    """Walk over YAML text: every place in it, in order, the whole before its parts. Of broken text, what there is."""
    reader = _Reader(text)
    try:
        for event in reader.events():
            depth = reader.take(event)
            if depth is not None:
                yield reader.steps(depth), _at(event)
    except CodexosError:
        return


@dataclass(slots=True)
class _Open:
    """A list or an object whose end has not come, and in an object the key that the next value goes under."""

    made: list[JsonValue] | dict[str, JsonValue]
    key: str | None = None

    @property
    def wants_key(self) -> bool:
        """Whether what comes next is a key."""
        return self.key is None and isinstance(self.made, dict)

    @property
    def step(self) -> Step:
        """Where in it the newest value is."""
        return len(self.made) - 1 if self.key is None else self.key

    def put(self, value: JsonValue) -> None:
        """Add a value."""
        if isinstance(self.made, list):
            self.made.append(value)
        elif self.key is not None:
            self.made[self.key] = value


def _at(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.index if mark is not None else 0


class _Reader:
    """Takes one event of the parser after the other."""

    def __init__(self, text: str) -> None:
        self.whole: JsonValue = None
        self._text = text
        self._open: list[_Open] = []
        self._values = self._documents = 0

    def events(self) -> Iterator[yaml.Event]:
        """Parse the text. Raises GraphInvalid where it is not YAML."""
        strange, directive = UNREADABLE.search(self._text), _DIRECTIVE.search(self._text)
        if strange is not None:
            raise self._refused(
                f"The character {strange.group()!r} cannot stand in YAML. Leave it out.", strange.start()
            )
        if directive is not None:
            raise self._refused("Directives are not taken. Leave this line out.", directive.start())
        try:
            yield from yaml.parse(self._text, Loader=LOADER)
        except yaml.MarkedYAMLError as error:
            said = ", ".join(part for part in (error.context, error.problem) if part)
            mark = error.problem_mark or error.context_mark
            raise self._refused(f"This is not YAML: {said}. Correct it there.", mark.index if mark else None) from None
        except yaml.YAMLError as error:
            raise self._refused(f"This is not YAML: {error}. Correct it.", None) from None

    def take(self, event: yaml.Event) -> int | None:
        """Take an event; where a new place begins with it, say under how many open lists and objects it stands."""
        if isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._close_value()
        elif isinstance(event, yaml.NodeEvent):
            self._check(event)
            return self._take_node(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._refused("A second document begins here. Keep one of them.", _at(event))
        return None

    def steps(self, depth: int) -> tuple[Step, ...]:
        """Say the place of the newest value as steps from the top."""
        return tuple(each.step for each in self._open[:depth])

    def _take_node(self, event: yaml.NodeEvent) -> int | None:
        depth = len(self._open)
        is_member = bool(self._open) and isinstance(self._open[-1].made, dict)
        if self._open and self._open[-1].wants_key:
            self._open[-1].key = self._key(event)
            return depth
        if isinstance(event, yaml.ScalarEvent):
            self._put(self._scalar(event))
            self._close_value()
        else:
            made: list[JsonValue] | dict[str, JsonValue] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
            self._put(made)
            self._open.append(_Open(made))
        return None if is_member else depth

    def _put(self, value: JsonValue) -> None:
        if self._open:
            self._open[-1].put(value)
        else:
            self.whole = value

    def _close_value(self) -> None:
        if self._open and isinstance(self._open[-1].made, dict):
            self._open[-1].key = None

    def _check(self, event: yaml.NodeEvent) -> None:
        at = _at(event)
        self._values += 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._refused("Anchors and aliases ('&', '*') are not taken. Write it out, or quote the text.", at)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise self._refused(f"Tags ('!') are not taken, such as {shown(tag)}. Leave it out, or quote the text.", at)
        if len(self._open) >= MAX_NESTING:
            raise self._refused(f"The document is nested deeper than {MAX_NESTING} levels. Flatten it.", at)
        if self._values > 2 * MAX_VALUES:
            raise self._refused(f"The document is too large: at most {MAX_VALUES:,} values. Split the flow.", at)

    def _key(self, event: yaml.NodeEvent) -> str:
        at = _at(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refused("A key is text. Write it as one word, or quote it.", at)
        value = self._scalar(event)
        # A condition's outcomes are texts: those of yes and no are spelled the one way.
        key = ("true" if value else "false") if isinstance(value, bool) else event.value
        if key in self._open[-1].made:
            raise self._refused(f"The key {shown(key)} stands twice in one object. Keep one of them.", at)
        return key

    def _scalar(self, event: yaml.ScalarEvent) -> JsonValue:
        if not event.implicit[0]:
            return event.value
        if event.value in WORDS:
            return WORDS[event.value]
        number = NUMBER.fullmatch(event.value)
        return event.value if number is None else self._number(event, is_whole=not number.group("rest"))

    def _number(self, event: yaml.ScalarEvent, *, is_whole: bool) -> int | float:
        try:
            value: int | float = int(event.value) if is_whole else float(event.value)
        except ValueError:
            # Python reads no whole number of more than 4,300 digits.
            value = math.inf
        if value in (math.inf, -math.inf):
            message = f"{shown(event.value)} is too large a number. Quote it as text."
            raise self._refused(message, _at(event))
        return value

    def _refused(self, message: str, at: int | None) -> CodexosError:
        return unreadable(message, self._text, at=at)
