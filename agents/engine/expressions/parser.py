# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""From words to an expression: a parser by hand, a method a rank of operators, counting how deep brackets stand."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches

from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions.functions import FUNCTIONS
from agents.engine.expressions.limits import MAX_ACCESSORS, MAX_NESTING
from agents.engine.expressions.operators import COMPARISONS, PRODUCTS, SUMS
from agents.engine.expressions.tokens import Token
from agents.engine.expressions.tree import (
    Call,
    Chain,
    Choice,
    Either,
    Expression,
    Fallback,
    Guarded,
    Link,
    Literal,
    Members,
    Name,
    Negative,
    Not,
    Reach,
    SecretName,
)
from agents.engine.expressions.values import quoted
from agents.engine.secrets import SECRETS_NAME

# From the loosest to the closest.
_RANKS = {
    **dict.fromkeys(("or", "||"), 1),
    **dict.fromkeys(("and", "&&"), 2),
    **dict.fromkeys(COMPARISONS, 4),
    "??": 5,
    **dict.fromkeys(SUMS, 6),
    **dict.fromkeys(PRODUCTS, 7),
}
_LOOSEST, _AND, _NOT, _COMPARISON, _FALLBACK = 1, 2, 3, 4, 5
_OPERATORS = {**COMPARISONS, **SUMS, **PRODUCTS}
_CONSTANTS = {"true": True, "false": False, "null": None}


def parse_tokens(tokens: Sequence[Token], start: int) -> Expression:
    """Make an expression of its words; ``start`` is where it begins. Raises ExpressionInvalid."""
    if tokens[0].kind == "end":
        raise ExpressionInvalid(f"The expression at position {start} is empty. Name a result in it.", position=start)
    parser = _Parser(tokens)
    expression = parser.choice()
    if parser.next.kind != "end":
        raise parser.unexpected("Between two values stands an operator, such as + or 'and'.")
    if parser.secret is not None and parser.secret is not expression:
        raise _meddling(parser.secret)
    return expression


class _Parser:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = self._depth = 0
        self.secret: SecretName | None = None

    @property
    def next(self) -> Token:
        return self._tokens[self._at]

    def unexpected(self, hint: str) -> ExpressionInvalid:
        """Make the error about the token that comes next."""
        return _unexpected(self.next, hint)

    def choice(self) -> Expression:
        cases: list[tuple[Expression, Expression]] = []
        value = self._operation(_LOOSEST)
        while self._take("?"):
            chosen = self._nested(self.choice)
            self._expect(":", "A choice is written condition ? this : that.")
            cases.append((value, chosen))
            value = self._operation(_LOOSEST)
        return Choice(tuple(cases), value) if cases else value

    def _operation(self, rank: int) -> Expression:
        """Read what operators of this rank and closer ones join."""
        if rank <= _NOT and self._take("not"):
            left: Expression = Not(self._nested(lambda: self._operation(_NOT)))
        else:
            left = self._sign()
        while (found := _RANKS.get(self._operator(), 0)) >= rank:
            signs: list[Token] = []
            values = [left]
            while _RANKS.get(self._operator(), 0) == found:
                signs.append(self._take_operator())
                values.append(self._operation(found + 1))
            left = _joined(found, signs, values=values)
        return left

    def _sign(self) -> Expression:
        at = self.next.position
        if self._take("!"):
            return Not(self._nested(self._sign))
        if not self._take("-"):
            return self._path()
        value = self._nested(self._sign)
        if isinstance(value, Literal) and isinstance(value.written, int | float) and value.written:
            return Literal(-value.written)
        return Negative(value, at)

    def _path(self) -> Expression:
        at = self.next.position
        value = self._value()
        accessors: list[str | int | Expression] = []
        while self.next.kind == "mark" and self.next.text in {".", "["}:
            if len(accessors) == MAX_ACCESSORS:
                raise ExpressionInvalid(
                    f"The path is deeper than {MAX_ACCESSORS} steps at position {self.next.position}. Shorten it.",
                    position=self.next.position,
                )
            accessors.append(self._accessor())
        if isinstance(value, Name) and value.root == SECRETS_NAME:
            self.secret = _secret(value, accessors)
            return self.secret
        return Reach(value, tuple(accessors), at) if accessors else value

    def _accessor(self) -> str | int | Expression:
        if self._take("."):
            if self.next.kind not in {"name", "word"}:
                raise self.unexpected('After a dot stands a name; any other key is written ["the key"].')
            return self._advance().text
        self._take("[")
        key = self._nested(self.choice)
        self._expect("]", 'An index is written [0], ["key"] or [name].')
        if isinstance(key, Literal) and isinstance(key.written, str | int) and not isinstance(key.written, bool):
            return key.written
        return key

    def _value(self) -> Expression:
        token = self.next
        if token.kind == "name":
            self._advance()
            return self._call(token) if self._take("(") else Name(token.text, token.position)
        if token.kind in {"number", "string"}:
            return Literal(self._advance().value)
        if token.text in _CONSTANTS:
            return Literal(_CONSTANTS[self._advance().text])
        if self._take("("):
            inside = self._nested(self.choice)
            self._expect(")", "Close the bracket.")
            return inside
        if token.text in {"[", "{"}:
            return self._object() if token.text == "{" else self._list()
        raise self.unexpected('Write a value, such as planner.text, search.results[0].url, 5 or "text".')

    def _list(self) -> Expression:
        at = self._advance().position
        return Members(self._until("]", lambda: self._nested(self.choice)), None, at)

    def _object(self) -> Expression:
        at = self._advance().position
        keys: list[str] = []
        items = self._until("}", lambda: self._member(keys))
        return Members(items, tuple(keys), at)

    def _member(self, keys: list[str]) -> Expression:
        key = self.next
        if key.kind != "string" or str(key.value) in keys:
            raise self.unexpected('An object is written {"key": value}, with each key in quotes and once.')
        keys.append(str(self._advance().value))
        self._expect(":", 'An object is written {"key": value}.')
        return self._nested(self.choice)

    def _call(self, name: Token) -> Expression:
        takes = _takes(name)
        given = self._until(")", lambda: self._nested(self.choice))
        if len(given) != len(takes):
            raise ExpressionInvalid(
                f"{name.text}() at position {name.position} is given {len(given)} value{'s'[: len(given) != 1]}. "
                f"Write {name.text}({', '.join(takes)}).",
                position=name.position,
            )
        if name.text == "default":
            return Fallback((Guarded(given[0]), given[1]))
        return Call(name.text, FUNCTIONS[name.text].call, given, name.position)

    def _until(self, closing: str, read: Callable[[], Expression]) -> tuple[Expression, ...]:
        """Read what stands between commas, up to the closing bracket."""
        if self._take(closing):
            return ()
        items = [read()]
        while self._take(","):
            items.append(read())
        self._expect(closing, f"Write a comma between values and {closing} after the last.")
        return tuple(items)

    def _nested(self, read: Callable[[], Expression]) -> Expression:
        """Read what stands one level deeper: this alone is what recursion comes from."""
        if self._depth == MAX_NESTING:
            raise ExpressionInvalid(
                f"The expression is nested deeper than {MAX_NESTING} levels at position {self.next.position}. "
                "Flatten it.",
                position=self.next.position,
            )
        self._depth += 1
        inside = read()
        self._depth -= 1
        return inside

    def _operator(self) -> str:
        """Say which operator comes next, if any does."""
        if self.next.kind not in {"mark", "word"}:
            return ""
        is_not_in = self.next.text == "not" and self._tokens[self._at + 1].text == "in"
        return "not in" if is_not_in else self.next.text

    def _take_operator(self) -> Token:
        text, position = self._operator(), self.next.position
        self._at += len(text.split())
        return Token("mark", text, position)

    def _advance(self) -> Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, sign: str) -> bool:
        is_there = self.next.kind in {"mark", "word"} and self.next.text == sign
        self._at += is_there
        return is_there

    def _expect(self, sign: str, hint: str) -> None:
        if not self._take(sign):
            raise self.unexpected(hint)


def _joined(rank: int, signs: Sequence[Token], *, values: Sequence[Expression]) -> Expression:
    """Join values by the operators between them, all of one rank."""
    if rank <= _AND:
        return Either(tuple(values), is_settled_by=rank != _AND)
    if rank == _FALLBACK:
        return Fallback((*map(Guarded, values[:-1]), values[-1]))
    if rank == _COMPARISON:
        if len(signs) > 1:
            raise _unexpected(signs[1], "Comparisons are joined with 'and', such as 1 < n and n < 9.")
        if signs[0].text in {"==", "!="} and Literal(None) in values:
            values = [Guarded(value) for value in values]
    links = [Link(_OPERATORS[sign.text], right, sign.position) for sign, right in zip(signs, values[1:], strict=True)]
    return Chain(values[0], tuple(links))


def _secret(name: Name, accessors: Sequence[str | int | Expression]) -> SecretName:
    key = accessors[0] if len(accessors) == 1 else None
    if not isinstance(key, str) or not key:
        raise ExpressionInvalid(
            f"A secret is named by its key alone (position {name.position}). Write {{{{ {SECRETS_NAME}.KEY }}}}, or "
            f'{{{{ {SECRETS_NAME}["KEY"] }}}} where the key holds more than letters, digits and _.',
            position=name.position,
        )
    return SecretName(key, name.position)


def _meddling(secret: SecretName) -> ExpressionInvalid:
    return ExpressionInvalid(
        f"Nothing can be worked out of the secret {quoted(secret.key)} (position {secret.position}): it can only be "
        f"handed on to a tool as it is. Write {secret.ref} by itself.",
        position=secret.position,
    )


def _unexpected(token: Token, hint: str) -> ExpressionInvalid:
    what = f"Unexpected {quoted(token.text)}" if token.kind != "end" else "The expression ends too early"
    return ExpressionInvalid(f"{what} at position {token.position}. {hint}", position=token.position)


def _takes(name: Token) -> Sequence[str]:
    if name.text == "default":
        return ("value", "fallback")
    function = FUNCTIONS.get(name.text)
    if function is not None:
        return function.takes
    known = ["default", *FUNCTIONS]
    nearest = get_close_matches(name.text[:40].lower(), known, n=1)
    remedy = f"Did you mean {nearest[0]!r}?" if nearest else f"Use one of: {', '.join(sorted(known))}."
    raise ExpressionInvalid(
        f"There is no function {quoted(name.text)} (position {name.position}). {remedy}", position=name.position
    )
