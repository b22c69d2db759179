# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The dated list of rates that comes with the house, and the hash by which it is known to be the one that was read."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from llm.engine.prices.rates import FREE, Rate, rate_from
from llm.engine.providers import PROVIDERS
from llm.errors import PriceListBroken

NAME = "snapshot.json"
SHA256 = "796d1c0b5d60fbe212831891c5b889c1a9e6df0f4f3433adcbdc2cd112ee2e85"
# Dated names (gpt-4o-2024-08-06, claude-sonnet-4-5-20250929) cost what the plain one does where they are not listed.
_DATED = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$")
_FINE_TUNED = re.compile(r"(ft:[^:]+):.*")


@dataclass(frozen=True, slots=True)
class Listed:
    """A model of a provider, with its rate."""

    kind: str
    model: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The list: of which day, from where, its hash, and its rows by provider and model."""

    as_of: str
    source: str
    sha256: str
    rates: Mapping[tuple[str, str], Rate]

    def rows(self) -> Iterable[Listed]:
        """Return every row, in the order of the list."""
        return [Listed(kind, model, rate) for (kind, model), rate in self.rates.items()]


@cache
def snapshot() -> Snapshot:
    """Return the list. Raises PriceListBroken where it is not the one that belongs to this code."""
    return read_snapshot((files(__package__ or "") / NAME).read_bytes(), sha256=SHA256)


def read_snapshot(content: bytes, *, sha256: str) -> Snapshot:
    """Read a list. Raises PriceListBroken where its hash is another one."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise PriceListBroken(expected=sha256, found=found)
    data = json.loads(content)
    rates = {(row["kind"], row["model"]): rate_from(row) for row in data["prices"]}
    return Snapshot(data["as_of"], data["source"], found, rates)


def listed_rate(kind: str, model: str) -> Rate | None:
    """Return the rate of a model at a kind of provider, None where it is not listed. What runs here is free."""
    if any(provider.is_local for provider in PROVIDERS.values() if provider.kind == kind):
        return FREE
    rates = snapshot().rates
    for name in names_of(model):
        if (rate := rates.get((kind, name))) is not None:
            return rate
    return None


def names_of(model: str) -> Iterable[str]:
    """Return the names under which a model's price may stand, the nearest first."""
    plain = _FINE_TUNED.sub(r"\1", model)
    undated = _DATED.sub("", plain)
    return dict.fromkeys((model, plain, undated))
