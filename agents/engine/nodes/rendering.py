# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Filling in templates that sit anywhere inside a setting."""

from collections.abc import Iterator, Mapping, Sequence

from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions import MAX_RENDERED_CHARACTERS, Budget, Scope, SecretIn, evaluate, secret_text, text_of
from agents.engine.places import inside
from codexos.kernel.jsontypes import JsonValue


def filled_in(value: JsonValue, scope: Scope, *, secret_in: SecretIn | None = None) -> JsonValue:
    """Fill in every text of a setting; one that is an expression keeps its type. Raises ExpressionInvalid.

    With ``secret_in`` secrets are handed on: the texts that name some become SecretTexts.
    """
    return _Filling(scope, secret_in).fill(value)


def texts_of(value: JsonValue, place: str) -> Iterator[tuple[str, str]]:
    """Walk a setting: every text in it, with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from texts_of(part, inside(place, key))
    elif isinstance(value, Sequence):
        for index, part in enumerate(value):
            yield from texts_of(part, f"{place}[{index}]")


class _Filling:
    """One filling in, with one budget for all of it: a small setting may name a large result many times."""

    def __init__(self, scope: Scope, secret_in: SecretIn | None) -> None:
        self._scope = scope
        self._secret_in = secret_in
        self._budget = Budget()
        self._left = MAX_RENDERED_CHARACTERS

    def fill(self, value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            return self._evaluated(value) if "{{" in value else value
        if isinstance(value, Mapping):
            return {key: self.fill(part) for key, part in value.items()}
        if isinstance(value, Sequence):
            return [self.fill(part) for part in value]
        return value

    def _evaluated(self, text: str) -> JsonValue:
        value: JsonValue = None
        if self._secret_in is not None:
            value = secret_text(text, self._scope, secret_in=self._secret_in, budget=self._budget)
        if value is None:
            value = evaluate(text, self._scope, budget=self._budget)
        self._left -= len(value) if isinstance(value, str) else len(text_of([value]))
        if self._left < 0:
            raise ExpressionInvalid(
                f"Filled in, the setting is larger than {MAX_RENDERED_CHARACTERS:,} characters. Refer to less.",
                position=1,
            )
        return value
