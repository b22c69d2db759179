# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A web page as readable text: what people came for, as Markdown, without scripts, menus, and what nobody sees."""

import re
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

_DROPPED = "script,style,noscript,template,svg,canvas,iframe,object,embed,form,button,select,dialog,nav,aside"
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
_SHARE_OF_PAGE = 0.25
"""How much of a page's text an article holds at least, to be taken for what the page is about."""
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\f\v\u00a0]+")
_LINES = re.compile(r"\n\s*\n\s*")


class Page(NamedTuple):
    """What a page says, and what it is called."""

    title: str
    text: str


def read_page(html: str, *, url: str) -> Page:
    """Read a page. Takes some 10 ms for each 100 KB, so call it in a thread."""
    # Loaded by the first page: most processes read none.
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    title = tree.css_first("title")
    named = " ".join(title.text().split())[:300] if title is not None else ""
    body = tree.body
    if body is None:
        return Page(named, "")
    for node in body.css(_DROPPED):
        node.decompose()
    for node in body.css("[hidden],[aria-hidden=true],[style]"):
        if _is_unseen(node):
            node.decompose()
    writer = _Writer(url)
    writer.write(_root_of(body))
    return Page(named, writer.text)


def charset_of(body: bytes) -> str:
    """Return the character set that a page names in itself; "" where it names none."""
    found = _CHARSET.search(body[:4_096])
    return found[1].decode("ascii").lower() if found else ""


def _is_unseen(node: Any) -> bool:
    said = node.attributes
    if "hidden" in said or said.get("aria-hidden") == "true":
        return True
    return bool(_HIDDEN.search((said.get("style") or "").lower()))


def _root_of(body: Any) -> Any:
    """Return what a page is about: its largest article, or all of it without its head and foot."""
    whole = len(body.text())
    found = sorted(body.css("article,main,[role=main]"), key=lambda node: -len(node.text()))
    if found and len(found[0].text()) >= _SHARE_OF_PAGE * whole:
        return found[0]
    for node in body.css("header,footer"):
        node.decompose()
    return body


class _Writer:
    """Writes Markdown while it walks; no deeper than the page's own tree, and without recursing into it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._parts: list[str] = []
        self._in_pre = 0

    @property
    def text(self) -> str:
        """What was written so far."""
        return _LINES.sub("\n\n", "".join(self._parts)).strip()

    def write(self, root: Any) -> None:
        """Write a node and all below it."""
        waiting: list[tuple[Any, bool]] = [(root, False)]
        while waiting:
            node, is_end = waiting.pop()
            if is_end:
                self._close(node)
            elif node.is_text_node:
                self._say(node.text_content or "")
            elif node.is_element_node:
                self._open(node)
                waiting.append((node, True))
                waiting.extend((child, False) for child in reversed(list(node.iter(include_text=True))))

    def _say(self, text: str) -> None:
        self._parts.append(text if self._in_pre else _BLANKS.sub(" ", text.replace("\n", " ")))

    def _open(self, node: Any) -> None:
        tag = node.tag
        if tag in _MARKS and self._in_pre:
            return
        if tag in _BEGIN:
            self._parts.append(_BEGIN[tag])
        elif tag in _BLOCKS:
            self._parts.append("\n\n")
        if tag == "pre":
            self._in_pre += 1
        elif tag == "a" and self._target(node):
            self._parts.append("[")
        elif tag == "img":
            self._parts.append((node.attributes.get("alt") or "")[:200])

    def _close(self, node: Any) -> None:
        tag = node.tag
        if tag == "pre":
            self._in_pre -= 1
            self._parts.append("\n```")
        if tag in _MARKS and not self._in_pre:
            self._parts.append(_MARKS[tag])
        elif tag == "a" and (target := self._target(node)):
            self._parts.append(f"]({target})")
        elif tag in _BLOCKS and tag not in {"li", "tr"}:
            self._parts.append("\n\n")

    def _target(self, node: Any) -> str:
        href = (node.attributes.get("href") or "").strip()
        if not href or href.startswith("#"):
            return ""
        try:
            whole = urljoin(self._url, href)
            return whole if urlsplit(whole).scheme in {"http", "https"} and len(whole) <= 2_000 else ""
        except ValueError:
            return ""
