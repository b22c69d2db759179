# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Files as the context of a run."""

import pytest

from accounts.errors import ProjectNotFound
from rag.errors import ContextTooLarge, ContextUnreadable, FileNotFound, PathInvalid
from rag.operations.contents import read_context, read_text
from rag.operations.files import delete_file
from rag.queries.context import MOST_CONTEXT_BYTES, resolve_context
from tests.factories import World
from tests.rag.conftest import put


def test_texts_are_read_in_the_order_they_are_named(world: World) -> None:
    put(world.dev, world, "b.md", "Grüße".encode())
    put(world.dev, world, "a.txt", "wide".encode("utf-16"))
    put(world.dev, world, "c.txt", b"\xef\xbb\xbfmarked")
    texts = read_text(world.viewer.actor, world.project.id, ["c.txt", "a.txt", "b.md"])
    assert [(path, text) for path, text, _ in texts] == [("c.txt", "marked"), ("a.txt", "wide"), ("b.md", "Grüße")]
    assert all(len(sha256) == 64 for _, _, sha256 in texts)


def test_binary_files_are_told_by_name(world: World) -> None:
    put(world.dev, world, "a.md")
    put(world.dev, world, "p.png", b"\x89PNG\r\n\x1a\n\x00")
    with pytest.raises(ContextUnreadable, match=r"'p\.png' cannot be read as text"):
        read_text(world.dev.actor, world.project.id, ["a.md", "p.png"])


def test_missing_files_are_told_with_near_matches(world: World) -> None:
    put(world.dev, world, "docs/summary.md")
    with pytest.raises(FileNotFound, match=r"Did you mean 'docs/summary\.md'") as failure:
        read_text(world.dev.actor, world.project.id, ["docs/sumary.md", "docs/summary.md", "x.md"])
    assert failure.value.details["missing"] == ["docs/sumary.md", "x.md"]
    with pytest.raises(PathInvalid):
        read_text(world.dev.actor, world.project.id, ["../summary.md"])


def test_too_much_text_is_refused_before_it_is_read(world: World) -> None:
    put(world.dev, world, "a.txt", b"x" * (MOST_CONTEXT_BYTES // 2 + 1))
    put(world.dev, world, "b.txt", b"x" * (MOST_CONTEXT_BYTES // 2))
    with pytest.raises(ContextTooLarge):
        resolve_context(world.dev.actor, project=world.project, names=["a.txt", "b.txt"])


def test_a_run_reads_what_stood_there_when_it_was_accepted(world: World) -> None:
    put(world.dev, world, "a.md", b"before")
    context = resolve_context(world.dev.actor, project=world.project, names=["a.md", "a.md"]).context
    put(world.dev, world, "a.md", b"after")
    (document,) = read_context(world.dev.actor, project=world.project, context=context)
    assert (document.name, document.text) == ("a.md", "before")
    delete_file(world.dev.actor, world.project.id, path="a.md")
    with pytest.raises(FileNotFound, match=r"a\.md"):
        read_context(world.dev.actor, project=world.project, context=context)


def test_strangers_read_nothing(world: World) -> None:
    put(world.dev, world, "a.md")
    context = resolve_context(world.dev.actor, project=world.project, names=["a.md"]).context
    with pytest.raises(ProjectNotFound):
        read_text(world.stranger.actor, world.project.id, ["a.md"])
    with pytest.raises(ProjectNotFound):
        read_context(world.stranger.actor, project=world.project, context=context)
    with pytest.raises(FileNotFound):
        read_context(world.stranger.actor, project=world.other_project, context=context)
