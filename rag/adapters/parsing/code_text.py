# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Code: each definition with what it stands in and its signature, by the grammar of its language; else by lines."""

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node, Parser

from rag.adapters.parsing.decoding import text_of
from rag.adapters.parsing.grammars import Grammar, grammar_of
from rag.adapters.parsing.plain_text import in_parts
from rag.adapters.parsing.raw import Raw, Unreadable
from rag.engine.parsed import Block, Parsed

_MOST_BY_GRAMMAR = 4_000_000
_LONGEST_SIGNATURE = 200
_MOST_MINIFIED = 200_000
_LONG_LINE = 1_000
_DEEPEST = 12


def read(raw: Raw) -> Parsed:
    """Read the definitions. Raises Unreadable for what a program wrote for programs."""
    text, language = text_of(raw), raw.kind.language
    lines = text.count("\n") + 1
    is_minified = len(text) > lines * _LONG_LINE
    if is_minified and len(text) > _MOST_MINIFIED:
        raise Unreadable("minified")
    grammar = None if is_minified or len(text) > _MOST_BY_GRAMMAR else grammar_of(language)
    blocks = in_parts(text, line=1, headings=(), kind="code") if grammar is None else _definitions(text, grammar)
    return Parsed(raw.name, raw.kind.media_type, language, blocks)


def _definitions(text: str, grammar: Grammar) -> Iterator[Block]:
    content = text.encode("utf-8", "replace")
    tree = Parser(grammar.language).parse(content)
    return _Outline(content, grammar).blocks(tree.root_node)


@dataclass(frozen=True, slots=True)
class _Part:
    """Lines from one to before another (both from 0) under some scopes."""

    start: int
    end: int
    scopes: tuple[str, ...]


class _Outline:
    """Parts a file at the lines its definitions begin and end at. Every line goes into one part."""

    def __init__(self, content: bytes, grammar: Grammar) -> None:
        self._content = content
        self._grammar = grammar
        self._lines = content.decode("utf-8", "replace").split("\n")
        self._at = 0

    def blocks(self, root: Node) -> Iterator[Block]:
        """Yield the parts as blocks."""
        for part in self._parts(root, (), depth=0):
            yield from self._block(part)
        yield from self._block(_Part(self._at, len(self._lines), ()))

    def _block(self, part: _Part) -> Iterator[Block]:
        text = "\n".join(self._lines[part.start : part.end])
        if not text.strip():
            return
        blank = len(text) - len(text.lstrip("\n"))
        yield from in_parts(text[blank:], line=part.start + 1 + blank, headings=part.scopes, kind="code")

    def _parts(self, node: Node, scopes: tuple[str, ...], *, depth: int) -> Iterator[_Part]:
        lead: Node | None = None
        before: Node | None = None
        for child in node.children:
            is_adjacent = before is not None and child.start_point.row <= before.end_point.row + 1
            lead, before = lead if is_adjacent else None, child
            if child.type in self._grammar.comments or child.type in self._grammar.marks:
                lead = lead or child
                continue
            start = (lead or child).start_point.row
            lead = None
            if (defined := self._defined(child)) is not None and depth < _DEEPEST:
                yield from self._before(start, scopes)
                yield from self._definition(defined, scopes, end=child.end_point.row + 1, depth=depth)
            elif child.type in self._grammar.seen_through and depth < _DEEPEST:
                yield from self._parts(child, scopes, depth=depth + 1)

    def _defined(self, node: Node) -> Node | None:
        """Return the definition that a node is or only wraps."""
        while node.type in self._grammar.wrappers:
            inner = next((child for child in node.named_children if self._is_known(child)), None)
            if inner is None:
                return None
            node = inner
        return node if node.type in self._grammar.containers or node.type in self._grammar.leaves else None

    def _is_known(self, node: Node) -> bool:
        grammar = self._grammar
        return node.type in grammar.wrappers or node.type in grammar.containers or node.type in grammar.leaves

    def _definition(self, defined: Node, scopes: tuple[str, ...], *, end: int, depth: int) -> Iterator[_Part]:
        inner = (*scopes, self._signature(defined))
        body = self._body(defined)
        if body is not None and defined.type in self._grammar.containers:
            yield from self._parts(body, inner, depth=depth + 1)
        yield from self._before(end, inner)

    def _before(self, end: int, scopes: tuple[str, ...]) -> Iterator[_Part]:
        if end > self._at:
            yield _Part(self._at, end, scopes)
            self._at = end

    def _body(self, node: Node) -> Node | None:
        body = node.child_by_field_name("body")
        return body or next((child for child in node.children if child.type in self._grammar.bodies), None)

    def _signature(self, node: Node) -> str:
        body = self._body(node)
        remarks = [child.start_byte for child in node.children if child.type in self._grammar.comments]
        end = min([body.start_byte if body is not None else node.end_byte, *remarks])
        said = self._content[node.start_byte : min(end, node.start_byte + 4 * _LONGEST_SIGNATURE)]
        text = said.decode("utf-8", "replace")
        if body is None:
            text = text.partition("\n")[0]
        return " ".join(text.split()).rstrip(" {:").removesuffix("=>").rstrip(" =")[:_LONGEST_SIGNATURE]
