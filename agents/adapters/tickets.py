# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which tickets were used: Redis remembers each for as long as it could be used."""

from functools import cache

from redis import Redis
from redis.exceptions import RedisError

from codexos.kernel.errors import Unavailable

_TIMEOUT_SECONDS = 2.0


def use_once(ticket_id: bytes, *, seconds: int, url: str) -> bool:
    """Tell whether this is the first use of a ticket. Raises Unavailable: unremembered, it could be used again."""
    try:
        return bool(_client(url).set(f"ticket:{ticket_id.hex()}", 1, nx=True, ex=seconds))
    except RedisError as error:
        raise Unavailable("Tickets cannot be checked now. Ask for another one soon.") from error


@cache
def _client(url: str) -> "Redis":
    return Redis.from_url(url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS)
