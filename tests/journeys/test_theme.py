# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The theme one chooses stays: on the next page, in the next browser, and on the sign-in page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.factories import World

pytestmark = pytest.mark.browser


def test_a_theme_stays_with_its_person(
    page: Page, lived: World, sign_in: Callable[..., None], another_browser: Callable[..., Page]
) -> None:
    sign_in(page, "dev@acme.example")
    page.goto("/")
    light = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    # when
    page.get_by_label("Menu of Dev").click()
    with page.expect_response("**/theme/"):
        page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") != light
    # then
    page.goto("/runs/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    elsewhere = another_browser(java_script_enabled=False)
    sign_in(elsewhere, "dev@acme.example")
    elsewhere.goto("/")
    expect(elsewhere.locator("html")).to_have_attribute("data-theme", "dark")
    # without scripts, and signed out, the choice works as well
    elsewhere.get_by_label("Menu of Dev").click()
    elsewhere.get_by_role("button", name="Light").click()
    expect(elsewhere.locator("html")).to_have_attribute("data-theme", "light")
    elsewhere.get_by_label("Menu of Dev").click()
    elsewhere.get_by_role("button", name="Sign out").click()
    elsewhere.goto("/account/login/")
    expect(elsewhere.locator("html")).to_have_attribute("data-theme", "light")
