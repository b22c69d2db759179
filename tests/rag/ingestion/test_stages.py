# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A source becomes chunks that can be found: each text embedded once, each stage counted, each document by itself."""

from collections import Counter

from rag.models import DocumentState, IngestionState
from tests.fakes.embeddings import Embeddings
from tests.rag.ingestion.library import Library

LAMP = "The lamp of the lighthouse turns once in ten seconds.\n"
KEEPER = "The keeper writes the weather down each morning at six.\n"
STORM = "In a storm the shutters are closed and the horn is sounded.\n"


def asked(provider: Embeddings) -> Counter[str]:
    return Counter(text for call in provider.texts() for text in call)


def test_documents_become_chunks_that_are_found(library: Library, provider: Embeddings) -> None:
    # given
    library.shelf.texts = {"lamp.md": LAMP, "notes/keeper.md": KEEPER}
    # when
    ended = library.sync()
    # then
    assert ended.state == IngestionState.SUCCEEDED, ended.reason
    assert library.live() == {"lamp.md": [LAMP.strip()], "notes/keeper.md": [KEEPER.strip()]}
    assert {each.state for each in library.documents().values()} == {DocumentState.READY}
    assert all(chunk.embedding is not None and chunk.tsv for chunk in library.rows())
    assert (ended.found, ended.parsed, ended.chunked, ended.embedded, ended.indexed) == (2, 2, 2, 2, 2)
    assert sum(asked(provider).values()) == 2
    index = library.index()
    assert (index.dimensions, index.chunk_count) == (8, 2)


def test_what_did_not_change_is_neither_read_nor_embedded_again(library: Library, provider: Embeddings) -> None:
    library.shelf.texts = {"lamp.md": LAMP, "keeper.md": KEEPER}
    library.sync()
    before, reads = library.rows(), len(library.shelf.reads)
    # when
    library.shelf.texts["keeper.md"] = STORM
    ended = library.sync()
    # then
    assert (ended.found, ended.unchanged, ended.indexed) == (2, 1, 1)
    assert library.shelf.reads[reads:] == ["keeper.md"]
    assert set(asked(provider).values()) == {1}
    assert library.live() == {"lamp.md": [LAMP.strip()], "keeper.md": [STORM.strip()]}
    kept = {chunk.pk for chunk in before if chunk.text == LAMP.strip()}
    assert kept < {chunk.pk for chunk in library.rows()}
    assert library.document("keeper.md").version == 2


def test_a_page_that_says_it_is_unchanged_is_not_cut_again(library: Library, provider: Embeddings) -> None:
    library.shelf.texts, library.shelf.is_marked = {"lamp.md": LAMP}, False
    library.sync()
    # when
    ended = library.sync()
    # then
    assert (ended.found, ended.unchanged, ended.parsed) == (1, 1, 0)
    assert len(provider.asked) == 1
    assert library.document("lamp.md").state == DocumentState.READY


def test_a_title_is_that_of_the_content(library: Library) -> None:
    library.shelf.texts = {"lamp.md": f"# The lamp\n\n{LAMP}"}
    library.sync()
    library.shelf.texts = {"lamp.md": f"# The light\n\n{LAMP}"}
    library.sync()
    assert library.document("lamp.md").title == "The light"
