# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Questions that can wait, of many runs, handed in to the provider as one batch at half the price.

They are gathered in the process that carries the runs, where the provider's key is at hand; nothing of what they ask is
kept. What is kept is which step's question went into which batch: a run that is carried on elsewhere after its worker
died waits for the same batch, and pays once.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import InterfaceError, OperationalError

from codexos.kernel import clock
from codexos.kernel.chat import ChatAnswer, ChatModel, ChatRequest, Delta
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject
from llm.adapters.batch_api import Batches, Result, Results, new_ticket
from llm.adapters.batched_model import BatchedWords
from llm.engine.kept_answers import key_of
from llm.errors import BatchGaveUp
from llm.operations.askers import Asker
from llm.operations.batched_calls import claim_call, drop_call, note_batch, note_ticket
from llm.operations.threads import InThread

MOST_QUESTIONS = 500
"""In one batch: what a provider takes is more, but not everybody should wait for the slowest of thousands."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long questions are gathered, and how often a provider is asked whether it is done."""

    gather_seconds: float = 30.0
    look_seconds: float = 15.0
    longest_look_seconds: float = 120.0
    longest_seconds: float = 26 * 3600.0


PATIENCE = Patience()
_AWAY = (OperationalError, InterfaceError)


class OpenBatched(Protocol):
    """Opens who hands one question in."""

    def __call__(self, *, key: str) -> ChatModel:
        """Return who hands it in under this key."""
        ...


class CanWait:
    """Keeps the port ``ChatModel``: what may wait goes into a batch; where that fails, it is asked at once."""

    def __init__(self, model: ChatModel, *, batched: OpenBatched) -> None:
        self._model = model
        self._batched = batched

    def input_budget(self, model: str) -> int:
        """See the port."""
        return self._model.input_budget(model)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """See the port."""
        note = ""
        # Pictures would make a batch too large to be sent in one piece.
        if request.may_wait and request.key and not any(message.images for message in request.messages):
            # A step may ask more than once: to have an answer put right is another question.
            key = f"{request.key[:400]}#{key_of(request, resolved='')[:32]}"
            try:
                async with aclosing(self._batched(key=key).stream(replace(request, key=key))) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except BatchGaveUp as error:
                note = error.message
        async with aclosing(self._model.stream(request)) as pieces:
            async for piece in pieces:
                if note and isinstance(piece, ChatAnswer):
                    piece = replace(piece, note=f"{piece.note} {note}" if piece.note else note)
                yield piece


class Batched:
    """Keeps the port ``ChatModel`` by the batches of one deployment. Raises BatchGaveUp where they come to nothing."""

    def __init__(self, words: BatchedWords, *, asker: Asker, in_thread: InThread) -> None:
        self._words = words
        self._asker = asker
        self._in_thread = in_thread

    def input_budget(self, model: str) -> int:
        """See the port."""
        return self._words.input_budget(model)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """See the port."""
        organization_id = self._asker.organization_id
        question = await self._words.question(request)
        with _plain_errors():
            row = await self._in_thread(claim_call, organization_id, request.key, self._words.place)
        desk = desk_of((self._words.desk, organization_id), self._words.batches)
        try:
            with _plain_errors():
                batch = row.batch or (await _found(self._words.batches, row.ticket, row.pk.hex) if row.ticket else None)
                if batch is None:
                    batch = await desk.hand_in(_Question(row.pk, question, organization_id, self._in_thread))
                elif not row.batch:
                    await self._in_thread(note_batch, organization_id, [row.pk], batch)
                result = await desk.result(batch, row.pk.hex)
        except CodexosError as error:
            with suppress(*_AWAY):
                await self._in_thread(drop_call, organization_id, row.pk)
            raise BatchGaveUp(because=error.message) from None
        if result is None or result.status >= 429:
            with suppress(*_AWAY):
                await self._in_thread(drop_call, organization_id, row.pk)
            raise BatchGaveUp(because="it ended without an answer")
        answer = await self._words.answer(request, result)
        if answer.text:
            yield Delta(answer.text)
        yield answer


async def _found(batches: Batches, ticket: str, name: str) -> str | None:
    """Look for the batch with a question, for as long as it cannot be told whether there is one: it may be paid for."""
    pause = PATIENCE.look_seconds
    until = asyncio.get_running_loop().time() + PATIENCE.longest_seconds
    while True:
        try:
            if (batch := await batches.found(ticket, name)) != "":
                return batch
        except CodexosError as error:
            if not error.retryable or asyncio.get_running_loop().time() > until:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, PATIENCE.longest_look_seconds)


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except _AWAY:
        raise BatchGaveUp(because="which question is in which batch could not be written down") from None


@dataclass(slots=True, eq=False)
class _Question:
    """One question that waits to be handed in."""

    id: UUID
    body: JsonObject
    organization_id: UUID
    in_thread: InThread
    batch: "asyncio.Future[str]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Desk:
    """Where the questions of one organization for one deployment are handed in, and its batches looked after."""

    def __init__(self, batches: Batches, *, when_idle: Callable[[], object] = lambda: None) -> None:
        self._batches = batches
        self._when_idle = when_idle
        self._waiting: list[_Question] = []
        self._handing_in: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._looks: dict[str, tuple[asyncio.Task[Results], int]] = {}

    async def hand_in(self, question: _Question) -> str:
        """Wait for others, hand in together with them, and return the batch. Who leaves before that is left out."""
        self._waiting.append(question)
        if len(self._waiting) >= MOST_QUESTIONS:
            self._start()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE.gather_seconds, self._start)
        try:
            return await question.batch
        finally:
            with suppress(ValueError):
                self._waiting.remove(question)

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        some, self._waiting = self._waiting, []
        if some:
            task = asyncio.get_running_loop().create_task(self._hand_in(some))
            self._handing_in.add(task)
            task.add_done_callback(self._handing_in.discard)

    async def _hand_in(self, some: Sequence[_Question]) -> None:
        ticket, first = new_ticket(clock.now()), some[0]
        ids = [question.id for question in some]
        try:
            await first.in_thread(note_ticket, first.organization_id, ids, ticket)
            batch = await self._batches.hand_in({each.id.hex: each.body for each in some}, ticket=ticket)
            await first.in_thread(note_batch, first.organization_id, ids, batch)
        except Exception as error:
            for question in some:
                if not question.batch.done():
                    question.batch.set_exception(error)
            return
        for question in some:
            if not question.batch.done():
                question.batch.set_result(batch)

    async def result(self, batch: str, name: str) -> Result | None:
        """Wait for a batch to end; return what came of one question. All who wait for it look by one task."""
        task, count = self._looks.get(batch) or (asyncio.ensure_future(self._look(batch)), 0)
        self._looks[batch] = task, count + 1
        try:
            return (await asyncio.shield(task)).get(name)
        finally:
            self._leave(batch)

    def _leave(self, batch: str) -> None:
        task, count = self._looks[batch]
        if count > 1:
            self._looks[batch] = task, count - 1
            return
        del self._looks[batch]
        task.cancel()
        if not (self._looks or self._waiting or self._handing_in):
            self._when_idle()

    async def _look(self, batch: str) -> Results:
        pause = PATIENCE.look_seconds
        until = asyncio.get_running_loop().time() + PATIENCE.longest_seconds
        while True:
            try:
                if (results := await self._batches.results(batch)) is not None:
                    return results
            except CodexosError as error:
                # The batch goes on, and is paid for: who is out of reach for an hour is looked at again after it.
                if not error.retryable or asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, PATIENCE.longest_look_seconds)


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[object, Desk]] = WeakKeyDictionary()


def desk_of(name: object, batches: Batches) -> Desk:
    """Return the running loop's desk of that name."""
    desks = _by_loop.setdefault(asyncio.get_running_loop(), {})
    if name not in desks:
        desks[name] = Desk(batches, when_idle=lambda: desks.pop(name, None))
    return desks[name]
