# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Threads for what Django reads and writes, beside a loop that must not wait for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")


class DatabaseThreads:
    """So many threads, each with a connection of its own that is made anew where it was lost."""

    def __init__(self, count: int, *, name: str) -> None:
        self.pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def __call__(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Do it in one of them."""
        call = partial(_with_fresh_connection, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self.pool, call)


def _with_fresh_connection(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    close_old_connections()
    return function(*args, **kwargs)
