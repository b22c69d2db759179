# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's ChatModel port by the model gateway."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, nullcontext

from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta
from llm.operations.chat import chat_stream
from llm.queries.deployments import input_budget


class GatewayModel:
    """Asks whatever model the request names through the gateway, by the rules of the run's organization."""

    def __init__(self, *, allows_substitutes: bool = True, calls: asyncio.Semaphore | None = None) -> None:
        self._allows_substitutes = allows_substitutes
        self._calls = calls

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """See the port. Waits for one of the ``calls`` of its process: each is a socket."""
        async with (
            self._calls or nullcontext(),
            aclosing(chat_stream(request, allows_substitutes=self._allows_substitutes)) as parts,
        ):
            async for part in parts:
                yield part

    def input_budget(self, model: str) -> int:
        """See the port."""
        return input_budget(model)
