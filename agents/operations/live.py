# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Following a run as it happens: first what its journal has, then what comes, without a gap and without a repeat."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection

from accounts.actor import Actor
from agents.adapters.events import event_of, hub_of_this_process
from agents.queries.runs import access_run, list_entries
from codexos.kernel.jsontypes import JsonValue

LOOK_AGAIN_SECONDS = 5.0

Event = Mapping[str, JsonValue]

P = ParamSpec("P")
R = TypeVar("R")


async def follow_run(actor: Actor, run_id: UUID, *, after: int = 0) -> AsyncIterator[Event | None]:
    """Yield the events of a run with a seq above ``after``, dense, then live ones until run.finished.

    Events without seq are ephemeral. None is yielded when nothing came for a while, so that a stream can be kept open.
    The caller has checked that the actor may see the run.
    """
    async with hub_of_this_process(settings.REDIS_URL).watch(run_id) as queue:
        seen = after
        while True:
            events, is_over = await _read_on(actor, run_id, after=seen)
            for event in events:
                seen = int(str(event["seq"]))
                yield event
            if is_over:
                return
            async for live in _listen(queue, seen=seen):
                if live is None:
                    yield None
                    break
                if "seq" in live:
                    seen = int(str(live["seq"]))
                yield live
                if live["type"] == "run.finished":
                    return


async def _listen(queue: "asyncio.Queue[bytes | None]", *, seen: int) -> AsyncIterator[Event | None]:
    """Yield live events that follow on; end where the journal must be read: at a gap, an overflow or a long silence."""
    while True:
        try:
            written = await asyncio.wait_for(queue.get(), LOOK_AGAIN_SECONDS)
        except TimeoutError:
            yield None
            return
        if written is None:
            return
        event = json.loads(written)
        seq = event.get("seq")
        if seq is not None:
            if seq <= seen:
                continue
            if seq != seen + 1:
                return
            seen = seq
        yield event


async def wait_until_finished(actor: Actor, run_id: UUID, *, seconds: float) -> None:
    """Return when the run has finished or after ``seconds``, whichever comes first."""
    try:
        async with asyncio.timeout(seconds):
            async for _ in follow_run(actor, run_id):
                pass
    except TimeoutError:
        return


def leaving_no_connection(function: Callable[P, R]) -> Callable[P, R]:
    """Give the database connection back afterwards: who waits or follows for long would keep it from everybody else."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        finally:
            if not connection.in_atomic_block:
                connection.close()

    return wrapper


@sync_to_async
@leaving_no_connection
def _read_on(actor: Actor, run_id: UUID, *, after: int) -> tuple[list[Event], bool]:
    # The run first: where it is finished, whoever has seen its last entry waits for nothing any more.
    is_finished = access_run(actor, run_id).is_finished
    entries = list_entries(actor, run_id, after=after)
    is_over = entries[-1].type == "run.finished" if entries else is_finished
    return [event_of(entry) for entry in entries], is_over
