# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Resolve a host once, let every answer be judged, connect to exactly what was judged. No second look-up to lie in.

The name stays what it was for everything above: Host header, TLS server name and certificate check.
"""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import httpcore

from codexos.kernel.egress import Address, EgressPolicy, choose_addresses, is_address

Resolver = Callable[[str, int], Sequence[str]]
SocketOptions = Iterable[httpcore.SOCKET_OPTION]

_TRIED_ADDRESSES = 4
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of ``host`` in the order the system prefers. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [str(entry[4][0]) for entry in found]


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Let every blocking read and write in here end by ``deadline`` (on time.monotonic)."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


class PinnedBackend(httpcore.NetworkBackend):
    """Connects, blocking, to the addresses a policy let through."""

    def __init__(self, policy: EgressPolicy, *, resolver: Resolver = resolve) -> None:
        self._policy = policy
        self._resolver = resolver
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to ``host``. Raises EgressRefused, httpcore.ConnectError, httpcore.ConnectTimeout."""
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in self._judged(host, port, timeout):
            try:
                stream = self._plain.connect_tcp(str(address), port, _cut(timeout), local_address, socket_options)
                return _TimedStream(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _judged(self, host: str, port: int, timeout: float | None) -> Sequence[Address]:
        if is_address(host):
            return choose_addresses(self._policy, host, port=port, answers=[host])
        looked_up = _lookups().submit(self._resolver, host, port)
        try:
            answers = looked_up.result(_cut(timeout))
        except TimeoutError:
            raise httpcore.ConnectTimeout("its name was not resolved in time") from None
        except OSError:
            raise httpcore.ConnectError("its name does not resolve") from None
        return choose_addresses(self._policy, host, port=port, answers=answers)[:_TRIED_ADDRESSES]


class AsyncPinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects, on the event loop, to the addresses a policy let through."""

    def __init__(self, policy: EgressPolicy, *, resolver: Resolver = resolve) -> None:
        self._policy = policy
        self._resolver = resolver
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to ``host``. Raises EgressRefused, httpcore.ConnectError, httpcore.ConnectTimeout."""
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in await self._judged(host, port, timeout):
            try:
                return await self._plain.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _judged(self, host: str, port: int, seconds: float | None) -> Sequence[Address]:
        if is_address(host):
            return choose_addresses(self._policy, host, port=port, answers=[host])
        looking_up = asyncio.get_running_loop().run_in_executor(_lookups(), self._resolver, host, port)
        try:
            answers = await asyncio.wait_for(looking_up, seconds)
        except TimeoutError:
            raise httpcore.ConnectTimeout("its name was not resolved in time") from None
        except OSError:
            raise httpcore.ConnectError("its name does not resolve") from None
        return choose_addresses(self._policy, host, port=port, answers=answers)[:_TRIED_ADDRESSES]


class _TimedStream(httpcore.NetworkStream):
    """A blocking stream whose every wait ends by the deadline in force, however slowly the other side drips."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _cut(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _cut(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, _cut(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _cut(timeout: float | None) -> float | None:
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the whole exchange took too long")
    return left if timeout is None else min(timeout, left)


@cache
def _lookups() -> ThreadPoolExecutor:
    # Threads of its own: a name server that never answers must not occupy the ones everybody else works with.
    return ThreadPoolExecutor(max_workers=16, thread_name_prefix="lookup")


# Threads do not survive a fork, the pool that counts on them would.
os.register_at_fork(after_in_child=_lookups.cache_clear)
