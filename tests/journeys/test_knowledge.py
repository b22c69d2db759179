# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Knowledge in the browser: brought, connected, asked, followed to its line, kept current, and taken away."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.factories import World
from tests.fakes.git_server import git, make_repository
from tests.journeys.conftest import Product
from tests.pdfs import encrypted_pdf, make_pdf

pytestmark = pytest.mark.browser

RULES = """# Retries

## Which methods
A PUT is retried three times, because payments carry an idempotency key.
"""
MOORING = ["Harbor rules", "A mooring costs forty kroner for each night."]
PRICES = b"berth,price\nNorth quay,410\nSouth quay,380\n"
SHOTS = os.environ.get("KNOWLEDGE_SHOTS", "")


def test_knowledge_is_brought_asked_followed_kept_current_and_deleted(
    page: Page, lived: World, product: Product, sign_in: Callable[..., None], troubles: list[str]
) -> None:
    bare = make_repository(product.repositories / "payments.git", {"docs/retries.md": RULES})
    sign_in(page, "dev@acme.example")
    page.goto("/knowledge/")
    page.get_by_role("link", name="New knowledge base").first.click()
    page.get_by_label("Name").fill("Harbor lore")
    page.get_by_role("button", name="Make it").click()
    bring_files(page)
    connect(page, bare, troubles)
    look(page, "base")
    # when it is asked
    passage = ask(page, "How often is a PUT retried?")
    expect(passage).to_contain_text("retried three times")
    expect(passage.locator("mark").first).to_be_visible()
    look(page, "ask")
    passage.get_by_role("link", name="docs/retries.md").click()
    # then its citation leads to the line
    expect(page.locator("#at")).to_contain_text("A PUT is retried three times")
    expect(page.locator("#at .on").filter(has_text="three times")).to_contain_text("4")
    look(page, "document")
    # when the repository moves on
    push(bare, "docs/retries.md", RULES.replace("three times", "seven times"))
    page.get_by_role("navigation", name="Knowledge base").get_by_role("link", name="Sources").click()
    page.get_by_role("button", name="Sync payments now").click()
    settle(page)
    expect(ask(page, "How often is a PUT retried?")).to_contain_text("retried seven times")
    # when its source is deleted
    page.get_by_role("navigation", name="Knowledge base").get_by_role("link", name="Sources").click()
    page.get_by_role("link", name="Delete payments").click()
    page.get_by_role("button", name="Delete source").click()
    ask(page, "How often is a PUT retried?")
    expect(page.get_by_role("main")).not_to_contain_text("seven times")


def bring_files(page: Page) -> None:
    """Upload a PDF, a table and a file that cannot be read: it alone fails, and says why."""
    files = [
        FilePayload(name="rules.pdf", mimeType="application/pdf", buffer=make_pdf(MOORING)),
        FilePayload(name="prices.csv", mimeType="text/csv", buffer=PRICES),
        FilePayload(name="closed.pdf", mimeType="application/pdf", buffer=encrypted_pdf()),
    ]
    page.get_by_label("Drop files or whole folders here").set_input_files(files)
    expect(page.get_by_role("region", name="Sources")).to_contain_text("Uploads")
    settle(page)
    page.get_by_role("navigation", name="Knowledge base").get_by_role("link", name="Documents").click()
    broken = page.get_by_role("row").filter(has_text="closed.pdf")
    expect(broken).to_contain_text("password")
    expect(broken.get_by_role("button", name="Retry closed.pdf")).to_be_visible()
    look(page, "documents")


def connect(page: Page, bare: Path, troubles: list[str]) -> None:
    """Connect a repository of this machine: a try says the real error first, then what there is."""
    page.get_by_role("navigation", name="Knowledge base").get_by_role("link", name="Sources").click()
    page.get_by_role("link", name="Add a source").click()
    page.get_by_label("Address").fill(str(bare.parent / "nowhere.git"))
    page.get_by_label("Name").fill("payments")
    page.get_by_role("button", name="Try").click()
    expect(page.locator("#tried")).to_contain_text("nowhere.git")
    page.get_by_label("Address").fill(str(bare))
    page.get_by_role("button", name="Try").click()
    expect(page.locator("#tried")).to_contain_text("docs/retries.md")
    look(page, "source")
    page.get_by_role("button", name="Connect").click()
    settle(page)


def ask(page: Page, question: str):  # type: ignore[no-untyped-def]
    """Ask in the inspector, and return the first passage."""
    page.get_by_role("navigation", name="Knowledge base").get_by_role("link", name="Ask").click()
    page.get_by_label("Question", exact=True).fill(question)
    page.get_by_role("button", name="Ask").click()
    return page.get_by_role("region", name="Passages").locator("li").first


def settle(page: Page) -> None:
    """Wait until nothing of the knowledge base changes by itself."""
    expect(page.locator("#standing[aria-busy]")).to_have_count(0, timeout=60_000)


def push(bare: Path, path: str, text: str) -> None:
    """Commit a text and push it."""
    work = bare.parent / f"{bare.name}.work"
    (work / path).write_text(text)
    git(work, "commit", "-qam", "Say otherwise")
    git(work, "push", "-q", str(bare), "HEAD:main")


def look(page: Page, name: str) -> None:
    """Take pictures in four ways, where somebody wants to look."""
    if not SHOTS:
        return
    for theme in ("light", "dark"):
        for width in (1280, 390):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{SHOTS}/{name}-{theme}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(color_scheme="light")
