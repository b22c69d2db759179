# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rebuild, decide, perform, record, repeat: the only loop. One process carries hundreds of these."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from agents.engine.alarm import Alarm
from agents.engine.decide import (
    MOST_UNDER_WAY,
    Busy,
    Cancel,
    Drain,
    Ended,
    Fail,
    Finish,
    Perform,
    Step,
    Stuck,
    WaitFor,
    decide,
)
from agents.engine.effects import Effects, broken
from agents.engine.gating import Gatekeeper
from agents.engine.graph import FlowGraph
from agents.engine.holding import Holder
from agents.engine.journal import usage_data
from agents.engine.outcomes import CutOff, Done, Failed, Outcome, StepError, Waiting
from agents.engine.ports import Ports, Rest
from agents.engine.post import APPROVAL, take_message
from agents.engine.recorder import Recorder
from agents.engine.registry import kind_of
from agents.engine.steps import (
    AskingKind,
    Collected,
    Effect,
    EffectKind,
    HoldingKind,
    PureKind,
    RunContext,
    StepContext,
)
from agents.engine.telling import Telling
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_GATHERED = 50
"""After how many entries of pure steps the journal is written, so that whoever watches sees them come."""

LONGEST_TURN_SECONDS = 0.01
"""How long one run may compute before the others of its process get their turn."""

SHORT_PAUSE = timedelta(seconds=30)
"""A run that only rests is kept at hand for so long; for a longer pause it is let go until then."""

Status = Literal["succeeded", "failed", "cancelled", "waiting", "released"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands when its executor lets go of it; ``data`` is that of its last entry of note."""

    status: Status
    data: JsonObject


class Executor:
    """Carries one run as far as it goes, for one holder of its lease."""

    def __init__(self, graph: FlowGraph, run: RunContext, ports: Ports) -> None:
        self._graph = graph
        self._run = run
        self._ports = ports
        self._bell = asyncio.Event()
        self._recorder = Recorder(ports, epoch=run.epoch)
        self._effects = Effects(ports, self._bell, run_id=run.run_id)
        self._alarm = Alarm(ports.clock, self._bell)
        self._cancelled_by: str | None = None
        self._is_released = False
        self._is_hurried = False
        self._has_post = False
        self._resumed_at = 0.0

    def request_cancel(self, by: str = "a person") -> None:
        """End the run as cancelled: at once where what is under way may be cut off without harm, else behind it."""
        self._cancelled_by = by
        self._bell.set()

    def request_release(self, *, is_hurried: bool = False) -> None:
        """Let go of the run between steps, so that another worker may go on with it.

        Who ``is_hurried`` does not wait for what may be made again; what may not is never left under way.
        """
        self._is_released, self._is_hurried = True, self._is_hurried or is_hurried
        self._bell.set()

    def announce_post(self) -> None:
        """Read the run's inbox soon: something was sent."""
        self._has_post = True
        self._bell.set()

    async def advance(self) -> Standing:
        """Carry the run on until it ends, waits or is let go. Raises LeaseLost, JournalDiverged.

        Nothing is owed after an exception: the next executor rebuilds everything from the journal.
        """
        view = await self._recorder.replay(self._graph, input=self._run.input)
        self._telling = Telling(self._recorder)
        self._holder = Holder(self._telling, self._context)
        self._gatekeeper = Gatekeeper(self._ports, self._telling)
        if view.finished is None:
            self._begin()
            await self._read_inbox()
        try:
            while True:
                standing = await self._turn()
                if standing is not None:
                    return standing
        finally:
            self._alarm.stop()
            await self._effects.abandon()

    def _begin(self) -> None:
        view = self._recorder.view
        is_resumed = view.is_accepted and view.last_seq > 1
        if not view.is_accepted:
            labels: JsonObject = {"labels": sorted(self._run.labels)} if self._run.labels else {}
            self._recorder.record("run.accepted", {"flow": self._graph.name, **labels})
            # Before the run is started: what its parent left open counts as cut off, and is not done again unasked.
            for kept in self._run.kept:
                self._recorder.record(kept.type, kept.data, node_id=kept.node_id, attempt=kept.attempt)
        self._recorder.record("run.started", {"epoch": self._run.epoch, "resumed": is_resumed})
        for key, intended in list(view.cut.items()):
            if view.at(key)[0].is_over:
                is_unsure = intended.data.get("may_repeat") is not True
                because = "may_have_happened" if is_unsure else "not_needed"
                self._telling.tell_cut(Step(key, intended.attempt), because=because)
            elif intended.data.get("may_repeat") is not True and key not in view.waiting:
                self._telling.tell_uncertain(key, intended)

    def _note_cancel(self) -> None:
        view = self._recorder.view
        if self._cancelled_by is not None and view.cancelled_by is None and view.finished is None:
            self._telling.tell_cancel(self._cancelled_by)

    async def _turn(self) -> Standing | None:
        self._note_cancel()
        view = self._recorder.view
        if self._is_hurried and self._effects.may_be_left:
            return await self._let_go()
        match decide(self._graph, view, self._ports.clock.now()):
            case Perform() as doable:
                return await self._perform(doable)
            case Busy(until=until):
                await self._hear(until)
            case Drain(nodes, because):
                self._effects.cut_off(nodes, because=because)
                await self._hear()
            case WaitFor(nodes, until):
                return await self._wait(nodes, until)
            case Ended(data):
                return _standing_of(data)
            case (Finish() | Fail() | Cancel() | Stuck()) as end:
                return await self._end(end)
        return None

    async def _wait(self, keys: Sequence[str], until: datetime | None) -> Standing | None:
        view = self._recorder.view
        if until is not None and not view.waiting and until - self._ports.clock.now() <= SHORT_PAUSE:
            if self._is_released:
                return await self._let_go()
            await self._hear(until)
            return None
        await self._recorder.commit(rest=Rest(until))
        if keys and keys[0] in view.waiting:
            return Standing("waiting", view.waiting[keys[0]])
        if view.paused_by is not None:
            return Standing("waiting", {"reason": "paused", "message": f"{view.paused_by} paused the run."})
        return Standing("waiting", {"reason": "resting", "message": "The run goes on when a pause is over."})

    async def _perform(self, doable: Perform) -> Standing | None:
        self._tell_ends(doable)
        if self._is_released and not doable.skips:
            return await self._release()
        self._effects.cut_off(doable.cuts, because="not_needed")
        await self._take_turns(doable.turns)
        fresh = [step for step in doable.steps if self._may_begin(step)]
        begun = fresh[: MOST_UNDER_WAY - len(self._effects)]
        if begun:
            await self._gatekeeper.make_ready()
        prepared = await self._prepare_all(begun)
        if prepared and self._recorder.view.failure is None:
            await self._launch(prepared)
            if doable.only_begins and len(prepared) == len(doable.steps):
                # All there was to do is under way: nothing else begins before something is heard.
                await self._hear(doable.until)
        elif not (begun or doable.turns or doable.skips or doable.late):
            await self._hear(doable.until)
        elif self._recorder.gathered >= MOST_GATHERED:
            await self._recorder.commit()
            await self._read_news()
        return None

    def _tell_ends(self, doable: Perform) -> None:
        for key in doable.skips:
            self._telling.tell_left_out(key)
        for key in doable.late:
            # The one before may have been the last straw for what holds this one; likewise with turns.
            if key in self._recorder.view.alarms:
                self._tell_late(key)

    async def _take_turns(self, keys: Sequence[str]) -> None:
        for key in keys:
            if key in self._recorder.view.turns:
                self._holder.take_turn(key)
            await self._give_way()

    async def _prepare_all(self, steps: Sequence[Step]) -> list[tuple[Step, Effect]]:
        prepared: list[tuple[Step, Effect]] = []
        for step in steps:
            # The one before may have been the last straw for the lane of this one.
            if self._may_begin(step) and (effect := self._prepare(step)) is not None:
                prepared.append((step, effect))
            await self._give_way()
        if self._gatekeeper.holds_up:
            self._gatekeeper.tell_held_up(await self._gatekeeper.look_into())
        return [(step, effect) for step, effect in prepared if self._may_begin(step)]

    def _may_begin(self, step: Step) -> bool:
        return step.node_id not in self._effects and self._recorder.view.is_startable(step.node_id)

    def _tell_late(self, key: str) -> None:
        """Deal with a step whose time is up: what it holds ends, or nobody has answered it."""
        view = self._recorder.view
        if key in view.held:
            self._holder.expire(key)
            return
        kind, is_call = kind_of(view.at(key)[1].kind), "call" in view.waiting.get(key, {})
        step = self._telling.tell_decided(key, "timeout", by="nobody", message_id=None)
        if is_call:
            # It is worked out anew, and refused for this.
            return
        try:
            outcome = kind.late(self._context(key)) if isinstance(kind, AskingKind) else broken(step)
        except CodexosError as error:
            outcome = Failed(StepError.of(error))
        self._telling.tell(step, outcome)

    def _context(self, key: str, attempt: int = 1) -> StepContext:
        lane, node = self._recorder.view.at(key)
        return StepContext(node, lane, self._run, self._recorder.view, attempt)

    async def _give_way(self) -> None:
        """Let others go on where this run has computed for long: leases are renewed on the same loop."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._resumed_at > LONGEST_TURN_SECONDS:
            await asyncio.sleep(0)
            self._resumed_at = loop.time()

    def _prepare(self, step: Step) -> Effect | None:
        """Do a pure step, or work out an effect; None where nothing is left to launch."""
        context = self._context(step.node_id, step.attempt)
        kind = kind_of(context.node.kind)
        outcome: Outcome | Collected
        try:
            match kind:
                case EffectKind():
                    effect = kind.prepare(context, self._ports)
                    return self._gatekeeper.let_through(step, effect, context)
                case HoldingKind():
                    self._telling.tell_held(step, kind.begin(context))
                    return None
                case _:
                    outcome = _computed(kind, context)
        except CodexosError as error:
            outcome = Failed(StepError.of(error))
        except Exception:
            outcome = broken(step)
        self._telling.tell(step, outcome)
        return None

    async def _launch(self, prepared: Sequence[tuple[Step, Effect]]) -> None:
        for step, effect in prepared:
            self._telling.tell_intended(step, effect, documents=self._run.documents)
        self._gatekeeper.note_called([effect for _, effect in prepared])
        # Durable before the effects: after a crash the journal knows that they may have happened.
        await self._recorder.commit()
        for step, effect in prepared:
            self._effects.launch(step, effect, node=self._recorder.view.at(step.node_id)[1])

    async def _hear(self, until: datetime | None = None) -> None:
        """Make durable what was noted, then wait until an effect has ended, somebody wants something, or it is time."""
        await self._recorder.commit()
        self._alarm.set(until)
        await self._bell.wait()
        self._bell.clear()
        for step, outcome in self._effects.collect():
            if isinstance(outcome, CutOff):
                self._telling.tell_cut(step, because=outcome.because)
            else:
                self._telling.tell(step, outcome)
        await self._read_news()

    async def _read_news(self) -> None:
        if self._has_post:
            await self._read_inbox()

    async def _read_inbox(self) -> None:
        self._has_post = False
        is_decided = False
        for message in await self._ports.inbox.read():
            if message.id not in self._recorder.view.taken:
                take_message(message, self._telling)
                is_decided = is_decided or message.kind == "decide"
        if is_decided:
            # What was asked about is looked at again right before it is made, by what holds then.
            await self._gatekeeper.renew()

    async def _release(self) -> Standing | None:
        if len(self._effects):
            await self._hear()
            return None
        return await self._let_go()

    async def _let_go(self) -> Standing:
        await self._recorder.commit()
        return Standing("released", {})

    async def _end(self, end: Finish | Fail | Cancel | Stuck) -> Standing:
        match end:
            case Finish(output):
                standing = self._finish("succeeded", output=output)
            case Fail(error):
                standing = self._finish("failed", error=error)
            case Cancel():
                standing = self._finish("cancelled", error=_why_cancelled(end))
            case Stuck():
                message = "The run cannot go on: nothing is left to start. This is our mistake; run it again."
                standing = self._finish("failed", error={"code": "broken", "message": message})
        await self._recorder.commit()
        return standing

    def _finish(self, status: Status, *, output: JsonValue = None, error: JsonObject | None = None) -> Standing:
        view = self._recorder.view
        data: dict[str, JsonValue] = {
            "status": status,
            "output": output,
            "citations": view.citations if status == "succeeded" else [],
            "usage": usage_data(view.usage),
        }
        if error is not None:
            data["error"] = error
        self._recorder.record("run.finished", data)
        return Standing(status, data)


def _computed(kind: PureKind | AskingKind, context: StepContext) -> Done | Waiting | Collected:
    if isinstance(kind, PureKind):
        computed = kind.compute(context)
        return computed if isinstance(computed, Collected) else Done(computed)
    asked = kind.ask(context)
    return Waiting(APPROVAL, str(asked["title"]), asked)


def _why_cancelled(end: Cancel) -> JsonObject:
    if end.replaced_by is None:
        return {"code": "cancelled", "message": f"The run was cancelled by {end.by}."}
    message = f"{end.by} started run {end.replaced_by!r} of the same flow, which replaced this one."
    return {"code": "cancelled", "message": message, "reason": "replace", "run_id": end.replaced_by}


def _standing_of(finished: JsonObject) -> Standing:
    status = finished.get("status")
    return Standing(
        "succeeded" if status == "succeeded" else "cancelled" if status == "cancelled" else "failed", finished
    )
