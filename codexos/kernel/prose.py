# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading text as a searcher does: words, blocks, sentences with their lines, and how they rank."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

LONGEST_SENTENCE = 600
LONGEST_WORD = 64

BlockKind = Literal["heading", "paragraph", "item", "columns", "row", "code"]

# Scripts written without spaces are read in pairs of characters.
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:['’][^\W_]+)*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?")
_RULE = re.compile(r"\s*(?:[-=*_]\s*){3,}$")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_ROW_RULE = re.compile(r"[\s|:+-]+$")
_SENTENCE_END = re.compile(r"(?<![.!?…؟।])[.!?…؟।]+[\"'”’)\]*_]*\s+|[。！？]+[」』”）]*\s*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[^\W\d_]|e\.g|i\.e|etc|vs|cf|dr|mr|mrs|ms|prof|st|no|nr|fig|approx|ca|z\.b|d\.h|bzw|p\.ex)\.$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item, table row, heading or line of code, with its lines (from 1) and the words above it."""

    kind: BlockKind
    text: str
    first_line: int
    last_line: int
    heading: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, with its lines (from 1) and the heading it stands under."""

    text: str
    first_line: int
    last_line: int
    heading: str
    kind: BlockKind


def words(text: str) -> list[str]:
    """Split text into comparable words: case, accents and common endings apart."""
    found: list[str] = []
    for word in _WORD.findall(_CAMEL.sub(" ", unicodedata.normalize("NFKC", text))):
        if word[0] >= "\u0e00" and re.match(f"[{_UNSPACED}]", word):
            found.extend(word[at : at + 2] for at in range(max(1, len(word) - 1)))
        else:
            found.append(_stem(word[:LONGEST_WORD].casefold()))
    return found


def rarity(terms: Sequence[str], texts: Sequence[Sequence[str]], *, beside: int = 0) -> Mapping[str, float]:
    """Weigh each term by how few of the texts hold it; ``beside`` imagines so many more that hold none of them."""
    wanted = set(terms)
    holding: Counter[str] = Counter()
    for text in texts:
        holding.update(wanted.intersection(text))
    total = len(texts) + beside
    return {term: math.log(1 + (total - holding[term] + 0.5) / (holding[term] + 0.5)) for term in wanted}


def bm25(terms: Sequence[str], texts: Sequence[Sequence[str]]) -> list[float]:
    """Score each text against the terms by Okapi BM25."""
    weights = rarity(terms, texts)
    average = sum(map(len, texts)) / len(texts) if texts else 1.0
    scores: list[float] = []
    for text in texts:
        counts = Counter(word for word in text if word in weights)
        norm = 1.2 * (0.25 + 0.75 * len(text) / (average or 1.0))
        scores.append(sum(weights[word] * count * 2.2 / (count + norm) for word, count in counts.items()))
    return scores


def blocks(text: str) -> list[Block]:
    """Split text, plain or Markdown, into its blocks."""
    return list(_Reader().read(text.splitlines()))


def sentences(text: str) -> Iterator[Sentence]:
    """Walk the sentences of a text; list items, rows, headings and lines of code count as one each."""
    for block in blocks(text):
        line = block.first_line
        for part in _split(block.text) if block.kind in {"paragraph", "item"} else [block.text]:
            for piece in _pieces(part):
                first = line + len(piece) - len(piece.lstrip("\n"))
                last = line + piece.rstrip().count("\n")
                line += piece.count("\n")
                yield Sentence(plain(piece), first, last, block.heading, block.kind)


def plain(text: str) -> str:
    """Put text on one line, without control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    if not word.isascii():
        bare = "".join(char for char in unicodedata.normalize("NFD", word) if not unicodedata.combining(char))
        return _stem(bare) if bare.isascii() and bare else word
    word = word.removesuffix("'s").replace("'", "")
    for ending, shortest, instead in (
        ("ies", 5, "i"),
        ("sses", 5, "ss"),
        ("ing", 6, ""),
        ("edly", 7, ""),
        ("ed", 5, ""),
        ("ly", 5, ""),
        ("es", 5, ""),
        ("s", 4, ""),
    ):
        if word.endswith(ending) and len(word) >= shortest and not word.endswith(("ss", "us", "is")):
            word = word.removesuffix(ending) + instead
            break
    return _trimmed(word)


def _trimmed(word: str) -> str:
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    if len(word) > 3 and word.endswith("e"):
        return word[:-1]
    return f"{word[:-1]}i" if len(word) > 3 and word.endswith("y") else word


def _pieces(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > LONGEST_SENTENCE:
        space = text.rfind(" ", start + 1, start + LONGEST_SENTENCE)
        end = space if space > 0 else start + LONGEST_SENTENCE
        yield text[start:end]
        start = end
    yield text[start:]


def _split(text: str) -> Iterator[str]:
    start = 0
    for match in _SENTENCE_END.finditer(text):
        # Only the tail is looked at, so that a text without an end costs no more than its length.
        if _ABBREVIATION.search(text[max(start, match.start() - 10) : match.start() + 1]):
            continue
        yield text[start : match.end()]
        start = match.end()
    if start < len(text):
        yield text[start:]


class _Reader:
    """Walks the lines of a text once, gathering what belongs together."""

    def __init__(self) -> None:
        self._heading = ""
        self._columns = ""
        self._is_code = False
        self._gathered: list[str] = []
        self._first = 0
        self._kind: BlockKind = "paragraph"

    def read(self, lines: Sequence[str]) -> Iterator[Block]:
        for number, line in enumerate(lines, start=1):
            yield from self._take(line, number)
        yield from self._close()

    def _take(self, line: str, number: int) -> Iterator[Block]:
        if _FENCE.match(line):
            yield from self._close()
            self._is_code = not self._is_code
        elif self._is_code:
            if line.strip():
                yield Block("code", line.strip(), number, number, self._heading)
        elif not line.strip():
            yield from self._close()
            self._columns = ""
        elif len(line) < 1_000 and _RULE.match(line):
            yield from self._underline(line)
        else:
            yield from self._prose(line, number)

    def _prose(self, line: str, number: int) -> Iterator[Block]:
        heading = _HEADING.match(line) if line.lstrip().startswith("#") and len(line) < 1_000 else None
        if heading:
            yield from self._close()
            self._heading = plain(heading.group(1))
            yield Block("heading", self._heading, number, number, "")
        elif line.lstrip().startswith("|"):
            yield from self._close()
            yield from self._row(line, number)
        elif item := _ITEM.match(line):
            yield from self._close()
            self._begin("item", line[item.end() :], number=number)
        elif self._gathered:
            self._gathered.append(_unquoted(line))
        else:
            self._begin("paragraph", _unquoted(line), number=number)

    def _begin(self, kind: BlockKind, line: str, *, number: int) -> None:
        self._kind, self._first = kind, number
        self._gathered.append(line)

    def _underline(self, line: str) -> Iterator[Block]:
        is_heading = line.strip()[0] in "=-" and len(self._gathered) == 1 and self._kind == "paragraph"
        if is_heading:
            self._heading = plain(self._gathered.pop())
            yield Block("heading", self._heading, self._first, self._first, "")
        yield from self._close()

    def _row(self, line: str, number: int) -> Iterator[Block]:
        if _ROW_RULE.match(line):
            return
        is_first = not self._columns
        if is_first:
            self._columns = plain(line.replace("|", " "))
        above = f"{self._heading} {self._columns}".strip()
        yield Block("columns" if is_first else "row", line.strip(), number, number, above)

    def _close(self) -> Iterator[Block]:
        if self._gathered:
            last = self._first + len(self._gathered) - 1
            yield Block(self._kind, "\n".join(self._gathered), self._first, last, self._heading)
            self._gathered.clear()


def _unquoted(line: str) -> str:
    return line.lstrip().lstrip(">").lstrip() if line.lstrip().startswith(">") else line.strip()
