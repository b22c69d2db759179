# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a node kind is given to do its step with."""

from collections import ChainMap
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from agents.engine.expressions import Scope
from agents.engine.graph import Node
from agents.engine.journal import JournalView, idempotency_key
from agents.engine.outcomes import Done
from agents.engine.ports import Ports
from codexos.kernel.chat import ContextDocument
from codexos.kernel.jsontypes import JsonObject, JsonValue

DEFAULT_TIMEOUT_SECONDS = 600.0
MAX_RESULT_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a run starts from: its id, its input, the documents named for it, and the epoch of the present holder."""

    run_id: UUID
    input: JsonValue
    epoch: int = 1
    documents: Sequence[ContextDocument] = ()


@dataclass(frozen=True, slots=True)
class StepContext:
    """One step about to be done: its node and everything earlier it may read."""

    node: Node
    run: RunContext
    view: JournalView
    attempt: int

    @property
    def scope(self) -> Scope:
        """The names a template may use."""
        results = self.view.results
        return ChainMap({"input": self.run.input, "steps": results}, results)

    @property
    def previous(self) -> Node | None:
        """The node before this one, or None at the entry."""
        before = self.view.graph.before[self.node.id]
        return self.view.graph.nodes[before[0]] if before else None

    @property
    def last_result(self) -> JsonValue:
        """The result of the node before this one; the input at the entry."""
        return self.view.results[self.previous.id] if self.previous else self.run.input

    @property
    def key(self) -> str:
        """The idempotency key of this step's effect, the same for every attempt."""
        return idempotency_key(self.run.run_id, self.node.id)

    def setting_text(self, name: str) -> str | None:
        """A setting that is text, or None where it is not set."""
        value = self.node.settings.get(name)
        return value if isinstance(value, str) else None


Emit = Callable[[str], None]


class Effect(Protocol):
    """A step's reach to the outside, worked out in full before it is intended."""

    @property
    def intent(self) -> JsonObject:
        """What the journal says is about to happen."""
        ...

    @property
    def may_repeat(self) -> bool:
        """Whether it may be made again after it was cut off, without asking a person."""
        ...

    @property
    def timeout_seconds(self) -> float:
        """How long it may take where its node does not say."""
        ...

    @property
    def notes(self) -> Sequence[JsonObject]:
        """What people should know before it happens."""
        ...

    def perform(self, ports: Ports, emit: Emit) -> Awaitable[Done]:
        """Do it; ``emit`` takes text as it comes. Raises CodexosError kinds."""
        ...


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value may look like: ``trouble`` says what is wrong with one, ``schema`` says it as JSON Schema."""

    trouble: Callable[[JsonValue], str | None]
    schema: JsonObject


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a kind: its shape, and one sentence for the person who fills it in.

    Texts of a template are filled in wherever they stand in it; an expression is one, with or without its braces.
    """

    shape: Shape
    doc: str
    is_template: bool = False
    is_expression: bool = False
    is_required: bool = False

    def trouble(self, value: JsonValue) -> str | None:
        """Say what is wrong with a value, in words that follow the setting's name, or None."""
        return self.shape.trouble(value)


@dataclass(frozen=True, slots=True)
class PureKind:
    """A kind of node that touches nothing outside: its result follows from what is there."""

    name: str
    settings: Mapping[str, Setting]
    compute: Callable[[StepContext], JsonValue]


@dataclass(frozen=True, slots=True)
class EffectKind:
    """A kind of node with an outside effect: first prepared, then intended, then performed."""

    name: str
    settings: Mapping[str, Setting]
    prepare: Callable[[StepContext, Ports], Effect]


NodeKind = PureKind | EffectKind
