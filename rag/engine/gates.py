# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The gate of a knowledge base: how well another index has to do before questions are answered from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from codexos.kernel.jsontypes import JsonValue
from rag.errors.knowledge import KnowledgeBaseInvalid

GATED = ("recall", "mrr", "ndcg")
_NAMES = {"recall": "recall@k", "mrr": "MRR", "ndcg": "nDCG@10"}


@dataclass(frozen=True, slots=True)
class Gate:
    """A measure is to be ``least``, or to drop by ``most_drop`` at most; where both are said, both."""

    measure: str = "ndcg"
    least: float | None = None
    most_drop: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept and sent."""
        bounds = {"least": self.least, "most_drop": self.most_drop}
        return {"measure": self.measure, **{name: value for name, value in bounds.items() if value is not None}}

    @classmethod
    def from_json(cls, said: JsonValue) -> Self | None:
        """Return the gate that is said; None for none. Raises KnowledgeBaseInvalid."""
        if not said:
            return None
        if not isinstance(said, Mapping) or set(said) - {"measure", "least", "most_drop"}:
            raise KnowledgeBaseInvalid("gate", "A gate is an object of 'measure', 'least' and 'most_drop', or null.")
        measure = said.get("measure", "ndcg")
        if measure not in GATED:
            message = f"{str(measure)[:40]!r} is none of {', '.join(GATED)}."
            raise KnowledgeBaseInvalid("gate.measure", message)
        least, most_drop = _share(said, "least"), _share(said, "most_drop")
        if least is None and most_drop is None:
            raise KnowledgeBaseInvalid("gate", "Say 'least', 'most_drop' or both, each from 0 to 1.")
        return cls(str(measure), least, most_drop)

    def refusal(self, now: Mapping[str, float], *, before: Mapping[str, float] | None) -> str:
        """Say why an index that measures so is not to answer; nothing where it may."""
        name, value = _NAMES[self.measure], now[self.measure]
        if self.least is not None and value < self.least:
            return f"Its {name} is {value:.3f}, and the gate asks for {self.least:.3f} at least."
        if self.most_drop is None or before is None:
            return ""
        drop = round(before[self.measure] - value, 6)
        if drop > self.most_drop:
            was = before[self.measure]
            return (
                f"Its {name} is {value:.3f} after {was:.3f}, and the gate lets it drop by {self.most_drop:.3f} at most."
            )
        return ""


def _share(said: Mapping[str, Any], name: str) -> float | None:
    value = said.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise KnowledgeBaseInvalid(f"gate.{name}", "This is to be a number from 0 to 1.")
    return float(value)
