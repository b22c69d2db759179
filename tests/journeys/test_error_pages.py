# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages for what went wrong: they say what happened and show a way on, whoever looks at them."""

from collections.abc import Callable

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Page, Route, expect

from tests.factories import World
from tests.journeys.inspection import faults_of

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("address", "status", "heading"),
    [
        ("/nowhere/", 404, "There is nothing here"),
        ("/runs/?which=%00", 400, "This request does not add up"),
        ("/settings/members/invite/", 403, "You may not do this here"),
    ],
)
def test_a_page_one_cannot_have_says_why_and_leads_home(
    page: Page, lived: World, sign_in: Callable[..., None], address: str, status: int, heading: str
) -> None:
    sign_in(page, "viewer@acme.example")
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == status
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page.get_by_role("main")).to_contain_text(answer.headers["x-request-id"])
    page.get_by_role("link", name="Go home").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")


def test_every_error_page_is_for_everybody(page: Page, lived: World) -> None:
    def draw(route: Route) -> None:
        code = route.request.url.rpartition("/")[2]
        route.fulfill(content_type="text/html", body=render_to_string(f"errors/{code}.html"))

    page.route("**/drawn/*", draw)
    found: list[str] = []
    for code in (400, 403, 404, 413, 429, 500, 503):
        page.goto(f"/drawn/{code}")
        found += faults_of(page, has_skip_link=False)
    assert not found, "\n".join(found)
