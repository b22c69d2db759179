# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rates: what a model takes for a million tokens, and what so many tokens cost by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from codexos.kernel.chat import Usage
from codexos.kernel.jsontypes import JsonObject, JsonValue

MILLION = Decimal(1_000_000)
CENT_FRACTION = Decimal("0.00000001")
"""What a cost is rounded to, once, where it is worked out: every sum of costs is exact from there on."""
HIGHEST = Decimal(1_000_000)
_NUMBERS = ("input", "output", "cached_read", "cache_write", "batch_factor")


@dataclass(frozen=True, slots=True)
class Rate:
    """US dollars for a million tokens: read, written, read from the provider's cache, written to it.

    Where a price of the cache is not given, its tokens cost what others do. ``batch_factor`` is what is taken of it all
    where the provider may answer later. Over ``long_above`` tokens of input the whole call costs what ``long`` says.
    ``most_output`` is how many tokens an answer has at most, where that is known.
    """

    input: Decimal
    output: Decimal
    cached_read: Decimal | None = None
    cache_write: Decimal | None = None
    batch_factor: Decimal = Decimal(1)
    long_above: int | None = None
    long: "Rate | None" = None
    most_output: int | None = None

    @property
    def is_free(self) -> bool:
        """Whether no call costs anything."""
        return not any((self.input, self.output, self.cached_read, self.cache_write, self.long and self.long.output))

    def cost(self, usage: Usage, *, is_batch: bool = False) -> Decimal:
        """What a call with this usage costs, to CENT_FRACTION of a dollar."""
        if self.long is not None and self._is_long(usage.input_tokens):
            return self.long.cost(usage, is_batch=is_batch)
        cached, written = usage.cached_tokens, usage.cache_write_tokens
        plain = max(0, usage.input_tokens - cached - written)
        total = (
            self.input * plain
            + (self.input if self.cached_read is None else self.cached_read) * cached
            + (self.input if self.cache_write is None else self.cache_write) * written
            + self.output * usage.output_tokens
        )
        factor = self.batch_factor if is_batch else Decimal(1)
        return (total * factor / MILLION).quantize(CENT_FRACTION, rounding=ROUND_HALF_EVEN)

    def most(self, *, input_tokens: int, output_tokens: int) -> Decimal:
        """What a call with so many tokens costs at most, whatever of them the provider's cache takes part in."""
        dearest = max(self.input, self.cache_write or Decimal(0))
        cost = (dearest * input_tokens + self.output * output_tokens) / MILLION
        if self.long is not None and self._is_long(input_tokens):
            cost = max(cost, self.long.most(input_tokens=input_tokens, output_tokens=output_tokens))
        return cost.quantize(CENT_FRACTION, rounding=ROUND_HALF_EVEN)

    def _is_long(self, input_tokens: int) -> bool:
        return self.long_above is not None and input_tokens > self.long_above

    def as_data(self) -> JsonObject:
        """Return it as it stands in lists and beside calls; amounts are text, so that none is rounded."""
        data: dict[str, JsonValue] = {"input": f"{self.input.normalize():f}", "output": f"{self.output.normalize():f}"}
        for name in ("cached_read", "cache_write"):
            if (value := getattr(self, name)) is not None:
                data[name] = f"{value.normalize():f}"
        if self.batch_factor != 1:
            data["batch_factor"] = f"{self.batch_factor.normalize():f}"
        if self.long is not None and self.long_above is not None:
            data["long"] = {"above": self.long_above, **self.long.as_data()}
        return data | ({"most_output": self.most_output} if self.most_output else {})


FREE = Rate(Decimal(0), Decimal(0))


def rate_from(data: Mapping[str, JsonValue]) -> Rate:
    """Read what ``as_data`` wrote. Raises ValueError where it is none."""
    numbers = {name: _amount(data[name]) for name in _NUMBERS if data.get(name) is not None}
    if not {"input", "output"} <= numbers.keys():
        raise ValueError("a rate says what tokens cost in and out")
    long = data.get("long")
    above = long.get("above") if isinstance(long, Mapping) else None
    return Rate(
        *(numbers["input"], numbers["output"], numbers.get("cached_read"), numbers.get("cache_write")),
        batch_factor=numbers.get("batch_factor", Decimal(1)),
        long_above=_count(above),
        long=rate_from(long) if isinstance(long, Mapping) and _count(above) else None,
        most_output=_count(data.get("most_output")),
    )


def _amount(value: JsonValue) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{str(value)!r} is no amount") from None
    if not amount.is_finite() or not 0 <= amount <= HIGHEST:
        raise ValueError(f"{str(value)!r} is no amount from 0 to {HIGHEST:,}")
    return amount


def _count(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
