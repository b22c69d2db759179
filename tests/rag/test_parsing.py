# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Documents of strangers become blocks that say where they stand, or a reason why not; and nothing else happens."""

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from rag.adapters.parsing import crew
from rag.adapters.parsing.kinds import kind_of
from rag.adapters.parsing.raw import Raw
from rag.adapters.parsing.reading import LIMITS, Limits, reading
from rag.engine.parsed import Block
from rag.engine.passages import Place
from tests.pdfs import encrypted_pdf, make_pdf
from tests.rag.documents import LAUGHS, blocks_of, make_docx, make_pptx, make_xlsx, pack, paragraph, reason_of

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module", autouse=True)
def _no_reader_is_left() -> Iterator[None]:
    yield
    crew.close_all()


def here(path: str, text: str) -> list[Block]:
    """Read where the test runs, which is quicker: what is proven is how a kind is read."""
    content = text.encode()
    raw = Raw(path, content, kind_of(path, head=content))
    return list(import_module(f"rag.adapters.parsing.{raw.kind.reader}").read(raw).blocks)


def seen(blocks: list[Block]) -> list[tuple[str, str, Any]]:
    return [(block.text, " > ".join(block.headings), block.place.lines or block.place.path) for block in blocks]


# Kinds, each once through the whole way


def test_a_pdf_is_read_by_pages_and_lines() -> None:
    with reading([make_pdf(["Page one.", "More."], [], ["Grüße."])], path="a/b.pdf") as parsed:
        assert (parsed.title, parsed.media_type, parsed.pages) == ("b.pdf", "application/pdf", 3)
        assert [(block.text, block.place) for block in parsed.blocks] == [
            ("Page one.\nMore.", Place(page=1, lines=(1, 2))),
            ("Grüße.", Place(page=3, lines=(1, 1))),
        ]


def test_a_word_document_is_read_with_its_headings_and_changes_taken() -> None:
    styles = '<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>'
    body = paragraph("Install", style="berschrift1") + (
        "<w:p><w:r><w:t>Now</w:t></w:r><w:del><w:r><w:t> never</w:t></w:r></w:del>"
        "<w:ins><w:r><w:t> always</w:t></w:r></w:ins></w:p>"
        f"<w:tbl><w:tr><w:tc>{paragraph('a')}</w:tc><w:tc>{paragraph('b')}{paragraph('c')}</w:tc></w:tr></w:tbl>"
    )
    with reading([make_docx(body, styles=styles)], path="guide.docx") as parsed:
        assert parsed.title == "Install"
        assert seen(list(parsed.blocks)) == [
            ("Install", "Install", "paragraph 1"),
            ("Now always", "Install", "paragraph 2"),
            ("a | b c", "Install", "paragraph 2"),
        ]


def test_a_workbook_is_read_row_by_row_with_the_names_of_its_columns() -> None:
    rows = [["Fruit", "Price"], ["Apple", 1.5], [None, None], ["Pear", 2]]
    assert seen(blocks_of("prices.xlsx", make_xlsx("Prices", rows))) == [
        ("Fruit: Apple; Price: 1.5", "Prices", "Prices!2"),
        ("Fruit: Pear; Price: 2", "Prices", "Prices!4"),
    ]


def test_slides_are_pages_under_their_titles() -> None:
    blocks = blocks_of("talk.pptx", make_pptx(("Why", "Because."), ("How", "So.")))
    assert [(block.text, block.headings, block.place.page) for block in blocks] == [
        ("Why", ("Why",), 1),
        ("Because.", ("Why",), 1),
        ("How", ("How",), 2),
        ("So.", ("How",), 2),
    ]


PAGE = """<!doctype html><title>The &amp; page</title><nav>Menu</nav><main>
<h1 id="top">Top</h1><p>Some <b>bold</b> words,<br>and more. {more}</p>
<h2><a name="sub"></a>Sub</h2><ul><li>one<li>two</ul><pre>x = 1
  y</pre><table><tr><th>a<th>b<tr><td>1<td>2</table></main>
<footer>Imprint</footer><script>var x = "<p>no</p>";</script>"""


def test_a_page_is_read_without_what_stands_around_it() -> None:
    content = PAGE.format(more="So it goes on. " * 20).encode()
    with reading([content], path="https://example.com/a/", media_type="text/html; charset=utf-8") as parsed:
        blocks = list(parsed.blocks)
        assert parsed.title == "The & page"
    assert blocks[1].text.startswith("Some bold words, and more. So it goes on.")
    assert [(b.text, b.headings[-1], b.place.path, b.kind) for b in (blocks[0], *blocks[2:])] == [
        ("Top", "Top", "#top", "heading"),
        ("Sub", "Sub", "#sub", "heading"),
        ("- one", "Sub", "#sub", "prose"),
        ("- two", "Sub", "#sub", "prose"),
        ("x = 1\n  y", "Sub", "#sub", "code"),
        ("a | b", "Sub", "#sub", "table"),
        ("1 | 2", "Sub", "#sub", "table"),
    ]


def test_code_is_read_by_its_symbols() -> None:
    code = "import os\n\n\n# Keeps it.\nclass Box(Base):\n    '''A box.'''\n\n"
    code += "    @cached\n    def open(self, *, by: str) -> int:\n        return 1\n"
    with reading([code.encode()], path="src/box.py") as parsed:
        assert (parsed.language, parsed.title) == ("python", "box.py")
        assert seen(list(parsed.blocks)) == [
            ("import os", "", (1, 1)),
            ("# Keeps it.\nclass Box(Base):\n    '''A box.'''", "class Box(Base)", (4, 6)),
            (
                "    @cached\n    def open(self, *, by: str) -> int:\n        return 1",
                "class Box(Base) > def open(self, *, by: str) -> int",
                (8, 10),
            ),
        ]


# Kinds, more closely


def test_markdown_knows_its_headings_code_and_tables() -> None:
    text = "---\ntitle: A guide\n---\n# One #\n\nText\ngoes on.\n\nTwo\n---\n"
    text += "```py\n# no heading\n\nx\n```\n| a |\n|---|\n<!-- not\nread -->\n"
    assert seen(here("a.md", text)) == [
        ("title: A guide", "", (2, 2)),
        ("# One #", "One", (4, 4)),
        ("Text\ngoes on.", "One", (6, 7)),
        ("Two\n---", "One > Two", (9, 10)),
        ("```py\n# no heading\n\nx\n```", "One > Two", (11, 15)),
        ("| a |\n|---|", "One > Two", (16, 17)),
    ]


def test_restructured_text_has_levels_in_the_order_of_its_marks() -> None:
    text = "=====\nTitle\n=====\n\nText.\n\nPart\n----\n\nMore.\n\nOther\n-----\n"
    assert [block.headings for block in here("a.rst", text)] == [
        ("Title",),
        ("Title",),
        ("Title", "Part"),
        ("Title", "Part"),
        ("Title", "Other"),
    ]


def test_json_is_read_as_names_and_values_under_paths() -> None:
    long = "word " * 200
    text = (
        '{"users": [\n  {"name": "Ada", "tags": ["a", "b"], "at": null},\n  {"name": "Bob", "x y": {"z": true}}\n],\n'
    )
    assert seen(here("a.json", text + f'"text": "{long}"}}')) == [
        ("users.name: Ada\nusers.tags: a, b\nusers.name: Bob\nusers.x y.z: true", "", (1, 4)),
        (f"text: {long.strip()}", "", (5, 5)),
    ]
    blocks = here("a.json", json.dumps({"paths": {"/users": [{"about": long}, {"about": long}]}}))
    assert [(block.headings, block.place.path) for block in blocks] == [
        (("paths", "/users"), '$.paths["/users"][0].about'),
        (("paths", "/users"), '$.paths["/users"][1].about'),
    ]


def test_lines_of_json_are_records_with_their_lines() -> None:
    assert seen(here("a.jsonl", '{"q": "one"}\n\n{"q": "two"}\n')) == [("q: one", "", (1, 1)), ("q: two", "", (3, 3))]


def test_what_is_not_quite_json_is_read_as_far_as_it_is_and_then_as_text() -> None:
    assert [block.text for block in here("tsconfig.json", '// why\n{"a": 1, /* b */ "b": "c",}\n')] == ["a: 1\nb: c"]
    assert [block.text for block in here("a.json", '{"a": "b", "c": ]oops')] == ["a: b", "oops"]
    assert [block.text for block in here("a.json", "Sorry, not found.")] == ["Sorry, not found."]


def test_tables_of_text_are_read_however_they_are_parted() -> None:
    assert seen(here("a.csv", 'Name;Note\nAda;"two\nlines; here"\nBob;\n')) == [
        ("Name: Ada; Note: two lines; here", "", (2, 3)),
        ("Name: Bob", "", (4, 4)),
    ]
    assert [block.text for block in here("a.csv", "1,2\n3,4\n")] == ["1; 2", "3; 4"], "numbers name no columns"


def test_a_notebook_is_read_without_what_came_out_of_it() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "\n", "Words."]},
        {"cell_type": "code", "source": "x = 1", "outputs": [{"text": "secret"}]},
    ]
    assert seen(here("a.ipynb", json.dumps({"cells": cells}))) == [
        ("# Title", "Title", (1, 1)),
        ("Words.", "Title", (3, 3)),
        ("x = 1", "Title", (1, 1)),
    ]


CODE = {
    "a.js": (
        "export class A {\n  run(x) { return x; }\n}\nexport const go = (x) => {\n  return x;\n};\n",
        "class A > run(x)",
    ),
    "a.ts": (
        "export interface A { b: string }\nnamespace N {\n  export function f(a: A): void {}\n}\n",
        "namespace N > function f(a: A): void",
    ),
    "a.tsx": ("export function App() {\n  return <b>hi</b>;\n}\n", "function App()"),
    "a.go": (
        "package a\n\n// Run runs.\nfunc (s *Server) Run(ctx Context) error {\n\treturn nil\n}\n",
        "func (s *Server) Run(ctx Context) error",
    ),
    "a.rs": (
        "impl<T> Box<T> {\n    #[inline]\n    pub fn get(&self) -> T { self.0 }\n}\n",
        "impl<T> Box<T> > pub fn get(&self) -> T",
    ),
    "A.java": ("class A {\n  /** Runs. */\n  int run(int a) { return a; }\n}\n", "class A > int run(int a)"),
    "a.c": ("#ifdef X\nstatic int add(int a, int b)\n{\n  return a + b;\n}\n#endif\n", "static int add(int a, int b)"),
    "a.cpp": (
        "namespace n {\ntemplate <class T>\nclass Box {\n public:\n  T get() const { return t; }\n};\n}\n",
        "namespace n > class Box > T get() const",
    ),
    "a.cs": (
        "namespace N {\n  class A {\n    public int Run(int a) { return a; }\n  }\n}\n",
        "namespace N > class A > public int Run(int a)",
    ),
    "a.rb": (
        "module M\n  class A < B\n    def run(x)\n      x\n    end\n  end\nend\n",
        "module M > class A < B > def run(x)",
    ),
    "a.php": ("<?php\nclass A {\n  public function run($x) { return $x; }\n}\n", "class A > public function run($x)"),
    "a.sh": ("set -e\nrun() {\n  echo hi\n}\n", "run()"),
    "a.py": ("if X:\n    def f(a):\n        pass\n", "def f(a)"),
}


@pytest.mark.parametrize("path", CODE)
def test_every_language_has_scopes_and_signatures_and_loses_no_line(path: str) -> None:
    code, wanted = CODE[path]
    blocks = here(path, code)
    assert wanted in [" > ".join(block.headings) for block in blocks]
    lines = code.split("\n")
    covered = {number for block in blocks if block.place.lines for number in range(*block.place.lines)} | {
        block.place.lines[1] for block in blocks if block.place.lines
    }
    assert [line for number, line in enumerate(lines, start=1) if line.strip() and number not in covered] == []
    for block in blocks:
        assert block.place.lines is not None
        assert block.text == "\n".join(lines[block.place.lines[0] - 1 : block.place.lines[1]])


def test_a_language_without_a_grammar_is_read_by_lines() -> None:
    assert [(block.kind, block.place.lines) for block in here("a.kt", "fun main() {\n}\n")] == [("code", (1, 2))]
    assert kind_of("run", head=b"#!/usr/bin/env python3\n").language == "python"


# Encodings


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("latin-1", "Grüße aus Köln: schöne Straße"),
        ("utf-8-sig", "Grüße"),
        ("utf-16", "Grüße\nzwei"),
        ("utf-16-le", "Hello out there\nzwei"),
        ("utf-32", "Grüße"),
        ("koi8-r", "Обычный русский текст для проверки кодировки, ещё немного слов."),
        ("shift_jis", "これは日本語のテキストです。文字コードを推定します。"),
    ],
)
def test_text_is_read_in_the_encoding_it_is_in(encoding: str, text: str) -> None:
    assert [block.text for block in blocks_of("a.txt", text.encode(encoding))] == [text]


def test_nothing_that_is_no_text_comes_through() -> None:
    assert blocks_of("a.txt", b"a\x00b\x07 \xc2\x85c and a few words more, for it is text")[0].text.startswith("ab \nc")
    assert reason_of("a.txt", bytes(range(256)) * 20) == "binary"
    assert blocks_of("a.py", b"") == [], "that a file is empty is no failure"


# What cannot be read has a reason, and the next document is read all the same


BAD: dict[str, tuple[str, bytes]] = {
    "an encrypted PDF": ("encrypted", encrypted_pdf()),
    "a scan": ("scanned", make_pdf([], b"0 0 100 100 re f")),
    "a truncated PDF": ("broken", make_pdf(["Cut short."])[:400]),
    "a truncated DOCX": ("broken", make_docx(paragraph("a"))[:-30]),
    "an encrypted DOCX": ("encrypted", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")),
    "an old Word document": ("old_office", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600),
    "a packed bomb": ("bomb", make_docx(paragraph("a" * 140_000_000))),
    "a DOCX of laughs": ("bomb", make_docx("<w:p><w:r><w:t>&j;</w:t></w:r></w:p>", before=LAUGHS)),
    "deep XML in a DOCX": ("too_deep", make_docx("<w:p>" * 50_000 + "</w:p>" * 50_000)),
    "an empty DOCX": ("empty", make_docx("")),
    "an archive": ("archive", pack({"a.txt": "a"})),
    "a picture": ("binary", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_read_has_a_reason(what: str) -> None:
    reason, content = BAD[what]
    assert reason_of("a.bin", content) == reason


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("a.html", b"<div>" * 20_000 + b"deep", "too_deep"),
        ("a.html", b"<html><script>let page = 1</script>", "empty"),
        ("a.json", b"[" * 20_000 + b"]" * 20_000, "too_deep"),
        ("a.min.js", b"function a(){return 1};" * 20_000, "minified"),
        ("a.csv", b'a,b\n"' + b"x" * 2_000_000, "too_complex"),
        ("a.ipynb", b'{"cells": 3}', "broken"),
        ("a.xlsx", make_xlsx("S", [["&j;", "b"]], before=LAUGHS), "broken"),
    ],
)
def test_strange_documents_have_a_reason(path: str, content: bytes, reason: str) -> None:
    assert reason_of(path, content) == reason


def test_json_two_hundred_levels_deep_is_read() -> None:
    (block,) = blocks_of("a.json", b'{"a":' * 200 + b'"deep down"' + b"}" * 200)
    assert block.text.endswith("a: deep down")


def test_a_large_page_is_read_in_parts() -> None:
    page = "".join(f"<h2>Section {n}</h2><p>{'Some words that say little. ' * 40}</p>" for n in range(4_000))
    with reading([page.encode()], path="a.html") as parsed:
        headings = [block.text for block in parsed.blocks if block.kind == "heading"]
    assert headings == [f"Section {n}" for n in range(4_000)]


def test_a_pdf_of_two_thousand_pages_is_read_and_one_of_more_than_may_be_is_not() -> None:
    long = make_pdf(*[[f"Page {n}."] for n in range(2_000)])
    assert blocks_of("a.pdf", long)[-1].place == Place(page=2_000, lines=(1, 1))
    assert reason_of("a.pdf", long, limits=replace(LIMITS, pages=1_999)) == "too_many_pages"


@pytest.mark.parametrize(
    ("limits", "content", "reason"),
    [
        (replace(LIMITS, file_bytes=100), b"word " * 100, "too_large"),
        (replace(LIMITS, text_bytes=10_000), b"word\n\n" * 5_000, "too_much_text"),
        (replace(LIMITS, memory_bytes=150 * MEBIBYTE), b"word " * 20_000_000, "too_complex"),
    ],
)
def test_no_document_takes_more_than_it_may(limits: Limits, content: bytes, reason: str) -> None:
    assert reason_of("a.txt", content, limits=limits) == reason
