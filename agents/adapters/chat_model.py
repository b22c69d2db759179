# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's ChatModel port by the model gateway."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, nullcontext
from dataclasses import replace

from agents.adapters.secrets import RunSecrets
from agents.engine.errors import SecretsNotAtHand
from agents.engine.secrets import SecretText, keys_in
from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta
from codexos.kernel.errors import CodexosError
from codexos.kernel.redaction import Redactor
from llm.operations.askers import Asker
from llm.operations.chat import chat_stream, input_budget
from llm.operations.threads import InThread, in_callers_thread

Pieces = AsyncGenerator[Delta | ChatAnswer, None]


class GatewayModel:
    """Asks whatever model the request names through the gateway, by the rules of the ``asker``'s organization.

    What is asked without a ``conversation`` belongs to the run's.

    Where that lets prompts hold ``secrets``, models are asked with the values, and answers come back without them.
    """

    def __init__(
        self,
        *,
        asker: Asker | None = None,
        conversation: str = "",
        in_thread: InThread = in_callers_thread,
        allows_substitutes: bool = True,
        calls: asyncio.Semaphore | None = None,
        secrets: RunSecrets | None = None,
    ) -> None:
        self._asker = asker
        self._conversation = conversation
        self._in_thread = in_thread
        self._allows_substitutes = allows_substitutes
        self._calls = calls
        self._secrets = secrets

    async def stream(self, request: ChatRequest) -> Pieces:
        """See the port. Waits for one of the ``calls`` of its process: each is a socket."""
        keys = keys_in([message.text for message in request.messages])
        asking = self._ask_openly(request, keys) if keys else self._ask(request)
        async with aclosing(asking) as parts:
            async for part in parts:
                yield part

    def input_budget(self, model: str) -> int:
        """See the port."""
        return input_budget(model, asker=self._asker)

    async def _ask(self, request: ChatRequest) -> Pieces:
        asker = self._asker and replace(self._asker, node_id=request.step, key=request.key)
        if self._secrets and self._secrets.redactor:
            # What was asked by a run that has opened a secret is kept nowhere, nor what was answered.
            request = replace(request, caches=False, may_wait=False)
        request = request if request.conversation else replace(request, conversation=self._conversation)
        asking = chat_stream(
            request,
            asker=asker,
            allows_substitutes=self._allows_substitutes,
            in_thread=self._in_thread,
            in_vault=self._secrets.in_thread if self._secrets else None,
        )
        # What may wait for hours must not keep others from their sockets, and has none itself while it waits.
        calls = None if request.may_wait else self._calls
        async with calls or nullcontext(), aclosing(asking) as parts:
            async for part in parts:
                redactor = self._secrets.redactor if self._secrets else None
                yield part if redactor is None or isinstance(part, Delta) else _without(part, redactor)

    async def _ask_openly(self, request: ChatRequest, keys: list[str]) -> Pieces:
        """Ask with the values of secrets in the prompt."""
        if self._secrets is None:
            raise SecretsNotAtHand(keys=keys)
        values = await self._secrets.open_for_model(keys, model=request.model)
        messages = [
            replace(each, text=each.text.opened(values)) if isinstance(each.text, SecretText) else each
            for each in request.messages
        ]
        try:
            async with aclosing(self._ask(replace(request, messages=messages))) as parts:
                async for part in parts:
                    # A piece may end in the middle of a value, so only the whole answer is told; silence it is not.
                    yield Delta("") if isinstance(part, Delta) else part
            return
        except CodexosError as error:
            trouble = self._secrets.clean(error)
        raise trouble


def _without(answer: ChatAnswer, redactor: Redactor) -> ChatAnswer:
    cited = redactor.redact_json(list(answer.citations))
    return replace(
        answer,
        text=redactor.redact(answer.text),
        citations=cited if isinstance(cited, list) else [],
        value=redactor.redact_json(answer.value),
        calls=[replace(call, arguments=redactor.redact(call.arguments)) for call in answer.calls],
        note=None if answer.note is None else redactor.redact(answer.note),
    )
