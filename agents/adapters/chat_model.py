# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's ChatModel port by the model gateway."""

from collections.abc import AsyncIterator

from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta
from llm.operations.chat import chat_stream


class GatewayModel:
    """Asks whatever model the request names through the gateway."""

    def stream(self, request: ChatRequest) -> AsyncIterator[Delta | ChatAnswer]:
        """See the port."""
        return chat_stream(request)
