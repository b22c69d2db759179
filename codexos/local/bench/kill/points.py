# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Points at which an executor may die: it tells each that it comes to, and at the fatal one it kills itself."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.adapters.journal_writer import Claim
from agents.engine.gate import Occasion
from agents.engine.journal import Entry
from agents.engine.ports import Clock, Inbox, InboxMessage, Journal, Ports, Rest, Toolbox
from agents.engine.tools import ToolSpec
from agents.workers.loading import LoadedRun
from agents.workers.runs import FlowWorker
from codexos.kernel.chat import ChatAnswer, ChatModel, ChatRequest, ContextDocument, Delta
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.local.bench.kill.flow import ANY


class Points:
    """Tells points over a pipe, each with how often it was come to; SIGKILL at the one that is ``fatal``.

    ``ANY #5`` is the fifth, whichever that is.
    """

    def __init__(self, pipe: int, fatal: str | None) -> None:
        self._pipe = pipe
        self._fatal = fatal
        self._times: Counter[str] = Counter()

    def come_to(self, name: str) -> None:
        """Tell a point, and die there if it is the one. Told first, so that whoever reads it knows."""
        self._times[name] += 1
        point = f"{name} #{self._times[name]}"
        os.write(self._pipe, f"{point}\n".encode())
        if self._fatal in (point, f"{ANY} #{self._times.total()}"):
            os.kill(os.getpid(), signal.SIGKILL)


class TellingJournal:
    """Around every write: before it, while it is on its way, and when it is durable and nobody was told."""

    def __init__(self, journal: Journal, points: Points) -> None:
        self._journal = journal
        self._points = points

    async def append(self, entries: Sequence[Entry], *, rest: Rest | None = None) -> None:
        """See the port."""
        self._points.come_to("before a write")
        writing = asyncio.ensure_future(self._journal.append(entries, rest=rest))
        # As many turns of the loop as the writer needs to send its statement.
        for _ in range(4):
            await asyncio.sleep(0)
        self._points.come_to("in a write")
        await writing
        self._points.come_to("after a write")

    async def read(self, after: int = 0) -> Sequence[Entry]:
        """See the port."""
        entries = await self._journal.read(after)
        self._points.come_to("after reading the journal")
        return entries


class TellingToolbox:
    """Around every call; the middle of one is the server's to tell."""

    def __init__(self, toolbox: Toolbox, points: Points) -> None:
        self._toolbox = toolbox
        self._points = points

    def names(self) -> Sequence[str]:
        """See the port."""
        return self._toolbox.names()

    def describe(self, name: str) -> ToolSpec:
        """See the port."""
        return self._toolbox.describe(name)

    async def call(self, name: str, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """See the port."""
        what = str(arguments["url"]).rpartition("/")[2]
        self._points.come_to(f"before calling {what}")
        result = await self._toolbox.call(name, arguments, on=on)
        self._points.come_to(f"after calling {what}")
        return result


class TellingModel:
    """Around every question, and behind every word of the answer."""

    def __init__(self, model: ChatModel, points: Points) -> None:
        self._model = model
        self._points = points

    def input_budget(self, model: str) -> int:
        """See the port."""
        return self._model.input_budget(model)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """See the port."""
        what = request.messages[-1].text.rpartition("/")[2]
        self._points.come_to(f"before asking {what}")
        async with aclosing(self._model.stream(request)) as pieces:
            async for piece in pieces:
                self._points.come_to(f"after a piece of {what}")
                yield piece


class TellingClock:
    """Asked for every decision and for every entry that is noted: so, between any two of them."""

    def __init__(self, clock: Clock, points: Points) -> None:
        self._clock = clock
        self._points = points

    def now(self) -> datetime:
        """See the port."""
        self._points.come_to("between two facts")
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        """See the port."""
        await self._clock.sleep(seconds)


class TellingInbox:
    """Around every reading of the post."""

    def __init__(self, inbox: Inbox, points: Points) -> None:
        self._inbox = inbox
        self._points = points

    async def read(self) -> Sequence[InboxMessage]:
        """See the port."""
        self._points.come_to("before reading the post")
        messages = await self._inbox.read()
        self._points.come_to("after reading the post")
        return messages


class TellingWorker(FlowWorker):
    """The product's flow worker, whose ports tell points. It stops when what it took is carried."""

    def __init__(self, points: Points, **settings: Any) -> None:
        super().__init__(**settings)
        self._points = points
        self._has_taken = False

    async def _look(self) -> None:
        await super()._look()
        if self._has_taken and not self.carrying:
            self.stop()

    async def _execute(self, claim: Claim, loaded: LoadedRun, *, documents: Sequence[ContextDocument]) -> None:
        self._has_taken = True
        self._points.come_to("after taking the run")
        await super()._execute(claim, loaded, documents=documents)
        self._points.come_to("after carrying the run")

    def _ports(self, claim: Claim, loaded: LoadedRun, *, documents: Sequence[ContextDocument]) -> Ports:
        ports, points = super()._ports(claim, loaded, documents=documents), self._points
        return replace(
            ports,
            journal=TellingJournal(ports.journal, points),
            model=TellingModel(ports.model, points),
            toolbox=TellingToolbox(ports.toolbox, points),
            clock=TellingClock(ports.clock, points),
            inbox=TellingInbox(ports.inbox, points),
        )

    async def _settle(self, run_ids: Mapping[UUID, Collection[UUID]]) -> None:
        self._points.come_to("before settling")
        await super()._settle(run_ids)
        self._points.come_to("after settling")
