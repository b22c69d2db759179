# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A web page as readable text: what people came for, as Markdown, without scripts, menus, and what nobody sees.

Read in one walk over its tags, and no tree is built: pages nested a hundred thousand deep are made to hold up whoever
builds one, and this runs in the process that carries everybody's runs.
"""

import re
from collections.abc import Mapping
from html import unescape
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

# What a tag says ends at the next mark of either kind, so that no letter is looked at more than twice.
_TOKEN = re.compile(
    r"<!--(?P<comment>)|<[!?][^<>]{0,5000}>?|<(?P<end>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9:-]{0,40})(?P<said>[^<>]{0,8000})>"
    r"|[^<]+|<"
)
_ATTRIBUTE = re.compile(r"([a-zA-Z_:-]{1,60})(?:\s{0,20}=\s{0,20}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_RAW = frozenset(
    {"script", "style", "noscript", "textarea", "title", "iframe", "noembed", "noframes", "xmp", "template"}
)
_DROPPED = frozenset(
    {"svg", "canvas", "object", "form", "button", "select", "dialog", "nav", "aside", "math", "audio", "video"}
)
_EMPTY = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?!\.\d*[1-9])"
)
_BLOCKS = frozenset(
    {"p", "div", "section", "article", "main", "ul", "ol", "table", "blockquote", "pre", "figure", "dl", "dt", "dd"}
    | {"header", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "li", "hr", "address", "details", "summary"}
)
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`"}
_BEGIN = {
    **_MARKS,
    **{f"h{level}": f"\n\n{'#' * level} " for level in range(1, 7)},
    "br": "\n",
    "li": "\n- ",
    "tr": "\n",
    "td": " | ",
    "th": " | ",
    "pre": "\n\n```\n",
}
_MAIN = frozenset({"article", "main"})
_AROUND = frozenset({"header", "footer"})
_SHARE_OF_PAGE = 0.25
"""How much of a page's text an article holds at least, to be taken for what the page is about."""
_CHARSET = re.compile(rb"<meta[^>]{1,300}charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\f\v\u00a0\n]+")
_TITLE_CHARACTERS = 300


MOST_CHARACTERS = 2_000_000
"""How much of a page's source is read; what follows is left out."""


class Page(NamedTuple):
    """What a page says, and what it is called."""

    title: str
    text: str


def read_page(html: str, *, url: str) -> Page:
    """Read a page. Takes some 100 ms for a megabyte, so call it in a thread."""
    reader = _Reader(html[:MOST_CHARACTERS], url)
    reader.read()
    return Page(reader.title, reader.text)


def charset_of(body: bytes) -> str:
    """Return the character set that a page names in itself; "" where it names none."""
    found = _CHARSET.search(body[:4_096])
    return found[1].decode("ascii").lower() if found else ""


class _Part(NamedTuple):
    """A stretch of what was written, that one element held."""

    tag: str
    begin: int
    end: int


class _Reader:
    """Walks over a page's tags and writes what is between them."""

    def __init__(self, html: str, url: str) -> None:
        self._html = html
        self._url = url
        self._out: list[str] = []
        self._open: list[tuple[str, int]] = []
        self._parts: list[_Part] = []
        self._links: list[str] = []
        self._in_pre = 0
        self._skipped = ""
        self._skipped_depth = 0
        self.title = ""

    @property
    def text(self) -> str:
        """What the page is about."""
        whole = "".join(self._out)
        mains = sorted((part for part in self._parts if part.tag in _MAIN), key=lambda part: part.begin - part.end)
        longest = "".join(self._out[mains[0].begin : mains[0].end]) if mains else ""
        if longest and len(longest) >= _SHARE_OF_PAGE * len(whole):
            return _tidy(longest)
        emptied = 0
        for part in sorted(self._parts, key=lambda part: (part.begin, -part.end)):
            # One within another went with it: of many within each other none is gone through again.
            if part.tag in _AROUND and part.end > emptied:
                self._out[part.begin : part.end] = [""] * (part.end - part.begin)
                emptied = part.end
        return _tidy("".join(self._out))

    def read(self) -> None:
        """Walk over all of it."""
        html, at = self._html, 0
        while at < len(html):
            found = _TOKEN.match(html, at)
            if found is None:
                break
            at = found.end()
            if found["comment"] is not None:
                at = _after(html, "-->", at)
            elif found["tag"] is not None:
                at = self._take(found, at)
            elif not self._skipped and not found[0].startswith(("<!", "<?")):
                self._say(found[0])
        for tag, begin in self._open:
            self._parts.append(_Part(tag, begin, len(self._out)))

    def _take(self, found: re.Match[str], at: int) -> int:
        tag, is_end = found["tag"].lower(), bool(found["end"])
        if tag in _RAW and not is_end:
            end = _end_of_raw(self._html, tag, at)
            if tag == "title" and not self.title:
                self.title = " ".join(unescape(self._html[at : at + 2_000].partition("<")[0]).split())
                self.title = self.title[:_TITLE_CHARACTERS]
            return end
        if self._skipped and self._is_passed_over(tag, is_end=is_end):
            return at
        if is_end:
            self._close(tag)
        else:
            self._begin(tag, found["said"])
        return at

    def _is_passed_over(self, tag: str, *, is_end: bool) -> bool:
        """Whether a tag belongs to what is left out; a paragraph nobody closed ends where another block begins."""
        if self._skipped == "p" and not is_end and tag in _BLOCKS:
            self._skipped = ""
            return False
        if tag == self._skipped:
            self._skipped_depth += -1 if is_end else 1
        if self._skipped_depth <= 0:
            self._skipped = ""
        return True

    def _begin(self, tag: str, said: str) -> None:
        attributes = _attributes(said) if said.strip(" /\n\t") else {}
        if tag not in _EMPTY and (tag in _DROPPED or _is_unseen(attributes)):
            self._skipped, self._skipped_depth = tag, 1
            return
        if tag in _BEGIN and not (tag in _MARKS and self._in_pre):
            self._out.append(_BEGIN[tag])
        elif tag in _BLOCKS:
            self._out.append("\n\n")
        self._begin_more(tag, attributes)

    def _begin_more(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "pre":
            self._in_pre += 1
        elif tag == "a":
            self._links.append(self._target(attributes.get("href", "")))
            if self._links[-1]:
                self._out.append("[")
        elif tag == "img":
            self._out.append(attributes.get("alt", "")[:200])
        elif tag in _MAIN | _AROUND:
            self._open.append((tag, len(self._out)))

    def _close(self, tag: str) -> None:
        if tag == "pre" and self._in_pre:
            self._in_pre -= 1
            self._out.append("\n```\n\n")
        elif tag in _MARKS and not self._in_pre:
            self._out.append(_MARKS[tag])
        elif tag == "a" and self._links:
            target = self._links.pop()
            if target:
                self._out.append(f"]({target})")
        elif tag in _BLOCKS and tag not in {"li", "tr"}:
            self._out.append("\n\n")
        if self._open and self._open[-1][0] == tag:
            self._parts.append(_Part(*self._open.pop(), len(self._out)))

    def _say(self, text: str) -> None:
        plain = unescape(text) if "&" in text else text
        if not self._in_pre:
            plain = _BLANKS.sub(" ", plain)
            if not self._out or self._out[-1].endswith(("\n", " ")):
                plain = plain.lstrip(" ")
        if plain:
            self._out.append(plain)

    def _target(self, href: str) -> str:
        href = href.strip()
        if not href or href.startswith("#"):
            return ""
        try:
            whole = urljoin(self._url, href)
            return whole if urlsplit(whole).scheme in {"http", "https"} and len(whole) <= 2_000 else ""
        except ValueError:
            return ""


def _tidy(text: str) -> str:
    """Return a text with one empty line where there are several."""
    kept: list[str] = []
    for line in (line.rstrip() for line in text.split("\n")):
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


def _attributes(said: str) -> Mapping[str, str]:
    found = _ATTRIBUTE.finditer(said[:20_000])
    return {each[1].lower(): unescape(each[2] or each[3] or each[4] or "") for each in found}


def _is_unseen(attributes: Mapping[str, str]) -> bool:
    if "hidden" in attributes or attributes.get("aria-hidden") == "true" or attributes.get("role") == "navigation":
        return True
    return "style" in attributes and bool(_HIDDEN.search(attributes["style"].lower()))


def _end_of_raw(html: str, tag: str, at: int) -> int:
    """Return where an element ends in which tags mean nothing."""
    found = re.compile(rf"</{tag}[^>]{{0,200}}>", re.IGNORECASE).search(html, at)
    return found.end() if found else len(html)


def _after(html: str, mark: str, at: int) -> int:
    found = html.find(mark, at)
    return len(html) if found < 0 else found + len(mark)
