# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the engine asks of the outside. Adapters keep these promises; the engine knows nothing more of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from agents.engine.errors import PictureNotNamed, SecretsNotAtHand
from agents.engine.gate import Decision, Gate, Occasion, OpenGate, ProposedCall
from agents.engine.journal import Entry
from agents.engine.tools import ToolSpec
from codexos.kernel.chat import ChatModel, Image
from codexos.kernel.jsontypes import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Rest:
    """The holder lets go of a run until a message comes for it, or until a moment where there is one."""

    until: datetime | None = None


class Journal(Protocol):
    """The durable entries of one run, written by its one holder."""

    async def append(self, entries: Sequence[Entry], *, rest: Rest | None = None) -> None:
        """Make all of the entries durable or none; return only then. Their seqs follow on without a gap.

        With ``rest`` the holder lets go of the run with this. Raises LeaseLost where another epoch holds the run or one
        of the seqs is taken.
        """
        ...

    async def read(self, after: int = 0) -> Sequence[Entry]:
        """Return the entries with a seq above ``after``, in order."""
        ...


class Snapshots(Protocol):
    """Where the newest snapshot of a run is kept. One that is lost is no loss: the journal is read instead."""

    async def newest(self) -> bytes | None:
        """Return it; None where there is none."""
        ...

    async def keep(self, seq: int, snapshot: bytes) -> None:
        """Keep a snapshot of the first ``seq`` entries instead of the one before."""
        ...


class NoSnapshots:
    """For runs that are never taken up again."""

    async def newest(self) -> bytes | None:
        """Return nothing."""
        return None

    async def keep(self, seq: int, snapshot: bytes) -> None:
        """Keep nothing."""


class Toolbox(Protocol):
    """The tools this run may use."""

    def names(self) -> Sequence[str]:
        """Return the names of all of them."""
        ...

    def describe(self, name: str) -> ToolSpec:
        """Return what is known of a tool. Raises ToolUnknown."""
        ...

    async def call(self, name: str, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Call a tool on an occasion. Raises CodexosError kinds."""
        ...


class Previewing(Protocol):
    """What a toolbox may do beside: say what a call would change, such as a diff, before people are asked about it."""

    async def preview(self, name: str, arguments: JsonObject) -> str | None:
        """Say what a call would do, or None. It changes nothing, opens no secret, and may fail."""
        ...


@dataclass(frozen=True, slots=True)
class NotedCall:
    """What is written of a call before anything comes of it; ``hash`` is that of what people see or have approved."""

    action: Literal["tool.called", "tool.asked", "tool.denied"]
    step: str
    call: ProposedCall
    decision: Decision
    hash: str = ""


class Trail(Protocol):
    """The organization's audit trail."""

    def note_calls(self, calls: Sequence[NotedCall]) -> None:
        """Have what was decided about calls written with the entries that the journal is given next, or neither."""
        ...


class NoTrail:
    """For runs that nobody has to account for."""

    def note_calls(self, calls: Sequence[NotedCall]) -> None:
        """Write nothing."""


class Secrets(Protocol):
    """The secrets this run may use. Their values are none of the engine's business."""

    async def check(self, key: str) -> None:
        """Return where the run may use a secret now. Raises CodexosError kinds."""
        ...


class NoSecrets:
    """For runs without a vault."""

    async def check(self, key: str) -> None:
        """Raise SecretsNotAtHand."""
        raise SecretsNotAtHand(keys=[key])


@dataclass(frozen=True, slots=True)
class Frame:
    """Something worth showing and not worth keeping: it has no seq, and the next entry replaces it."""

    type: Literal["delta", "progress", "step.started"]
    node_id: str
    data: JsonObject


class Pictures(Protocol):
    """The pictures among the files of this run."""

    async def show(self, names: Sequence[str]) -> Sequence[Image]:
        """Return them in this order. Raises PictureNotNamed, TooManyPictures, and CodexosError kinds of reading."""
        ...


class NoPictures:
    """For runs without files."""

    async def show(self, names: Sequence[str]) -> Sequence[Image]:
        """Raise PictureNotNamed."""
        raise PictureNotNamed(names=names, known=())


class EventSink(Protocol):
    """Where ephemeral frames go. Must not block and must not fail: a lost frame is no loss."""

    def emit(self, frame: Frame) -> None:
        """Send a frame on its way."""
        ...


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """Something people have for a run: that it be cancelled, paused or resumed, or what is to become of a step that
    waits.

    ``data`` of a decision holds ``node_id`` and ``decision``: of an effect that may have happened ``again``, ``done``
    with its ``result``, or ``fail``; of a question to people ``approve`` or ``reject``, with ``form``; of a call that
    waits to be made these or ``approve_for_run``, with the ``hash`` of what was seen, the ``arguments`` to call it with
    instead, a ``note``, and who said it (``by_id``).
    """

    id: str
    kind: Literal["cancel", "pause", "resume", "decide"]
    by: str
    data: JsonObject


class Inbox(Protocol):
    """What people have sent a run. It becomes an entry once: the journal knows by its id whether it has."""

    async def read(self) -> Sequence[InboxMessage]:
        """Return everything that was sent, oldest first."""
        ...


class NoInbox:
    """The inbox of a run nobody can write to."""

    async def read(self) -> Sequence[InboxMessage]:
        """Return nothing."""
        return ()


class Clock(Protocol):
    """What time it is, and waiting for a later one."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a run reaches the outside through."""

    journal: Journal
    model: ChatModel
    toolbox: Toolbox
    sink: EventSink
    clock: Clock
    inbox: Inbox = field(default_factory=NoInbox)
    snapshots: Snapshots = field(default_factory=NoSnapshots)
    secrets: Secrets = field(default_factory=NoSecrets)
    gate: Gate = field(default_factory=OpenGate)
    pictures: Pictures = field(default_factory=NoPictures)
    trail: Trail = field(default_factory=NoTrail)
