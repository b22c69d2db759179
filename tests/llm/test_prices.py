# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Prices: a dated list that is the one it says it is, exact to a fraction of a cent, and honest where it knows none."""

from decimal import Decimal
from importlib.resources import files

import pytest

from codexos.kernel.chat import Usage
from llm.engine.prices.rates import FREE, Rate, rate_from
from llm.engine.prices.snapshot import listed_rate, read_snapshot, snapshot
from llm.errors import PriceListBroken


def test_the_list_is_dated_and_known_by_its_hash():
    prices = snapshot()
    assert prices.as_of.startswith("20")
    assert len(prices.sha256) == 64
    assert 100 <= len(prices.rates) <= 300
    assert {kind for kind, _model in prices.rates} == {"openai", "anthropic", "gemini", "azure", "bedrock", "mistral"}


def test_a_list_that_was_changed_is_not_read():
    content = (files("llm.engine.prices") / "snapshot.json").read_bytes()
    with pytest.raises(PriceListBroken, match="write_prices"):
        read_snapshot(content.replace(b'"2.5"', b'"0.1"', 1), sha256=snapshot().sha256)


@pytest.mark.parametrize(
    ("kind", "model", "price"),
    [
        ("openai", "gpt-4o", "2.5"),
        ("openai", "gpt-4o-2024-08-06", "2.5"),
        ("openai", "ft:gpt-4o-2024-08-06:acme::abc", "3.75"),
        ("anthropic", "claude-sonnet-4-5-20250929", "3"),
        ("mistral", "mistral-large-latest", "0.5"),
    ],
)
def test_dated_and_tuned_names_are_found(kind: str, model: str, price: str):
    rate = listed_rate(kind, model)
    assert rate is not None
    assert rate.input == Decimal(price)


def test_what_runs_here_is_free_and_what_nobody_listed_is_unknown():
    assert listed_rate("ollama", "llama3:8b") is FREE
    assert listed_rate("vllm", "gpt-4o") is FREE
    assert listed_rate("openai", "gpt-4o-of-tomorrow") is None
    assert listed_rate("openrouter", "gpt-4o") is None


def test_a_cost_is_exact():
    rate = Rate(Decimal("0.05"), Decimal("0.40"), cached_read=Decimal("0.005"))
    assert rate.cost(Usage(1, 0)) == Decimal("0.00000005")
    assert rate.cost(Usage(1_000_000, 0)) == Decimal("0.05")
    assert rate.cost(Usage(1_000, 10, cached_tokens=1_000)) == Decimal("0.000009")
    third = Rate(Decimal("0.333333"), Decimal(0))
    assert sum(third.cost(Usage(1, 0)) for _ in range(3)) == Decimal("0.00000099")


def test_the_cache_the_batch_and_the_long_call_have_prices_of_their_own():
    rate = rate_from(
        {
            "input": "3",
            "output": "15",
            "cached_read": "0.3",
            "cache_write": "3.75",
            "batch_factor": "0.5",
            "long": {"above": 200_000, "input": "6", "output": "22.5"},
        }
    )
    usage = Usage(100_000, 1_000, cached_tokens=40_000, cache_write_tokens=10_000)
    assert rate.cost(usage) == Decimal("0.2145")
    assert rate.cost(usage, is_batch=True) == Decimal("0.10725")
    assert rate.cost(Usage(200_000, 0)) == Decimal("0.6")
    assert rate.cost(Usage(200_001, 0)) == Decimal("1.200006")
    assert rate_from(rate.as_data()) == rate


@pytest.mark.parametrize("data", [{}, {"input": "1"}, {"input": "-1", "output": "1"}, {"input": "NaN", "output": "1"}])
def test_what_is_no_rate_is_refused(data: dict[str, str]):
    with pytest.raises(ValueError, match=r"amount|rate"):
        rate_from(data)


def test_the_most_a_call_may_cost_is_never_less_than_it_costs():
    long = {"above": 1000, "input": "6", "output": "30"}
    rate = rate_from({"input": "3", "output": "15", "cache_write": "3.75", "long": long})
    for tokens in (10, 1_000, 1_001, 50_000):
        usage = Usage(tokens, 77, cache_write_tokens=tokens)
        assert rate.most(input_tokens=tokens, output_tokens=77) >= rate.cost(usage)
