# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Embedding models at providers: in OpenAI's words, which most of them speak, or in Gemini's.

Neither needs translating by litellm, which would cost a process 150 MB: what is sent and what comes back is a list.
"""

import asyncio
import base64
import binascii
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from codexos.kernel.embeddings import BatchLimits, EmbeddedBatch, Purpose, Vector
from codexos.kernel.http import EgressPolicy, HttpAnswer, HttpLimits, ResponseTooLarge, Unreachable
from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.adapters.clients import lent_client
from llm.adapters.refusals import refusal_from
from llm.engine.batches import estimated_tokens, shares
from llm.engine.providers import ProviderKind
from llm.engine.vectors import VectorUnreadable, unit
from llm.errors import EmbeddingInvalid, EmbeddingsNotOffered, ModelTimedOut, ModelUnavailable, ModelUnreachable
from llm.queries.deployments import Deployment

LIMITS = HttpLimits(
    total_seconds=300.0, connect_seconds=10.0, idle_seconds=120.0, body_bytes=256 * 1024 * 1024, redirects=0
)
REFUSAL_BYTES = 64 * 1024
# More is read in a thread, out of the way of other runs.
READ_AT_ONCE_BYTES = 64 * 1024
MOST_TOKENS_TOLD = 1_000_000_000
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
}


@dataclass(frozen=True, slots=True)
class _Asking:
    """The HTTP request that asks."""

    url: str
    headers: Mapping[str, str]
    body: JsonObject


class _Tongue(Protocol):
    """How a provider is asked for vectors, and what it says."""

    def asking(self, deployment: Deployment, texts: Sequence[str], *, purpose: Purpose) -> _Asking: ...

    def read(self, document: Mapping[str, JsonValue], *, count: int) -> tuple[Sequence[Vector], int | None]:
        """Return a vector for each text and how many tokens they were. Raises VectorUnreadable."""
        ...


class HostedEmbedder:
    """Keeps the port ``Embedder`` by one deployment."""

    def __init__(self, deployment: Deployment, *, policy: EgressPolicy) -> None:
        if deployment.kind not in _BATCHES:
            raise EmbeddingsNotOffered(provider=deployment.provider, model=deployment.model)
        self._deployment = deployment
        self._policy = policy
        self._tongue: _Tongue = _Gemini() if deployment.kind == "gemini" else _OpenAI()

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
        return _BATCHES[self._deployment.kind]

    async def embed(self, texts: Sequence[str], *, purpose: Purpose) -> EmbeddedBatch:
        """See the port. Raises the errors of llm/errors.py, EgressRefused."""
        said = [text.encode("utf-8", "replace").decode() for text in texts]
        asking = self._tongue.asking(self._deployment, said, purpose=purpose)
        answer = await self._asked(asking)
        if answer.status != 200:
            body = answer.body[:REFUSAL_BYTES]
            # Gemini says of a wrong key that the request is wrong, and why among the details.
            status = 401 if b'"API_KEY_INVALID"' in body else answer.status
            raise refusal_from(self._deployment, status=status, headers=answer.headers, body=body)
        try:
            vectors, tokens = await self._read(answer.body, count=len(texts))
        except VectorUnreadable as error:
            raise self._invalid(str(error)) from None
        if len({len(vector) for vector in vectors}) > 1:
            raise self._invalid("its vectors have different dimensions")
        counted = [estimated_tokens(text) for text in texts]
        return EmbeddedBatch(vectors, counted if tokens is None else shares(tokens, counted))

    async def _read(self, body: bytes, *, count: int) -> tuple[Sequence[Vector], int | None]:
        def read() -> tuple[Sequence[Vector], int | None]:
            return self._tongue.read(_document(body), count=count)

        return await asyncio.to_thread(read) if len(body) > READ_AT_ONCE_BYTES else read()

    async def _asked(self, asking: _Asking) -> HttpAnswer:
        model, provider = self._deployment.model, self._deployment.provider
        try:
            async with lent_client(self._policy) as client:
                return await client.request("POST", asking.url, headers=asking.headers, json=asking.body, limits=LIMITS)
        except Unreachable as error:
            raise _unreachable(error, self._deployment) from None
        except ResponseTooLarge:
            raise EmbeddingInvalid(model=model, provider=provider, because="it sent more than is taken") from None

    def _invalid(self, because: str) -> EmbeddingInvalid:
        return EmbeddingInvalid(model=self._deployment.model, provider=self._deployment.provider, because=because)


class _OpenAI:
    """OpenAI's embeddings, which Azure, Mistral, OpenRouter, Ollama, llama.cpp and vLLM take over."""

    def asking(self, deployment: Deployment, texts: Sequence[str], *, purpose: Purpose) -> _Asking:
        body: dict[str, JsonValue] = {"model": deployment.model, "input": list(texts)}
        if deployment.is_of_openai or deployment.kind == "azure":
            # A quarter of the bytes, and no number to be read from text. Others may not know the word.
            body["encoding_format"] = "base64"
        headers = {"Authorization": f"Bearer {deployment.key}"} if deployment.key else {}
        return _Asking(f"{deployment.base_url}/embeddings", headers, body)

    def read(self, document: Mapping[str, JsonValue], *, count: int) -> tuple[Sequence[Vector], int | None]:
        entries = _list(document.get("data"), count)
        found: dict[int, Vector] = {}
        for place, entry in enumerate(entries):
            told = _object(entry)
            # They come in order, but it is the index that says whose a vector is.
            index = told.get("index", place)
            if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count or index in found:
                raise VectorUnreadable("its vectors are not numbered as the texts are")
            found[index] = _vector(told.get("embedding"))
        usage = document.get("usage")
        return [found[index] for index in range(count)], _tokens(usage, "prompt_tokens")


class _Gemini:
    """Gemini's batchEmbedContents."""

    def asking(self, deployment: Deployment, texts: Sequence[str], *, purpose: Purpose) -> _Asking:
        task = "RETRIEVAL_QUERY" if purpose == "query" else "RETRIEVAL_DOCUMENT"
        named = f"models/{deployment.model}"
        requests: list[JsonValue] = [
            {"model": named, "content": {"parts": [{"text": text}]}, "taskType": task} for text in texts
        ]
        url = f"{deployment.base_url}/models/{quote(deployment.model, safe='')}:batchEmbedContents"
        return _Asking(url, {"x-goog-api-key": deployment.key}, {"requests": requests})

    def read(self, document: Mapping[str, JsonValue], *, count: int) -> tuple[Sequence[Vector], int | None]:
        entries = _list(document.get("embeddings"), count)
        vectors = [_vector(_object(entry).get("values")) for entry in entries]
        return vectors, _tokens(document.get("usageMetadata"), "promptTokenCount")


def _document(content: bytes) -> Mapping[str, JsonValue]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise VectorUnreadable("it sent no JSON") from None
    return _object(document)


def _object(value: JsonValue) -> Mapping[str, JsonValue]:
    if not isinstance(value, Mapping):
        raise VectorUnreadable("it sent something else than vectors")
    return value


def _list(value: JsonValue, count: int) -> Sequence[JsonValue]:
    if not isinstance(value, list):
        raise VectorUnreadable("it sent no list of vectors")
    if len(value) != count:
        raise VectorUnreadable(f"it sent {len(value)} vectors for {count} texts")
    return value


def _vector(value: Any) -> Vector:
    if isinstance(value, str):
        try:
            content = base64.b64decode(value, validate=True)
            value = struct.unpack(f"<{len(content) // 4}f", content)
        except (binascii.Error, ValueError, struct.error):
            raise VectorUnreadable("a vector cannot be read") from None
    if not isinstance(value, list | tuple):
        raise VectorUnreadable("a vector is no list")
    return unit(value)


def _tokens(usage: JsonValue, name: str) -> int | None:
    told = usage.get(name) if isinstance(usage, Mapping) else None
    if not isinstance(told, int) or isinstance(told, bool):
        return None
    return told if 0 <= told <= MOST_TOKENS_TOLD else None


def _unreachable(error: Unreachable, deployment: Deployment) -> ModelUnavailable:
    model, provider = deployment.model, deployment.provider
    if error.is_late:
        return ModelTimedOut(f"{provider} took too long to embed texts by model {model!r}. Try again.", model=model)
    because = error.details["because"]
    return ModelUnreachable(
        f"{provider} could not be reached for model {model!r}: {because}. Try again later.", model=model
    )
