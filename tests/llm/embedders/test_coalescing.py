# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Texts of many callers go together, and nobody pays, waits or fails for another."""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import chain
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codexos.kernel.embeddings import BatchLimits, EmbeddedBatch, Purpose
from codexos.kernel.errors import CodexosError
from llm.adapters.coalescing import Coalescer, Settled, coalescer_for
from llm.engine.batches import embedding_key, shares, take_fairly
from llm.errors import ModelKeyRefused, ModelRequestRefused, ModelUnavailable, ModelUnknown

ACME, OTHER = UUID(int=1), UUID(int=2)


class Embedder:
    """Counts what it is asked; answers when it is let."""

    identity = model = "fake"

    def __init__(self, *, texts: int = 8, is_open: bool = True) -> None:
        self.limits = BatchLimits(texts=texts, characters=1_000)
        self.calls: list[list[str]] = []
        self.gate = asyncio.Event()
        self.has_come = asyncio.Event()
        self.cancelled = 0
        self.trouble: CodexosError | Exception | None = None
        if is_open:
            self.gate.set()

    async def embed(self, texts: Sequence[str], *, purpose: Purpose) -> EmbeddedBatch:
        self.calls.append(list(texts))
        self.has_come.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.trouble:
            raise self.trouble
        if any("poison" in text for text in texts):
            raise ModelRequestRefused("No.")
        return EmbeddedBatch([[float(len(text))] for text in texts], [len(text) for text in texts])


def coalescer(embedder: Embedder, **options: int) -> Coalescer:
    return Coalescer(embedder, purpose="document", wait_seconds=0.001, **options)


def vectors(settled: Sequence[Settled]) -> list[float | str]:
    return [each.code if isinstance(each, CodexosError) else each[0][0] for each in settled]


async def test_texts_of_many_callers_are_one_call() -> None:
    embedder = Embedder()
    together = coalescer(embedder)
    answers = await asyncio.gather(*(together.embed(["x" * n], organization_id=UUID(int=n)) for n in range(1, 7)))
    assert [vectors(each) for each in answers] == [[float(n)] for n in range(1, 7)]
    assert len(embedder.calls) == 1


async def test_what_fills_a_batch_waits_for_nobody() -> None:
    embedder = Embedder(texts=2)
    patient = Coalescer(embedder, purpose="document", wait_seconds=3600)
    assert vectors(await patient.embed(["a", "bb"], organization_id=ACME)) == [1.0, 2.0]


async def test_each_caller_gets_its_own_in_order_however_they_are_parted() -> None:
    embedder = Embedder(texts=3)
    together = coalescer(embedder)
    wanted = {UUID(int=n): [f"{n}:{'y' * k}" for k in range(n)] for n in range(1, 12)}
    answers = await asyncio.gather(*(together.embed(texts, organization_id=name) for name, texts in wanted.items()))
    assert [vectors(each) for each in answers] == [[float(len(text)) for text in texts] for texts in wanted.values()]
    assert all(len(call) <= 3 for call in embedder.calls)
    assert sorted(chain(*embedder.calls)) == sorted(chain(*wanted.values()))


async def test_whoever_brings_thousands_delays_one_text_by_little() -> None:
    # given
    embedder = Embedder(texts=10, is_open=False)
    together = coalescer(embedder, most_calls=1)
    many = asyncio.ensure_future(together.embed([f"m{n}" for n in range(500)], organization_id=ACME))
    await embedder.has_come.wait()
    # when
    one = asyncio.ensure_future(together.embed(["one"], organization_id=OTHER))
    await asyncio.sleep(0)
    embedder.gate.set()
    await asyncio.gather(many, one)
    # then
    assert "one" in embedder.calls[1]


async def test_a_text_that_is_refused_fails_alone() -> None:
    embedder = Embedder()
    together = coalescer(embedder)
    good, bad = await asyncio.gather(
        together.embed(["a", "bb", "ccc"], organization_id=ACME),
        together.embed(["dddd", "poison", "eeeee"], organization_id=OTHER),
    )
    assert vectors(good) == [1.0, 2.0, 3.0]
    assert vectors(bad) == [4.0, "model_request_refused", 5.0]


@pytest.mark.parametrize("trouble", [ModelUnavailable("Busy."), ModelKeyRefused("No."), ModelUnknown("No.")])
async def test_trouble_that_is_no_texts_fault_is_everybodys_and_asked_once(trouble: CodexosError) -> None:
    embedder = Embedder()
    embedder.trouble = trouble
    together = coalescer(embedder)
    answers = await asyncio.gather(*(together.embed(["a", "b"], organization_id=name) for name in (ACME, OTHER)))
    assert [vectors(each) for each in answers] == [[trouble.code] * 2] * 2
    assert len(embedder.calls) == 1


async def test_a_bug_is_told_to_all_and_the_next_goes_on() -> None:
    embedder = Embedder()
    embedder.trouble = ZeroDivisionError()
    together = coalescer(embedder)
    calls = [together.embed(["a"], organization_id=name) for name in (ACME, OTHER)]
    told = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(each) for each in told] == [ZeroDivisionError] * 2
    embedder.trouble = None
    assert vectors(await together.embed(["a"], organization_id=ACME)) == [1.0]


async def test_who_leaves_takes_nobody_along() -> None:
    embedder = Embedder(is_open=False)
    together = coalescer(embedder)
    leaving, staying = (
        asyncio.ensure_future(together.embed([text], organization_id=name))
        for text, name in (("a", ACME), ("bb", OTHER))
    )
    await embedder.has_come.wait()
    leaving.cancel()
    embedder.gate.set()
    assert vectors(await staying) == [2.0]
    assert leaving.cancelled() or await asyncio.wait({leaving})
    assert embedder.cancelled == 0


async def test_a_call_that_nobody_waits_for_is_called_off_and_asked_anew() -> None:
    embedder = Embedder(is_open=False)
    together = coalescer(embedder)
    leaving = [asyncio.ensure_future(together.embed(["a"], organization_id=name)) for name in (ACME, OTHER)]
    await embedder.has_come.wait()
    for each in leaving:
        each.cancel()
    await asyncio.wait(leaving)
    embedder.gate.set()
    assert vectors(await together.embed(["a"], organization_id=ACME)) == [1.0]
    assert embedder.cancelled == 1
    assert len(embedder.calls) == 2


async def test_who_leaves_before_the_call_is_not_embedded() -> None:
    embedder = Embedder()
    patient = Coalescer(embedder, purpose="document", wait_seconds=0.02)
    leaving = asyncio.ensure_future(patient.embed(["a"], organization_id=ACME))
    staying = asyncio.ensure_future(patient.embed(["b"], organization_id=ACME))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert embedder.calls == [["b"]]


async def test_one_text_wanted_twice_is_embedded_and_paid_once_in_an_organization() -> None:
    embedder = Embedder(is_open=False)
    together = coalescer(embedder)
    asking = [asyncio.ensure_future(together.embed(["same"], organization_id=name)) for name in (ACME, ACME, OTHER)]
    await embedder.has_come.wait()
    late = asyncio.ensure_future(together.embed(["same", "same"], organization_id=ACME))
    await asyncio.sleep(0)
    embedder.gate.set()
    answers = [*await asyncio.gather(*asking), await late]
    assert embedder.calls == [["same", "same"]]
    assert [sum(each[1] for each in answer) for answer in answers] == [4, 0, 4, 0]


async def test_five_hundred_callers_lose_nothing() -> None:
    embedder = Embedder(texts=64)
    together = coalescer(embedder)

    async def caller(number: int) -> list[float | str]:
        texts = [f"{number}-{n}" for n in range(number % 7 + 1)] + (["poison"] if number % 50 == 0 else [])
        call = asyncio.ensure_future(together.embed(texts, organization_id=UUID(int=number % 20)))
        if number % 9 == 0:
            await asyncio.sleep(0)
            call.cancel()
            return []
        return vectors(await call)

    answers = await asyncio.gather(*(caller(number) for number in range(500)))
    for number, answer in enumerate(answers):
        if answer:
            assert answer[: number % 7 + 1] == [float(len(f"{number}-{n}")) for n in range(number % 7 + 1)]
            assert answer[number % 7 + 1 :] == (["model_request_refused"] if number % 50 == 0 else [])
    assert len(embedder.calls) < 150
    assert not together._open
    assert not together._lines


async def test_coalescers_of_a_loop_go_when_they_are_idle() -> None:
    embedder = Embedder()
    first = coalescer_for("name", embedder, purpose="query")
    assert coalescer_for("name", embedder, purpose="query") is first
    assert coalescer_for("name", embedder, purpose="document") is not first
    await first.embed(["a"], organization_id=ACME)
    await asyncio.sleep(0)
    assert coalescer_for("name", embedder, purpose="query") is not first


@given(total=st.integers(0, 10_000), weights=st.lists(st.integers(0, 1_000), min_size=1, max_size=50))
def test_what_a_call_cost_is_parted_to_the_last_token(total: int, weights: list[int]) -> None:
    parts = shares(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    if whole:
        assert all(abs(part - total * weight / whole) < 1 for part, weight in zip(parts, weights, strict=True))


@given(st.lists(st.lists(st.integers(1, 30), max_size=8), max_size=6), st.integers(1, 5), st.integers(1, 40))
def test_batches_keep_to_their_limits_and_leave_nothing_out(
    lines: list[list[int]], texts: int, characters: int
) -> None:
    waiting = {number: deque(line) for number, line in enumerate(lines) if line}
    taken: list[int] = []
    while waiting:
        batch = take_fairly(waiting, BatchLimits(texts, characters), size_of=lambda size: size)
        assert 0 < len(batch) <= texts
        assert sum(batch) <= characters or len(batch) == 1
        taken += batch
    assert sorted(taken) == sorted(chain(*lines))


def test_keys_tell_makers_purposes_and_texts_apart() -> None:
    keys = {
        embedding_key(identity, text, purpose=purpose)
        for identity in ("a", "ab")
        for purpose in ("document", "query")
        for text in ("", "b", "bc", "\ud800", "?")
    }
    assert len(keys) == 20
