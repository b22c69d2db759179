# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rebuild, decide, perform, record, repeat: the only loop. One process carries hundreds of these."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agents.engine.decide import Busy, Ended, Fail, Finish, Perform, Step, Stuck, WaitFor, decide
from agents.engine.errors import ResultTooLarge, StepTimedOut
from agents.engine.frames import DeltaFrames
from agents.engine.graph import FlowGraph
from agents.engine.journal import EntryType, usage_data
from agents.engine.outcomes import Again, Done, Failed, Outcome, StepError, Waiting
from agents.engine.ports import Ports
from agents.engine.recorder import Recorder
from agents.engine.registry import KINDS
from agents.engine.sizes import MAX_RESULT_BYTES, is_too_large
from agents.engine.steps import Effect, PureKind, RunContext, StepContext
from codexos.kernel.chat import Usage
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue

logger = logging.getLogger(__name__)

MAX_RETRY_SECONDS = 60.0

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
        self._recorder = Recorder(ports.journal, ports.clock, epoch=run.epoch)
        self._cancelled_by: str | None = None
        self._is_released = False
        self._interruptible: asyncio.Future[Done] | asyncio.Future[None] | None = None

    def request_cancel(self, by: str = "a person") -> None:
        """End the run as cancelled: between steps, or at once where the step may be cut off without harm."""
        self._cancelled_by = by
        if self._interruptible is not None:
            self._interruptible.cancel()

    def request_release(self) -> None:
        """Let go of the run between steps, so that another worker may go on with it."""
        self._is_released = True

    async def advance(self) -> Standing:
        """Carry the run on until it ends, waits or is let go. Raises LeaseLost, JournalDiverged.

        Nothing is owed after an exception: the next executor rebuilds everything from the journal.
        """
        view = await self._recorder.replay(self._graph)
        if view.finished is None:
            self._begin()
        while True:
            standing = await self._turn()
            if standing is not None:
                await self._recorder.commit()
                return standing

    def _begin(self) -> None:
        view = self._recorder.view
        is_resumed = view.is_accepted and view.last_seq > 1
        if not view.is_accepted:
            self._recorder.record("run.accepted", {"flow": self._graph.name})
        self._recorder.record("run.started", {"epoch": self._run.epoch, "resumed": is_resumed})

    async def _turn(self) -> Standing | None:
        decision = decide(self._graph, self._recorder.view)
        if isinstance(decision, Ended):
            return _standing_of(decision.data)
        if isinstance(decision, Finish):
            return self._finish("succeeded", output=decision.output)
        if self._cancelled_by is not None:
            reason = {"code": "cancelled", "message": f"The run was cancelled by {self._cancelled_by}."}
            return self._finish("cancelled", error=reason)
        return await self._follow(decision)

    async def _follow(self, decision: Perform | Fail | WaitFor | Busy | Stuck) -> Standing | None:
        match decision:
            case Fail(error):
                return self._finish("failed", error=error)
            case WaitFor(nodes):
                return self._wait(nodes)
            case Busy() | Stuck():
                message = "The run cannot go on: nothing is left to start. This is our mistake; run it again."
                return self._finish("failed", error={"code": "broken", "message": message})
            case Perform(steps):
                if self._is_released:
                    return Standing("released", {})
                for step in steps:
                    await self._perform(step)
        return None

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

    def _wait(self, nodes: tuple[str, ...]) -> Standing:
        view = self._recorder.view
        for node_id in nodes:
            if node_id not in view.waiting:
                self._recorder.record(
                    "run.waiting",
                    {
                        "reason": "may_have_happened",
                        "message": f"Step {node_id!r} was cut off after it began, so its effect may have happened. "
                        "Look outside, then decide whether to do it again.",
                        "intended": view.cut[node_id].data,
                    },
                    node_id=node_id,
                    attempt=view.attempts[node_id],
                )
        return Standing("waiting", view.waiting[nodes[0]])

    async def _perform(self, step: Step) -> None:
        node = self._graph.nodes[step.node_id]
        context = StepContext(node, self._run, self._recorder.view, step.attempt)
        kind = KINDS[node.kind]
        try:
            ready = Done(kind.compute(context)) if isinstance(kind, PureKind) else kind.prepare(context, self._ports)
        except CodexosError as error:
            self._record_outcome(step, Failed(StepError.of(error)))
            return
        except Exception:
            self._record_outcome(step, self._broken(step))
            return
        outcome = ready if isinstance(ready, Done) else await self._perform_effect(step, ready)
        self._record_outcome(step, outcome)

    async def _perform_effect(self, step: Step, effect: Effect) -> Outcome:
        if step.after_seconds:
            await self._rest(step.after_seconds)
        self._note(effect.notes, step)
        intent = {**effect.intent, "may_repeat": effect.may_repeat}
        self._record("step.intended", step, data=intent)
        # Durable before the effect: after a crash the journal knows that it may have happened.
        await self._recorder.commit()
        return await self._reach_out(step, effect)

    async def _rest(self, seconds: float) -> None:
        await self._recorder.commit()
        self._interruptible = asyncio.ensure_future(self._ports.clock.sleep(seconds))
        try:
            await self._interruptible
        except asyncio.CancelledError:
            if not self._is_cut_by_us():
                raise
        finally:
            self._interruptible = None

    async def _reach_out(self, step: Step, effect: Effect) -> Outcome:
        cancelled = Failed(StepError("cancelled", f"Step {step.node_id!r} was cut off: the run was cancelled."))
        if self._cancelled_by is not None:
            return cancelled
        try:
            return await self._answer_of(step, effect)
        except CodexosError as error:
            return self._judge(step, effect, error=error)
        except asyncio.CancelledError:
            if not self._is_cut_by_us():
                raise
            return cancelled
        except Exception:
            return self._broken(step)

    async def _answer_of(self, step: Step, effect: Effect) -> Done:
        seconds = self._graph.nodes[step.node_id].timeout_seconds or effect.timeout_seconds
        with DeltaFrames(self._ports.sink, step.node_id, attempt=step.attempt) as frames:
            task = asyncio.ensure_future(effect.perform(self._ports, frames.emit))
            self._interruptible = task if effect.may_repeat else None
            try:
                async with asyncio.timeout(seconds):
                    return await task
            except TimeoutError:
                raise StepTimedOut(node_id=step.node_id, seconds=seconds) from None
            finally:
                self._interruptible = None

    def _broken(self, step: Step) -> Failed:
        logger.exception("step %r of run %s broke", step.node_id, self._run.run_id)
        return Failed(StepError("broken", f"Step {step.node_id!r} broke. This is our mistake; it is in the log."))

    def _is_cut_by_us(self) -> bool:
        current = asyncio.current_task()
        return self._cancelled_by is not None and (current is None or not current.cancelling())

    def _judge(self, step: Step, effect: Effect, *, error: CodexosError) -> Outcome:
        attempts = self._graph.nodes[step.node_id].attempts
        # An effect that may have happened is not tried again behind people's backs, whatever the node says.
        if error.retryable and effect.may_repeat and step.attempt < attempts:
            return Again(StepError.of(error), min(2.0 ** (step.attempt - 1), MAX_RETRY_SECONDS))
        return Failed(StepError.of(error))

    def _record_outcome(self, step: Step, outcome: Outcome) -> None:
        match outcome:
            case Done():
                self._record_done(step, outcome)
            case Waiting(reason, message):
                self._record("run.waiting", step, data={"reason": reason, "message": message})
            case Again(error, after_seconds):
                self._record("step.retry", step, data={"error": error.as_data(), "after_seconds": after_seconds})
            case Failed(error):
                self._record("step.failed", step, data={"error": error.as_data()})

    def _record_done(self, step: Step, done: Done) -> None:
        data: dict[str, JsonValue] = {"result": done.result}
        if is_too_large(data):
            too_large = ResultTooLarge(node_id=step.node_id, limit=MAX_RESULT_BYTES)
            self._record_outcome(step, Failed(StepError.of(too_large)))
            return
        if done.usage != Usage():
            data["usage"] = usage_data(done.usage)
        self._note(done.notes, step)
        self._record("step.done", step, data=data)

    def _note(self, notes: Sequence[JsonObject], step: Step) -> None:
        for note in notes:
            if str(note.get("message")) not in self._recorder.view.noted:
                self._record("note", step, data=note)

    def _record(self, kind: EntryType, step: Step, *, data: JsonObject) -> None:
        self._recorder.record(kind, data, node_id=step.node_id, attempt=step.attempt)


def _standing_of(finished: JsonObject) -> Standing:
    status = finished.get("status")
    return Standing(
        "succeeded" if status == "succeeded" else "cancelled" if status == "cancelled" else "failed", finished
    )
