# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A file as something that can be looked for itself: *where is auth?* may well be answered by *auth.py*."""

import posixpath

from rag.engine.symbols.facts import LONGEST_NAME, LONGEST_SCOPE, Definition, Reading, SymbolKind
from rag.engine.symbols.importing import DOORS
from rag.engine.symbols.words import words_of


def module_of(path: str, reading: Reading) -> Definition:
    """Return the file itself as a definition: its name without suffix, or that of the folder it stands for."""
    folder, file = posixpath.split(path)
    name = file.partition(".")[0] or file
    if name in DOORS and folder:
        folder, name = posixpath.split(folder)
    lines = max((one.last_line for one in reading.definitions), default=1)
    return Definition(name[:LONGEST_NAME], SymbolKind.MODULE, folder[-LONGEST_SCOPE:], path[-300:], 1, lines)


def words_of_symbol(name: str, kind: str, scope: str) -> tuple[str, ...]:
    """Return the words by which a symbol is found: those of its name, and for a file those of its folder."""
    folder = scope.rpartition("/")[2] if kind == SymbolKind.MODULE else ""
    return tuple(dict.fromkeys((*words_of(name), *words_of(folder))))
