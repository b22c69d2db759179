# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Models in the browser: a key from the vault, a provider that is tried, a route, and a run that falls back."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.factories import World
from tests.fakes.openai import Provider
from tests.journeys.inspection import faults_of
from tests.journeys.test_run_page import started
from vault.models import SecretScope
from vault.operations.secrets import Folder, put_secret

pytestmark = pytest.mark.browser

FLOW: dict[str, Any] = {
    "id": "lamps",
    "nodes": [
        {"id": "start", "type": "entry", "next": "ask"},
        {"id": "ask", "type": "llm", "model": "fast", "prompt": "Who lit the lamp?", "next": "end"},
        {"id": "end", "type": "exit", "output": "{{ ask.text }}"},
    ],
}


@pytest.fixture
def servers(model_servers: tuple[Provider, Provider]) -> tuple[Provider, Provider]:
    for server in model_servers:
        server.scripts.clear()
        server.asked.clear()
    return model_servers


def connect(page: Page, server: Provider, *, name: str) -> None:
    page.goto("/models/")
    page.get_by_role("link", name="Connect a provider").first.click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Provider", exact=True).select_option("vllm")
    page.get_by_label("Key", exact=True).select_option(label=f"{name.lower()}_key")
    page.get_by_label("Address").fill(server.url)
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    another = page.locator("details").filter(has=page.get_by_role("heading", name="Another model"))
    another.get_by_label("Model", exact=True).fill("gpt-4o")
    another.get_by_label("Name", exact=True).fill(name.lower())
    another.get_by_role("button", name="Add the model").click()
    expect(page.get_by_role("link", name=name.lower(), exact=True)).to_be_visible()


def look(page: Page, name: str) -> None:
    """Check a page, and keep a picture of it where somebody wants to look."""
    assert faults_of(page) == []
    if folder := os.environ.get("LOOK_AT"):
        for theme in ("light", "dark"):
            page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 900})
                page.screenshot(path=str(Path(folder) / f"{name}-{theme}-{width}.png"), full_page=True)
        page.set_viewport_size({"width": 1280, "height": 900})


def test_a_provider_is_connected_tried_routed_and_stands_in_for_another(
    page: Page, lived: World, sign_in: Callable[..., None], servers: tuple[Provider, Provider]
) -> None:
    near, far = servers
    for name, server in (("near", near), ("far", far)):
        folder = Folder(SecretScope.ORGANIZATION)
        put_secret(lived.admin.actor, f"{name}_key", server.key.encode(), folder=folder)
    sign_in(page, "admin@acme.example")
    connect(page, far, name="Far")
    connect(page, near, name="Near")

    page.get_by_role("button", name="Try it").click()
    trial = page.get_by_role("region", name="Trial")
    expect(trial).to_contain_text("The lamp was lit in 1871.")
    near.will(status=429, error={"message": "Slow down, please.", "type": "requests"})
    page.get_by_role("button", name="Try it").click()
    expect(trial).to_contain_text("Slow down, please.")
    expect(trial).to_contain_text("model_rate_limited")
    box, bar = trial.bounding_box(), page.locator(".top").bounding_box()
    assert box
    assert bar
    assert box["y"] >= bar["y"] + bar["height"], "the trial begins beneath the bar on top"
    look(page, "provider")
    assert near.key not in page.content()

    page.goto("/models/routes/new/")
    page.get_by_label("Name", exact=True).fill("fast")
    page.get_by_label("Asked first").select_option(label="far (Far)")
    page.get_by_role("button", name="Make the route").click()
    page.get_by_label("Model", exact=True).select_option(label="near (Near)")
    page.get_by_role("button", name="Ask it last").click()
    steps = page.get_by_role("list", name="Asked in this order").get_by_role("listitem")
    expect(steps).to_have_count(2)
    # By keyboard alone.
    page.get_by_role("button", name="Ask near earlier").focus()
    page.keyboard.press("Enter")
    expect(steps.first).to_contain_text("near")
    look(page, "route")

    near.will(status=503, error="Too much to do.")
    run_id = started(lived, FLOW)
    page.goto(f"/runs/{run_id}/?node=ask&tab=output")
    expect(page.get_by_role("main")).to_contain_text("The lamp was lit in 1871.", timeout=20_000)
    # The page is read anew when a run ends that was followed: what comes now is looked for in that one.
    expect(page.locator("[data-run-output]")).to_be_visible()
    asked = page.get_by_role("list", name="Who was asked, in turn").get_by_role("listitem")
    expect(asked).to_have_count(2)
    expect(asked.nth(0)).to_contain_text("near")
    expect(asked.nth(1)).to_contain_text("far")
    assert (len(near.asked), len(far.asked)) == (3, 1)
    look(page, "run")
    page.goto("/models/")
    look(page, "providers")
    page.goto("/models/routes/")
    look(page, "routes")


def test_what_cannot_be_is_said_beside_its_field(page: Page, lived: World, sign_in: Callable[..., None]) -> None:
    sign_in(page, "admin@acme.example")
    page.goto("/models/providers/new/")
    page.get_by_label("Name", exact=True).fill("Inside")
    page.get_by_label("Provider", exact=True).select_option("vllm")
    page.get_by_label("Address").fill("http://169.254.169.254/v1")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_label("Address")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("main")).to_contain_text("private, local or reserved address")
    look(page, "provider-new")


def test_a_viewer_sees_the_models_and_changes_nothing(
    page: Page, lived: World, sign_in: Callable[..., None], servers: tuple[Provider, Provider]
) -> None:
    sign_in(page, "viewer@acme.example")
    page.goto("/models/")
    expect(page.get_by_text("No providers of your own")).to_be_visible()
    expect(page.get_by_role("link", name="Connect a provider")).to_have_count(0)
    look(page, "viewer")
