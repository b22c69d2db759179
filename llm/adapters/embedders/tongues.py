# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How providers are asked for vectors, and what they say: OpenAI's words, Gemini's, and those of models at Bedrock."""

import base64
import binascii
import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from codexos.kernel.embeddings import BatchLimits, Purpose, Vector
from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.adapters.bedrock_keys import headers_for
from llm.engine.vectors import VectorUnreadable, unit
from llm.errors import EmbeddingsNotOffered
from llm.queries.deployments import Deployment

MOST_TOKENS_TOLD = 1_000_000_000
_MEANT = (
    (re.compile(r"too many input tokens|maxLength", re.IGNORECASE), "context_length_exceeded"),
    (re.compile(r"model identifier is invalid", re.IGNORECASE), "model_not_found"),
)
_COUNT_HEADER = "x-amzn-bedrock-input-token-count"


@dataclass(frozen=True, slots=True)
class Asking:
    """The HTTP request that asks."""

    url: str
    headers: Mapping[str, str]
    content: bytes


class Tongue(Protocol):
    """How a provider is asked for vectors, and what it says."""

    def asking(self, deployment: Deployment, texts: Sequence[str], *, purpose: Purpose) -> Asking:
        """Return the request."""
        ...

    def read(
        self, document: Mapping[str, JsonValue], headers: Mapping[str, str], *, count: int
    ) -> tuple[Sequence[Vector], int | None]:
        """Return a vector for each text and how many tokens they were. Raises VectorUnreadable."""
        ...


def tongue_of(deployment: Deployment) -> tuple[Tongue, BatchLimits | None]:
    """Return how a deployment is asked, and how much its model takes at once where its provider does not say.

    Raises EmbeddingsNotOffered.
    """
    if deployment.kind == "gemini":
        return GeminiWords(), None
    if deployment.kind != "bedrock":
        return OpenAIWords(), None
    # Models at Bedrock are asked as their makers have it; a region or a profile may stand before the name.
    if "titan-embed" in deployment.model:
        return TitanWords(), TitanWords.limits
    if "cohere.embed" in deployment.model:
        return CohereWords(), CohereWords.limits
    raise EmbeddingsNotOffered(provider=deployment.provider, model=deployment.model)


def asking_json(url: str, headers: Mapping[str, str], body: JsonObject) -> Asking:
    """Return a request whose body is JSON."""
    return Asking(url, {"Content-Type": "application/json", **headers}, _written(body))


class OpenAIWords:
    """OpenAI's embeddings, which Azure, Mistral, OpenRouter, Ollama, llama.cpp and vLLM take over."""

    def asking(self, deployment: Deployment, texts: Sequence[str], *, purpose: Purpose) -> Asking:
        """See Tongue."""
        body: dict[str, JsonValue] = {"model": deployment.model, "input": list(texts)}
        if deployment.is_of_openai or deployment.kind == "azure":
            # A quarter of the bytes, and no number to be read from text. Others may not know the word.
            body["encoding_format"] = "base64"
        headers = {"Authorization": f"Bearer {deployment.key}"} if deployment.key else {}
        return asking_json(f"{deployment.base_url}/embeddings", headers, body)

    def read(
        self, document: Mapping[str, JsonValue], headers: Mapping[str, str], *, count: int
    ) -> tuple[Sequence[Vector], int | None]:
        """See Tongue."""
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


class GeminiWords:
    """Gemini's batchEmbedContents."""

    def asking(self, deployment: Deployment, texts: Sequence[str], *, purpose: Purpose) -> Asking:
        """See Tongue."""
        task = "RETRIEVAL_QUERY" if purpose == "query" else "RETRIEVAL_DOCUMENT"
        named = f"models/{deployment.model}"
        requests: list[JsonValue] = [
            {"model": named, "content": {"parts": [{"text": text}]}, "taskType": task} for text in texts
        ]
        url = f"{deployment.base_url}/models/{quote(deployment.model, safe='')}:batchEmbedContents"
        return asking_json(url, {"x-goog-api-key": deployment.key}, {"requests": requests})

    def read(
        self, document: Mapping[str, JsonValue], headers: Mapping[str, str], *, count: int
    ) -> tuple[Sequence[Vector], int | None]:
        """See Tongue."""
        entries = _list(document.get("embeddings"), count)
        vectors = [_vector(_object(entry).get("values")) for entry in entries]
        return vectors, _tokens(document.get("usageMetadata"), "promptTokenCount")


class _AtBedrock:
    """What is the same of all models at Bedrock: one door for each, signed, and tokens told in a header."""

    def asking(self, deployment: Deployment, texts: Sequence[str], *, purpose: Purpose) -> Asking:
        """See Tongue."""
        content = _written(self.body(texts, purpose=purpose))
        path = f"/model/{quote(deployment.model, safe='')}/invoke"
        headers = headers_for(deployment, path, content=content, accept="application/json")
        return Asking(f"{deployment.base_url}{path}", headers, content)

    def body(self, texts: Sequence[str], *, purpose: Purpose) -> JsonObject:
        """Return what the model is sent."""
        raise NotImplementedError


class TitanWords(_AtBedrock):
    """Amazon Titan: one text at a time."""

    limits = BatchLimits(texts=1, characters=50_000)

    def body(self, texts: Sequence[str], *, purpose: Purpose) -> JsonObject:
        """See above."""
        (text,) = texts
        return {"inputText": text}

    def read(
        self, document: Mapping[str, JsonValue], headers: Mapping[str, str], *, count: int
    ) -> tuple[Sequence[Vector], int | None]:
        """See Tongue."""
        told = _tokens(document, "inputTextTokenCount")
        return [_vector(document.get("embedding"))], _counted(headers) if told is None else told


class CohereWords(_AtBedrock):
    """Cohere's models at Bedrock, which are told what a text is for and refuse what is too long for them."""

    limits = BatchLimits(texts=96, characters=96 * 2_048)

    def body(self, texts: Sequence[str], *, purpose: Purpose) -> JsonObject:
        """See above."""
        kind = "search_query" if purpose == "query" else "search_document"
        return {"texts": list(texts), "input_type": kind, "truncate": "NONE"}

    def read(
        self, document: Mapping[str, JsonValue], headers: Mapping[str, str], *, count: int
    ) -> tuple[Sequence[Vector], int | None]:
        """See Tongue. Newer models answer by type."""
        found = document.get("embeddings")
        entries = _list(found.get("float") if isinstance(found, Mapping) else found, count)
        return [_vector(entry) for entry in entries], _counted(headers)


def bedrock_refusal(headers: Mapping[str, str], body: bytes) -> JsonObject:
    """Return what Bedrock refuses with, in words that are known: it has no codes for what is too long or unknown."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = {}
    message = str(told.get("message") or told.get("Message") or "") if isinstance(told, Mapping) else ""
    code = next((code for words, code in _MEANT if words.search(message)), "")
    return {"error": {"code": code, "type": headers.get("x-amzn-errortype", "").partition(":")[0], "message": message}}


def _counted(headers: Mapping[str, str]) -> int | None:
    said = headers.get(_COUNT_HEADER, "")
    return _tokens({"count": int(said)}, "count") if said.isascii() and said.isdigit() and len(said) < 12 else None


def _written(body: JsonObject) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def document_of(content: bytes) -> Mapping[str, JsonValue]:
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
