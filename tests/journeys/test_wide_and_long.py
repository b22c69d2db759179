# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Words too long for their line and runs too long for one look: pages stay as wide as the window, and answer."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from agents.operations.flows import create_flow
from agents.operations.versions import publish_flow
from rag.operations.files import store_file
from tests.factories import World
from tests.journeys.conftest import Product
from tests.journeys.inspection import OVERHANG
from tests.journeys.test_live_run import long_chain

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
WORD = "x" * 3_000
COLUMNS = '() => getComputedStyle(document.querySelector(".cols")).gridTemplateColumns.split(" ").length'
# What the stream hands over, at the pace of a long run: a task of its own for each entry.
WATCH = """async (nodes) => {
  const live = document.querySelector("run-live");
  let drawn = 0;
  new MutationObserver(() => drawn++).observe(live.querySelector("[data-console]"), { childList: true });
  let seq = live.querySelectorAll("[data-console] li").length;
  const next = () => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(0);
  });
  for (let i = 0; i < nodes; i++) {
    for (const type of ["step.intended", "step.done"]) {
      live.take({ type, seq: ++seq, node_id: `step_${i}`, at: new Date().toISOString(), data: { tokens: 1 } });
      await next();
    }
  }
  while (!document.getElementById(`L${seq}`)) await new Promise(requestAnimationFrame);
  return drawn;
}"""


@pytest.fixture
def flow(lived: World) -> str:
    """A published flow of a thousand steps."""
    flow = create_flow(lived.lead.actor, project=lived.project, document=long_chain(998), is_team_template=True)
    publish_flow(lived.lead.actor, flow=str(flow.id))
    return str(flow.id)


def test_a_run_of_a_thousand_steps_is_watched_without_freezing(
    page: Page, product: Product, flow: str, lived: World, sign_in: Callable[..., None]
) -> None:
    sign_in(page, "dev@acme.example")
    page.goto(f"/runs/new/?flow={flow}")
    page.get_by_label("What should it do?").fill(WORD)
    with product.flows_held():
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.locator("[data-connection]")).to_contain_text("Connected")
        # when
        drawn = page.evaluate(WATCH, 998)
        # then what came is drawn in batches, not entry by entry
        assert 0 < drawn < 500, f"1,996 entries were drawn {drawn} times"
        expect(page.locator('[data-cell="done"]')).to_have_text("998")
        # and one long word of the person's makes the page no wider
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(OVERHANG) == ""


def test_one_column_on_a_phone(page: Page, flow: str, lived: World, sign_in: Callable[..., None]) -> None:
    sign_in(page, "dev@acme.example")
    page.set_viewport_size(PHONE)
    for path in ("/", f"/runs/new/?flow={flow}"):
        page.goto(path)
        assert page.evaluate(COLUMNS) == 1, path
        assert page.evaluate(OVERHANG) == "", path
    # nothing has finished, so nothing is said about failures
    page.goto("/")
    assert "of 0 failed" not in page.content()


def test_the_api_pages_fit_on_a_phone_with_everything_open(
    page: Page, lived: World, sign_in: Callable[..., None]
) -> None:
    sign_in(page, "dev@acme.example")
    page.set_viewport_size(PHONE)
    for path in ("/api/docs/", "/api/docs/errors/"):
        page.goto(path)
        assert page.evaluate(OVERHANG) == "", path
        page.evaluate('() => document.querySelectorAll("details").forEach((part) => { part.open = true; })')
        assert page.evaluate(OVERHANG) == "", path


@pytest.mark.parametrize("width", [390, 800, 1280])
def test_a_file_of_a_long_name_keeps_its_list_in_the_window(
    page: Page, lived: World, sign_in: Callable[..., None], width: int
) -> None:
    store_file(lived.dev.actor, lived.project.id, path=f"{'x' * 250}.md", chunks=[b"x"])
    sign_in(page, "dev@acme.example")
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/files/main/")
    assert page.evaluate(OVERHANG) == ""
