# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a node kind is given to do its step with."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from agents.engine.expressions import RESERVED_NAMES, Scope, text_of
from agents.engine.graph import Node
from agents.engine.journal import idempotency_key
from agents.engine.outcomes import Done
from agents.engine.ports import Ports
from agents.engine.view import JournalView
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


class _Names(Mapping[str, JsonValue]):
    """The names an expression may use: the input, each result by its node's id, and all of them as ``steps``."""

    def __init__(self, run_input: JsonValue, results: Mapping[str, JsonValue]) -> None:
        self._input = run_input
        self._results = results

    def __getitem__(self, name: str) -> JsonValue:
        if name == "input":
            return self._input
        # A copy: a result that holds all results must not come to hold itself.
        return dict(self._results) if name == "steps" else self._results[name]

    def __contains__(self, name: object) -> bool:
        return name in RESERVED_NAMES or name in self._results

    def __iter__(self) -> Iterator[str]:
        return iter({"input", "steps", *self._results})

    def __len__(self) -> int:
        return len({"input", "steps", *self._results})


def scope_of(run: RunContext, view: JournalView) -> Scope:
    """Return the names an expression may use by now."""
    return _Names(_input_of(run, view), view.results)


def _input_of(run: RunContext, view: JournalView) -> JsonValue:
    # The entry's result is the input with its defaults.
    return view.results.get(view.graph.entry, run.input)


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
        return scope_of(self.run, self.view)

    @property
    def input(self) -> JsonValue:
        """The input of the run, with its defaults once the entry is done."""
        return _input_of(self.run, self.view)

    @property
    def sources(self) -> Sequence[Node]:
        """The nodes whose results lead here: none at the entry, several behind parallel branches."""
        return [self.view.graph.nodes[node_id] for node_id in self.view.sources_of(self.node.id)]

    @property
    def last_result(self) -> JsonValue:
        """The result that leads here; of several, each by its node's id; the input at the entry."""
        found = {node.id: self.view.results[node.id] for node in self.sources}
        if not found:
            return self.run.input
        return next(iter(found.values())) if len(found) == 1 else found

    @property
    def last_text(self) -> str:
        """What leads here, said as text."""
        sources = self.sources
        if not sources:
            return text_of(self.run.input)
        return "\n\n".join(text_of(self.view.results[node.id]) for node in sources)

    @property
    def key(self) -> str:
        """The idempotency key of this step's effect, the same for every attempt until a person decides on another."""
        return idempotency_key(self.run.run_id, self.node.id, group=self.view.groups.get(self.node.id, 0))

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
