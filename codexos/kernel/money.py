# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Sums of money: exact, in one currency, rounded only where someone says how."""

import decimal
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from codexos.kernel.errors import InvalidInput
from codexos.kernel.jsontypes import JsonObject

# The Python default rounds silently at 28 digits; here a result that does not fit exactly is an error.
_EXACT = decimal.Context(prec=60, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero])
# Where rounding is what was asked for.
_LOOSE = decimal.Context(prec=60, traps=[decimal.InvalidOperation])
_CURRENCY = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
# ISO 4217; every other currency has two digits.
_NO_DIGITS = re.compile("BIF|CLP|DJF|GNF|ISK|JPY|KMF|KRW|PYG|RWF|UGX|UYI|VND|VUV|XAF|XOF|XPF")
_THREE_DIGITS = re.compile("BHD|IQD|JOD|KWD|LYD|OMR|TND")
_FOUR_DIGITS = re.compile("CLF|UYW")


class Rounding(Enum):
    """What becomes of half a cent."""

    HALF_EVEN = decimal.ROUND_HALF_EVEN
    HALF_UP = decimal.ROUND_HALF_UP
    DOWN = decimal.ROUND_DOWN


class MoneyInvalid(InvalidInput):
    """What was given is not a sum of money, or does not go together with another one."""

    def __init__(self, because: str) -> None:
        super().__init__(f"{because}.", errors=[{"place": "amount", "message": because}])


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency (ISO 4217). Never made from a float."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal) or not self.amount.is_finite():
            raise MoneyInvalid(f"{self.amount!r} is not an amount; write it as a Decimal, such as Decimal('12.50')")
        if not _CURRENCY.fullmatch(self.currency):
            raise MoneyInvalid(f"{self.currency!r} is not a currency; write three capital letters, such as USD")

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Return nothing, in ``currency``. Raises MoneyInvalid."""
        return cls(Decimal(0), currency)

    @classmethod
    def from_minor(cls, units: int, currency: str) -> "Money":
        """Return ``units`` cents (or what the currency has in their place). Raises MoneyInvalid."""
        return cls(Decimal(units).scaleb(-minor_digits(currency), _EXACT), currency)

    @classmethod
    def from_json(cls, value: JsonObject) -> "Money":
        """Read what ``to_json`` wrote. Raises MoneyInvalid."""
        amount, currency = value.get("amount"), value.get("currency")
        if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount) or not isinstance(currency, str):
            raise MoneyInvalid(
                f"{amount!r} {currency!r} is not a sum of money; send {{'amount': '12.50', 'currency': 'USD'}}"
            )
        return cls(Decimal(amount), currency)

    def to_json(self) -> JsonObject:
        """Return a JSON form that loses nothing: the amount is a string."""
        return {"amount": f"{self.amount:f}", "currency": self.currency}

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        return Money(_EXACT.add(self.amount, self._same(other)), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(_EXACT.subtract(self.amount, self._same(other)), self.currency)

    def __neg__(self) -> "Money":
        return Money(_EXACT.minus(self.amount), self.currency)

    def __mul__(self, factor: "int | Decimal") -> "Money":
        if isinstance(factor, float):
            raise MoneyInvalid(f"{factor!r} is a float; multiply by an int or a Decimal")
        return Money(_EXACT.multiply(self.amount, Decimal(factor)), self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount >= self._same(other)

    @property
    def is_whole(self) -> bool:
        """Tell whether the amount can be paid: whole cents."""
        return self == self.rounded(Rounding.DOWN)

    def rounded(self, rounding: Rounding) -> "Money":
        """Return the nearest sum of whole cents; ``rounding`` says what becomes of half a one."""
        cent = Decimal(1).scaleb(-minor_digits(self.currency))
        return Money(self.amount.quantize(cent, rounding=rounding.value, context=_LOOSE), self.currency)

    def to_minor(self) -> int:
        """Return the sum in whole cents, as payment providers count. Raises MoneyInvalid where it is not whole."""
        if not self.is_whole:
            raise MoneyInvalid(f"{self} is not a sum of whole cents; round it first")
        return int(self.amount.scaleb(minor_digits(self.currency), _EXACT))

    def split(self, weights: Sequence[int]) -> "list[Money]":
        """Share the sum out by ``weights`` without losing a cent. Raises MoneyInvalid.

        Whoever is owed the largest fraction of a cent gets it; among equals the earlier one.
        """
        if not weights or min(weights) < 0 or not sum(weights):
            raise MoneyInvalid(f"Cannot share {self} out by {list(weights)}; at least one weight must be positive")
        total, whole = self.to_minor(), sum(weights)
        shares = [abs(total) * weight // whole for weight in weights]
        owed = sorted(range(len(weights)), key=lambda n: -(abs(total) * weights[n] % whole))
        for place in owed[: abs(total) - sum(shares)]:
            shares[place] += 1
        return [Money.from_minor(share if total >= 0 else -share, self.currency) for share in shares]

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise MoneyInvalid(f"{self} and {other} are of two currencies; exchange one of them first")
        return other.amount


def minor_digits(currency: str) -> int:
    """Return how many digits ``currency`` has behind the point."""
    if _NO_DIGITS.fullmatch(currency):
        return 0
    if _THREE_DIGITS.fullmatch(currency):
        return 3
    return 4 if _FOUR_DIGITS.fullmatch(currency) else 2
