# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Markdown and reStructuredText: what stands under which headings, with lines; code and tables stay whole."""

import re
from collections.abc import Iterator, Sequence

from rag.adapters.parsing.decoding import text_of
from rag.adapters.parsing.plain_text import in_parts, title_from
from rag.adapters.parsing.raw import Raw
from rag.engine.parsed import Block, BlockKind, Parsed
from rag.engine.passages import Place

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_RST_UNDERLINE = re.compile(r"([=\-`:'\"~^_*+#<>.])\1{2,}[ \t]*$")
_FENCE = re.compile(r" {0,12}(`{3,}|~{3,})")
_FRONT_END = frozenset({"---", "..."})
_MOST_FRONT_LINES = 200
_NOT_A_TITLE = re.compile(r"\s*(?:[-*+>|]|\d+[.)]|```|~~~)(?:\s|$)")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ANCHOR = re.compile(r"\s*\{#[^}]*\}\s*$")
_DATA = re.compile(r"\(data:[^)\s]{200,}\)")
_TITLE = re.compile(r"^title:\s*['\"]?(.+?)['\"]?\s*$", re.M)
_COMMENT = re.compile(r"\s*<!--(?:(?!-->).)*-->\s*", re.S)
_DEEPEST = 6


class Headings:
    """The headings that hold at a line."""

    def __init__(self) -> None:
        self._levels: list[tuple[int, str]] = []

    def open(self, level: int, text: str) -> tuple[str, ...]:
        """Begin a section; those of its level and below end."""
        self._levels = [(held, name) for held, name in self._levels if held < level] + [(level, text)]
        return self.path

    @property
    def path(self) -> tuple[str, ...]:
        """Return the headings, outermost first."""
        return tuple(name for _, name in self._levels)


def read(raw: Raw) -> Parsed:
    """Read the sections; the title is that of the front matter, the first heading, or the name."""
    lines = _DATA.sub("(data)", text_of(raw)).split("\n")
    is_rst = raw.kind.media_type == "text/x-rst"
    first = next((block for block in _sections(lines[:2_000], is_rst=is_rst) if block.kind == "heading"), None)
    stated = _TITLE.search("\n".join(lines[1 : _front_matter(lines)]))
    title = stated[1] if stated else first.headings[-1] if first else ""
    return Parsed(title_from(title) or raw.name, raw.kind.media_type, "", _sections(lines, is_rst=is_rst))


def sections(text: str) -> Iterator[Block]:
    """Yield the blocks of Markdown that is a part of something else."""
    return _sections(text.split("\n"), is_rst=False)


def _front_matter(lines: Sequence[str]) -> int:
    """Return how many lines a head of settings has, its marks included."""
    if not lines or lines[0].rstrip() != "---":
        return 0
    for number, line in enumerate(lines[1:_MOST_FRONT_LINES], start=1):
        if line.rstrip() in _FRONT_END:
            return number + 1
    return 0


def _sections(lines: Sequence[str], *, is_rst: bool) -> Iterator[Block]:
    headings, levels = Headings(), dict[str, int]()
    at = _front_matter(lines)
    if at:
        yield from in_parts("\n".join(lines[1 : at - 1]), line=2, headings=(), kind="record")
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        heading = _rst_heading(lines, at, levels) if is_rst else _heading(lines, at)
        if heading is not None:
            level, text, end = heading
            yield _heading_block(lines[at:end], at + 1, headings.open(level, text))
        else:
            end, kind = _end_of_block(lines, at, is_rst=is_rst)
            text = "\n".join(lines[at:end])
            if not _COMMENT.fullmatch(text):
                yield from in_parts(text, line=at + 1, headings=headings.path, kind=kind)
        at = end


def _heading_block(lines: Sequence[str], first: int, path: tuple[str, ...]) -> Block:
    place = Place(lines=(first, first + len(lines) - 1), section=path[-1])
    return Block("\n".join(lines).strip(), place, path, "heading")


def _heading(lines: Sequence[str], at: int) -> tuple[int, str, int] | None:
    if atx := _ATX.match(lines[at]):
        return len(atx[1]), _plain(atx[2] or ""), at + 1
    if at + 1 < len(lines) and (under := _UNDERLINE.match(lines[at + 1])) and not _NOT_A_TITLE.match(lines[at]):
        return (1 if under[1][0] == "=" else 2), _plain(lines[at]), at + 2
    return None


def _rst_heading(lines: Sequence[str], at: int, levels: dict[str, int]) -> tuple[int, str, int] | None:
    over = _RST_UNDERLINE.match(lines[at])
    title = at + 1 if over else at
    if title + 1 >= len(lines) or not lines[title].strip():
        return None
    under = _RST_UNDERLINE.match(lines[title + 1])
    if under is None or len(lines[title + 1].rstrip()) < len(lines[title].strip()) or (over and over[1] != under[1]):
        return None
    level = levels.setdefault(("over" if over else "") + under[1], len(levels) + 1)
    return min(level, _DEEPEST), _plain(lines[title]), title + 2


def _plain(heading: str) -> str:
    return title_from(_ANCHOR.sub("", _LINK.sub(r"\1", heading)).replace("`", "").replace("**", ""))


def _end_of_block(lines: Sequence[str], at: int, *, is_rst: bool) -> tuple[int, BlockKind]:
    if not is_rst and (fence := _FENCE.match(lines[at])):
        return _end_of_fence(lines, at, fence[1]), "code"
    if lines[at].lstrip().startswith("|"):
        return _end_of_table(lines, at), "table"
    end = at + 1
    while end < len(lines) and lines[end].strip() and not _begins_another(lines, end, is_rst=is_rst):
        end += 1
    return end, "prose"


def _begins_another(lines: Sequence[str], at: int, *, is_rst: bool) -> bool:
    if is_rst:
        return False
    return bool(_FENCE.match(lines[at]) or _ATX.match(lines[at]))


def _end_of_fence(lines: Sequence[str], at: int, mark: str) -> int:
    for end in range(at + 1, len(lines)):
        line = lines[end].strip()
        if len(line) >= len(mark) and not line.strip(mark[0]):
            return end + 1
    return len(lines)


def _end_of_table(lines: Sequence[str], at: int) -> int:
    end = at + 1
    while end < len(lines) and lines[end].lstrip().startswith("|"):
        end += 1
    return end
