# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Providers that speak a protocol of their own, translated by litellm: Anthropic, Gemini, Bedrock.

What is sent leaves through the house's own client, as with every provider: its gate, its limits, its errors.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta
from codexos.kernel.errors import CodexosError
from codexos.kernel.http import HttpStream
from codexos.kernel.jsontypes import JsonObject
from llm.adapters.clients import lent_client
from llm.adapters.openai_compatible import OpenAICompatibleModel, limits_for, start_of
from llm.adapters.refusals import refusal_from
from llm.adapters.translation.anthropic import AnthropicTranslator
from llm.adapters.translation.bedrock import BedrockTranslator
from llm.adapters.translation.gemini import GeminiTranslator
from llm.adapters.translation.translator import Asking, Refusal, StreamRefused, Translator
from llm.engine.completions import Completion
from llm.engine.providers import ProviderKind
from llm.errors import ModelRequestRefused

_TRANSLATORS: Mapping[ProviderKind, type[Translator]] = {
    "anthropic": AnthropicTranslator,
    "gemini": GeminiTranslator,
    "bedrock": BedrockTranslator,
}


class LitellmModel(OpenAICompatibleModel):
    """Keeps the port ``ChatModel`` by one deployment that another protocol leads to."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """Yield the answer as it comes, then whole. Raises the errors of llm/errors.py, EgressRefused."""
        completion = Completion(self._deployment.model)
        translator, asking = await asyncio.to_thread(self._translated, request)
        limits = limits_for(request.timeout_seconds)
        with self._plain_errors():
            async with (
                lent_client(self._policy) as client,
                client.stream(
                    "POST", asking.url, headers=asking.headers, content=asking.content, limits=limits
                ) as answer,
            ):
                async for chunk in self._chunks(answer, translator):
                    for delta in completion.take(chunk):
                        yield delta
            self._check_ended(completion)
        yield await self._answer(request, completion, left_out=asking.left_out)

    def _translated(self, request: ChatRequest) -> tuple[Translator, Asking]:
        try:
            translator = _TRANSLATORS[self._deployment.kind](self._deployment, request)
            return translator, translator.asking()
        except CodexosError:
            raise
        except Exception as error:
            # litellm's own words are left out: they repeat what was said.
            raise ModelRequestRefused(
                f"What was asked cannot be put as {self._deployment.provider} takes it for model "
                f"{self._deployment.model!r} ({type(error).__name__}). Change what the step asks.",
                model=self._deployment.model,
            ) from None

    async def _chunks(self, answer: HttpStream, translator: Translator) -> AsyncIterator[JsonObject]:
        if answer.status != 200:
            raise self._refused(translator.refusal(answer.status, answer.headers, await start_of(answer)))
        self._check_type(answer, translator.content_type)
        try:
            async for event in translator.events(answer):
                if (chunk := translator.chunk(event)) is not None:
                    yield chunk
        except StreamRefused as refused:
            raise self._refused(refused.refusal) from None

    def _refused(self, refusal: Refusal) -> CodexosError:
        return refusal_from(self._deployment, status=refusal.status, headers=refusal.headers, body=refusal.body)
