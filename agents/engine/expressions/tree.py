# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What an expression is made of. Chains of one operator are one part, so that depth comes from brackets alone."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from agents.engine.expressions.functions import Given
from agents.engine.expressions.operators import Operator, negative, reach, what_is_there
from agents.engine.expressions.values import is_true, kind_of, quoted
from agents.engine.expressions.work import Missing, Work
from agents.engine.secrets import SECRETS_NAME, SecretRef
from codexos.kernel.jsontypes import JsonValue


class Expression(ABC):
    """A part of an expression, and the whole of it."""

    __slots__ = ()

    @abstractmethod
    def value(self, work: Work) -> JsonValue:
        """Work out what it stands for. Raises ExpressionInvalid or Missing."""

    @property
    def parts(self) -> "Sequence[Expression]":
        """What it is made of, from left to right."""
        return ()

    @property
    def title(self) -> str:
        """What a message calls it."""
        return "(…)"


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """A value written out."""

    written: JsonValue

    def value(self, work: Work) -> JsonValue:
        return self.written


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """The input, all steps, or the result of a step."""

    root: str
    position: int

    @property
    def title(self) -> str:
        return self.root

    def value(self, work: Work) -> JsonValue:
        try:
            return work.scope[self.root]
        except KeyError:
            raise Missing(partial(self._trouble, work), position=self.position) from None

    def _trouble(self, work: Work) -> str:
        before = self.root.partition("-")[0]
        hint = "To subtract, write spaces around the minus." if before != self.root and before in work.scope else ""
        return (
            f"Nothing called {quoted(self.root)} has a result yet (position {self.position}). "
            f"{hint or 'Name the input or a step that runs earlier.'}"
        )


@dataclass(frozen=True, slots=True)
class SecretName(Expression):
    """A secret, by its key. It has no value here: who may hand it on asks for its reference."""

    key: str
    position: int

    @property
    def title(self) -> str:
        return SECRETS_NAME

    @property
    def ref(self) -> SecretRef:
        """The reference it stands for."""
        return SecretRef.to(self.key)

    def value(self, work: Work) -> JsonValue:
        work.position = self.position
        raise work.refused(
            f"The secret {quoted(self.key)} cannot be read: it can only be handed on to a tool",
            "Name it in a tool's arguments",
        )


@dataclass(frozen=True, slots=True)
class Reach(Expression):
    """A way into a value, by keys and indexes, written out or worked out."""

    of: Expression
    accessors: tuple[str | int | Expression, ...]
    position: int

    @property
    def parts(self) -> Sequence[Expression]:
        return (self.of, *(one for one in self.accessors if isinstance(one, Expression)))

    def value(self, work: Work) -> JsonValue:
        value = self.of.value(work)
        for depth, accessor in enumerate(self.accessors):
            key = self._key(accessor, work) if isinstance(accessor, Expression) else accessor
            try:
                value = reach(value, key)
            except LookupError:
                raise Missing(partial(self._trouble, value, key, depth=depth), position=self.position) from None
        return value

    def _trouble(self, value: JsonValue, key: str | int, *, depth: int) -> str:
        so_far = quoted(path_text(self.of.title, self.accessors[:depth]))
        where = f"{so_far} {what_is_there(value, key)} (position {self.position})."
        return f"{where} Look at that result and correct the path."

    def _key(self, accessor: Expression, work: Work) -> str | int:
        key = accessor.value(work)
        if isinstance(key, bool) or not isinstance(key, str | int):
            work.position = self.position
            raise work.refused(
                f"Between [ and ] stands a whole number or a text, not {kind_of(key)}", "Use round(…, 0) or text(…)"
            )
        return key


@dataclass(frozen=True, slots=True)
class Members(Expression):
    """A list, or where it has keys an object, written out."""

    items: tuple[Expression, ...]
    keys: tuple[str, ...] | None
    position: int

    @property
    def parts(self) -> Sequence[Expression]:
        return self.items

    def value(self, work: Work) -> JsonValue:
        values = [self._member(item, work) for item in self.items]
        return values if self.keys is None else dict(zip(self.keys, values, strict=True))

    def _member(self, item: Expression, work: Work) -> JsonValue:
        value = item.value(work)
        if isinstance(item, Literal | Members):
            return value
        # Named twice, a large result would be there twice when this is written out.
        work.position = self.position
        return work.copy(value)


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function with what it is given."""

    name: str
    function: Callable[[Given], JsonValue]
    given: tuple[Expression, ...]
    position: int

    @property
    def parts(self) -> Sequence[Expression]:
        return self.given

    @property
    def title(self) -> str:
        return f"{self.name}(…)"

    def value(self, work: Work) -> JsonValue:
        values = [part.value(work) for part in self.given]
        work.position = self.position
        return self.function(Given(self.name, values, work))


@dataclass(frozen=True, slots=True)
class Guarded(Expression):
    """What may be missing: then it is null."""

    of: Expression

    @property
    def parts(self) -> Sequence[Expression]:
        return (self.of,)

    def value(self, work: Work) -> JsonValue:
        try:
            return self.of.value(work)
        except Missing:
            return None


@dataclass(frozen=True, slots=True)
class Options(Expression):
    """Several, tried in turn: the first whose value settles it, or the last."""

    options: tuple[Expression, ...]

    @property
    def parts(self) -> Sequence[Expression]:
        return self.options

    def value(self, work: Work) -> JsonValue:
        for option in self.options[:-1]:
            value = option.value(work)
            if self.settles(value):
                return value
        return self.options[-1].value(work)

    @abstractmethod
    def settles(self, value: JsonValue) -> bool:
        """Tell whether the options after it are not asked any more."""


@dataclass(frozen=True, slots=True)
class Fallback(Options):
    """The first that is not null, or the last."""

    def settles(self, value: JsonValue) -> bool:
        return value is not None


@dataclass(frozen=True, slots=True)
class Either(Options):
    """The first that counts as true (``or``) or as false (``and``), or the last."""

    is_settled_by: bool

    def settles(self, value: JsonValue) -> bool:
        return is_true(value) is self.is_settled_by


@dataclass(frozen=True, slots=True)
class Not(Expression):
    """The opposite."""

    of: Expression

    @property
    def parts(self) -> Sequence[Expression]:
        return (self.of,)

    def value(self, work: Work) -> JsonValue:
        return not is_true(self.of.value(work))


@dataclass(frozen=True, slots=True)
class Choice(Expression):
    """``this ? that : the other``, as many times as it goes on after the colon."""

    cases: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression

    @property
    def parts(self) -> Sequence[Expression]:
        return (*(part for case in self.cases for part in case), self.otherwise)

    def value(self, work: Work) -> JsonValue:
        for condition, chosen in self.cases:
            if is_true(condition.value(work)):
                return chosen.value(work)
        return self.otherwise.value(work)


@dataclass(frozen=True, slots=True)
class Negative(Expression):
    """A number below zero."""

    of: Expression
    position: int

    @property
    def parts(self) -> Sequence[Expression]:
        return (self.of,)

    def value(self, work: Work) -> JsonValue:
        value = self.of.value(work)
        work.position = self.position
        return negative(value, work)


@dataclass(frozen=True, slots=True)
class Link:
    """An operator and what stands right of it."""

    operator: Operator
    right: Expression
    position: int


@dataclass(frozen=True, slots=True)
class Chain(Expression):
    """Operators of one rank, worked out from left to right."""

    first: Expression
    links: tuple[Link, ...]

    @property
    def parts(self) -> Sequence[Expression]:
        return (self.first, *(link.right for link in self.links))

    def value(self, work: Work) -> JsonValue:
        value = self.first.value(work)
        for link in self.links:
            right = link.right.value(work)
            work.position = link.position
            value = link.operator(value, right, work)
        return value


def path_text(root: str, accessors: Sequence[str | int | Expression]) -> str:
    """Write a path as one would in an expression; what is worked out is ``[…]``."""
    return root + "".join(map(_accessor_text, accessors))


def _accessor_text(accessor: str | int | Expression) -> str:
    if isinstance(accessor, str):
        return f".{accessor}" if accessor.replace("-", "_").isidentifier() else f"[{accessor!r}]"
    return f"[{accessor}]" if isinstance(accessor, int) else "[…]"
