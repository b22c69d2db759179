# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The words of an expression. A hyphen without spaces belongs to a name; a minus after a name has a space before it."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions.limits import MAX_EXPRESSION_CHARACTERS, MAX_WHOLE_NUMBER, WORDS
from agents.engine.expressions.values import quoted

Kind = Literal["name", "word", "number", "string", "mark", "end"]

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[^\W\d]\w*(?:-\w+)*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?!\w)")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_MARK = re.compile(r"\?\?|\|\||&&|==|!=|<=|>=|[-+*/%<>!?:.,\[\](){}]")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\", "/": "/"}
_HINTS = {
    "=": "To compare, write ==.",
    "&": "Write 'and'.",
    "|": "Write 'or'; functions are called as upper(planner.text).",
    "“": "Write straight quotes.",
    "”": "Write straight quotes.",
    "‘": "Write straight quotes.",
    "’": "Write straight quotes.",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression and where it starts; ``value`` is what a literal stands for."""

    kind: Kind
    text: str
    position: int
    value: str | int | float = ""


def read_all(text: str) -> list[Token]:
    """Read a text that is one expression as a whole. Raises ExpressionInvalid."""
    if len(text) > MAX_EXPRESSION_CHARACTERS:
        raise ExpressionInvalid(
            f"The expression has {len(text):,} characters; at most {MAX_EXPRESSION_CHARACTERS:,} are read. Shorten it.",
            position=MAX_EXPRESSION_CHARACTERS + 1,
        )
    reader = _Reader(text, 0, len(text))
    while not reader.is_at_end:
        reader.take()
    return reader.finish()


def read_closed(text: str, start: int) -> tuple[list[Token], int]:
    """Read from after ``{{`` at ``start`` to its ``}}``, and say where that ends. Raises ExpressionInvalid."""
    reader = _Reader(text, start + 2, min(len(text), start + 2 + MAX_EXPRESSION_CHARACTERS))
    depth = 0
    while not (depth == 0 and text.startswith("}}", reader.at)):
        if reader.is_at_end:
            raise ExpressionInvalid(
                f"The '{{{{' at position {start + 1} is not closed within {MAX_EXPRESSION_CHARACTERS:,} characters. "
                "Close it with '}}'; to write braces as text use {{ \"{{\" }}.",
                position=start + 1,
            )
        depth = max(0, depth + {"{": 1, "}": -1}.get(reader.take(), 0))
    return reader.finish(), reader.at + 2


class _Reader:
    """A place in a text, moving on a token at a time."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text, self._end = text, end
        self._tokens: list[Token] = []
        self.at = start
        self._skip_space()

    @property
    def is_at_end(self) -> bool:
        return self.at >= self._end

    def finish(self) -> list[Token]:
        """Give every token read, and one that says where they end."""
        return [*self._tokens, Token("end", "", self.at + 1)]

    def take(self) -> str:
        """Read a token; give its text where it is a mark."""
        token = self._name() or self._mark() or self._number() or self._string()
        if token is None:
            raise self._unexpected()
        self._tokens.append(token)
        self.at += len(token.text)
        self._skip_space()
        return token.text if token.kind == "mark" else ""

    def _skip_space(self) -> None:
        space = _SPACE.match(self._text, self.at, self._end)
        self.at = space.end() if space else self.at

    def _matched(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self._text, self.at, self._end)
        return match.group() if match else None

    def _name(self) -> Token | None:
        name = self._matched(_NAME)
        return Token("word" if name in WORDS else "name", name, self.at + 1) if name else None

    def _mark(self) -> Token | None:
        mark = self._matched(_MARK)
        return Token("mark", mark, self.at + 1) if mark else None

    def _number(self) -> Token | None:
        written = self._matched(_NUMBER)
        return Token("number", written, self.at + 1, _number_in(written, self.at + 1)) if written else None

    def _string(self) -> Token | None:
        written = self._matched(_STRING)
        return Token("string", written, self.at + 1, _text_in(written, self.at + 1)) if written else None

    def _unexpected(self) -> ExpressionInvalid:
        found, position = self._text[self.at], self.at + 1
        if found in {'"', "'"}:
            return ExpressionInvalid(
                f"The text that begins at position {position} has no closing {found} in the expression. Add one.",
                position=position,
            )
        word = re.compile(r"\w+|.", re.DOTALL).match(self._text, self.at, min(self._end, self.at + 40))
        hint = _HINTS.get(found, "Expressions are paths such as planner.text, with operators and functions.")
        return ExpressionInvalid(
            f"Unexpected {quoted(word.group() if word else found)} at position {position}. {hint}", position=position
        )


def _number_in(written: str, position: int) -> int | float:
    value = int(written) if written.isdigit() else float(written)
    if (isinstance(value, int) and value > MAX_WHOLE_NUMBER) or math.isinf(value):
        raise ExpressionInvalid(
            f"The number at position {position} is too large; whole numbers go up to {MAX_WHOLE_NUMBER:,}. "
            "Write it as text.",
            position=position,
        )
    return value


def _text_in(written: str, position: int) -> str:
    inside = written[1:-1]
    if "\\" not in inside:
        return inside
    for escape in _ESCAPE.finditer(inside):
        if escape[1] not in _ESCAPES and (len(escape[1]) == 1 or escape[1] == "u0000"):
            raise ExpressionInvalid(
                f"Unexpected {quoted(escape[0])} at position {position + 1 + escape.start()}. "
                r"After a backslash stands one of n t r \" \' \\ or u and four hexadecimal digits.",
                position=position + 1 + escape.start(),
            )
    plain = _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1]) or chr(int(escape[1][1:], 16)), inside)
    try:
        # Two escapes may be the halves of one character.
        return plain.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise ExpressionInvalid(
            f"The text at position {position} has half a character in it: \\ud800 to \\udfff come in pairs.",
            position=position,
        ) from error
