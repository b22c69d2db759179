# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What has to be said of a language so that its files can be read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grammar:
    """One language: which parser reads it, what to catch, and what is too common to be worth keeping."""

    name: str
    query: str
    suffixes: tuple[str, ...]
    files: tuple[str, ...] = ()
    separators: tuple[str, ...] = ()
    """What parts the names of a qualified definition, as in `void Outer::name()`."""
    common: frozenset[str] = frozenset()
    """Names of the language itself, which nobody looks for."""


def names(text: str) -> frozenset[str]:
    """Return the names that stand in a text, parted by spaces."""
    return frozenset(text.split())
