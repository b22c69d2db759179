# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The pages of files: looking, storing without scripts, deleting."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from rag.operations.contents import read_text
from tests.factories import Someone, World
from tests.rag.conftest import count_rows, put

Browser = Callable[[Someone], Client]


@pytest.fixture
def browser() -> Browser:
    def signed_in(who: Someone) -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(who.person)
        return client

    return signed_in


def test_the_only_project_opens_at_once(world: World, browser: Browser) -> None:
    answer = browser(world.dev).get("/files/")
    assert (answer.status_code, answer["Location"]) == (302, "/files/main/")
    page = browser(world.viewer).get("/files/main/")
    assert page.status_code == 200
    assert b"No files yet" in page.content
    assert b"file-drop" not in page.content, "a viewer may not store"


def test_folders_and_files_are_shown_and_lead_on(world: World, browser: Browser) -> None:
    put(world.dev, world, "docs/a b/deep.md")
    put(world.dev, world, "docs/x.md")
    put(world.dev, world, "top.md")
    top = browser(world.dev).get("/files/main/").content.decode()
    assert "/files/main/?folder=docs" in top
    assert "/files/main/at/top.md" in top
    assert "deep.md" not in top
    inside = browser(world.dev).get("/files/main/", {"folder": "docs"}).content.decode()
    assert "/files/main/at/docs/x.md" in inside
    assert "a b/" in inside
    assert "/files/docs/%7Bname%7D" not in inside
    assert f'url="/api/v1/projects/{world.project.id}/files/docs/{{name}}"' in inside


def test_a_form_without_scripts_stores_files(world: World, browser: Browser) -> None:
    sent = [SimpleUploadedFile("one.md", b"# One"), SimpleUploadedFile("two.md", b"# Two")]
    answer = browser(world.dev).post("/files/main/?folder=docs", {"file": sent})
    assert answer.status_code == 302, answer.content
    assert [t for _, t, _ in read_text(world.dev.actor, "main", ["docs/one.md", "docs/two.md"])] == ["# One", "# Two"]


def test_a_refused_form_says_why_and_stores_nothing(world: World, browser: Browser, settings: Any) -> None:
    settings.FILE_SIZE_LIMIT = 3
    answer = browser(world.dev).post("/files/main/", {"file": SimpleUploadedFile("a.md", b"1234")})
    assert answer.status_code == 429
    assert b"larger than 3 bytes" in answer.content
    assert browser(world.viewer).post("/files/main/", {"file": SimpleUploadedFile("a.md", b"1")}).status_code == 403
    assert browser(world.stranger).post("/files/main-x/", {"file": SimpleUploadedFile("a", b"1")}).status_code == 404
    assert count_rows(world) == (0, 0)


def test_a_file_shows_its_text_as_text(world: World, browser: Browser) -> None:
    put(world.dev, world, "evil.html", b"<script>alert('hi')</script>")
    page = browser(world.viewer).get("/files/main/at/evil.html").content.decode()
    assert "&lt;script&gt;alert(" in page
    assert "<script>alert" not in page
    assert "delete-file" not in page


def test_versions_pictures_and_binaries_are_shown(world: World, browser: Browser) -> None:
    put(world.dev, world, "a.md", b"first words")
    put(world.dev, world, "a.md", b"second words")
    dev = browser(world.dev)
    assert b"second words" in dev.get("/files/main/at/a.md").content
    old = dev.get("/files/main/at/a.md", {"version": "1"}).content
    assert b"first words" in old
    assert b"This is an older version" in old
    put(world.dev, world, "p.png", b"\x89PNG\r\n\x1a\n\x00")
    assert b"<img" in dev.get("/files/main/at/p.png").content
    put(world.dev, world, "b.bin", b"\x00")
    assert b"There is no preview" in dev.get("/files/main/at/b.bin").content
    put(world.dev, world, "e.md", b"")
    assert b"This file is empty" in dev.get("/files/main/at/e.md").content


def test_deleting_asks_first(world: World, browser: Browser) -> None:
    put(world.dev, world, "docs/a.md")
    assert b"deleted for good" in browser(world.dev).get("/files/main/delete/docs/a.md").content
    assert count_rows(world)[0] == 1
    assert browser(world.viewer).post("/files/main/delete/docs/a.md").status_code == 403
    answer = browser(world.dev).post("/files/main/delete/docs/a.md")
    assert (answer.status_code, answer["Location"]) == (302, "/files/main/?folder=docs")
    assert count_rows(world)[0] == 0


def test_nobody_is_sent_to_sign_in_and_strangers_find_nothing(world: World, browser: Browser) -> None:
    put(world.dev, world, "a.md")
    pages = (
        f"/files/{world.project.id}/",
        f"/files/{world.project.id}/at/a.md",
        f"/files/{world.project.id}/delete/a.md",
    )
    for page in pages:
        assert Client().get(page).status_code == 302
        assert browser(world.stranger).get(page).status_code == 404
