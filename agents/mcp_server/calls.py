# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A call that goes with its run: progress is told, questions are asked where the client can be asked."""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError

from agents.mcp_server.outcomes import list_waits, outcome_of, url_of
from agents.mcp_server.questions import ask_of, can_ask, request_of, verdict_of
from agents.mcp_server.sending import Answer, Context, Sender, ask, is_modern, sender_of
from agents.operations.interventions import cancel_run, decide_step
from agents.operations.live import follow_run
from agents.queries.timeline import WaitingView
from codexos.kernel.errors import CodexosError, Conflict, InvalidInput

logger = logging.getLogger(__name__)

MOST_TRIES = 3
"""How often a form is asked for that is filled in wrongly."""
CALL_SECONDS = 600.0
"""How long one call goes with its run: then its result says how to come back."""


async def accompany(
    ctx: Context,
    run_id: UUID,
    *,
    responses: Mapping[str, Any] | None = None,
    is_theirs: bool = True,
) -> Answer:
    """Go with a run to its end, or to where only people can take it on; ``responses`` are answers to what it asked.

    Cancelled, the call cancels the run, where it is the call that started it (``is_theirs``).
    """
    call = _Call(ctx, run_id)
    try:
        await call.begin()
        await call.decide(responses or {})
        async with asyncio.timeout(CALL_SECONDS):
            asked = await call.follow()
    except TimeoutError:
        asked = None
    except asyncio.CancelledError:
        if is_theirs:
            call.sender.leave(call.give_up, is_asked=not is_modern(ctx))
        raise
    return asked if asked is not None else await ask(call.sender, outcome_of, call.sender.actor, run_id)


class _Call:
    """One call and the run it goes with. ``is_over`` once it needs to go no further."""

    def __init__(self, ctx: Context, run_id: UUID) -> None:
        self.sender: Sender = sender_of(ctx)
        self._ctx = ctx
        self._run_id = run_id
        self._is_over = False
        self._asked: types.InputRequiredResult | None = None
        self._asking: dict[str, asyncio.Task[bool]] = {}
        self._left: set[str] = set()

    async def give_up(self) -> None:
        """Cancel the run; one that has ended is left as it is."""
        try:
            await ask(self.sender, cancel_run, self.sender.actor, self._run_id)
        except CodexosError as error:
            logger.info("run %s was not cancelled with its call: %s", self._run_id, error.message)

    async def begin(self) -> None:
        """Say at once which run this is, so that whoever loses the line can come back to it."""
        await self._ctx.session.report_progress(0.0, None, f"Run {self._run_id}: {url_of(self._run_id)}")

    async def decide(self, responses: Mapping[str, Any]) -> None:
        """Carry out what the client brought back about questions; what was not asked, or does not fit, is let be."""
        actor = self.sender.actor
        waits = await ask(self.sender, list_waits, actor, self._run_id) if responses else []
        for wait in waits:
            # By the question's own name: one that is asked anew, since something has changed, has another.
            response = responses.get(wait.view.id)
            verdict = verdict_of(response, wait.view)
            if response is not None and verdict is None:
                self._left.add(wait.view.node_id)
            elif verdict is not None:
                with suppress(Conflict, InvalidInput):
                    await ask(self.sender, decide_step, actor, self._run_id, node_id=wait.view.node_id, verdict=verdict)

    async def follow(self) -> types.InputRequiredResult | None:
        """Return when the run has ended, or waits for what is not answered here; with what the client is asked."""
        events = follow_run(self.sender.actor, self._run_id)
        following: asyncio.Task[Any] = asyncio.ensure_future(anext(events, None))
        try:
            while not self._is_over:
                await asyncio.wait((following, *self._asking.values()), return_when=asyncio.FIRST_COMPLETED)
                self._note_answers()
                if following.done() and not self._is_over:
                    # The next is not asked for before this one is told: a slow client is not run ahead of.
                    await self._take(following.result())
                    following = asyncio.ensure_future(anext(events, None))
        finally:
            with anyio.CancelScope(shield=True):
                await _stop(following, *self._asking.values())
                await events.aclose()
        return self._asked

    def _note_answers(self) -> None:
        answered = {node_id: task for node_id, task in self._asking.items() if task.done()}
        self._asking = {node_id: task for node_id, task in self._asking.items() if node_id not in answered}
        self._left |= {node_id for node_id, task in answered.items() if not task.result()}
        self._is_over = self._is_over or bool(self._left)

    async def _take(self, event: Any | None) -> None:
        if event is None or event.type == "run.finished":
            self._is_over = True
        elif event.seq is not None:
            told = json.loads(event.text)
            said = str(told["data"].get("message") or event.type)
            await self._ctx.session.report_progress(float(event.seq), None, said)
            if event.type == "approval.decided" and told["node_id"] in self._asking:
                self._asking.pop(told["node_id"]).cancel()
            if event.type in ("run.waiting", "approval.decided"):
                # Also of a decision: there may have to be another person's.
                await self._wait()

    async def _wait(self) -> None:
        """Ask the client what the run waits for; where it cannot be asked all of it, that is for others to decide."""
        waits = await ask(self.sender, list_waits, self.sender.actor, self._run_id)
        fresh = [wait for wait in waits if wait.view.node_id not in self._asking]
        if any(not can_ask(self._ctx, wait) or wait.view.node_id in self._left for wait in fresh):
            self._is_over = True
        elif is_modern(self._ctx) and fresh:
            requests: types.InputRequests = {wait.view.id: request_of(wait.view) for wait in fresh}
            self._asked = types.InputRequiredResult(input_requests=requests, request_state=str(self._run_id))
            self._is_over = True
        else:
            for wait in fresh:
                self._asking[wait.view.node_id] = asyncio.create_task(self._ask(wait.view))

    async def _ask(self, wait: WaitingView) -> bool:
        """Ask over the session; tell whether the question is out of the way."""
        trouble = ""
        for _ in range(MOST_TRIES):
            try:
                verdict = verdict_of(await ask_of(self._ctx, wait, trouble=trouble), wait)
                if verdict is None:
                    return False
                actor = self.sender.actor
                if wait.call is not None:
                    # They answer what they were shown, and nothing that it may have become.
                    verdict = replace(verdict, hash=wait.hash)
                await ask(self.sender, decide_step, actor, self._run_id, node_id=wait.node_id, verdict=verdict)
                return True
            except Conflict:
                return True
            except InvalidInput as error:
                trouble = error.message
            except (CodexosError, MCPError) as error:
                logger.info("step %r of run %s was not decided over MCP: %s", wait.node_id, self._run_id, error)
                return False
        return False


async def _stop(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
