# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Nodes as they were drawn: boxes, and the arrows out of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from codexos.kernel.jsontypes import JsonObject, JsonValue

FAIL = "fail"
"""What ``on_error`` says where a failure of the node fails the run."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """Where a box leads to, what takes that way, and where in the document it is said."""

    id: str
    place: str
    outcome: str | None = None
    when: str | None = None
    when_place: str = ""
    is_for_errors: bool = False

    @property
    def way(self) -> tuple[str, str | None, str | None, bool]:
        """What makes it another arrow than the others out of the same box."""
        return self.id, self.outcome, self.when, self.is_for_errors


@dataclass(frozen=True, slots=True)
class Box:
    """A node as it was drawn. ``settings`` are all it was given, wherever they stood; ``places`` says where."""

    id: str
    kind: str
    place: str
    settings: Mapping[str, JsonValue]
    places: Mapping[str, str]
    about: JsonObject
    arrows: list[Arrow] = field(default_factory=list)

    def place_of(self, setting: str) -> str:
        """Where a setting is said, or would be."""
        return self.places.get(setting, f"{self.place}.{setting}")

    @property
    def ways_out(self) -> list[Arrow]:
        """The arrows that are followed: none out of an exit, where they are a mistake."""
        return [] if self.kind == "exit" else self.arrows

    @property
    def ahead(self) -> tuple[str, ...]:
        """Every box it may lead to, once each."""
        return tuple(dict.fromkeys(arrow.id for arrow in self.ways_out))
