# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Takes the pictures in docs/screenshots: bin/screenshots. Not a test, though it runs as one to have the product."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page
from pytest_django.plugin import DjangoDbBlocker

from tests.conftest import wipe
from tests.journeys.conftest import Product
from tests.journeys.lively import Lively, make_lively, spread_over_days
from tests.journeys.pictures import with_palette

FOLDER = Path(os.environ.get("SCREENSHOTS", Path(__file__).parents[2] / "docs" / "screenshots"))
DESK, TELEPHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
NARROW = ("home", "run", "files", "members")
LARGEST_PICTURE_BYTES = 150_000


@pytest.fixture
def lively(
    product: Product, django_db_blocker: DjangoDbBlocker, truth: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lively]:
    """Harbourline, committed; everything is gone afterwards."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with django_db_blocker.unblock():
        made = make_lively()
        spread_over_days(truth)
        yield made
    wipe(truth)


@pytest.mark.browser
def test_take_pictures(
    page: Page, lively: Lively, sign_in: Callable[..., None], another_browser: Callable[..., Page]
) -> None:
    page.request.get("/api/v1/projects/", headers={"Authorization": f"Bearer {lively.token}"})
    sign_in(page, "ada@harbourline.example")
    addresses = {
        "home": "/",
        "run": f"/runs/{lively.run}/",
        "members": "/settings/members/",
        "files": "/files/payments-api/",
        "tokens": "/settings/tokens/?of=everybody",
        "audit": "/settings/audit/",
        **dict(pair.split("=", 1) for pair in os.environ.get("MORE_SCREENSHOTS", "").split()),
    }
    for name, address in addresses.items():
        page.goto(address)
        take_pictures(page, name)
    stranger = another_browser()
    stranger.goto("/account/login/")
    take_pictures(stranger, "sign-in")


def take_pictures(page: Page, name: str) -> None:
    """Take a page light, dark and, where it is one of the four, on a telephone."""
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size(DESK)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        take(page, f"{name}-{theme}")
    if name in NARROW:
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(TELEPHONE)
        take(page, f"{name}-narrow")


def take(page: Page, name: str) -> None:
    """Write one picture, small enough for a repository."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    picture = with_palette(page.screenshot(animations="disabled", caret="hide"))
    (FOLDER / f"{name}.png").write_bytes(picture)
    assert len(picture) < LARGEST_PICTURE_BYTES, f"{name} is {len(picture)} bytes"
