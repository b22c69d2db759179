# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""No cent appears, none gets lost, and nothing is rounded unless someone says how."""

from decimal import Decimal, Inexact

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codexos.kernel.errors import InvalidInput
from codexos.kernel.money import Money, MoneyInvalid, Rounding

cents = st.integers(-(10**12), 10**12)
currencies = st.sampled_from(["USD", "EUR", "JPY", "KWD", "CLF"])


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


@given(cents, st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any), currencies)
def test_splitting_loses_no_cent_and_is_fair(units, weights, currency):
    whole = Money.from_minor(units, currency)
    shares = whole.split(weights)
    assert sum(share.to_minor() for share in shares) == units
    for share, weight in zip(shares, weights, strict=True):
        assert abs(Decimal(share.to_minor()) - Decimal(units) * weight / sum(weights)) < 1
        assert weight or share == Money.zero(currency)


def test_the_first_of_equals_gets_the_odd_cent():
    assert usd("0.05").split([1, 1, 1]) == [usd("0.02"), usd("0.02"), usd("0.01")]
    assert usd("-0.05").split([1, 1, 1]) == [usd("-0.02"), usd("-0.02"), usd("-0.01")]
    assert usd("10.00").split([85, 15]) == [usd("8.50"), usd("1.50")]


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [1, -1], [-1]])
def test_nothing_is_shared_out_to_nobody(weights):
    with pytest.raises(MoneyInvalid, match="weight"):
        usd("1.00").split(weights)


@pytest.mark.parametrize(
    ("amount", "rounding", "expected"),
    [
        ("0.125", Rounding.HALF_EVEN, "0.12"),
        ("0.135", Rounding.HALF_EVEN, "0.14"),
        ("0.125", Rounding.HALF_UP, "0.13"),
        ("-0.125", Rounding.HALF_UP, "-0.13"),
        ("0.129", Rounding.DOWN, "0.12"),
        ("1", Rounding.HALF_UP, "1.00"),
    ],
)
def test_half_a_cent_goes_where_it_was_told(amount, rounding, expected):
    assert str(usd(amount).rounded(rounding)) == f"{expected} USD"


def test_currencies_have_their_own_cents():
    assert Money(Decimal("12.5"), "JPY").rounded(Rounding.HALF_EVEN) == Money(Decimal(12), "JPY")
    assert Money.from_minor(1234, "JPY") == Money(Decimal(1234), "JPY")
    assert Money.from_minor(1234, "KWD") == Money(Decimal("1.234"), "KWD")
    assert Money.from_minor(1234, "USD") == usd("12.34")


@given(cents, currencies)
def test_whole_cents_come_back(units, currency):
    money = Money.from_minor(units, currency)
    assert money.to_minor() == units
    assert money.is_whole
    assert Money.from_json(money.to_json()) == money


def test_a_part_of_a_cent_cannot_be_paid():
    assert not usd("0.001").is_whole
    with pytest.raises(MoneyInvalid, match="round it first"):
        usd("0.001").to_minor()


def test_sums_are_exact_or_refused():
    assert usd("0.1") + usd("0.2") == usd("0.3")
    assert usd("1") - usd("0.0000000001") == usd("0.9999999999")
    assert usd("12.34") * Decimal("0.15") == Decimal("0.15") * usd("12.34") == usd("1.8510")
    assert -usd("1") == usd("-1")
    assert usd("1e20") + usd("1e-20") - usd("1e20") == usd("1e-20")
    with pytest.raises(Inexact):
        usd("1e60") + usd("1e-60")


def test_two_currencies_do_not_mix():
    euro = Money(Decimal(1), "EUR")
    for mix in (usd("1").__add__, usd("1").__sub__, usd("1").__lt__, usd("1").__le__, usd("1").__gt__, usd("1").__ge__):
        with pytest.raises(MoneyInvalid, match="two currencies"):
            mix(euro)
    assert usd("1") != euro


def test_order():
    assert usd("1") < usd("1.01") <= usd("1.010") < usd("2")
    assert usd("2") > usd("1") >= usd("1")
    assert usd("1.0") == usd("1.00")
    assert len({usd("1.0"), usd("1.00")}) == 1


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(1.5, "USD"), (1, "USD"), ("1", "USD"), (Decimal("NaN"), "USD"), (Decimal("Infinity"), "USD")]
    + [(Decimal(1), text) for text in ("usd", "US", "USDX", "", "US1")],
)
def test_what_is_no_money_is_refused(amount, currency):
    with pytest.raises(MoneyInvalid) as raised:
        Money(amount, currency)
    assert isinstance(raised.value, InvalidInput)


def test_a_float_is_no_factor():
    with pytest.raises(MoneyInvalid, match="float"):
        usd("1") * 0.1


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"amount": 12.5, "currency": "USD"},
        {"amount": "12.5"},
        {"amount": "NaN", "currency": "USD"},
        {"amount": "1e9", "currency": "USD"},
        {"amount": "1_000", "currency": "USD"},
        {"amount": "12,50", "currency": "USD"},
        {"amount": "1", "currency": 7},
    ],
)
def test_json_that_is_no_money_is_refused(value):
    with pytest.raises(MoneyInvalid):
        Money.from_json(value)


def test_json_keeps_the_amount_as_it_stands():
    assert usd("1E+3").to_json() == {"amount": "1000", "currency": "USD"}
    assert usd("0.00000001").to_json()["amount"] == "0.00000001"
