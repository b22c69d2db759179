# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The values that stand in a policy, each read with what is wrong about it and where."""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from agents.engine.findings import Findings, shown
from agents.engine.places import inside
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_PATTERNS = 50
MOST_CHARACTERS = 200
MOST_REASON = 500

_HOST = re.compile(r"(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63}){0,20}|\[[0-9a-f:.]+\]|[0-9a-f:.]+", re.ASCII)
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")

Read = TypeVar("Read")
Word = TypeVar("Word", bound=str)


def object_at(value: JsonValue, place: str, known: Collection[str], findings: Findings) -> JsonObject:
    """Read an object, telling of every key that means nothing here."""
    if not isinstance(value, Mapping):
        findings.error(place, f"This must be an object of {_named(known)}.")
        return {}
    for key in value:
        if key not in known:
            meant = findings.meant(key, known)
            findings.error(inside(place, key), f"Unknown key {shown(key)}.{meant} Known here: {_named(known)}.")
    return value


def text_at(value: JsonValue, place: str, findings: Findings, *, most: int) -> str:
    """Read a text of some length."""
    if not isinstance(value, str):
        findings.error(place, "This must be a text.")
        return ""
    if len(value) > most:
        findings.error(place, f"This has {len(value):,} characters; at most {most:,} are taken. Shorten it.")
        return ""
    if _UNKEEPABLE.search(value):
        findings.error(place, "This holds a character that cannot be kept (NUL or half a pair). Leave it out.")
        return ""
    return value


def choice_at(value: JsonValue, place: str, findings: Findings, *, choices: Sequence[Word], otherwise: Word) -> Word:
    """Read one of some words."""
    for choice in choices:
        if value == choice:
            return choice
    meant = findings.meant(value, choices) if isinstance(value, str) else ""
    findings.error(place, f"This must be one of {_named(choices)}.{meant}")
    return otherwise


def flag_at(value: JsonValue, place: str, findings: Findings) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        findings.error(place, "This must be true or false.")
    return value is True


def number_at(value: JsonValue, place: str, findings: Findings, *, between: tuple[float, float]) -> float | None:
    """Read a number."""
    low, high = between
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        findings.error(place, "This must be a number.")
        return None
    if not low <= value <= high:
        findings.error(place, f"This must be between {low:,g} and {high:,g}.")
        return None
    return float(value)


def words_at(
    value: JsonValue, place: str, findings: Findings, *, trouble: Callable[[str], str | None]
) -> tuple[str, ...]:
    """Read a word or a list of words; ``trouble`` says what is wrong with one."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple):
        findings.error(place, "This must be a word or a list of words.")
        return ()
    if len(listed) > MOST_PATTERNS:
        findings.error(place, f"There are {len(listed):,} words here; at most {MOST_PATTERNS} are taken.")
        return ()
    read: list[str] = []
    for index, word in enumerate(listed):
        at = place if isinstance(value, str) else inside(place, index)
        said = text_at(word, at, findings, most=MOST_CHARACTERS)
        wrong = "An empty word fits nothing. Leave it out." if word == "" else trouble(said) if said else None
        if wrong is not None:
            findings.error(at, wrong)
        read.append(said)
    return tuple(dict.fromkeys(each for each in read if each))


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
