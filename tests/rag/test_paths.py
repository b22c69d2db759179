# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Paths: what names a file, and everything that only pretends to."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.engine.paths import folders_above, read_folder, read_path
from rag.errors import PathInvalid


@pytest.mark.parametrize(
    "path",
    ["a", "summary.md", "docs/a b/übersicht.md", "日本語/読み.txt", "...txt", ".env", "50% off.md",
     "a/b c/d-e_f+g@h.tar.gz",
     "👩‍👩‍👧.txt", "ab:c", "%41bc.txt", "x" * 255],
)  # fmt: skip
def test_an_ordinary_path_is_kept_as_it_is(path: str) -> None:
    assert read_path(path) == path


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "empty"),
        ("../../x", "leave its folder"),
        ("..", "leave its folder"),
        ("a/../b", "leave its folder"),
        ("a/./b", "leave its folder"),
        ("a/.. /b", "leave its folder"),
        ("/etc/passwd", "absolute"),
        ("//host/share", "absolute"),
        ("C:/windows", "absolute"),
        ("c:x", "absolute"),
        ("..\\..\\x", "backslash"),
        ("a//b", "empty name"),
        ("a/", "empty name"),
        ("a\x00b", "control character"),
        ("a\nb", "control character"),
        ("gpj\u202e.exe", "cannot be seen"),
        ("a\ud800", "cannot be seen"),
        ("a\ufeffb", "cannot be seen"),
        ("a\ufffdb", "cannot be seen"),
        (" a", "space"),
        ("a /b", "space"),
        ("a.", "dot"),
        ("a./b", "dot"),
        ("a\u00a0", "space"),
        ("\u2025/x", "leave its folder"),
        ("\uff0e\uff0e/x", "leave its folder"),
        ("a\uff0f..\uff0fb", "leave its folder"),
        ("a\u2024\u2024", "dot"),
        ("%2e%2e/%2e%2e/x", "read as an address"),
        ("%2e%2e%2fx", "read as an address"),
        ("%252e%252e%252fx", "read as an address"),
        ("%25252e%25252e%25252fx", "read as an address"),
        ("%2fetc%2fpasswd", "read as an address"),
        ("a%5c..%5cb", "read as an address"),
        ("a%00b", "read as an address"),
        ("a%ffb", "read as an address"),
        ("x" * 256, "longer than 255 bytes"),
        ("é" * 128, "longer than 255 bytes"),
        ("/".join("abcdefghijklmnopqrstu"), "20 folders deep"),
        ("/".join(["x" * 100] * 4), "longer than 400"),
    ],
)
def test_a_hostile_path_is_refused_with_its_reason(path: str, why: str) -> None:
    with pytest.raises(PathInvalid, match=why):
        read_path(path)


def test_one_name_has_one_spelling() -> None:
    decomposed = unicodedata.normalize("NFD", "résumé.md")
    assert decomposed != "résumé.md"
    assert read_path(decomposed) == "résumé.md"


@given(st.text(max_size=60))
def test_whatever_is_accepted_stays_below_its_folder(text: str) -> None:
    try:
        path = read_path(text)
    except PathInvalid:
        return
    assert read_path(path) == path
    names = path.split("/")
    assert not {"", ".", ".."} & set(names)
    assert "\x00" not in path
    assert "\\" not in path


def test_folders_are_found_and_read() -> None:
    assert folders_above("a/b/c.md") == ["a", "a/b"]
    assert folders_above("c.md") == []
    assert (read_folder(""), read_folder("a/b/"), read_folder("/a")) == ("", "a/b/", "a/")
    with pytest.raises(PathInvalid):
        read_folder("../a")
