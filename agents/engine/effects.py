# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Effects under way: each performed to its outcome in a task of its own, which may be cut off."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from functools import partial
from uuid import UUID

from agents.engine.decide import Because, Step
from agents.engine.errors import StepIdle, StepTimedOut
from agents.engine.frames import DeltaFrames
from agents.engine.graph import Node
from agents.engine.outcomes import CutOff, Done, Failed, Outcome, StepError
from agents.engine.ports import Ports
from agents.engine.retrying import judge
from agents.engine.steps import Effect
from codexos.kernel.errors import CodexosError

logger = logging.getLogger(__name__)

Ending = tuple[Step, Outcome | CutOff]


class Effects:
    """What one run has under way outside; ``bell`` is rung when something has come to its end."""

    def __init__(self, ports: Ports, bell: asyncio.Event, *, run_id: UUID) -> None:
        self._ports = ports
        self._run_id = run_id
        self._bell = bell
        self._tasks: dict[str, asyncio.Task[Outcome]] = {}
        self._interruptible: set[str] = set()
        self._endable: set[str] = set()
        self._cut: dict[str, Because] = {}
        self._endings: list[Ending] = []
        self._was_killed = False

    def __contains__(self, node_id: str) -> bool:
        return node_id in self._tasks

    def __len__(self) -> int:
        # What has ended and was not collected counts: a run let go now would forget that it happened.
        return len(self._tasks) + len(self._endings)

    @property
    def may_be_left(self) -> bool:
        """Whether something is under way and all of it may be made again by the next holder."""
        return bool(self._tasks) and not self._endings and self._tasks.keys() <= self._interruptible

    def launch(self, step: Step, effect: Effect, *, node: Node) -> None:
        """Perform an effect whose intent is durable."""
        if getattr(effect, "ends_with_run", False):
            self._endable.add(step.node_id)
        self._begin(step, self._perform(step, effect, node=node), may_be_cut=effect.may_repeat)

    def cut_off(self, keys: Iterable[str], *, because: Because) -> None:
        """Cut off of these steps what may be made again; what may not is left to end by itself.

        With a run that people cancel also what says that it ends with it, such as a program.
        """
        wanted: dict[str, Because] = dict.fromkeys(self._interruptible.intersection(keys), because)
        if because == "cancelled":
            for key in self._endable.intersection(keys):
                wanted.setdefault(key, "ended")
        for key in wanted.keys() - self._cut.keys():
            self._cut[key] = wanted[key]
            self._tasks[key].cancel()

    def collect(self) -> list[Ending]:
        """Return what has ended since the last call. Raises CancelledError where one was killed, but not by us."""
        if self._was_killed:
            raise asyncio.CancelledError
        endings, self._endings = self._endings, []
        return endings

    async def abandon(self) -> None:
        """Leave everything as it is: the next holder finds what was intended and not done."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, step: Step, doing: Coroutine[None, None, Outcome], *, may_be_cut: bool) -> None:
        if may_be_cut:
            self._interruptible.add(step.node_id)
        task = asyncio.create_task(doing)
        self._tasks[step.node_id] = task
        task.add_done_callback(partial(self._note_ending, step))

    def _note_ending(self, step: Step, task: "asyncio.Task[Outcome]") -> None:
        # A callback, not a handler inside the task: one that is cut off before it began would never come to it.
        del self._tasks[step.node_id]
        self._interruptible.discard(step.node_id)
        self._endable.discard(step.node_id)
        because = self._cut.pop(step.node_id, None)
        if not task.cancelled():
            self._endings.append((step, task.result()))
        elif because is not None:
            self._endings.append((step, CutOff(because)))
        else:
            self._was_killed = True
        self._bell.set()

    async def _perform(self, step: Step, effect: Effect, *, node: Node) -> Outcome:
        try:
            return await self._answer_of(step, effect, node=node)
        except CodexosError as error:
            return judge(step, effect, error=error, node=node, run_id=self._run_id)
        except Exception:
            return broken(step)

    async def _answer_of(self, step: Step, effect: Effect, *, node: Node) -> Done:
        seconds = node.timeout_seconds or effect.timeout_seconds
        with DeltaFrames(self._ports.sink, step.node_id, attempt=step.attempt) as frames:
            try:
                async with asyncio.timeout(seconds):
                    if node.idle_seconds is None:
                        return await effect.perform(self._ports, frames.emit)
                    return await self._watched(step, effect, frames=frames, seconds=node.idle_seconds)
            except TimeoutError:
                raise StepTimedOut(node_id=step.node_id, seconds=seconds) from None

    async def _watched(self, step: Step, effect: Effect, *, frames: DeltaFrames, seconds: float) -> Done:
        """Perform an effect that must not be silent for longer than ``seconds``."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds) as silence:

                def emit(text: str) -> None:
                    silence.reschedule(loop.time() + seconds)
                    frames.emit(text)

                return await effect.perform(self._ports, emit)
        except TimeoutError:
            if not silence.expired():
                raise
            raise StepIdle(node_id=step.node_id, seconds=seconds) from None


def broken(step: Step) -> Failed:
    """Tell of a bug of ours, met while doing ``step``: its insides go to the log alone."""
    logger.exception("step %r broke", step.node_id)
    return Failed(StepError("broken", f"Step {step.node_id!r} broke. This is our mistake; it is in the log."))
