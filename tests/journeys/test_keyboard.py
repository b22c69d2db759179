# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The main job without a mouse."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from agents.operations.flows import create_flow
from agents.operations.versions import publish_flow
from rag.operations.files import store_file
from tests.agents.test_runs import BLUEPRINT
from tests.factories import PASSWORD, World

pytestmark = pytest.mark.browser

COUNT_POINTERS = """
for (const kind of ["pointerdown", "mousedown", "touchstart"]) {
  addEventListener(kind, () => sessionStorage.setItem("pointers", "used"), true);
}
"""


def go_to(target: Locator) -> None:
    """Press Tab until the target has the focus, and see that the focus is visible."""
    target.wait_for()
    for _ in range(40):
        if target.evaluate("element => element === document.activeElement"):
            outline = target.evaluate("element => getComputedStyle(element).outlineStyle")
            assert outline != "none", f"no visible focus on {target}"
            return
        target.page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {target}")


def test_signing_in_running_an_agent_and_reading_its_result_needs_no_mouse(page: Page, lived: World) -> None:
    # given
    flow = create_flow(lived.lead.actor, project=lived.project, document=BLUEPRINT, is_team_template=True)
    publish_flow(lived.lead.actor, flow=str(flow.id))
    store_file(lived.lead.actor, lived.project.id, path="birds.md", chunks=[b"The kakapo is a flightless parrot."])
    lived.dev.person.set_password(PASSWORD)
    lived.dev.person.save()
    page.add_init_script(COUNT_POINTERS)
    press, write = page.keyboard.press, page.keyboard.type
    # when: sign in
    page.goto("/account/login/")
    go_to(page.get_by_label("Email"))
    write("dev@acme.example")
    go_to(page.get_by_label("Password", exact=True))
    write(PASSWORD)
    press("Enter")
    # the first stop of a page leads past its navigation
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    go_to(page.get_by_role("link", name="Skip to content"))
    press("Enter")
    go_to(page.get_by_role("link", name="Run an agent").first)
    press("Enter")
    # run
    go_to(page.get_by_label("What should it do?"))
    write("Which parrot is flightless?")
    go_to(page.get_by_label("birds.md"))
    press("Space")
    go_to(page.get_by_role("button", name="Run", exact=True))
    press("Enter")
    # then
    expect(page.locator("[data-run-output]")).to_contain_text("The kakapo is a flightless parrot")
    go_to(page.get_by_role("log", name="Console"))
    assert page.evaluate('() => sessionStorage.getItem("pointers")') is None


def test_the_command_menu_goes_to_a_page(page: Page, lived: World, sign_in: Callable[..., None]) -> None:
    sign_in(page, "dev@acme.example")
    page.goto("/")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("searchbox", name="Page")).to_be_focused()
    page.keyboard.type("fil")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Files")
    # and Escape closes it again
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
