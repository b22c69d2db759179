# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Journeys: how a run goes on from another one that has ended, as it stands in the run's origin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from agents.engine.errors import JournalDiverged
from codexos.kernel.jsontypes import JsonObject, JsonValue

JourneyKind = Literal["retry", "rerun", "fork", "draft"]


@dataclass(frozen=True, slots=True)
class Journey:
    """What was asked: to retry what failed, to do steps again from one on, to go on with something changed, or to do
    another drawing of the flow with what this one came to.

    ``start`` is the step that is done again, with what depends on it. ``steps`` are other results of steps, ``state``
    other values of variables; ``has_input``: the run begins with another input.
    """

    kind: JourneyKind
    start: str | None = None
    steps: Mapping[str, JsonValue] = field(default_factory=dict)
    state: Mapping[str, JsonValue] = field(default_factory=dict)
    has_input: bool = False

    def as_data(self) -> JsonObject:
        """Say it as a run keeps it."""
        changes: dict[str, JsonValue] = {}
        if self.steps:
            changes["steps"] = dict(self.steps)
        if self.state:
            changes["state"] = dict(self.state)
        if self.has_input:
            changes["input"] = True
        return {"kind": self.kind, "from": self.start, "changes": changes}

    @classmethod
    def of(cls, origin: JsonObject) -> "Journey":
        """Read it back. Raises JournalDiverged."""
        kind, start = origin.get("kind"), origin.get("from")
        if kind not in get_args(JourneyKind):
            raise JournalDiverged(f"A run of origin {kind!r} is not known here. Bring all workers to one version.")
        changes = _object(origin.get("changes"))
        return cls(
            kind,  # type: ignore[arg-type]
            str(start) if start is not None else None,
            _object(changes.get("steps")),
            _object(changes.get("state")),
            changes.get("input") is True,
        )


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
