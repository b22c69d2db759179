# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a parser catches by a grammar's query: names of places in a file, without a meaning yet.

The names that queries give are a small language, which `reading.py` understands:

- `def.KIND` with `name`, perhaps `owner`: a definition; `scope` with `name`: something that only holds definitions
- `ref.KIND`: a name in use
- `import` with `module`, perhaps `imported`: names taken from elsewhere
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.engine.symbols.facts import ReferenceKind, SymbolKind

CAPTURE_NAMES = (
    *(f"def.{kind}" for kind in SymbolKind),
    *(f"ref.{kind}" for kind in ReferenceKind),
    "name",
    "owner",
    "scope",
    "import",
    "module",
    "imported",
)


@dataclass(frozen=True, slots=True)
class Capture:
    """A place in the bytes of a file. ``body`` is where the body of a definition begins, or its end."""

    name: str
    start: int
    end: int
    first_line: int
    last_line: int
    body: int

    def text(self, source: bytes) -> str:
        """Return what stands there."""
        return source[self.start : self.end].decode("utf-8", "replace")


Match = Sequence[Capture]
"""What one pattern caught at once."""
