# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An admin invites somebody, who signs up by the mail and becomes a member, once."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.operations.invitations import invite
from accounts.roles import Role
from tests.factories import World, make_person
from tests.journeys.conftest import Product
from tests.journeys.test_sign_up import sign_up

pytestmark = pytest.mark.browser


def test_who_is_invited_signs_up_accepts_and_is_a_member(
    page: Page,
    lived: World,
    product: Product,
    sign_in: Callable[..., None],
    another_browser: Callable[..., Page],
) -> None:
    # given
    sign_in(page, "admin@acme.example")
    page.goto("/settings/members/")
    page.get_by_role("link", name="Invite").click()
    dialog = page.get_by_role("dialog", name="Invite a member")
    dialog.get_by_label("Email address").fill("ivy@new.example")
    dialog.get_by_label("Role").select_option("developer")
    dialog.get_by_label("Core").check()
    dialog.get_by_role("button", name="Send invitation").click()
    expect(page.get_by_role("row").filter(has_text="ivy@new.example")).to_contain_text("Developer")
    # when
    hers = another_browser()
    hers.goto(product.mailed_link("ivy@new.example", holding="invitations"))
    expect(hers.get_by_role("heading", level=1)).to_have_text("Join Acme")
    hers.get_by_role("link", name="Sign up").click()
    sign_up(hers, "ivy@new.example")
    expect(hers.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    hers.goto(product.mailed_link("ivy@new.example", holding="confirm-email"))
    hers.get_by_role("button", name="Confirm").click()
    expect(hers.get_by_role("heading", level=1)).to_have_text("Join Acme")
    hers.get_by_role("button", name="Accept").click()
    # then
    expect(hers.get_by_role("navigation", name="Breadcrumb")).to_contain_text("Acme")
    page.goto("/settings/members/")
    expect(page.get_by_role("region", name="Members")).to_contain_text("ivy@new.example")


def test_an_invitation_accepted_in_two_browsers_counts_once(
    page: Page,
    lived: World,
    product: Product,
    sign_in: Callable[..., None],
    another_browser: Callable[..., Page],
) -> None:
    make_person("uma@new.example")
    invite(lived.admin.actor, email="uma@new.example", role=Role.VIEWER)
    link = product.mailed_link("uma@new.example", holding="invitations")
    both = [page, another_browser()]
    for browser in both:
        sign_in(browser, "uma@new.example")
        browser.goto(link)
    # when
    for browser in both:
        browser.get_by_role("button", name="Accept").click()
        expect(browser.get_by_role("navigation", name="Breadcrumb")).to_contain_text("Acme")
    # then
    page.goto("/settings/members/")
    expect(page.get_by_role("row").filter(has_text="uma@new.example")).to_have_count(1)
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("This invitation was accepted already")


def test_an_invitation_is_for_its_address_only(
    page: Page, lived: World, product: Product, sign_in: Callable[..., None]
) -> None:
    invite(lived.admin.actor, email="wes@new.example", role=Role.ORG_ADMIN)
    sign_in(page, "mallory@other.example")
    page.goto(product.mailed_link("wes@new.example", holding="invitations"))
    expect(page.get_by_role("main")).to_contain_text("This invitation is for wes@new.example")
    expect(page.get_by_role("button", name="Accept")).to_have_count(0)
