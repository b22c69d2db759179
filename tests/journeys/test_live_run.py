# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A run is watched live while the line is cut in its middle: nothing is missing and nothing comes twice."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from agents.operations.flows import create_flow
from agents.operations.versions import publish_flow
from tests.factories import World
from tests.journeys.conftest import Product
from tests.journeys.line import Line

pytestmark = pytest.mark.browser

# The page draws itself anew when the run ends, so what stood there live is written down at that moment.
KEEP_WHAT_STOOD = """
document.addEventListener("run:finished", () => {
  const lines = [...document.querySelectorAll("[data-console] li")].map((line) => line.id);
  sessionStorage.setItem("live", JSON.stringify(lines));
});
"""
LINES = '() => [...document.querySelectorAll("[data-console] li")].map((line) => line.id)'


@pytest.fixture
def line(product: Product) -> Iterator[Line]:
    """A line to the product that can be cut."""
    with Line(product.url, path="/events", length=6_000) as line:
        yield line


def long_chain(length: int) -> dict[str, Any]:
    """Return a flow of many small steps."""
    names = [f"step_{number}" for number in range(length)]
    steps = [
        {"id": name, "type": "llm", "model": "offline", "prompt": "{{ input }}", "next": following}
        for name, following in zip(names, [*names[1:], "end"], strict=True)
    ]
    return {
        "id": "chain",
        "nodes": [{"id": "start", "type": "entry", "next": names[0]}, *steps, {"id": "end", "type": "exit"}],
    }


def test_a_cut_line_loses_and_repeats_nothing(
    page: Page, lived: World, product: Product, line: Line, sign_in: Callable[..., None]
) -> None:
    flow = create_flow(lived.lead.actor, project=lived.project, document=long_chain(60), is_team_template=True)
    publish_flow(lived.lead.actor, flow=str(flow.id))
    sign_in(page, "dev@acme.example")
    page.add_init_script(KEEP_WHAT_STOOD)
    page.goto(f"{line.url}/runs/new/?flow={flow.id}")
    page.get_by_label("What should it do?").fill("Count to sixty.")
    connection = page.locator("[data-connection]")
    # given a page that watches from the first entry on
    with product.flows_held():
        page.get_by_role("button", name="Run", exact=True).click()
        expect(connection).to_contain_text("Connected")
        expect(page.locator("[data-run-status]")).to_contain_text("Queued")
    # when
    expect(connection).to_contain_text("Reconnecting")
    expect(page.locator("[data-console] li").first).to_be_visible()  # what came before the cut is drawn with its batch
    at_the_cut = page.evaluate(LINES)
    line.mend()
    # then
    expect(page.locator("[data-run-output]")).to_be_visible(timeout=20_000)
    live, in_the_end = page.evaluate('() => JSON.parse(sessionStorage.getItem("live"))'), page.evaluate(LINES)
    assert 0 < len(at_the_cut) < len(in_the_end)
    assert live == in_the_end == [f"L{seq}" for seq in range(1, len(in_the_end) + 1)]
