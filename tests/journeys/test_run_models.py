# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""On a run's page: by which route a model answered, whom it fell back from, and what that took."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from playwright.sync_api import Page, expect

from tests.agents.test_pinning import chain
from tests.factories import World
from tests.fakes.openai import Provider
from tests.journeys.inspection import OVERHANG, faults_of
from tests.journeys.test_run_page import SignIn, started
from tests.llm.setting_up import connect, deploy, route

pytestmark = pytest.mark.browser

ASKING: dict[str, Any] = {"id": "answer", "type": "llm", "model": "smart", "prompt": "Who lit the lamp?"}


@pytest.fixture
def model_server(model_servers: tuple[Provider, Provider], settings: LazySettings) -> Provider:
    """A server that this process may connect an organization to, as the product may."""
    settings.EGRESS_ALLOW = urlsplit(model_servers[0].url).netloc
    return model_servers[0]


def test_the_way_an_answer_took_is_shown_with_what_it_took(
    page: Page, lived: World, model_server: Provider, sign_in: SignIn
) -> None:
    # given a route whose first choice has too much to do
    provider = connect(lived.admin.actor, model_server)
    first, second = (
        deploy(lived.admin.actor, provider, name, model=model)
        for name, model in (("Careful", "gpt-4"), ("Quick", "gpt-4o"))
    )
    route(lived.admin.actor, "smart", [first, second])
    model_server.will(status=503, error={"error": {"message": "Busy"}})
    model_server.will(usage=(1_200, 30), cached=1_024)
    # when
    run_id = started(lived, chain("asking", ASKING))
    sign_in(page, "dev@acme.example")
    page.goto(f"/runs/{run_id}/?node=answer&tab=output")
    expect(page.locator("[data-run-output]")).to_be_visible()
    page.reload()
    # then
    row = page.locator("tr[data-node=answer]")
    expect(row.locator("[data-cell=fallen]")).to_be_visible()
    expect(row.locator("[data-cell=way]")).to_have_text("smart → gpt-4o-0613")
    expect(row.locator("[data-cell=cached]")).to_be_hidden()
    expect(row.locator("[data-cell=tokens]")).to_have_text("1,230")
    told = page.locator("tr.detail dl")
    expect(told).to_contain_text("smart")
    asked = told.get_by_role("list", name="Who was asked, in turn").get_by_role("listitem")
    expect(asked).to_have_count(2)
    expect(asked.nth(0)).to_contain_text("Careful")
    expect(asked.nth(0)).to_contain_text("overloaded")
    expect(asked.nth(1)).to_contain_text("answered")
    expect(told).to_contain_text("1,200 read (1,024 of them from the provider's cache), 30 written")
    assert faults_of(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(OVERHANG) == ""
    assert faults_of(page) == []


def test_an_answer_that_fits_no_schema_says_what_is_wrong(
    page: Page, lived: World, model_server: Provider, sign_in: SignIn
) -> None:
    # given
    deploy(lived.admin.actor, connect(lived.admin.actor, model_server), "Quick")
    schema = {"type": "object", "properties": {"year": {"type": "integer"}}, "required": ["year"]}
    model_server.will(words=("In 1871.",)).will(words=('{"year": "1871"}',))
    # when
    run_id = started(lived, chain("asking", {**ASKING, "model": "Quick", "output_schema": schema}))
    sign_in(page, "dev@acme.example")
    page.goto(f"/runs/{run_id}/?node=answer&tab=output")
    # then
    expect(page.locator("[data-run-status]")).to_contain_text("Failed")
    expect(page.locator("tr.detail")).to_contain_text("'year' must be a whole number, not text")
    expect(page.locator("tr[data-node=answer] [data-cell=tokens]")).to_have_text("98")
