# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A folder of this machine as a source: what is ignored, what is let out, and what a lost disk does not remove."""

import os
import threading
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from codexos.kernel.ids import new_id
from rag.adapters.sources import folder as folders
from rag.adapters.sources import watching
from rag.adapters.sources.folder import FolderReader
from rag.engine.ports import Revision, SourcePlace
from rag.errors import DocumentGone, FileTooLarge
from rag.errors.sources import SourceInvalid, SourceUnreachable, SourceVanished

FILES = {
    ".gitignore": "*.log\nbuild/\n/secret.md\n",
    "a.md": "A",
    "secret.md": "S",
    "x.log": "x",
    "build/out.md": "B",
    "docs/.gitignore": "!keep.log\n*.tmp\n",
    "docs/keep.log": "K",
    "docs/b.tmp": "T",
    "docs/deep/c.md": "C",
    "docs/secret.md": "not the one above",
    ".git/config": "[core]",
    "node_modules/x/y.js": "1",
    "logo.png": "P",
}
ORGANIZATION = new_id()
Open = Callable[..., FolderReader]


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Path:
    place = tmp_path / "notes"
    for path, text in FILES.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)
    settings.CODEXOS_HOME, settings.SOURCE_FOLDERS = tmp_path / "home", []
    settings.CODEXOS_HOME.mkdir()
    folders.allow_root(place, organization_id=ORGANIZATION)
    return place


@pytest.fixture
def reader(root: Path) -> Open:
    def make(**config: Any) -> FolderReader:
        return folders.open_source(
            SourcePlace(ORGANIZATION, new_id(), "folder", root.parent / "cache", {"path": str(root), **config})
        )

    return make


def text_of(reader: FolderReader, path: str, mark: str = "") -> bytes | None:
    content = reader.read(path, revision=Revision(), mark=mark)
    return b"".join(content.pieces) if content else None


def test_a_folder_is_listed_as_git_would_see_it(reader: Open) -> None:
    found = reader().look({})
    assert (found.is_whole, found.is_sure) == (True, False), "what is missing once stays"
    entries = {entry.path: entry for entry in found.entries}
    assert set(entries) == {
        ".gitignore",
        "a.md",
        "docs/.gitignore",
        "docs/keep.log",
        "docs/deep/c.md",
        "docs/secret.md",
    }
    assert text_of(reader(), "docs/deep/c.md") == b"C"
    assert text_of(reader(), "a.md", entries["a.md"].mark) is None
    assert {entry.path for entry in reader(include=["docs/"], exclude=["*.log", ".gitignore"]).look({}).entries} == {
        "docs/deep/c.md",
        "docs/secret.md",
    }


def test_a_change_and_a_move_are_seen_by_the_marks(reader: Open, root: Path) -> None:
    before = {entry.path: entry.mark for entry in reader().look({}).entries}
    (root / "a.md").write_text("B")
    (root / "docs" / "deep").rename(root / "docs" / "low")
    after = {entry.path: entry.mark for entry in reader().look({}).entries}
    assert after["a.md"] != before["a.md"]
    assert after["docs/low/c.md"] == before["docs/deep/c.md"]
    with pytest.raises(DocumentGone):
        text_of(reader(), "docs/deep/c.md")


def test_a_folder_that_is_not_mounted_removes_nothing(reader: Open, root: Path) -> None:
    cursor = reader().look({}).cursor
    root.rename(root.parent / "elsewhere")
    with pytest.raises(SourceVanished, match="mounted"):
        reader().look(cursor)
    root.mkdir()
    with pytest.raises(SourceVanished, match="mounted"):
        reader().look(cursor)
    assert list(reader().look({}).entries) == [], "one that never held anything may be bare"


def test_a_disk_that_fails_half_way_lists_no_half(reader: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.listdir

    def failing(folder: Any) -> list[str]:
        names = whole(folder)
        if "keep.log" in names:
            raise OSError(5, "Input/output error")
        return names

    found = reader().look({})
    monkeypatch.setattr(folders.os, "listdir", failing)
    with pytest.raises(SourceUnreachable, match="Input/output"):
        list(found.entries)


def test_nothing_leads_out_of_the_folder(reader: Open, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.md").write_text("out")
    (root / "link.md").symlink_to(tmp_path / "outside.md")
    (root / "way").symlink_to(tmp_path)
    os.mkfifo(root / "pipe.md")
    listed = {entry.path for entry in reader().look({}).entries}
    assert not {"link.md", "pipe.md"} & listed
    assert not any(path.startswith("way") for path in listed)
    for path in ("link.md", "way/outside.md", "../outside.md", "pipe.md"):
        with pytest.raises((DocumentGone, SourceUnreachable)):
            text_of(reader(), path)


def test_only_folders_that_the_operator_opened_are_read(reader: Open, root: Path, tmp_path: Path) -> None:
    for path in ("/etc", str(tmp_path), f"{root}-other"):
        with pytest.raises(SourceInvalid, match="operator"):
            reader(path=path).look({})
    assert reader(path=f"{root}/docs").look({}).entries
    elsewhere = SourcePlace(new_id(), new_id(), "folder", tmp_path / "cache", {"path": str(root)})
    with pytest.raises(SourceInvalid, match="operator"):
        folders.open_source(elsewhere).look({})
    folders.allow_root(root, organization_id=ORGANIZATION)
    assert folders.watched_list().read_text().count("\n") == 1


def test_a_file_that_grows_too_large_is_left(reader: Open, root: Path) -> None:
    entries = {entry.path: entry for entry in reader(file_bytes=2).look({}).entries}
    assert "2 bytes" in entries["docs/secret.md"].skipped
    with pytest.raises(FileTooLarge):
        text_of(reader(file_bytes=2), "docs/secret.md")


def test_a_watch_tells_of_changes_and_outlives_an_unmounted_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "TICK_MILLISECONDS", 50)
    stop = threading.Event()
    changes = watching.changes_in(root, stop=stop)
    assert next(changes), "what was there before is looked at first"
    (root / "a.md").write_text("B")
    assert any(changed for changed in islice(changes, 100))
    root.rename(root.parent / "elsewhere")
    assert not next(changes)
    (root.parent / "elsewhere").rename(root)
    assert any(changed for changed in islice(changes, 100)), "what comes back is looked at"
    stop.set()
    assert list(changes) == []
