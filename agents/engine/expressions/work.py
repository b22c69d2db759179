# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What an evaluation is made with: the names it may read, where it stands, and how much it may still do."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions.limits import MAX_RENDERED_CHARACTERS, MAX_STEPS
from agents.engine.expressions.values import text_of
from codexos.kernel.jsontypes import JsonValue

Scope = Mapping[str, JsonValue]


class Missing(Exception):
    """A path leads nowhere. Where nothing stands in for it, ``tell`` says what people get as an ExpressionInvalid."""

    def __init__(self, tell: Callable[[], str], *, position: int) -> None:
        super().__init__()
        self.tell = tell
        self.position = position


@dataclass(slots=True)
class Budget:
    """How much evaluating may still do; one may be shared by many evaluations."""

    steps_left: int = MAX_STEPS
    characters_left: int = MAX_RENDERED_CHARACTERS


@dataclass(slots=True)
class Work:
    """One evaluation: ``position`` is that of the operator or function at work, for what it may have to say."""

    scope: Scope
    budget: Budget = field(default_factory=Budget)
    position: int = 1

    def refused(self, what: str, remedy: str) -> ExpressionInvalid:
        """Make the error that says what is wrong at the present position, and what to do."""
        return ExpressionInvalid(f"{what} (position {self.position}). {remedy}.", position=self.position)

    def spend(self, steps: int) -> None:
        """Count items looked at. Raises ExpressionInvalid."""
        self.budget.steps_left -= steps
        if self.budget.steps_left < 0:
            raise self.refused(f"The expression takes more than {MAX_STEPS:,} steps", "Refer to less")

    def scan(self, text: str) -> None:
        """Count a text that is compared. Raises ExpressionInvalid."""
        self.spend(1 + len(text) // 100)

    def search(self, text: str, part: str) -> None:
        """Count a text in which a part is looked for. Raises ExpressionInvalid."""
        # Python looks for short parts in short texts by trying each place, and for others in a straight line.
        tries = min(len(text), 30_000) * min(len(part), 100) // 1_000
        self.spend(1 + max(tries, len(text) // 100))

    def allow(self, characters: int) -> None:
        """Make sure that so much text may be made, before it is. Raises ExpressionInvalid."""
        if characters > self.budget.characters_left:
            raise self.refused(
                f"The expression makes more than {MAX_RENDERED_CHARACTERS:,} characters", "Refer to less"
            )

    def produce(self, characters: int) -> None:
        """Count text that is made. Raises ExpressionInvalid."""
        self.allow(characters)
        self.budget.characters_left -= characters

    def made(self, text: str) -> str:
        """Count a text that was made, and pass it on. Raises ExpressionInvalid."""
        self.produce(len(text))
        return text

    def weigh(self, value: JsonValue) -> int:
        """Count the characters of a value that is about to be written out or copied. Raises ExpressionInvalid."""
        waiting: list[JsonValue] = [value]
        steps = characters = 0
        while waiting:
            part = waiting.pop()
            steps += 1
            if isinstance(part, str):
                characters += len(part)
            elif isinstance(part, Mapping):
                characters += sum(map(len, part))
                waiting.extend(part.values())
            elif isinstance(part, Sequence):
                waiting.extend(part)
            if steps + len(waiting) > self.budget.steps_left:
                break
            if characters > self.budget.characters_left:
                break
        self.allow(characters)
        self.spend(steps + len(waiting))
        return characters

    def copy(self, value: JsonValue) -> JsonValue:
        """Count a value that becomes part of another one. Raises ExpressionInvalid."""
        self.budget.characters_left -= self.weigh(value)
        return value

    def text_of(self, value: JsonValue) -> str:
        """Say a value as text, within the budget. Raises ExpressionInvalid."""
        if isinstance(value, str):
            return value
        if isinstance(value, Mapping) and isinstance(value.get("text"), str):
            return text_of(value)
        self.weigh(value)
        return self.made(self._written(value))

    def json_of(self, value: JsonValue) -> str:
        """Write a value as compact JSON, within the budget. Raises ExpressionInvalid."""
        self.weigh(value)
        return self.made(self._written(value))

    def _written(self, value: JsonValue) -> str:
        try:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=dict)
        except (RecursionError, ValueError) as error:
            raise self.refused("The value is nested too deep to be written as text", "Refer to a part of it") from error
