# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Calls are counted per token, person and address; every answer says what is left; without Redis nobody is stopped."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis
from rest_framework.test import APIClient

from codexos import throttles
from codexos.throttles import Bucket
from tests.codexos.test_problems import check_problem
from tests.factories import World

pytestmark = pytest.mark.usefixtures("probes")
PROBE = "/api/v1/probe/"


@pytest.fixture(autouse=True)
def _empty_buckets(settings: Any) -> Iterator[None]:
    settings.THROTTLES_ON = True
    settings.API_RATE_PER_MINUTE = 5
    redis = Redis.from_url(settings.REDIS_URL)
    for key in redis.scan_iter("throttle:*"):
        redis.delete(key)
    throttles._buckets.clear()
    yield
    throttles._buckets.clear()


def test_the_sixth_call_of_five_waits(world: World, api: Callable[..., APIClient]) -> None:
    answers = [api(world.dev).get(PROBE) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert [answer["RateLimit"].split(";")[1] for answer in answers] == ["r=4", "r=3", "r=2", "r=1", "r=0", "r=0"]
    assert answers[0]["RateLimit-Policy"] == '"calls";q=5;w=60'
    assert check_problem(answers[5], 429)["code"] == "limit_reached"
    assert 1 <= int(answers[5]["Retry-After"]) <= 12


def test_everybody_has_a_bucket_of_their_own(world: World, api: Callable[..., APIClient]) -> None:
    for _ in range(6):
        api(world.dev).get(PROBE)
    assert api(world.lead).get(PROBE).status_code == 200
    assert api(world.dev).get(PROBE).status_code == 429


def test_guessing_tokens_is_counted_by_address(world: World, api: Callable[..., APIClient]) -> None:
    statuses = [api(f"cos_pat_{n}").get(PROBE).status_code for n in range(6)]
    assert statuses == [401] * 5 + [429]
    assert api(world.dev).get(PROBE).status_code == 200


def test_off_means_off(world: World, api: Callable[..., APIClient], settings: Any) -> None:
    settings.THROTTLES_ON = False
    answers = [api(world.dev).get(PROBE) for _ in range(7)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit" not in answers[0]


def test_without_redis_calls_go_through(world: World, api: Callable[..., APIClient], settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert [api(world.dev).get(PROBE).status_code for _ in range(7)] == [200] * 7


def test_a_bucket_drips(settings: Any) -> None:
    bucket, key = Bucket(settings.REDIS_URL), f"test:{uuid4()}"
    quota = 60 * 20  # one more call every 50 ms
    drops = [bucket.take(key, quota=quota) for _ in range(3)]
    assert all(drop is not None and drop.is_let_in for drop in drops)
    before = drops[-1]
    time.sleep(0.12)
    after = bucket.take(key, quota=quota)
    assert before is not None
    assert after is not None
    assert after.remaining > before.remaining - 1
