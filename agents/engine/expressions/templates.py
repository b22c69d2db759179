# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Texts with expressions in them, and expressions by themselves: read once, kept, and filled in as often as asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions.limits import MAX_EXPRESSIONS, MAX_RENDERED_CHARACTERS, MAX_TEMPLATE_CHARACTERS
from agents.engine.expressions.parser import parse_tokens
from agents.engine.expressions.references import Path, paths_of
from agents.engine.expressions.tokens import read_all, read_closed
from agents.engine.expressions.tree import Expression, SecretName
from agents.engine.expressions.work import Budget, Missing, Scope, Work
from agents.engine.secrets import SecretRef, SecretText
from codexos.kernel.jsontypes import JsonValue


class SecretIn(Protocol):
    """Tells which secrets a template names."""

    def may_name(self, template: str) -> bool:
        """Whether it is worth looking: no is certain."""
        ...

    def __call__(self, expression: Expression) -> SecretRef | None:
        """Return the secret that an expression stands for, if it stands for one."""
        ...


# Longer templates are read anew each time, which takes a fraction of a millisecond. A kept one of nothing but operators
# takes a third of a megabyte, so whatever people write, both stores together stay below a hundred.
MAX_KEPT_CHARACTERS = 4_000
MAX_KEPT = 128


@dataclass(frozen=True, slots=True)
class Template:
    """Text with expressions in it, read once."""

    parts: tuple[str | Expression, ...]

    @property
    def alone(self) -> Expression | None:
        """The expression that is all there is, spaces apart."""
        expressions = [part for part in self.parts if isinstance(part, Expression)]
        is_alone = len(expressions) == 1 and all(not part.strip() for part in self.parts if isinstance(part, str))
        return expressions[0] if is_alone else None


def parse_template(text: str) -> Template:
    """Read a template. Raises ExpressionInvalid."""
    if len(text) > MAX_TEMPLATE_CHARACTERS:
        raise ExpressionInvalid(
            f"The text has {len(text):,} characters; at most {MAX_TEMPLATE_CHARACTERS:,} are read. Shorten it.",
            position=1,
        )
    if "{{" not in text:
        return Template((text,) if text else ())
    return _kept_template(text) if len(text) <= MAX_KEPT_CHARACTERS else Template(tuple(_parts(text)))


def parse_expression(text: str) -> Expression:
    """Read an expression, bare or between ``{{`` and ``}}``. Raises ExpressionInvalid."""
    # What is too long is refused before it is kept.
    return _kept_expression(text) if len(text) <= MAX_KEPT_CHARACTERS else _read_expression(text)


def render(template: str, scope: Scope, *, budget: Budget | None = None) -> str:
    """Fill in a template as text. Raises ExpressionInvalid where something it names is missing."""
    work = Work(scope, budget or Budget())
    filled: list[str] = []
    length = 0
    for part in parse_template(template).parts:
        filled.append(_filled(part, work))
        length += len(filled[-1])
        if length > MAX_RENDERED_CHARACTERS:
            raise _too_long()
    return "".join(filled)


def evaluate(template: str, scope: Scope, *, budget: Budget | None = None) -> JsonValue:
    """Fill in a template; one that is a single expression keeps the value's own type. Raises ExpressionInvalid."""
    alone = parse_template(template).alone
    return render(template, scope, budget=budget) if alone is None else _weighed(alone, scope, budget)


def secret_text(template: str, scope: Scope, *, secret_in: SecretIn, budget: Budget | None = None) -> SecretText | None:
    """Fill in a template that names secrets, or return None for one that names none. Raises ExpressionInvalid."""
    if not secret_in.may_name(template):
        return None
    parts = parse_template(template).parts
    found = [None if isinstance(part, str) else secret_in(part) for part in parts]
    if not any(found):
        return None
    if sum(1 for part in parts if not isinstance(part, str) or part.strip()) == 1:
        return SecretText([ref for ref in found if ref is not None])
    work = Work(scope, budget or Budget())
    filled = [ref or _filled(part, work) for part, ref in zip(parts, found, strict=True)]
    made = SecretText(filled)
    if len(made) > MAX_RENDERED_CHARACTERS:
        raise _too_long()
    return made


def evaluate_expression(text: str, scope: Scope, *, budget: Budget | None = None) -> JsonValue:
    """Work out an expression, bare or between ``{{`` and ``}}``. Raises ExpressionInvalid."""
    return _value(parse_expression(text), Work(scope, budget or Budget()))


def references(template: str) -> list[Path]:
    """List every path a template reads. Raises ExpressionInvalid."""
    parts = parse_template(template).parts
    return [path for part in parts if isinstance(part, Expression) for path in paths_of(part)]


def expression_references(text: str) -> list[Path]:
    """List every path an expression reads, bare or between ``{{`` and ``}}``. Raises ExpressionInvalid."""
    return paths_of(parse_expression(text))


def _filled(part: str | Expression, work: Work) -> str:
    return part if isinstance(part, str) else work.text_of(_value(part, work))


def _too_long() -> ExpressionInvalid:
    message = f"Filled in, the text is longer than {MAX_RENDERED_CHARACTERS:,} characters. Refer to less."
    return ExpressionInvalid(message, position=1)


def _value(expression: Expression, work: Work) -> JsonValue:
    try:
        return expression.value(work)
    except Missing as missing:
        raise ExpressionInvalid(missing.tell(), position=missing.position) from None


def _weighed(expression: Expression, scope: Scope, budget: Budget | None) -> JsonValue:
    work = Work(scope, budget or Budget())
    value = _value(expression, work)
    work.weigh(value)
    return value


@lru_cache(maxsize=MAX_KEPT)
def _kept_template(text: str) -> Template:
    return Template(tuple(_parts(text)))


@lru_cache(maxsize=MAX_KEPT)
def _kept_expression(text: str) -> Expression:
    return _read_expression(text)


def _read_expression(text: str) -> Expression:
    expression = _expression_in(text)
    if isinstance(expression, SecretName):
        raise ExpressionInvalid(
            f"The secret {expression.key!r} (position {expression.position}) can only be handed on to a tool; nothing "
            "is decided or counted by it. Name it in a tool's arguments.",
            position=expression.position,
        )
    return expression


def _expression_in(text: str) -> Expression:
    start = len(text) - len(text.lstrip())
    if not text.startswith("{{", start):
        return parse_tokens(read_all(text), start + 1)
    tokens, end = read_closed(text, start)
    if text[end:].strip():
        raise ExpressionInvalid(
            f"After the '}}}}' at position {end - 1} nothing may follow: this is one expression, not a text. "
            "Write all of it between one pair of braces.",
            position=end + 1,
        )
    return parse_tokens(tokens, start + 1)


def _parts(text: str) -> Iterator[str | Expression]:
    at = count = 0
    while (start := text.find("{{", at)) >= 0:
        if start > at:
            yield text[at:start]
        count += 1
        if count > MAX_EXPRESSIONS:
            raise ExpressionInvalid(
                f"More than {MAX_EXPRESSIONS} expressions in one text. Use fewer.", position=start + 1
            )
        tokens, at = read_closed(text, start)
        yield parse_tokens(tokens, start + 1)
    if at < len(text):
        yield text[at:]
