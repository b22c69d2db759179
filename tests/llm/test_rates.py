# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Requests and tokens a minute are counted in Redis, for all workers at once."""

import asyncio
from typing import Any

import pytest
from redis import asyncio as redis

from codexos.kernel.ids import new_id
from llm.adapters.rates import PERIOD_SECONDS, Draw, Rates


@pytest.fixture
def bucket() -> str:
    return f"test:{new_id()}"


async def test_no_more_are_let_in_however_many_ask_at_once(settings: Any, bucket: str) -> None:
    workers = [Rates(settings.REDIS_URL) for _ in range(2)]
    takes = [worker.take([Draw(bucket, 10, 1)]) for _ in range(25) for worker in workers]
    waits = await asyncio.gather(*takes)
    assert waits.count(0.0) == 10
    assert all(0 < wait <= PERIOD_SECONDS / 10 for wait in waits if wait)


async def test_all_buckets_are_drawn_from_or_none(settings: Any, bucket: str) -> None:
    rates = Rates(settings.REDIS_URL)
    wide, narrow = Draw(f"{bucket}:wide", 100, 1), Draw(f"{bucket}:narrow", 1, 1)
    assert await rates.take([wide, narrow]) == 0
    for _ in range(200):
        assert await rates.take([wide, narrow]) > 0
    waits = [await rates.take([wide]) for _ in range(99)]
    assert waits == [0.0] * 99


async def test_what_was_not_used_is_given_back_and_what_was_used_beyond_is_drawn(settings: Any, bucket: str) -> None:
    rates = Rates(settings.REDIS_URL)
    assert await rates.take([Draw(bucket, 1_000, 900)]) == 0
    assert await rates.take([Draw(bucket, 1_000, 900)]) > 0
    await rates.mend([Draw(bucket, 1_000, -800)])
    assert await rates.take([Draw(bucket, 1_000, 800)]) == 0
    await rates.mend([Draw(bucket, 1_000, 5_000)])
    assert 0 < await rates.take([Draw(bucket, 1_000, 1)]) <= PERIOD_SECONDS


async def test_more_than_a_minute_holds_is_let_in_when_the_bucket_is_empty(settings: Any, bucket: str) -> None:
    rates = Rates(settings.REDIS_URL)
    assert await rates.take([Draw(bucket, 100, 5_000)]) == 0
    assert PERIOD_SECONDS - 1 < await rates.take([Draw(bucket, 100, 5_000)]) <= PERIOD_SECONDS


async def test_what_a_clock_wrote_that_was_moved_back_since_closes_nothing_for_long(settings: Any, bucket: str) -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    await client.set(f"rate:{bucket}", "99999999999.0")
    await client.aclose()
    assert await Rates(settings.REDIS_URL).take([Draw(bucket, 10, 1)]) <= PERIOD_SECONDS / 10


async def test_hundreds_who_ask_at_once_share_a_few_connections(settings: Any, bucket: str) -> None:
    rates, name = Rates(settings.REDIS_URL), f"rates-{new_id().hex}"
    rates._client().connection_pool.connection_kwargs["client_name"] = name
    waits = await asyncio.gather(*(rates.take([Draw(bucket, 300, 1)]) for _ in range(400)))
    assert waits.count(0.0) == 300
    async with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert 0 < sum(each["name"] == name for each in await client.client_list()) <= 16


async def test_while_redis_is_away_everything_is_let_in() -> None:
    rates = Rates("redis://127.0.0.1:1/0")
    assert [await rates.take([Draw("any", 1, 1)]) for _ in range(3)] == [0.0, 0.0, 0.0]
    await rates.mend([Draw("any", 1, 1)])
