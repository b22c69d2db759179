# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Texts of many runs and callers, gathered for a few milliseconds and embedded together.

Organizations take turns; a text that cannot be embedded fails alone; whoever leaves takes nobody along. The same text
of one organization, asked for twice at once, is embedded once. Between organizations nothing is shared but the call.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from uuid import UUID
from weakref import WeakKeyDictionary

from codexos.kernel.embeddings import Embedder, Purpose, Vector
from codexos.kernel.errors import CodexosError
from llm.engine.batches import take_fairly
from llm.errors import ModelInputTooLong, ModelRequestRefused

WAIT_SECONDS = 0.004
"""How long the first text waits for others."""
MOST_CALLS = 4
"""How many calls of one embedder are under way at once; meanwhile the next batch fills."""

# Whatever else is wrong, such as the model's name, is wrong with every half, too.
_OF_A_TEXT = (ModelInputTooLong, ModelRequestRefused)

Settled = tuple[Vector, int] | CodexosError
"""A vector with the tokens it is charged for, or why there is none."""


class _Item:
    """One text of one organization, and everybody who waits for it."""

    __slots__ = ("batch", "future", "is_paid", "name", "text", "waiting")

    def __init__(self, name: tuple[UUID, str], future: "asyncio.Future[Settled]") -> None:
        self.name = name
        self.text = name[1]
        self.future = future
        self.waiting = 0
        self.is_paid = False
        self.batch: _Batch | None = None

    def settled(self) -> Settled:
        """What came of it. The first who takes it pays; to whoever joined it was given."""
        settled = self.future.result()
        if isinstance(settled, CodexosError):
            return settled
        tokens = 0 if self.is_paid else settled[1]
        self.is_paid = True
        return settled[0], tokens


class _Batch:
    """Texts that were sent off together."""

    def __init__(self, items: Sequence[_Item]) -> None:
        self.items = items
        self.left = len(items)
        self.task: asyncio.Task[None] | None = None


class Coalescer:
    """Gathers what one event loop wants of one embedder for one purpose."""

    def __init__(
        self,
        embedder: Embedder,
        *,
        purpose: Purpose,
        wait_seconds: float = WAIT_SECONDS,
        most_calls: int = MOST_CALLS,
        when_idle: Callable[[], object] = lambda: None,
    ) -> None:
        self._embedder = embedder
        self._purpose: Purpose = purpose
        self._wait_seconds = wait_seconds
        self._most_calls = most_calls
        self._when_idle = when_idle
        self._lines: dict[UUID, deque[_Item]] = {}
        self._open: dict[tuple[UUID, str], _Item] = {}
        self._under_way: set[_Batch] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def embed(self, texts: Sequence[str], *, organization_id: UUID) -> Sequence[Settled]:
        """Return what came of each text, in their order."""
        items = [self._joined((organization_id, text)) for text in texts]
        self._start_full()
        try:
            for item in items:
                await asyncio.shield(item.future)
        except BaseException:
            for item in items:
                self._leave(item)
            raise
        return [item.settled() for item in items]

    def _joined(self, name: tuple[UUID, str]) -> _Item:
        item = self._open.get(name)
        if item is None:
            item = self._open[name] = _Item(name, asyncio.get_running_loop().create_future())
            self._lines.setdefault(name[0], deque()).append(item)
        item.waiting += 1
        return item

    def _leave(self, item: _Item) -> None:
        item.waiting -= 1
        if item.waiting or item.future.done():
            return
        # Nobody wants it any more. Whoever asks from now on must not be given what is being called off.
        if self._open.get(item.name) is item:
            del self._open[item.name]
        item.future.cancel()
        if item.batch is None:
            self._take_back(item)
        else:
            item.batch.left -= 1
            if not item.batch.left and item.batch.task is not None:
                item.batch.task.cancel()

    def _take_back(self, item: _Item) -> None:
        line = self._lines.get(item.name[0])
        if line is not None and item in line:
            line.remove(item)
            if not line:
                del self._lines[item.name[0]]

    def _start_full(self) -> None:
        """Send off what fills a batch at once, the rest when it has waited."""
        while (
            self._lines and len(self._under_way) < self._most_calls and self._waiting() >= self._embedder.limits.texts
        ):
            self._start_one()
        if self._lines and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._wait_seconds, self._start_rest)

    def _waiting(self) -> int:
        return sum(map(len, self._lines.values()))

    def _start_rest(self) -> None:
        self._timer = None
        while self._lines and len(self._under_way) < self._most_calls:
            self._start_one()
        if not self._lines and not self._under_way:
            self._when_idle()

    def _start_one(self) -> None:
        batch = _Batch(take_fairly(self._lines, self._embedder.limits, size_of=lambda item: len(item.text)))
        for item in batch.items:
            item.batch = batch
        self._under_way.add(batch)
        batch.task = asyncio.get_running_loop().create_task(self._do(batch))

    async def _do(self, batch: _Batch) -> None:
        try:
            settled = await self._settle([item.text for item in batch.items])
            for item, each in zip(batch.items, settled, strict=True):
                if not item.future.done():
                    item.future.set_result(each)
        except asyncio.CancelledError:
            for item in batch.items:
                item.future.cancel()
            raise
        except Exception as error:
            for item in batch.items:
                if not item.future.done():
                    item.future.set_exception(error)
                    # Everybody who waits is told; that somebody was is enough for asyncio.
                    item.future.exception()
        finally:
            self._end(batch)

    def _end(self, batch: _Batch) -> None:
        self._under_way.discard(batch)
        for item in batch.items:
            if self._open.get(item.name) is item:
                del self._open[item.name]
        if self._timer is None:
            self._start_rest()

    async def _settle(self, texts: Sequence[str]) -> Sequence[Settled]:
        """Embed a batch; where it is refused for what stands in it, look for the text whose fault it is by halves."""
        try:
            made = await self._embedder.embed(texts, purpose=self._purpose)
        except _OF_A_TEXT as error:
            if len(texts) == 1:
                return [error]
            middle = len(texts) // 2
            return [*await self._settle(texts[:middle]), *await self._settle(texts[middle:])]
        except CodexosError as error:
            return [error] * len(texts)
        return list(zip(made.vectors, made.tokens, strict=True))


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[object, Coalescer]] = WeakKeyDictionary()


def coalescer_for(name: object, embedder: Embedder, *, purpose: Purpose) -> Coalescer:
    """Return the running loop's coalescer of that name; callers with the same name are embedded together."""
    coalescers = _by_loop.setdefault(asyncio.get_running_loop(), {})
    key = (name, purpose)
    if key not in coalescers:
        coalescers[key] = Coalescer(embedder, purpose=purpose, when_idle=lambda: coalescers.pop(key, None))
    return coalescers[key]
