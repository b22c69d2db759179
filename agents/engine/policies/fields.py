# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The values that stand in a policy, each read with what is wrong about it and where."""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

from agents.engine.findings import Findings, shown
from agents.engine.places import Step, inside
from codexos.kernel.jsontypes import JsonValue

MOST_PATTERNS = 50
MOST_CHARACTERS = 200
MOST_REASON = 500

_HOST = re.compile(r"(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63}){0,20}|\[[0-9a-f:.]+\]|[0-9a-f:.]+", re.ASCII)
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")

Word = TypeVar("Word", bound=str)


class Field(NamedTuple):
    """A value, where it stands, and where what is wrong with it is told."""

    value: JsonValue
    place: str
    findings: Findings

    def under(self, step: Step, value: JsonValue) -> "Field":
        """Return what stands under a key or an index of it."""
        return Field(value, inside(self.place, step), self.findings)

    def refuse(self, message: str) -> None:
        """Tell what is wrong with it."""
        self.findings.error(self.place, message)

    def members(self, known: Collection[str]) -> dict[str, "Field"]:
        """Read an object, telling of every key that means nothing here."""
        if not isinstance(self.value, Mapping):
            self.refuse(f"This must be an object of {_named(known)}.")
            return {}
        for key in self.value:
            if key not in known:
                meant = self.findings.meant(key, known)
                self.under(key, None).refuse(f"Unknown key {shown(key)}.{meant} Known here: {_named(known)}.")
        return {key: self.under(key, value) for key, value in self.value.items() if key in known}

    def text(self, *, most: int) -> str:
        """Read a text of some length."""
        if not isinstance(self.value, str):
            self.refuse("This must be a text.")
        elif len(self.value) > most:
            self.refuse(f"This has {len(self.value):,} characters; at most {most:,} are taken. Shorten it.")
        elif _UNKEEPABLE.search(self.value):
            self.refuse("This holds a character that cannot be kept (NUL or half a pair). Leave it out.")
        else:
            return self.value
        return ""

    def choice(self, choices: Sequence[Word], *, otherwise: Word) -> Word:
        """Read one of some words."""
        for choice in choices:
            if self.value == choice:
                return choice
        meant = self.findings.meant(self.value, choices) if isinstance(self.value, str) else ""
        self.refuse(f"This must be one of {_named(choices)}.{meant}")
        return otherwise

    def flag(self) -> bool:
        """Read true or false."""
        if not isinstance(self.value, bool):
            self.refuse("This must be true or false.")
        return self.value is True

    def number(self, low: float, high: float) -> float | None:
        """Read a number between two others."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not math.isfinite(self.value):
            self.refuse("This must be a number.")
            return None
        if not low <= self.value <= high:
            self.refuse(f"This must be between {low:,g} and {high:,g}.")
            return None
        return float(self.value)

    def words(self, *, trouble: Callable[[str], str | None]) -> tuple[str, ...]:
        """Read a word or a list of words; ``trouble`` says what is wrong with one."""
        if isinstance(self.value, str):
            return tuple(filter(None, (self._word(trouble),)))
        if not isinstance(self.value, list | tuple):
            self.refuse("This must be a word or a list of words.")
            return ()
        if len(self.value) > MOST_PATTERNS:
            self.refuse(f"There are {len(self.value):,} words here; at most {MOST_PATTERNS} are taken.")
            return ()
        read = [self.under(index, word)._word(trouble) for index, word in enumerate(self.value)]
        return tuple(dict.fromkeys(filter(None, read)))

    def _word(self, trouble: Callable[[str], str | None]) -> str:
        said = self.text(most=MOST_CHARACTERS)
        wrong = "An empty word fits nothing. Leave it out." if self.value == "" else trouble(said) if said else None
        if wrong is not None:
            self.refuse(wrong)
        return said


def any_word(_word: str) -> str | None:
    """Take every word."""
    return None


def host_trouble(word: str) -> str | None:
    """Say what is wrong with the pattern of a host, ``*`` among them."""
    return None if word == "*" else named_host_trouble(word)


def named_host_trouble(word: str) -> str | None:
    """Say what is wrong with a host that must be named, itself or what it stands under."""
    if word == "*":
        return "This names every host. Leave 'egress' out where every host may be reached."
    name, colon, port = word.rpartition(":") if re.search(r"[^:]:[0-9]+$", word) else (word, "", "")
    if colon and not 0 < int(port[:6]) < 65536:
        return f"{port[:10]} is not a port."
    if "://" in word or "/" in word:
        return "Write the host alone, without https:// and without a path."
    if not _HOST.fullmatch(name.lower()) or ("*" in name and name.count("*") > 1):
        return "This is no host: write a name, '*.name' for what stands under it, with ':port' after it where you like."
    return None


def one_of(known: Collection[str], what: str) -> Callable[[str], str | None]:
    """Take some words alone."""
    return lambda word: None if word in known else f"{shown(word)} is no {what}. There are {_named(known)}."


def _named(known: Collection[str]) -> str:
    return ", ".join(repr(each) for each in known)
