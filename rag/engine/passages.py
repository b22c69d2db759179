# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where a text stands in its document, said exactly enough to open it there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """A page (from 1), lines (from 1, both included; on a page, the page's own), a path inside, a section's name.

    A path is what the kind of document knows: ``$.users[3]`` in JSON, ``#install`` in HTML, ``Prices!2:40`` in a sheet.
    """

    page: int | None = None
    lines: tuple[int, int] | None = None
    path: str | None = None
    section: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what is known, by name."""
        named = {"page": self.page, "lines": self.lines and list(self.lines), "path": self.path}
        return {name: value for name, value in {**named, "section": self.section}.items() if value is not None}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Place":
        """Return the place that ``as_json`` wrote down."""
        lines = kept.get("lines")
        pair = (int(lines[0]), int(lines[1])) if lines else None
        return cls(page=kept.get("page"), lines=pair, path=kept.get("path"), section=kept.get("section"))
