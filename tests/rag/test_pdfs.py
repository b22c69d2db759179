# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""PDFs among the files: read once for each content, kept in their organization, gone with their bytes."""

from collections.abc import Iterable
from typing import Any

import psycopg
import pytest

from accounts.errors import ProjectNotFound
from codexos.kernel import clock
from rag.errors import ContextTooLarge, ContextUnreadable, FileNotFound, PdfReaderBusy, PdfUnreadable
from rag.operations import pdfs
from rag.operations.contents import preview_text, read_context, read_text
from rag.operations.files import delete_file, store_file
from rag.operations.pdfs import read_pdfs
from rag.queries import context as contexts
from rag.queries.context import Resolved, resolve_context
from rag.workers.sweeping import GRACE, sweep
from tests.factories import World
from tests.pdfs import make_pdf
from tests.rag.conftest import put

HANDBOOK = make_pdf(["Releases are approved by Ida Munk."], ["The lamp was lit in 1871.", "It burns oil."])


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the reader of PDFs was asked to read."""
    asked: list[str] = []
    really = pdfs.read_pages

    def watched(content: Iterable[bytes], *, path: str) -> str:
        asked.append(path)
        return really(content, path=path)

    monkeypatch.setattr(pdfs, "read_pages", watched)
    return asked


def resolve(world: World, *names: str) -> Resolved:
    return resolve_context(world.dev.actor, project=world.project, names=names)


def test_a_pdf_is_read_once_and_then_kept(world: World, readings: list[str]) -> None:
    put(world.dev, world, "handbook.pdf", HANDBOOK)
    put(world.dev, world, "copy.pdf", HANDBOOK)
    first = resolve(world, "handbook.pdf")
    assert [version.file.path for version in first.unread] == ["handbook.pdf"]
    read_pdfs(world.dev.actor, first.unread)
    again = resolve(world, "handbook.pdf", "copy.pdf")
    assert not again.unread
    assert [entry["text_bytes"] for entry in again.context] == [74, 74]
    documents = read_context(world.viewer.actor, project=world.project, context=again.context)
    assert [(document.name, document.page_starts) for document in documents] == [
        ("handbook.pdf", (1, 3)),
        ("copy.pdf", (1, 3)),
    ]
    assert documents[0].text.splitlines()[2] == "The lamp was lit in 1871."
    assert readings == ["handbook.pdf"]


def test_a_pdf_of_letters_alone_is_a_pdf(world: World) -> None:
    letters = HANDBOOK.replace(b"%\xe2\xe3\xcf\xd3\n", b"%plain\n")
    assert letters.isascii()
    version = put(world.dev, world, "letters.pdf", letters).file.current
    assert (version.is_pdf, version.is_text, version.media_type) == (True, False, "application/pdf")
    named = put(world.dev, world, "about.md", b"%PDF- is how a PDF begins").file.current
    assert (named.is_pdf, named.is_text) == (False, True)


def test_no_transaction_is_open_while_a_pdf_is_read(
    committed_world: World, truth: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(committed_world.dev, committed_world, "handbook.pdf", HANDBOOK)
    held: list[Any] = []

    def look(content: Iterable[bytes], *, path: str) -> str:
        asked = "select count(*) from pg_stat_activity where usename = 'codexos_app' and state like 'idle in%'"
        held.append(truth.execute(asked).fetchone())
        return "text"

    monkeypatch.setattr(pdfs, "read_pages", look)
    read_text(committed_world.dev.actor, committed_world.project.id, ["handbook.pdf"])
    assert held == [(0,)]


def test_two_organizations_share_no_text(world: World, readings: list[str]) -> None:
    put(world.dev, world, "a.pdf", HANDBOOK)
    read_pdfs(world.dev.actor, resolve(world, "a.pdf").unread)
    other = world.stranger.actor
    store_file(other, world.other_project.id, path="b.pdf", chunks=[HANDBOOK])
    theirs = resolve_context(other, project=world.other_project, names=["b.pdf"])
    assert [version.file.path for version in theirs.unread] == ["b.pdf"]
    read_pdfs(other, theirs.unread)
    assert readings == ["a.pdf", "b.pdf"]
    ours = resolve(world, "a.pdf").context
    with pytest.raises(ProjectNotFound):
        read_context(other, project=world.project, context=ours)
    with pytest.raises(FileNotFound):
        read_context(other, project=world.other_project, context=ours)


def test_who_may_see_files_may_read_pdfs_and_nobody_else(world: World) -> None:
    put(world.dev, world, "a.pdf", HANDBOOK)
    for member in world.members.values():
        assert len(read_text(member.actor, world.project.id, ["a.pdf"])) == 1
    with pytest.raises(ProjectNotFound):
        read_text(world.stranger.actor, world.project.id, ["a.pdf"])


def test_text_that_was_lost_is_read_again(world: World, readings: list[str]) -> None:
    put(world.dev, world, "a.pdf", HANDBOOK)
    context = resolve(world, "a.pdf").context
    (document,) = read_context(world.dev.actor, project=world.project, context=context)
    assert "lamp" in document.text
    read_context(world.dev.actor, project=world.project, context=context)
    assert readings == ["a.pdf"]


def test_text_is_counted_as_text_and_not_as_pdf(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world.dev, world, "a.pdf", HANDBOOK)
    assert len(HANDBOOK) > 500
    monkeypatch.setattr(contexts, "MOST_CONTEXT_BYTES", 100)
    read_text(world.dev.actor, world.project.id, ["a.pdf"])
    monkeypatch.setattr(contexts, "MOST_CONTEXT_BYTES", 70)
    with pytest.raises(ContextTooLarge, match="74 bytes"):
        resolve(world, "a.pdf")


def test_other_binary_files_stay_unreadable_whatever_they_are_called(world: World) -> None:
    put(world.dev, world, "p.pdf", b"\x1f\x8b\x08\x00")
    put(world.dev, world, "z.zip", b"PK\x03\x04\x00")
    with pytest.raises(ContextUnreadable, match=r"'p\.pdf', 'z\.zip' cannot be read as text"):
        resolve(world, "p.pdf", "z.zip")
    put(world.dev, world, "noise.pdf", bytes(range(256)))
    with pytest.raises(PdfUnreadable, match=r"'noise\.pdf' cannot be read: it is damaged"):
        read_pdfs(world.dev.actor, resolve(world, "noise.pdf").unread)


def test_the_preview_of_a_pdf_is_as_it_was(world: World) -> None:
    put(world.dev, world, "a.pdf", HANDBOOK)
    with pytest.raises(ContextUnreadable):
        preview_text(world.dev.actor, world.project.id, "a.pdf")


def test_the_text_goes_with_the_bytes(committed_world: World, truth: psycopg.Connection[Any]) -> None:
    world = committed_world
    put(world.dev, world, "a.pdf", HANDBOOK)
    read_text(world.dev.actor, world.project.id, ["a.pdf"])
    assert truth.execute("select count(*) from rag_pdftext").fetchone() == (1,)
    delete_file(world.dev.actor, world.project.id, path="a.pdf")
    truth.execute("update rag_blob set wanted_at = %s", [clock.now() - 2 * GRACE])
    assert sweep(world.acme.id) == 1
    assert truth.execute("select count(*) from rag_pdftext").fetchone() == (0,)


def test_bytes_that_go_while_they_are_read_leave_no_text(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world.dev, world, "a.pdf", HANDBOOK)
    (version,) = resolve(world, "a.pdf").unread
    monkeypatch.setattr(clock, "now", lambda: version.created_at + 2 * GRACE)

    def lose(content: Iterable[bytes], *, path: str) -> str:
        list(content)
        delete_file(world.dev.actor, world.project.id, path="a.pdf")
        assert sweep(world.acme.id) == 1
        return "text"

    monkeypatch.setattr(pdfs, "read_pages", lose)
    read_pdfs(world.dev.actor, [version])
    with pytest.raises(FileNotFound):
        resolve(world, "a.pdf")


def test_many_slow_pdfs_are_read_in_several_goes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world.dev, world, "a.pdf", HANDBOOK)
    put(world.dev, world, "b.pdf", make_pdf(["Other."]))
    times = iter([0.0, 1.0, 61.0])
    monkeypatch.setattr(pdfs, "_now", lambda: next(times))
    with pytest.raises(PdfReaderBusy, match="1 of 2"):
        read_pdfs(world.dev.actor, resolve(world, "a.pdf", "b.pdf").unread)
    assert [version.file.path for version in resolve(world, "a.pdf", "b.pdf").unread] == ["b.pdf"]
