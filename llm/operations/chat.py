# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking a model: what the apps above call."""

from collections.abc import AsyncIterator

from codexos.kernel.chat import ChatAnswer, ChatModel, ChatRequest, Delta
from llm.adapters.offline import OfflineModel

_OFFLINE = OfflineModel()


def open_chat_model(model_name: str) -> ChatModel:
    """Return who answers for a model's name: the offline model, as no provider is set up."""
    return _OFFLINE


def chat_stream(request: ChatRequest) -> AsyncIterator[Delta | ChatAnswer]:
    """Ask the model the request names: deltas as they come, then one ChatAnswer. Raises Unavailable, InvalidInput."""
    return open_chat_model(request.model).stream(request)
