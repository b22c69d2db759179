# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of the web: what people read of them, under its headings; large ones part by part."""

import re
from collections.abc import Iterator
from html import unescape

from selectolax.lexbor import LexborHTMLParser, LexborNode

from rag.adapters.parsing.decoding import clean, encoding_of, text_of
from rag.adapters.parsing.markdown_text import Headings
from rag.adapters.parsing.plain_text import LONGEST_BLOCK, title_from
from rag.adapters.parsing.raw import Raw, Unreadable
from rag.engine.parsed import Block, BlockKind, Parsed
from rag.engine.passages import Place

_PART = 2_000_000
# Without meaning for readers, and most of what makes pages large: taken out before a tree is built of the rest.
_DROPPED = re.compile(r"<(script|style|svg|template|noscript)\b[^>]*>.*?</\1\s*>|<!--.*?-->", re.S | re.I)
_DATA = re.compile(r"""(=\s*["'])data:[^"']{200,}""", re.I)
_CHARSET = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([\w-]{2,30})""", re.I)
_BEGINS_PART = re.compile(r"<(?:h[1-6]|p|div|section|article|table|tr|ul|ol|li|pre)\b", re.I)
_NESTED = re.compile(r"<(/?)(?:div|span|section|article|ul|ol|dl|table|blockquote|b|i|u|em|strong|font|small)\b", re.I)
_DEEPEST = 3_000
_TITLE = re.compile(r"<title\b[^>]*>([^<]*)", re.I)
_HEAD = 100_000
_SKIPPED_TAGS = "script style svg template noscript head iframe object canvas audio video select button input textarea"
_SKIPPED = frozenset(_SKIPPED_TAGS.split())
_AROUND = frozenset({"nav", "footer", "aside"})
_ROLES_AROUND = frozenset({"navigation", "contentinfo", "search", "complementary"})
_BLOCK_TAGS = (
    "p div li section article main header footer nav aside ul ol dl dt dd blockquote figure figcaption table thead "
    "tbody tfoot caption form fieldset details summary address hr body html center"
)
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_WHOLE, _INLINE = frozenset({"pre", "tr"}), frozenset({"br", "td", "th"})
_BLANKS = re.compile(r"\s+")


def read(raw: Raw) -> Parsed:
    """Read what a page says. Raises Unreadable where that is nothing."""
    text = _DATA.sub(r"\1", _DROPPED.sub(" ", _decoded(raw)))
    named = _TITLE.search(text[:_HEAD])
    title = title_from(unescape(named[1])) if named else ""
    blocks = _blocks(text)
    first = next(blocks, None)
    if first is None:
        raise Unreadable("empty")
    return Parsed(title or _first_heading(first) or raw.name, raw.kind.media_type, "", _with_first(first, blocks))


def _with_first(first: Block, blocks: Iterator[Block]) -> Iterator[Block]:
    yield first
    yield from blocks


def _first_heading(first: Block) -> str:
    return first.headings[-1] if first.kind == "heading" else ""


def _decoded(raw: Raw) -> str:
    stated = _CHARSET.search(bytes(raw.content[:4096]))
    if stated is None:
        return text_of(raw)
    content = bytes(raw.content)
    try:
        return clean(content.decode("utf-8"))
    except UnicodeDecodeError:
        try:
            return clean(content.decode(stated[1].decode("ascii"), "replace"))
        except LookupError:
            return clean(content.decode(encoding_of(content), "replace"))


def _blocks(text: str) -> Iterator[Block]:
    walk = _Walk()
    for part in _parts(text):
        _check_depth(part)
        root = _root(LexborHTMLParser(part), is_whole=len(part) == len(text))
        if root is not None:
            yield from walk.blocks(root)
    yield from walk.end()


def _parts(text: str) -> Iterator[str]:
    """Yield parts that a tree is built of one after another, so that memory does not grow with the page."""
    start = 0
    while len(text) - start > _PART:
        found = _BEGINS_PART.search(text, start + _PART)
        end = found.start() if found else len(text)
        yield text[start:end]
        start = end
    yield text[start:]


def _check_depth(part: str) -> None:
    # A tree so deep is built in a time that grows with the square of its depth.
    depth = 0
    for tag in _NESTED.finditer(part):
        depth = max(0, depth - 1) if tag[1] else depth + 1
        if depth > _DEEPEST:
            raise Unreadable("too_deep")


def _root(tree: LexborHTMLParser, *, is_whole: bool) -> LexborNode | None:
    mains = tree.css("main, [role=main]") if is_whole else []
    # What stands around the main part of a page is on every page of its site.
    return mains[0] if len(mains) == 1 and len(mains[0].text(strip=True)) > 200 else tree.body


class _Walk:
    """Goes through a tree in its order, without recursion, and gathers the text of each block."""

    def __init__(self) -> None:
        self._headings = Headings()
        self._said: list[str] = []
        self._path: str | None = None
        self._cells = 0

    def blocks(self, root: LexborNode) -> Iterator[Block]:
        node: LexborNode | None = root
        while node is not None:
            if _is_skipped(node):
                node = _after(node, root)
                continue
            yield from self._enter(node)
            inner = None if node.tag in _HEADINGS or node.tag in _WHOLE else node.child
            node = inner if inner is not None else _after(node, root)

    def end(self) -> Iterator[Block]:
        """Yield what was gathered last."""
        text = _BLANKS.sub(" ", "".join(self._said)).strip()
        self._said = []
        if text:
            yield from self._made(text, "prose")

    def _enter(self, node: LexborNode) -> Iterator[Block]:
        tag = node.tag
        if tag == "-text":
            self._said.append(node.text_content or "")
        elif tag in _INLINE:
            self._said.append(" ")
        elif tag in _HEADINGS or tag in _WHOLE or tag in _BLOCKS:
            yield from self.end()
            yield from self._begin(node)

    def _begin(self, node: LexborNode) -> Iterator[Block]:
        tag = node.tag
        if tag in _HEADINGS:
            yield from self._heading(node, _HEADINGS[tag])
        elif tag == "pre":
            yield from self._made(node.text().strip("\n").rstrip(), "code")
        elif tag == "tr":
            yield from self._made(_row(node), "table")
        elif tag == "li":
            self._said.append("- ")

    def _heading(self, node: LexborNode, level: int) -> Iterator[Block]:
        text = title_from(node.text()).removesuffix("\u00b6").rstrip()
        if not text:
            return
        anchor = _anchor(node)
        self._path = f"#{anchor}" if anchor else None
        path = self._headings.open(level, text)
        yield Block(text, Place(path=self._path, section=text), path, "heading")

    def _made(self, text: str, kind: BlockKind) -> Iterator[Block]:
        headings = self._headings.path
        place = Place(path=self._path, section=headings[-1] if headings else None)
        for start in range(0, len(text), LONGEST_BLOCK):
            part = text[start : start + LONGEST_BLOCK].strip("\n")
            if part.strip() not in {"", "-"}:
                yield Block(part, place, headings, kind)


def _row(row: LexborNode) -> str:
    cells = [" ".join(cell.text(separator=" ").split()) for cell in row.iter() if cell.tag in {"td", "th"}]
    return " | ".join(cells) if any(cells) else ""


def _anchor(heading: LexborNode) -> str | None:
    if heading.id:
        return heading.id
    inner = heading.css_first("[id], a[name]")
    if inner is not None:
        return inner.id or inner.attributes.get("name")
    above = heading.parent
    return above.id if above is not None and above.tag == "section" else None


def _is_skipped(node: LexborNode) -> bool:
    tag = node.tag or "-"
    if tag in _SKIPPED or tag in _AROUND or tag == "-comment":
        return True
    if tag[0] == "-" or tag not in _BLOCKS:
        return False
    attributes = node.attributes
    return "hidden" in attributes or attributes.get("role") in _ROLES_AROUND or attributes.get("aria-hidden") == "true"


def _after(node: LexborNode, root: LexborNode) -> LexborNode | None:
    """Return the next node that is not inside this one; None at the end of the root."""
    here: LexborNode | None = node
    while here is not None and here.mem_id != root.mem_id:
        if here.next is not None:
            return here.next
        here = here.parent
    return None
