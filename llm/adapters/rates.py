# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How many requests and tokens a minute are asked for: leaky buckets in Redis (GCRA), shared by all workers.

While Redis is away nothing is counted and everything is let through, with a line in the log: a limit that protects a
budget of requests is worth less than the runs it would stop. Money is guarded elsewhere, in the database.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from redis import asyncio as redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 60
_REST_AFTER_FAILURE_SECONDS = 5.0
# Hundreds who ask at once wait for a connection for some milliseconds, and do not open one each.
_POOL: dict[str, Any] = {
    "max_connections": 16,
    "timeout": 2.0,
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
}

# Each bucket is one number: when it will be empty again, by Redis's own clock, so that all processes agree. All of them
# are filled or none is. What lies further ahead than a period was written by a clock that has been moved back since.
# Of what is too much for an empty bucket, one is let through at a time.
_TAKE = """
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1e6
local period, filled, wait = tonumber(ARGV[1]), {}, 0
for n, key in ipairs(KEYS) do
  local quota, cost = tonumber(ARGV[2 * n]), tonumber(ARGV[2 * n + 1])
  local empty_at = math.max(now, math.min(now + period, tonumber(redis.call('GET', key) or now)))
  filled[n] = empty_at + math.min(period, cost * period / quota)
  wait = math.max(wait, filled[n] - now - period)
end
if wait > 1e-6 then return tostring(wait) end
for n, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.6f', filled[n]), 'PX', math.ceil((filled[n] - now) * 1000) + 1000)
end
return '0'
"""
_MEND = """
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1e6
local period = tonumber(ARGV[1])
for n, key in ipairs(KEYS) do
  local quota, cost = tonumber(ARGV[2 * n]), tonumber(ARGV[2 * n + 1])
  local empty_at = math.max(now, tonumber(redis.call('GET', key) or now)) + cost * period / quota
  empty_at = math.min(now + period, empty_at)
  if empty_at > now then
    redis.call('SET', key, string.format('%.6f', empty_at), 'PX', math.ceil((empty_at - now) * 1000) + 1000)
  else
    redis.call('DEL', key)
  end
end
return '0'
"""


@dataclass(frozen=True, slots=True)
class Draw:
    """So much out of what a bucket lets through in a minute."""

    bucket: str
    quota: int
    cost: int


class Rates:
    """Counts what is asked for, for all loops of this process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.Redis] = WeakKeyDictionary()
        self._resting_until = 0.0

    async def take(self, draws: Sequence[Draw]) -> float:
        """Draw from all of the buckets and return 0, or from none, and return after how many seconds there is room."""
        return await self._ask(_TAKE, draws)

    async def mend(self, draws: Sequence[Draw]) -> None:
        """Draw what a call came to beyond what was drawn for it, or give back what it did not use."""
        if due := [draw for draw in draws if draw.cost]:
            await self._ask(_MEND, due)

    async def _ask(self, script: str, draws: Sequence[Draw]) -> float:
        if time.monotonic() < self._resting_until:
            return 0.0
        keys = [f"rate:{draw.bucket}" for draw in draws]
        figures = [figure for draw in draws for figure in (max(1, draw.quota), draw.cost)]
        try:
            return float(await self._client().eval(script, len(keys), *keys, PERIOD_SECONDS, *figures))
        except (RedisError, OSError) as error:
            self._resting_until = time.monotonic() + _REST_AFTER_FAILURE_SECONDS
            logger.warning("Redis does not answer, so what models are asked for is not counted: %s", error)
            return 0.0

    def _client(self) -> redis.Redis:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            pool = redis.BlockingConnectionPool.from_url(self._url, **_POOL)
            self._clients[loop] = redis.Redis(connection_pool=pool)
        return self._clients[loop]


_all: dict[str, Rates] = {}


def rates(url: str) -> Rates:
    """Return this process's counter by one Redis."""
    return _all.setdefault(url, Rates(url))
