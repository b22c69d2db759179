# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a document would be cut is shown before anything is kept or embedded."""

from collections.abc import Iterator

import pytest

from rag.adapters.parsing import crew
from rag.engine.parsed import ChunkSettings
from rag.errors import DocumentUnreadable
from rag.operations import previews
from rag.operations.previews import preview_content, preview_text


@pytest.fixture(scope="module", autouse=True)
def _no_reader_is_left() -> Iterator[None]:
    yield
    crew.close_all()


def test_a_pasted_text_is_cut_as_markdown_with_contexts_places_and_sizes() -> None:
    words = "Some words about it. " * 40
    preview = preview_text(f"# Guide\n\n{words}\n\n## Use\n\n{words}", settings=ChunkSettings())
    assert (preview.title, preview.strategy, preview.count, preview.is_whole) == ("Guide", "markdown", 2, True)
    first, second = preview.pieces
    assert (second.piece.context, second.piece.place.lines, second.words) == ("Guide", (5, 7), 162)
    assert 160 < first.word_pieces <= 256


def test_two_settings_can_be_compared_and_a_name_says_the_kind() -> None:
    code = "def a():\n    pass\n\n\ndef b():\n    pass\n"
    small = preview_text(code, path="a.py", settings=ChunkSettings(strategy="sliding", window=20, overlap=0))
    assert (preview_text(code, path="a.py", settings=ChunkSettings()).strategy, small.strategy) == ("code", "sliding")
    assert small.language == "python"


def test_of_a_long_document_the_beginning_is_shown_and_not_all_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "MOST_COUNTED", 30)
    text = "\n\n".join(f"Paragraph {n} with a few words in it." for n in range(2_000))
    preview = preview_text(text, path="a.txt", settings=ChunkSettings(), most=3)
    assert (len(preview.pieces), preview.count, preview.is_whole) == (3, 30, False)


def test_what_cannot_be_read_is_told() -> None:
    with pytest.raises(DocumentUnreadable, match="neither text nor"):
        preview_content([bytes(range(256)) * 9], path="a.bin", settings=ChunkSettings())
