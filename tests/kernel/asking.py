# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""One request with a client of its own, through the coroutine client or the blocking one."""

import asyncio

from codexos.kernel.egress import EgressPolicy, parse_egress_allow
from codexos.kernel.http import BlockingHttpClient, HttpAnswer, HttpClient

CLOSED = EgressPolicy()


def opened(text: str, **more) -> EgressPolicy:
    return EgressPolicy(allow=parse_egress_allow(text), **more)


def ask_blocking(policy: EgressPolicy, url: str, *, method: str = "GET", client=None, **options) -> HttpAnswer:
    with BlockingHttpClient(policy, **(client or {})) as asking:
        return asking.request(method, url, **options)


def ask_on_loop(policy: EgressPolicy, url: str, *, method: str = "GET", client=None, **options) -> HttpAnswer:
    async def asking_once() -> HttpAnswer:
        async with HttpClient(policy, **(client or {})) as asking:
            return await asking.request(method, url, **options)

    return asyncio.run(asking_once())
