# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Questions as batches take them, and the answers out of batches."""

import asyncio
import json

from codexos.kernel.chat import ChatAnswer, ChatRequest
from codexos.kernel.http import EgressPolicy
from codexos.kernel.jsontypes import JsonObject
from llm.adapters.batch_api import AnthropicBatches, Batches, OpenAIBatches, Result
from llm.adapters.openai_compatible import OpenAICompatibleModel
from llm.adapters.refusals import refusal_from
from llm.adapters.translation.anthropic import AnthropicTranslator
from llm.engine.batched import chunk_of_completion, chunk_of_message
from llm.engine.bodies import request_body
from llm.engine.completions import Completion
from llm.queries.deployments import Deployment

BATCHING_KINDS = frozenset({"openai", "anthropic"})
_OF_STREAMS = frozenset({"stream", "stream_options"})


class BatchedWords(OpenAICompatibleModel):
    """How one deployment is spoken to in batches."""

    def __init__(self, deployment: Deployment, *, policy: EgressPolicy) -> None:
        super().__init__(deployment, policy=policy)
        self._is_anthropic = deployment.kind == "anthropic"
        speak = AnthropicBatches if self._is_anthropic else OpenAIBatches
        self.batches: Batches = speak(deployment, policy=policy)
        self._wanted: dict[str, str] = {}

    @property
    def place(self) -> str:
        """Where it is asked for what: a question that went elsewhere is none that was asked here."""
        return f"{self._deployment.kind}/{self._deployment.base_url}/{self._deployment.model}"

    @property
    def desk(self) -> object:
        """Who hands in together: those who ask there with the same key, in the same edition of the protocol."""
        return self.place, self._deployment.key, self._policy, *self._wanted.values()

    async def question(self, request: ChatRequest) -> JsonObject:
        """Return a question as a batch holds it. To be asked before all else: it decides who hands in together."""
        if self._is_anthropic:
            asking = await asyncio.to_thread(AnthropicTranslator(self._deployment, request).asking)
            self._wanted = {name: value for name, value in asking.headers.items() if name.lower() == "anthropic-beta"}
            self.batches = AnthropicBatches(self._deployment, policy=self._policy, headers=self._wanted)
            body = json.loads(asking.content)
        else:
            body = request_body(request, model=self._deployment.model, is_reasoning=self._is_reasoning)
        return {name: value for name, value in body.items() if name not in _OF_STREAMS}

    async def answer(self, request: ChatRequest, result: Result) -> ChatAnswer:
        """Return what a batch answered. Raises the errors of llm/errors.py."""
        if result.status != 200:
            raise refusal_from(self._deployment, status=result.status, headers={}, body=result.body)
        completion = Completion(self._deployment.model)
        with self._plain_errors():
            read = chunk_of_message if self._is_anthropic else chunk_of_completion
            completion.take(read(result.body))
        return await self._answer(request, completion, left_out=())
