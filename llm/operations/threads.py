# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where what Django reads and writes is done while a loop goes on."""

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from asgiref.sync import sync_to_async

P = ParamSpec("P")
R = TypeVar("R")


class InThread(Protocol):
    """Does something in a thread that may speak to the database: ``await in_thread(function, *args)``."""

    async def __call__(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what ``function`` returns."""
        ...


async def in_callers_thread(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Do it where ``async_to_sync`` was called from, else in the thread that Django keeps for such things."""
    return await sync_to_async(function, thread_sensitive=True)(*args, **kwargs)
