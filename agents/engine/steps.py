# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a node kind is given to do its step with."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

from agents.engine.expressions import RESERVED_NAMES, Expression, Name, Reach, Scope, SecretIn, SecretName, text_of
from agents.engine.graph import FlowGraph, Node
from agents.engine.journal import Entry, idempotency_key
from agents.engine.lanes import Held, Lane
from agents.engine.outcomes import Done
from agents.engine.ports import Ports
from agents.engine.secrets import SECRETS_NAME, Recipient, SecretRef
from agents.engine.view import JournalView
from codexos.kernel.chat import ContextDocument
from codexos.kernel.jsontypes import JsonObject, JsonValue

DEFAULT_TIMEOUT_SECONDS = 600.0
MAX_RESULT_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a run starts from: its id, its input, the documents named for it, and the epoch of the present holder.

    ``kept`` is what it takes over from the run that it goes on from, see ``travel``. ``labels`` are those of its input.
    """

    run_id: UUID
    input: JsonValue
    epoch: int = 1
    documents: Sequence[ContextDocument] = ()
    kept: Sequence[Entry] = ()
    labels: frozenset[str] = frozenset()


class _Names(Mapping[str, JsonValue]):
    """The names an expression may use in a lane: the results there and around it by their nodes' ids, and the reserved
    ones: ``input`` of the flow, all results as ``steps``, the run's variables as ``state``, and those of the body.
    """

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._outward = list(lane.outward())
        # Who has no variables may have a node of that name.
        self._of_the_flow = _WITH_STATE if lane.home.graph.variables else RESERVED_NAMES

    def __getitem__(self, name: str) -> JsonValue:
        if name in self._of_the_flow:
            return self._value_of_the_flow(name)
        for lane in self._outward:
            if name in lane.results:
                return lane.results[name]
            if name in lane.names:
                return lane.names[name]
        raise KeyError(name)

    def _value_of_the_flow(self, name: str) -> JsonValue:
        if name == "input":
            return self._outward[-1].given
        if name == "state":
            return dict(self._lane.home.variables)
        # A copy: a result that holds all results must not come to hold itself.
        return {key: value for lane in reversed(self._outward) for key, value in lane.results.items()}

    def __contains__(self, name: object) -> bool:
        return name in self._of_the_flow or any(name in lane.results or name in lane.names for lane in self._outward)

    def __iter__(self) -> Iterator[str]:
        known = [name for lane in self._outward for name in (*lane.results, *lane.names)]
        return iter(dict.fromkeys([*sorted(self._of_the_flow), *known]))

    def __len__(self) -> int:
        return sum(1 for _ in self)


_WITH_STATE = RESERVED_NAMES | {"state"}


def scope_of(lane: Lane) -> Scope:
    """Return the names an expression may use in a lane by now."""
    return _Names(lane)


@dataclass(frozen=True, slots=True)
class StepContext:
    """One step about to be done: its node, the lane it stands in, and everything earlier it may read."""

    node: Node
    lane: Lane
    run: RunContext
    view: JournalView
    attempt: int = 1

    @property
    def node_id(self) -> str:
        """The step's key."""
        return self.lane.key(self.node.id)

    @property
    def input(self) -> JsonValue:
        """What its lane began with: the run's input, a map's item, what the last round of a loop gave."""
        return self.lane.given

    @property
    def scope(self) -> Scope:
        """The names a template may use."""
        return scope_of(self.lane)

    @property
    def secret_in(self) -> SecretIn:
        """Which secrets its templates name."""
        return _SecretIn(self.lane)

    @property
    def sources(self) -> Sequence[Node]:
        """The nodes whose results lead here: none at the entry, several behind parallel branches."""
        return [self.lane.graph.nodes[node_id] for node_id in self.lane.sources_of(self.node.id)]

    @property
    def results(self) -> Mapping[str, JsonValue]:
        """What the nodes of its lane gave, by their ids."""
        return self.lane.results

    @property
    def last_result(self) -> JsonValue:
        """The result that leads here; of several, each by its node's id; the input at the entry."""
        found = {node.id: self.results[node.id] for node in self.sources}
        if not found:
            return self.input
        return next(iter(found.values())) if len(found) == 1 else found

    @property
    def last_text(self) -> str:
        """What leads here, said as text."""
        sources = self.sources
        if not sources:
            return text_of(self.input)
        return "\n\n".join(text_of(self.results[node.id]) for node in sources)

    @property
    def key(self) -> str:
        """The idempotency key of this step's effect, the same for every attempt until a person decides on another."""
        return idempotency_key(self.run.run_id, self.node_id, group=self.view.groups.get(self.node_id, 0))

    def setting_text(self, name: str) -> str | None:
        """A setting that is text, or None where it is not set."""
        value = self.node.settings.get(name)
        return value if isinstance(value, str) else None


class _SecretIn:
    """Tells of secrets by how a flow is drawn, and never by what a value says."""

    __slots__ = ("_has_vaults", "_lane")

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._has_vaults = any(each.graph.secrets for each in lane.outward())

    def may_name(self, template: str) -> bool:
        return self._has_vaults or SECRETS_NAME in template

    def __call__(self, expression: Expression) -> SecretRef | None:
        if isinstance(expression, SecretName):
            return expression.ref
        node_id = named_alone(expression) if self._has_vaults else None
        return None if node_id is None else _secret_of(self._lane, node_id)


def named_alone(expression: Expression) -> str | None:
    """Return the node whose whole result an expression is, if it is one."""
    if isinstance(expression, Name):
        return expression.root
    if isinstance(expression, Reach) and isinstance(expression.of, Name) and expression.of.root == "steps":
        one = expression.accessors[0]
        return one if len(expression.accessors) == 1 and isinstance(one, str) else None
    return None


def _secret_of(lane: Lane, node_id: str) -> SecretRef | None:
    """Return what a vault node refers to, where that is the node whose result is read here by this name."""
    for each in lane.outward():
        if node_id in each.results:
            key = each.graph.secrets.get(node_id)
            return None if key is None else SecretRef.to(key)
        if node_id in each.names:
            return None
    return None


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
    ``secrets_to`` tells whom the secrets are handed on to that its texts name; None: it may name none.
    """

    shape: Shape
    doc: str
    is_template: bool = False
    is_expression: bool = False
    is_required: bool = False
    secrets_to: Recipient | None = None

    def trouble(self, value: JsonValue) -> str | None:
        """Say what is wrong with a value, in words that follow the setting's name, or None."""
        return self.shape.trouble(value)


@dataclass(frozen=True, slots=True)
class PureKind:
    """A kind of node that touches nothing outside: its result follows from what is there."""

    name: str
    settings: Mapping[str, Setting]
    compute: "Callable[[StepContext], JsonValue | Collected]"


@dataclass(frozen=True, slots=True)
class EffectKind:
    """A kind of node with an outside effect: first prepared, then intended, then performed."""

    name: str
    settings: Mapping[str, Setting]
    prepare: Callable[[StepContext, Ports], Effect]


@dataclass(frozen=True, slots=True)
class Holding:
    """What a node that holds lanes is about to do: how many there will be, where that is known, how many at a time.

    ``count`` is None where each lane's end tells whether another follows. ``said`` is told beside it.
    """

    count: int | None = None
    parallel: int = 1
    said: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opening:
    """A lane to be opened: what it begins with, and the flow to do in it where the node has written one itself."""

    input: JsonValue
    flow: JsonValue = None


@dataclass(frozen=True, slots=True)
class Collected:
    """A node that holds lanes is done: its result is what the last one gave, or all of them in order.

    Or a lane is: its result is what all of its nodes gave, by their ids.
    """

    what: Literal["last", "all", "lane"]
    notes: Sequence[JsonObject] = ()


@dataclass(frozen=True, slots=True)
class HoldingKind:
    """A kind of node that does a flow in lanes, any number of times: it touches nothing outside by itself.

    ``body`` makes that flow of its settings where the document does not draw it.
    """

    name: str
    settings: Mapping[str, Setting]
    begin: Callable[[StepContext], Holding]
    turn: Callable[[StepContext, Held], Sequence[Opening] | Collected | Done]
    body: Callable[[JsonObject], FlowGraph] | None = None


@dataclass(frozen=True, slots=True)
class AskingKind:
    """A kind of node that waits for a person. ``late`` says what follows when nobody has answered in time."""

    name: str
    settings: Mapping[str, Setting]
    ask: Callable[[StepContext], JsonObject]
    late: Callable[[StepContext], Done]


NodeKind = PureKind | EffectKind | HoldingKind | AskingKind
