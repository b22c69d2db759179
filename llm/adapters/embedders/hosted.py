# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Embedding models at providers: in OpenAI's words, which most of them speak, in Gemini's, or a model's at Bedrock.

None needs translating by litellm, which would cost a process 150 MB: what is sent and what comes back is a list.
"""

import asyncio
from collections.abc import Mapping, Sequence

from codexos.kernel.embeddings import BatchLimits, EmbeddedBatch, Purpose, Vector
from codexos.kernel.http import EgressPolicy, HttpAnswer, HttpLimits, ResponseTooLarge, Unreachable
from llm.adapters.clients import lent_client
from llm.adapters.embedders.tongues import Asking, bedrock_refusal, document_of, tongue_of
from llm.adapters.refusals import refusal_from
from llm.engine.batches import estimated_tokens, shares
from llm.engine.providers import ProviderKind
from llm.engine.vectors import VectorUnreadable
from llm.errors import EmbeddingInvalid, EmbeddingsNotOffered, ModelTimedOut, ModelUnavailable, ModelUnreachable
from llm.queries.deployments import Deployment

LIMITS = HttpLimits(
    total_seconds=300.0, connect_seconds=10.0, idle_seconds=120.0, body_bytes=256 * 1024 * 1024, redirects=0
)
REFUSAL_BYTES = 64 * 1024
# More is read in a thread, out of the way of other runs.
READ_AT_ONCE_BYTES = 64 * 1024
# What each takes at once. Characters stand for tokens, so they are told cautiously: two to a token.
_BATCHES: Mapping[ProviderKind, BatchLimits] = {
    "openai": BatchLimits(texts=256, characters=500_000),
    "azure": BatchLimits(texts=256, characters=500_000),
    "mistral": BatchLimits(texts=128, characters=30_000),
    "openrouter": BatchLimits(texts=96, characters=200_000),
    "gemini": BatchLimits(texts=100, characters=40_000),
    "ollama": BatchLimits(texts=32, characters=200_000),
    "llamacpp": BatchLimits(texts=32, characters=100_000),
    "vllm": BatchLimits(texts=256, characters=500_000),
    "bedrock": BatchLimits(texts=1, characters=50_000),
}


class HostedEmbedder:
    """Keeps the port ``Embedder`` by one deployment."""

    def __init__(self, deployment: Deployment, *, policy: EgressPolicy) -> None:
        if deployment.kind not in _BATCHES:
            raise EmbeddingsNotOffered(provider=deployment.provider, model=deployment.model)
        self._deployment = deployment
        self._policy = policy
        self._tongue, own = tongue_of(deployment)
        self._limits = own or _BATCHES[deployment.kind]

    @property
    def identity(self) -> str:
        """See the port. Another address may serve another model by the same name."""
        return f"{self._deployment.kind}/{self._deployment.base_url}/{self._deployment.model}"

    @property
    def model(self) -> str:
        """See the port."""
        return self._deployment.model

    @property
    def limits(self) -> BatchLimits:
        """See the port."""
        return self._limits

    async def embed(self, texts: Sequence[str], *, purpose: Purpose) -> EmbeddedBatch:
        """See the port. Raises the errors of llm/errors.py, EgressRefused."""
        said = [text.encode("utf-8", "replace").decode() for text in texts]
        asking = self._tongue.asking(self._deployment, said, purpose=purpose)
        answer = await self._asked(asking)
        if answer.status != 200:
            body = answer.body[:REFUSAL_BYTES]
            # Gemini says of a wrong key that the request is wrong, and why among the details.
            status = 401 if b'"API_KEY_INVALID"' in body else answer.status
            told = bedrock_refusal(answer.headers, body) if self._deployment.kind == "bedrock" else body
            raise refusal_from(self._deployment, status=status, headers=answer.headers, body=told)
        try:
            vectors, tokens = await self._read(answer, count=len(texts))
        except VectorUnreadable as error:
            raise self._invalid(str(error)) from None
        if len({len(vector) for vector in vectors}) > 1:
            raise self._invalid("its vectors have different dimensions")
        counted = [estimated_tokens(text) for text in texts]
        return EmbeddedBatch(vectors, counted if tokens is None else shares(tokens, counted))

    async def _read(self, answer: HttpAnswer, *, count: int) -> tuple[Sequence[Vector], int | None]:
        def read() -> tuple[Sequence[Vector], int | None]:
            return self._tongue.read(document_of(answer.body), answer.headers, count=count)

        return await asyncio.to_thread(read) if len(answer.body) > READ_AT_ONCE_BYTES else read()

    async def _asked(self, asking: Asking) -> HttpAnswer:
        model, provider = self._deployment.model, self._deployment.provider
        try:
            async with lent_client(self._policy) as client:
                return await client.request(
                    "POST", asking.url, headers=asking.headers, content=asking.content, limits=LIMITS
                )
        except Unreachable as error:
            raise _unreachable(error, self._deployment) from None
        except ResponseTooLarge:
            raise EmbeddingInvalid(model=model, provider=provider, because="it sent more than is taken") from None

    def _invalid(self, because: str) -> EmbeddingInvalid:
        return EmbeddingInvalid(model=self._deployment.model, provider=self._deployment.provider, because=because)


def _unreachable(error: Unreachable, deployment: Deployment) -> ModelUnavailable:
    model, provider = deployment.model, deployment.provider
    if error.is_late:
        return ModelTimedOut(f"{provider} took too long to embed texts by model {model!r}. Try again.", model=model)
    because = error.details["because"]
    return ModelUnreachable(
        f"{provider} could not be reached for model {model!r}: {because}. Try again later.", model=model
    )
