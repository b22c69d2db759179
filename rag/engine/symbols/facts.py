# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is known of a file of code once it was read."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

READER = 1
"""Counts up whenever the same file would be read differently, so that what was read before is read again."""

LONGEST_NAME = 200
LONGEST_SCOPE = 400
LONGEST_SIGNATURE = 300
LONGEST_TARGET = 400


class SymbolKind(StrEnum):
    """What a name stands for where it is defined."""

    FUNCTION = "function"
    METHOD = "method"
    CLASS = "class"
    INTERFACE = "interface"
    STRUCT = "struct"
    ENUM = "enum"
    TRAIT = "trait"
    TYPE = "type"
    NAMESPACE = "namespace"
    MACRO = "macro"
    CONSTANT = "constant"
    VARIABLE = "variable"
    FIELD = "field"
    MODULE = "module"


class ReferenceKind(StrEnum):
    """What is done with a name where it is used."""

    CALL = "call"
    BASE = "base"
    TYPE = "type"
    IMPORT = "import"
    USE = "use"


@dataclass(frozen=True, slots=True)
class Definition:
    """A name and where it is defined. ``scope`` is what it stands in, outermost first: *Outer.Inner*."""

    name: str
    kind: SymbolKind
    scope: str
    signature: str
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that is used on ``lines``, all inside of the same definition, whose full name is ``inside``."""

    name: str
    kind: ReferenceKind
    inside: str
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Import:
    """A module that a file takes names from: as it is written, and as the end of a path without suffix."""

    module: str
    target: str
    names: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one file says. ``reason`` says why something is missing, "" where nothing is."""

    language: str
    definitions: Sequence[Definition] = ()
    references: Sequence[Reference] = ()
    imports: Sequence[Import] = ()
    reason: str = ""
