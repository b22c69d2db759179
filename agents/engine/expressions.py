# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The template language: ``{{ input }}``, ``{{ planner.text }}``, ``{{ search.results[0].url }}``.

Small and total: a path into earlier results, or a literal. It has a tokenizer and a parser of its own, calls nothing in
Python, never recurses on what it is given, and every error says where. A name may hold hyphens with no space around
them (``tool-selector``), so that a minus with spaces stays free for arithmetic; any other id is ``steps["the id"]``.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agents.engine.errors import ExpressionInvalid
from codexos.kernel.jsontypes import JsonValue

MAX_TEMPLATE_CHARACTERS = 100_000
MAX_EXPRESSION_CHARACTERS = 1_000
MAX_EXPRESSIONS = 500
MAX_ACCESSORS = 32
MAX_RENDERED_CHARACTERS = 2_000_000
RESERVED_NAMES = frozenset({"input", "steps"})

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<name>[^\W\d]\w*(?:-\w+)*)
      | (?P<number>-?\d{1,9}(?!\w))
      | (?P<string>"[^"\\]*"|'[^'\\]*')
      | (?P<mark>[.\[\]])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression and where it starts."""

    kind: str
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Path:
    """A way into earlier results: a root name, then keys and indexes."""

    root: str
    accessors: tuple[str | int, ...]
    position: int

    def __str__(self) -> str:
        return self.root + "".join(f"[{part!r}]" if isinstance(part, int) else f".{part}" for part in self.accessors)

    @property
    def node_id(self) -> str | None:
        """The step it reads from, or None where it reads the input or all steps."""
        if self.root == "steps":
            first = self.accessors[0] if self.accessors else None
            return first if isinstance(first, str) else None
        return None if self.root == "input" else self.root


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written out."""

    value: JsonValue


Expression = Path | Literal
Scope = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Template:
    """Text with expressions in it, read once."""

    parts: tuple[str | Expression, ...]


def parse_template(text: str) -> Template:
    """Read a template. Raises ExpressionInvalid."""
    if len(text) > MAX_TEMPLATE_CHARACTERS:
        raise ExpressionInvalid(
            f"The text has {len(text):,} characters; at most {MAX_TEMPLATE_CHARACTERS:,} are read. Shorten it.",
            position=1,
        )
    return Template(tuple(_parts(text)))


def render(template: str, scope: Scope) -> str:
    """Fill in a template as text. Raises ExpressionInvalid where something it names is missing."""
    filled: list[str] = []
    length = 0
    for part in parse_template(template).parts:
        filled.append(part if isinstance(part, str) else text_of(_value(part, scope)))
        length += len(filled[-1])
        if length > MAX_RENDERED_CHARACTERS:
            raise ExpressionInvalid(
                f"Filled in, the text is longer than {MAX_RENDERED_CHARACTERS:,} characters. Refer to less.", position=1
            )
    return "".join(filled)


def evaluate(template: str, scope: Scope) -> JsonValue:
    """Fill in a template; one that is a single expression keeps the value's own type. Raises ExpressionInvalid."""
    parts = parse_template(template.strip()).parts
    if len(parts) == 1 and not isinstance(parts[0], str):
        return _value(parts[0], scope)
    return render(template, scope)


def references(template: str) -> list[Path]:
    """List every path a template reads. Raises ExpressionInvalid."""
    return [part for part in parse_template(template).parts if isinstance(part, Path)]


def text_of(value: JsonValue) -> str:
    """Say a value as text: a string as it is, a result by its ``text``, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and isinstance(said := value.get("text"), str):
        return said
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=dict)


def _parts(text: str) -> Iterator[str | Expression]:
    at = count = 0
    while (start := text.find("{{", at)) >= 0:
        if start > at:
            yield text[at:start]
        end = _end_of_expression(text, start)
        count += 1
        if count > MAX_EXPRESSIONS:
            raise ExpressionInvalid(
                f"More than {MAX_EXPRESSIONS} expressions in one text. Use fewer.", position=start + 1
            )
        yield _parse(_tokens(text[start + 2 : end], start + 2), start)
        at = end + 2
    if at < len(text):
        yield text[at:]


def _end_of_expression(text: str, start: int) -> int:
    window = text[start + 2 : start + 2 + MAX_EXPRESSION_CHARACTERS + 2]
    # Quoted stretches are hidden first, so that "}}" inside a string ends nothing.
    hidden = re.sub(r"\"[^\"\\]*\"|'[^'\\]*'", lambda quoted: " " * len(quoted.group()), window)
    end = hidden.find("}}")
    if end < 0:
        raise ExpressionInvalid(
            f"The '{{{{' at position {start + 1} is not closed within {MAX_EXPRESSION_CHARACTERS} characters. "
            "Close it with '}}'; to write braces as text use {{ \"{{\" }}.",
            position=start + 1,
        )
    return start + 2 + end


def _tokens(source: str, offset: int) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise ExpressionInvalid(
                f"Unexpected {source[at]!r} at position {offset + at + 1}. "
                "Expressions are paths such as planner.text or search.results[0].url.",
                position=offset + at + 1,
            )
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), offset + at + 1))
        at = match.end()
    return tokens


def _parse(tokens: Sequence[Token], start: int) -> Expression:
    if not tokens:
        raise ExpressionInvalid(
            f"The expression at position {start + 1} is empty. Name a result in it.", position=start + 1
        )
    first = tokens[0]
    if first.kind == "name":
        return Path(first.text, tuple(_accessors(tokens)), first.position)
    if len(tokens) == 1 and first.kind in {"string", "number"}:
        return Literal(first.text[1:-1] if first.kind == "string" else int(first.text))
    raise _unexpected(tokens[1] if first.kind in {"string", "number"} else first)


def _accessors(tokens: Sequence[Token]) -> Iterator[str | int]:
    at, count = 1, 0
    while at < len(tokens):
        taken, accessor = _accessor(tokens, at)
        at += taken
        count += 1
        if count > MAX_ACCESSORS:
            raise ExpressionInvalid(
                f"The path at position {tokens[0].position} is deeper than {MAX_ACCESSORS} steps. Shorten it.",
                position=tokens[at - 1].position,
            )
        yield accessor


def _accessor(tokens: Sequence[Token], at: int) -> tuple[int, str | int]:
    shape = [token.text if token.kind == "mark" else token.kind for token in tokens[at : at + 3]]
    if shape[:2] == [".", "name"]:
        return 2, tokens[at + 1].text
    if shape == ["[", "number", "]"]:
        return 3, int(tokens[at + 1].text)
    if shape == ["[", "string", "]"]:
        return 3, tokens[at + 1].text[1:-1]
    # A mark that begins an accessor is fine in itself: what follows it is the trouble.
    at_fault = at + 1 if shape[0] in {".", "["} and len(shape) > 1 else at
    raise _unexpected(tokens[at_fault])


def _unexpected(token: Token) -> ExpressionInvalid:
    return ExpressionInvalid(
        f"Unexpected {token.text!r} at position {token.position}. "
        'Write a name, then .key, [0] or ["key"], such as {{ search.results[0].url }}.',
        position=token.position,
    )


def _value(expression: Expression, scope: Scope) -> JsonValue:
    if isinstance(expression, Literal):
        return expression.value
    if expression.root not in scope:
        raise ExpressionInvalid(
            f"Nothing called {expression.root!r} has a result yet (position {expression.position}). "
            "Name the input or a step that runs earlier.",
            position=expression.position,
        )
    value = scope[expression.root]
    for depth, accessor in enumerate(expression.accessors):
        value = _reach(value, accessor, so_far=Path(expression.root, expression.accessors[:depth], expression.position))
    return value


def _reach(value: JsonValue, accessor: str | int, *, so_far: Path) -> JsonValue:
    if isinstance(accessor, str) and isinstance(value, Mapping):
        if accessor in value:
            return value[accessor]
        known = ", ".join(sorted(value)[:10]) or "nothing"
        raise _missing(f"{str(so_far)!r} has no {accessor!r}; it has {known}.", so_far)
    if isinstance(accessor, int) and isinstance(value, Sequence) and not isinstance(value, str):
        if -len(value) <= accessor < len(value):
            return value[accessor]
        raise _missing(f"{str(so_far)!r} has {len(value)} items, so there is no [{accessor}].", so_far)
    asked = f"[{accessor}]" if isinstance(accessor, int) else f".{accessor}"
    raise _missing(f"{str(so_far)!r} is {_kind_of(value)}, so {asked} cannot be read from it.", so_far)


def _missing(message: str, so_far: Path) -> ExpressionInvalid:
    return ExpressionInvalid(f"{message} Look at that step's result and correct the path.", position=so_far.position)


def _kind_of(value: JsonValue) -> str:
    if value is None:
        return "empty (null)"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "an object" if isinstance(value, Mapping) else "a list"
