# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's ChatModel port by the model gateway."""

from collections.abc import AsyncGenerator

from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta
from llm.operations.chat import chat_stream
from llm.queries.deployments import input_budget


class GatewayModel:
    """Asks whatever model the request names through the gateway, by the rules of the run's organization."""

    def __init__(self, *, allows_substitutes: bool = True) -> None:
        self._allows_substitutes = allows_substitutes

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """See the port."""
        return chat_stream(request, allows_substitutes=self._allows_substitutes)

    def input_budget(self, model: str) -> int:
        """See the port."""
        return input_budget(model)
