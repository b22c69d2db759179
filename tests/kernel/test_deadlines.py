# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""One timer for many pieces: it ends who waits too long, and nobody else."""

import asyncio
import time
from collections.abc import AsyncGenerator

import pytest

from codexos.kernel.deadlines import Deadline


async def pieces(*, then: asyncio.Event) -> AsyncGenerator[bytes]:
    yield b"one"
    yield b"two"
    await then.wait()
    yield b"three"


async def test_pieces_come_as_they_come_and_end():
    deadline, gate = Deadline(time.monotonic() + 60), asyncio.Event()
    gate.set()
    coming = pieces(then=gate)
    assert [await deadline.next(coming) for _ in range(4)] == [b"one", b"two", b"three", None]
    deadline.lift()


async def test_who_waits_when_the_time_is_up_is_told_and_lives_on():
    deadline, coming = Deadline(time.monotonic() + 0.05), pieces(then=asyncio.Event())
    await deadline.next(coming)
    await deadline.next(coming)
    with pytest.raises(TimeoutError):
        await deadline.next(coming)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_who_comes_after_the_time_is_told_at_once():
    deadline, coming = Deadline(time.monotonic() - 1), pieces(then=asyncio.Event())
    await asyncio.sleep(0.01)
    with pytest.raises(TimeoutError):
        await deadline.next(coming)


async def test_somebody_elses_wish_to_cancel_is_not_mistaken_for_it():
    deadline, coming, waits = Deadline(time.monotonic() + 60), pieces(then=asyncio.Event()), asyncio.Event()

    async def take() -> None:
        while True:
            waits.set()
            await deadline.next(coming)

    taking = asyncio.create_task(take())
    await waits.wait()
    await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    deadline.lift()


async def test_nobody_is_ended_once_it_is_lifted():
    deadline, gate = Deadline(time.monotonic() + 0.02), asyncio.Event()
    deadline.lift()
    asyncio.get_running_loop().call_later(0.1, gate.set)
    coming = pieces(then=gate)
    assert [await deadline.next(coming) for _ in range(3)] == [b"one", b"two", b"three"]
