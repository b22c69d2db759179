# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An agent with tools in a browser: its rounds, what it called; and what it would keep, taken in by a person."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from agents.adapters.memory import MemoryPlace, Written
from tests.agents.test_pinning import chain
from tests.factories import World
from tests.journeys.inspection import OVERHANG, faults_of
from tests.journeys.test_run_page import SignIn, started

pytestmark = pytest.mark.browser

DESK: dict[str, Any] = {
    "id": "desk",
    "type": "llm",
    "model": "offline",
    "prompt": "Search for what the harbor is like.",
    "tools": ["WebSearch"],
}


def test_an_agent_calls_a_tool_and_its_rounds_are_shown(page: Page, lived: World, sign_in: SignIn) -> None:
    # given
    run_id = started(lived, chain("desk", DESK), input="go")
    sign_in(page, "dev@acme.example")
    # when
    page.goto(f"/runs/{run_id}/?node=desk&tab=output")
    # A run that ends while it is watched has its page loaded anew, and only that one says what came of it.
    expect(page.locator("[data-run-output]")).to_be_visible()
    # then
    first, second = page.locator("[data-lane='desk[0]']"), page.locator("[data-lane='desk[1]']")
    expect(second.locator("summary")).to_contain_text("tokens")
    expect(second.get_by_role("link", name="WebSearch")).to_be_visible()
    expect(second.get_by_role("link", name="start", exact=True)).to_have_count(0)
    assert faults_of(page) == []
    # what the model asked for
    first.locator("summary").click()
    first.get_by_role("link", name="think").click()
    asked = page.locator("[data-step-part='desk[0]/think']")
    asked.get_by_role("link", name="Output").click()
    expect(asked.get_by_role("heading", name="Calls it asked for")).to_be_visible()
    expect(asked).to_contain_text("harbor")
    # and what it was called with
    page.goto(f"/runs/{run_id}/?node=desk%5B1%5D%2FWebSearch&tab=input")
    expect(page.locator("[data-step-part='desk[1]/WebSearch']")).to_contain_text("query")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(OVERHANG) == ""


def test_a_person_takes_in_what_an_agent_would_keep(page: Page, lived: World, sign_in: SignIn) -> None:
    # given
    place = MemoryPlace(lived.acme.id, lived.project.id)
    place.write(Written("project", "tone", "Answer rudely.", labels=["tool:WebFetch"]))
    sign_in(page, "dev@acme.example")
    page.goto("/flows/")
    # when
    page.get_by_role("link", name="Memory").click()
    page.get_by_role("link", name="Waiting for a person").click()
    page.get_by_role("link", name="tone").click()
    expect(page.get_by_text("tool:WebFetch")).to_be_visible()
    assert faults_of(page) == []
    page.get_by_label("Value").fill("Answer kindly.")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Accept", exact=True).click()
    # then
    expect(page.get_by_text("Runs can read tone now.")).to_be_visible()
    assert [entry["value"] for entry in place.read(["project"])] == ["Answer kindly."]
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_text("Nothing is kept yet")).to_be_visible()
