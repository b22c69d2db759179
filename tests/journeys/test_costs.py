# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Costs in a browser: a budget set by its form, a price, and a chart that its table says in numbers."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from codexos.kernel import clock
from codexos.kernel.chat import Usage
from llm.models import CallOutcome
from llm.operations.calls import CallBegun, CallEnded
from llm.operations.spending import settle
from tests.factories import World
from tests.journeys.conftest import Product
from tests.llm.asking import asker_of

pytestmark = pytest.mark.browser


def spend(world: World) -> None:
    """Write down three weeks of calls of three models."""
    for day in range(21):
        for model, cost in (("gpt-4o", "0.8"), ("o3", "0.31"), ("claude-sonnet-4-5", "0.12")):
            begun = CallBegun(
                asker_of(world), "OpenAI", "openai", model, at=clock.now() - timedelta(days=day, minutes=5)
            )
            amount = Decimal(cost) * (1 + (day * 7 + len(model)) % 5)
            settle(begun, CallEnded(CallOutcome.ANSWERED, Usage(12_000, 900), amount, 1.2))


def test_costs_are_seen_bounded_and_priced(
    page: Page, product: Product, lived: World, sign_in: Callable[..., None]
) -> None:
    spend(lived)
    sign_in(page, "admin@acme.example")
    page.goto(f"{product.url}/usage/")
    expect(page.locator("cost-chart canvas")).to_be_visible()
    expect(page.locator("cost-chart .u-legend")).to_contain_text("gpt-4o")
    page.get_by_text("As a table").click()
    expect(page.get_by_role("cell", name="Sum").first).to_be_visible()
    page.get_by_role("link", name="Person").click()
    expect(page.get_by_role("cell", name="Dev")).to_be_visible()
    page.get_by_role("link", name="Budgets").click()
    page.get_by_role("link", name="New budget").first.click()
    page.get_by_label("Name").fill("Everybody")
    page.get_by_label("Limit in US dollars").fill("100")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("link", name="Everybody")).to_be_visible()
    expect(page.get_by_role("progressbar", name="Spent of Everybody")).to_be_visible()
    page.get_by_role("link", name="Prices").click()
    page.get_by_label("Model", exact=True).fill("our-own")
    page.get_by_label("Input").fill("1.5")
    page.get_by_label("Output").fill("6")
    page.get_by_role("button", name="Set the price").click()
    expect(page.get_by_role("cell", name="our-own own")).to_be_visible()


def test_who_spent_nothing_is_told_so(page: Page, product: Product, lived: World, sign_in: Callable[..., None]) -> None:
    sign_in(page, "viewer@acme.example")
    page.goto(f"{product.url}/usage/")
    expect(page.get_by_role("heading", name="Your usage")).to_be_visible()
    expect(page.get_by_text("Nothing was asked of a model that costs something")).to_be_visible()
    page.goto(f"{product.url}/models/budgets/")
    expect(page.get_by_text("No budget is on you")).to_be_visible()
    expect(page.get_by_role("link", name="New budget")).to_have_count(0)
