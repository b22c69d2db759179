# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking a model: what the apps above call."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.conf import settings

from codexos.kernel.chat import ChatAnswer, ChatModel, ChatRequest, Delta
from codexos.kernel.http import EgressPolicy, parse_egress_allow
from llm.adapters.chosen import open_adapter
from llm.adapters.offline import OfflineModel
from llm.queries.deployments import Deployment, Substitute, find_deployment


def open_chat_model(model_name: str, *, allows_substitutes: bool = True) -> ChatModel:
    """Return who answers for a model's name. Raises ModelNotConfigured, ModelUnknown where nobody may."""
    found = find_deployment(model_name)
    if isinstance(found, Deployment):
        return open_adapter(found, policy=_policy(found))
    return _offline(found, allows_substitutes=allows_substitutes)


async def chat_stream(
    request: ChatRequest, *, allows_substitutes: bool = True
) -> AsyncGenerator[Delta | ChatAnswer, None]:
    """Ask the model the request names: deltas as they come, then one ChatAnswer. Raises the errors of llm/errors.py."""
    model = open_chat_model(request.model, allows_substitutes=allows_substitutes)
    async with aclosing(model.stream(request)) as pieces:
        async for piece in pieces:
            yield piece


def _offline(substitute: Substitute, *, allows_substitutes: bool) -> ChatModel:
    if substitute.refusal is not None and not allows_substitutes:
        raise substitute.refusal
    return OfflineModel(note=substitute.note)


def _policy(deployment: Deployment) -> EgressPolicy:
    """Only this one host; a private address only where the operator's own settings name it."""
    host, port = deployment.host_and_port
    return EgressPolicy(
        allow=parse_egress_allow(settings.EGRESS_ALLOW),
        local_only=settings.EGRESS_LOCAL_ONLY,
        only_hosts=frozenset({host}),
        named=frozenset() if deployment.is_at_the_makers_own_address else frozenset({(host, port)}),
    )
