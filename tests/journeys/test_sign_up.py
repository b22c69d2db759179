# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A stranger becomes a person with an organization of their own, and comes back when they forgot the password."""

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Page, expect

from tests.factories import PASSWORD, World, make_person
from tests.journeys.conftest import Product

pytestmark = pytest.mark.browser

NEW_PASSWORD = "staple the correct horse"


def sign_up(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()


def give_password(page: Page, email: str, password: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_stranger_signs_up_and_lands_in_an_organization_of_their_own(
    page: Page, lived: World, product: Product
) -> None:
    page.goto("/account/login/")
    page.get_by_role("link", name="Create an account").click()
    sign_up(page, "nina@new.example")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    # not in before the address is confirmed
    page.goto("/")
    expect(page).to_have_url(f"{product.url}/account/login/?next=/")
    # when
    page.goto(product.mailed_link("nina@new.example", holding="confirm-email"))
    page.get_by_role("button", name="Confirm").click()
    # then
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_contain_text("nina")
    page.goto("/settings/members/")
    expect(page.get_by_role("row").filter(has_text="nina@new.example")).to_contain_text("Organization admin")


def test_an_address_that_is_taken_looks_like_any_other(page: Page, lived: World, product: Product) -> None:
    page.goto("/account/signup/")
    sign_up(page, "dev@acme.example")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    assert "confirm-email" not in product.newest_mail("dev@acme.example")


def test_a_wrong_password_is_refused_and_the_right_one_lets_in_and_out(page: Page, lived: World) -> None:
    make_person("rita@new.example", password=PASSWORD)
    page.goto("/account/login/")
    give_password(page, "rita@new.example", "not the password")
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    give_password(page, "rita@new.example", PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    # when
    page.get_by_label("Menu of rita@new.example").click()
    page.get_by_role("button", name="Sign out").click()
    # then
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_forgotten_password_is_replaced_by_mail(page: Page, lived: World, product: Product) -> None:
    make_person("fred@new.example", password=PASSWORD)
    page.goto("/account/login/")
    page.get_by_role("link", name="Forgot it?").click()
    page.get_by_label("Email").fill("fred@new.example")
    page.get_by_role("button", name="Send the link").click()
    # when
    page.goto(product.mailed_link("fred@new.example", holding="password/reset"))
    page.get_by_label("New Password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New Password (again)").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Choose a new password")
    page.goto("/account/login/")
    # then
    give_password(page, "fred@new.example", PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    give_password(page, "fred@new.example", NEW_PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    assert get_user_model().objects.get(email="fred@new.example").check_password(NEW_PASSWORD)
