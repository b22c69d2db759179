# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Files of a project, put in and taken out in the browser, with scripts and without."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.factories import World

pytestmark = pytest.mark.browser

TEXT = "# Tides\n\nHigh water is at 14:20. Umlaute: äöü. <b>not bold</b>\n"
NOTES = FilePayload(name="notes & more.md", mimeType="text/markdown", buffer=TEXT.encode())


def test_a_file_is_uploaded_looked_at_and_downloaded(page: Page, lived: World, sign_in: Callable[..., None]) -> None:
    sign_in(page, "dev@acme.example")
    page.goto("/files/")  # there is one project, so this is its folder
    # when
    page.get_by_label("Drop files here").set_input_files([NOTES, FilePayload(name="b.csv", mimeType="", buffer=b"1,2")])
    expect(page.get_by_role("link", name="b.csv")).to_be_visible()
    page.get_by_role("link", name="notes & more.md").click()
    # then
    expect(page.get_by_role("region", name="Preview").locator("pre")).to_have_text(TEXT)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download", exact=True).click()
    assert started.value.suggested_filename == "notes & more.md"
    assert Path(started.value.path()).read_text() == TEXT


def test_a_refused_file_says_why_beside_its_name(
    page: Page, lived: World, sign_in: Callable[..., None], troubles: list[str]
) -> None:
    sign_in(page, "dev@acme.example")
    page.goto("/files/")
    page.get_by_label("Drop files here").set_input_files(FilePayload(name="..", mimeType="", buffer=b"up"))
    item = page.locator("file-drop li").filter(has_text="..")
    expect(item.locator("[data-error]")).to_be_visible()
    troubles.clear()  # the refusal itself


def test_files_need_no_scripts(
    lived: World, another_browser: Callable[..., Page], sign_in: Callable[..., None]
) -> None:
    page = another_browser(java_script_enabled=False)
    sign_in(page, "dev@acme.example")
    page.goto("/files/main/")
    page.get_by_label("Choose files to store here").set_input_files(NOTES)
    page.get_by_role("button", name="Store", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("1 file is stored.")
    page.get_by_role("link", name="notes & more.md").click()
    expect(page.get_by_role("region", name="Preview").locator("pre")).to_have_text(TEXT)
    # when
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete notes & more.md?")
    page.get_by_role("button", name="Delete file").click()
    # then
    expect(page.get_by_role("main")).to_contain_text("No files yet")


def test_a_viewer_looks_and_stores_nothing(page: Page, lived: World, sign_in: Callable[..., None]) -> None:
    sign_in(page, "viewer@acme.example")
    page.goto("/files/")
    expect(page.get_by_role("main")).to_contain_text("Your role may look, not store.")
    expect(page.locator("input[type=file]")).to_have_count(0)
