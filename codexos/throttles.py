# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How often one token, person or address may call: a leaky bucket in Redis, one round trip a call (GCRA)."""

import logging
import time
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from codexos.kernel.context import client_address

_log = logging.getLogger(__name__)

PERIOD_SECONDS = 60
_REST_AFTER_FAILURE_SECONDS = 5.0

# The bucket is one number: when it will be empty again. Redis's own clock, so that all processes agree.
_SCRIPT = """
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1e6
local quota, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local interval = period / quota
local empty_at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or now))
local filled = empty_at + interval
if filled - now > period then
  return {0, tostring(filled - now - period), tostring(empty_at - now)}
end
redis.call('SET', KEYS[1], string.format('%.6f', filled), 'PX', math.ceil((filled - now) * 1000) + 1000)
return {1, tostring(math.floor((period - (filled - now)) / interval + 1e-6)), tostring(filled - now)}
"""


@dataclass(frozen=True, slots=True)
class Drop:
    """What became of one call: let in or not, how many more may follow, when all of them may again."""

    is_let_in: bool
    remaining: int
    full_after_seconds: float
    wait_seconds: float = 0.0


class Bucket:
    """Counts calls in Redis; while Redis is away it lets everything through and asks again every few seconds."""

    def __init__(self, url: str) -> None:
        redis = Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._take = redis.register_script(_SCRIPT)
        self._resting_until = 0.0

    def take(self, key: str, *, quota: int) -> Drop | None:
        """Count one call under ``key``; None where nobody counts."""
        if time.monotonic() < self._resting_until:
            return None
        try:
            answer = self._take(keys=[f"throttle:{key}"], args=[quota, PERIOD_SECONDS])
        except RedisError as error:
            self._resting_until = time.monotonic() + _REST_AFTER_FAILURE_SECONDS
            _log.warning("Redis does not answer, so calls are not counted: %s", error)
            return None
        is_let_in, figure, full_after = cast(list[Any], answer)
        if is_let_in:
            return Drop(True, int(figure), float(full_after))
        return Drop(False, 0, float(full_after), wait_seconds=float(figure))


_buckets: dict[str, Bucket] = {}


def bucket() -> Bucket:
    """Return this process's bucket for the configured Redis."""
    url = settings.REDIS_URL
    if url not in _buckets:
        _buckets[url] = Bucket(url)
    return _buckets[url]


class ActorThrottle(BaseThrottle):
    """Counts per token, else per person, else per address; says the state of it in RateLimit headers."""

    _wait: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Tell whether the call may go on."""
        if not settings.THROTTLES_ON:
            return True
        quota: int = settings.API_RATE_PER_MINUTE
        drop = bucket().take(_caller(request), quota=quota)
        if drop is None:
            return True
        view.rate_headers = {
            "RateLimit-Policy": f'"calls";q={quota};w={PERIOD_SECONDS}',
            "RateLimit": f'"calls";r={drop.remaining};t={_ceiling(drop.full_after_seconds)}',
        }
        self._wait = drop.wait_seconds
        return drop.is_let_in

    def wait(self) -> float | None:
        """Return after how many seconds the next call goes through."""
        return self._wait


def _caller(request: Request) -> str:
    actor: Any = request.auth
    if actor is None:
        return f"address:{client_address.get()}"
    return f"token:{actor.token_id}" if actor.token_id else f"person:{actor.person_id}"


def _ceiling(seconds: float) -> int:
    return -int(-seconds // 1)
