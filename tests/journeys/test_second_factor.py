# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The second step of signing in: an authenticator app, recovery codes, passkeys."""

import time
from collections.abc import Callable

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page, expect

from tests.factories import PASSWORD, World, make_person
from tests.journeys.conftest import Product
from tests.journeys.inspection import faults_of
from tests.journeys.test_sign_up import give_password

pytestmark = pytest.mark.browser

EMAIL = "tom@new.example"


def code_now(secret: str) -> str:
    """Return what an authenticator app shows for a secret (RFC 6238)."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def switch_on_an_app(page: Page) -> list[str]:
    """Set up an authenticator app as its page says, and return the recovery codes that come with it."""
    page.goto("/account/2fa/totp/activate/")
    secret = page.locator(".copyfield code").inner_text()
    page.get_by_label("Authenticator code").fill(code_now(secret))
    page.get_by_role("button", name="Switch on").click()
    return page.locator("#recovery-codes").inner_text().split()


def test_an_app_guards_the_sign_in_and_a_recovery_code_opens_it_once(
    page: Page, lived: World, sign_in: Callable[..., None]
) -> None:
    make_person(EMAIL, password=PASSWORD)
    sign_in(page, EMAIL)
    codes = switch_on_an_app(page)
    assert len(codes) == 10
    # when
    page.context.clear_cookies()
    page.goto("/account/login/")
    give_password(page, EMAIL, PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Second step")
    assert faults_of(page) == []
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("Incorrect code")
    page.get_by_label("Code", exact=True).fill(codes[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    # then
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    page.context.clear_cookies()
    page.goto("/account/login/")
    give_password(page, EMAIL, PASSWORD)
    page.get_by_label("Code", exact=True).fill(codes[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("Incorrect code")


def test_a_passkey_signs_in_without_a_password(
    page: Page, lived: World, product: Product, sign_in: Callable[..., None]
) -> None:
    # a passkey belongs to a name, never to a bare address of the network
    home = product.url.replace("127.0.0.1", "localhost")
    make_person(EMAIL, password=PASSWORD)
    give_authenticator(page)
    page.goto(f"{home}/account/login/")
    give_password(page, EMAIL, PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    page.goto(f"{home}/account/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)  # who wants to add a key shows once more who they are
    page.locator("main form button.pri").click()
    expect(page.get_by_label("Name")).to_be_visible()
    add_key(page, home)
    # when
    page.context.clear_cookies()
    page.goto(f"{home}/account/login/")
    page.get_by_role("button", name="passkey").click()
    # then
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    page.goto(f"{home}/account/2fa/webauthn/")
    expect(page.get_by_role("main")).to_contain_text("Thumb")


def add_key(page: Page, home: str) -> None:
    """Add a passkey by its page."""
    page.goto(f"{home}/account/2fa/webauthn/add/")
    page.get_by_label("Name").fill("Thumb")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def give_authenticator(page: Page) -> None:
    """Plug in Chromium's virtual authenticator: a thumb that is always there."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    thumb = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": thumb})
