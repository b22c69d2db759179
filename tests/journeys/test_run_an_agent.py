# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A person runs an agent on a text of their own and watches its steps come."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from agents.operations.flows import create_flow
from agents.operations.versions import publish_flow
from tests.agents.test_runs import BLUEPRINT
from tests.factories import World

pytestmark = pytest.mark.browser


def test_a_run_fills_as_its_entries_come(
    page: Page, lived: World, sign_in: Callable[[Page, str], None], tmp_path: Path
) -> None:
    # given a published flow and a text that nobody wrote for the product
    flow = create_flow(lived.lead.actor, project=lived.project, document=BLUEPRINT, is_team_template=True)
    publish_flow(lived.lead.actor, flow=str(flow.id))
    text = tmp_path / "birds.md"
    text.write_text("# Parrots\n\nThe kakapo is the only flightless parrot. It lives in New Zealand.\n")
    sign_in(page, "dev@acme.example")
    # when
    page.goto("/")
    page.get_by_role("link", name="Run an agent").first.click()
    page.get_by_label("What should it do?").fill("Which parrot cannot fly?")
    page.get_by_label("Bring a text of your own").set_input_files(text)
    page.get_by_role("button", name="Run", exact=True).click()
    # then
    expect(page.locator("[data-run-status]")).to_contain_text("Succeeded")
    expect(page.locator("[data-run-output]")).to_contain_text("The kakapo is the only flightless parrot")
    for node in ("start", "planner", "tool_selector", "summarizer", "end"):
        expect(page.locator(f"tr[data-node={node}]")).to_contain_text("Succeeded")


def test_a_viewer_is_offered_no_run(page: Page, lived: World, sign_in: Callable[[Page, str], None]) -> None:
    sign_in(page, "viewer@acme.example")
    page.goto("/")
    expect(page.get_by_role("link", name="Run an agent")).to_have_count(0)
