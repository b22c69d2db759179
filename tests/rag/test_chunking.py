# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Documents are cut where they part, never too long for an embedder, and each piece says exactly where it stands."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import pairwise

import pytest

from rag.adapters.parsing.kinds import kind_of
from rag.adapters.parsing.raw import Raw
from rag.engine.chunking.cutting import cut
from rag.engine.chunking.measures import cost_of, is_foreign
from rag.engine.parsed import Block, ChunkSettings, Parsed, Piece
from rag.engine.passages import Place
from rag.errors import ChunkingInvalid

SENTENCE = "The quick brown fox of number {} jumps over the lazy dog again. "
USUAL = ChunkSettings()


def prose(words: int) -> str:
    return "".join(SENTENCE.format(n) for n in range(words // 13)).strip()


def parsed(path: str, text: str) -> Parsed:
    content = text.encode()
    raw = Raw(path, content, kind_of(path, head=content))
    made: Parsed = import_module(f"rag.adapters.parsing.{raw.kind.reader}").read(raw)
    return made


def pieces(path: str, text: str, settings: ChunkSettings = USUAL) -> list[Piece]:
    return list(cut(parsed(path, text), settings))


def told(made: Sequence[Piece]) -> list[tuple[str, str]]:
    return [(piece.context, piece.text) for piece in made]


# What holds for every document

DOCUMENTS = {
    "a.txt": prose(3_000),
    "b.txt": "".join(map(str, range(10_000))),
    "c.txt": "\u6f22\u5b57" * 5_000,
    "a.md": "# A\n\n"
    + prose(900)
    + "\n\n## B\n\n"
    + "".join(f"- item {n} of a list\n" for n in range(200))
    + "\n## C\n\n```\n"
    + "".join(f"x = {n}\n" for n in range(500))
    + "```\n",
    "a.py": "class A:\n"
    + "".join(f"    def f{n}(self):\n        return {n}\n\n" for n in range(100))
    + "def g():\n"
    + "".join(f"    x = compute({n}, 2, [3])\n" for n in range(700)),
    "a.json": '{"a": [' + ",".join(f'{{"name": "n{n}", "of": {{"b": [1, 2]}}}}' for n in range(400)) + "]}",
    "a.html": "<h1>A</h1><p>" + prose(2_000) + "<h2>B</h2>" + "<p>short" * 300,
    "a.csv": "name,of\n" + "".join(f"n{n},{prose(26)}\n" for n in range(200)),
}


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize(
    "chosen", [USUAL, ChunkSettings(parent=True), ChunkSettings(strategy="sliding", window=80, overlap=20)]
)
def test_no_piece_is_too_long_none_is_empty_and_all_is_always_the_same(path: str, chosen: ChunkSettings) -> None:
    made = pieces(path, DOCUMENTS[path], chosen)
    assert [piece.ordinal for piece in made] == list(range(len(made)))
    for piece in made:
        assert piece.text.strip()
        assert cost_of(piece.embedded_text, is_foreign=False) <= 256 * 10 * 1.03
        assert len(piece.text.split()) <= chosen.window
    assert made == pieces(path, DOCUMENTS[path], chosen)


@pytest.mark.parametrize("path", ["a.txt", "b.txt", "a.md", "a.py"])
def test_nothing_is_lost_and_lines_are_where_they_say(path: str) -> None:
    text = DOCUMENTS[path]
    lines = text.split("\n")
    at = 0
    for piece in pieces(path, text):
        assert piece.place.lines is not None
        first, last = piece.place.lines
        whole = "\n".join(lines[first - 1 : last])
        assert all(line.strip() in whole for line in piece.text.split("\n"))
        # Each begins inside or right after what was covered.
        begin = text.find(piece.text[:40], max(0, at - 2_500))
        assert begin >= 0
        assert not text[at:begin].strip()
        at = max(at, begin + len(piece.text))
    assert not text[at:].strip()


def test_cutting_keeps_up_with_reading() -> None:
    taken = 0

    def blocks() -> Iterator[Block]:
        nonlocal taken
        for number in range(10_000):
            taken += 1
            yield Block(prose(60), Place(lines=(number + 1, number + 1)))

    next(cut(Parsed("a", "text/plain", "", blocks()), USUAL))
    assert taken < 20, "no more of a document is held than a few pieces"


# Strategies


def test_sliding_windows_have_so_many_words_and_some_of_them_again() -> None:
    settings = ChunkSettings(strategy="sliding", window=100, overlap=25)
    made = pieces("a.txt", prose(400), settings)
    assert all(85 <= len(piece.text.split()) <= 100 for piece in made[:-1])
    for one, other in pairwise(made):
        again = other.text[:40]
        assert again in one.text
        assert len(one.text[one.text.index(again) :].split()) <= 25
        assert one.text.endswith("."), "sentences stay whole where they can"


def test_markdown_keeps_sections_apart_and_joins_small_ones() -> None:
    small = "### Linux\n\nRun it.\n\n### Mac\n\nClick it."
    text = f"# Guide\n\nIntro.\n\n## Install\n\n{prose(104)}\n\n{small}\n\n## Use\n\n{prose(110)}\n"
    made = pieces("guide.md", text)
    assert [(piece.context, piece.text.split("\n")[0], piece.place.section) for piece in made] == [
        ("", "# Guide", "Guide"),
        ("Guide > Install", "### Linux", "Linux"),
        ("Guide", "## Use", "Use"),
    ]
    assert made[1].text == small


def test_a_long_section_says_in_each_piece_what_it_is_under() -> None:
    made = pieces("a.md", f"# A\n\n## B\n\n{prose(500)}")
    assert [piece.context for piece in made][1:] == ["A > B"] * (len(made) - 1)
    assert len(made) > 2
    words = [len(piece.text.split()) for piece in made]
    assert max(words) < 1.6 * min(words), "parted evenly, so that no piece is a leftover"


def test_code_is_cut_at_symbols_and_large_ones_keep_their_signature() -> None:
    body = "".join(f"        total = total + compute({n}, rate=rates[{n}])\n" for n in range(60))
    text = "import os\n\n\nclass Till(Base):\n    '''Counts.'''\n\n    def total(self, rates: list[int]) -> int:\n"
    text += f"{body}\n    def empty(self):\n        pass\n"
    made = pieces("till.py", text)
    assert made[0].text.startswith("import os")
    inside = [piece for piece in made if "def total" in piece.context]
    assert len(inside) > 2
    assert {piece.context for piece in inside} == {"class Till(Base) > def total(self, rates: list[int]) -> int"}
    assert made[-1].context == "class Till(Base)"
    assert made[-1].text == "    def empty(self):\n        pass"


def test_a_function_of_eighteen_thousand_characters_is_parted() -> None:
    body = "".join(f"    if value == {n}:\n        return handle(value, {n})\n\n" for n in range(330))
    made = pieces("a.py", f"def dispatch(value):\n{body}")
    assert len(body) > 18_000
    assert len(made) > 20
    assert all(piece.context == "def dispatch(value)" for piece in made[1:])
    assert sum(piece.text.startswith("    if value") for piece in made) > len(made) * 0.8, "parted at blank lines"


def test_pages_of_a_pdf_are_never_mixed() -> None:
    blocks = [Block(f"Words of page {n}.", Place(page=n, lines=(1, 1))) for n in (1, 1, 2)]
    made = list(cut(Parsed("a", "application/pdf", "", blocks, pages=2), USUAL))
    assert [piece.place.page for piece in made] == [1, 2]


def test_records_of_json_are_cut_by_path() -> None:
    text = '{"faq": [' + ",\n".join(f'{{"q": "{prose(40)}", "a": "{prose(40)}"}}' for _ in range(4)) + "]}"
    made = pieces("faq.json", text)
    assert [(piece.context, piece.place.path, piece.place.lines) for piece in made] == [
        ("faq", f"$.faq[{n}]", (n + 1, n + 1)) for n in range(4)
    ]
    assert made[0].text.startswith("q: The quick")


def test_rows_of_a_sheet_are_a_range() -> None:
    blocks = [
        Block(f"Name: {n}", Place(path=f"Prices!{n}", section="Prices"), ("Prices",), "record") for n in (2, 3, 4)
    ]
    (piece,) = cut(Parsed("a", "application/vnd.x", "", blocks), USUAL)
    assert (piece.place.path, piece.context, piece.text) == ("Prices!2:4", "Prices", "Name: 2\nName: 3\nName: 4")


def test_a_page_of_the_web_knows_its_section() -> None:
    made = pieces("a.html", f"<h1 id=a>A</h1><p>{prose(120)}<h2 id=b>B</h2><p>{prose(120)}")
    assert [(piece.context, piece.place.path, piece.place.section) for piece in made] == [
        ("", "#a", "A"),
        ("A", "#b", "B"),
    ]


def test_a_strategy_that_is_named_is_used_whatever_the_document() -> None:
    text = f"# A\n\n{prose(52)}\n\n# B\n\n{prose(65)}"
    assert len(pieces("a.md", text)) == 2
    assert len(pieces("a.md", text, ChunkSettings(strategy="sliding"))) == 1
    assert pieces("a.txt", "One.\n\nTwo.", ChunkSettings(strategy="json")) == pieces("a.txt", "One.\n\nTwo.")


# Parents


def test_children_are_found_and_the_parent_is_all_of_them() -> None:
    made = pieces("a.md", f"# A\n\n{prose(500)}", ChunkSettings(parent=True, window=240))
    parents = {piece.parent for piece in made}
    assert parents <= {piece.ordinal for piece in made}
    for parent in parents:
        children = [piece for piece in made if piece.parent == parent]
        assert children[0].ordinal == parent
        assert sum(len(piece.text.split()) for piece in children) <= 240
        assert all(len(piece.text.split()) <= 80 for piece in children)


# Measures


def test_german_takes_more_than_english_and_is_known_for_it() -> None:
    german = "Die Einrichtung der Benachrichtigungen erfolgt in den Einstellungen der jeweiligen Organisation " * 2
    assert is_foreign(german)
    assert not is_foreign(prose(60))
    assert is_foreign("Kurz gesagt") is None
    assert cost_of(german, is_foreign=True) > 1.5 * cost_of(german)


# Settings


def test_settings_are_read_as_people_write_them() -> None:
    settings = ChunkSettings.from_json({"strategy": "sliding", "window": 200, "overlap": 20})
    assert settings == ChunkSettings("sliding", 200, 20)
    assert ChunkSettings.from_json(settings.as_json()) == settings
    assert ChunkSettings.from_json({"window": 60}).overlap == 10, "what is not said fits what is"
    assert ChunkSettings.from_json({}) == USUAL


@pytest.mark.parametrize(
    "asked",
    [
        {"strategy": "magic"},
        {"window": 5},
        {"window": "300"},
        {"window": True},
        {"window": 100, "overlap": 51},
        {"overlap": -1},
        {"word_pieces": 10},
        {"parent": "yes"},
        {"size": 3},
    ],
)
def test_settings_that_make_no_sense_are_told(asked: dict[str, object]) -> None:
    with pytest.raises(ChunkingInvalid, match="chunking setting"):
        ChunkSettings.from_json(asked)
