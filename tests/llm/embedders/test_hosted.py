# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Embedding models at providers, on the wire: what is asked, whose a vector is, and what each refusal means."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from codexos.kernel.embeddings import similarity
from codexos.kernel.errors import CodexosError
from codexos.kernel.http import EgressPolicy
from llm.adapters.embedders.hosted import HostedEmbedder
from llm.engine.vectors import unit
from llm.errors import (
    EmbeddingInvalid,
    EmbeddingsNotOffered,
    ModelInputTooLong,
    ModelKeyRefused,
    ModelOverloaded,
    ModelQuotaSpent,
    ModelRateLimited,
    ModelRequestRefused,
    ModelUnavailable,
    ModelUnknown,
    ModelUnreachable,
)
from llm.queries.deployments import Deployment
from tests.fakes.embeddings import KEY, Embeddings, numbers_of, serve_embeddings
from tests.fakes.providers.bedrock import KEY_ID, REGION

MODELS = {
    "openai": "text-embedding-3-small",
    "mistral": "mistral-embed",
    "ollama": "nomic-embed-text",
    "gemini": "gemini-embedding-001",
    "titan": "amazon.titan-embed-text-v2:0",
    "cohere": "eu.cohere.embed-multilingual-v3",
}
AT_BEDROCK = {"region": REGION, "access_key_id": KEY_ID}
Serve = Callable[..., tuple[Embeddings, HostedEmbedder]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a provider of a kind and give an embedder for it."""
    with ExitStack() as stack:

        def start(speaks: Any = "openai", *, key: str = KEY, **options: Any) -> tuple[Embeddings, HostedEmbedder]:
            provider = stack.enter_context(serve_embeddings(speaks, **options))
            return provider, embedder_at(provider, key=key)

        yield start


def embedder_at(provider: Embeddings, *, key: str = KEY, model: str = "") -> HostedEmbedder:
    speaks = provider.speaks
    deployment = Deployment(
        speaks.title(),
        model or MODELS[speaks],
        provider.url,
        "the key",
        8192,
        key if speaks != "ollama" else "",
        is_of_openai=speaks == "openai",
        kind="bedrock" if speaks in ("titan", "cohere") else speaks,
        options=AT_BEDROCK if speaks in ("titan", "cohere") else {},
    )
    return HostedEmbedder(deployment, policy=EgressPolicy(named=frozenset({deployment.host_and_port})))


@pytest.mark.parametrize("speaks", MODELS)
async def test_each_text_gets_its_own_vector(serve: Serve, speaks: str) -> None:
    # given
    provider, embedder = serve(speaks)
    texts = ["the lamp", "the keeper of it", "日本語 ✓ \x00"]
    # when
    most = embedder.limits.texts
    some = [texts[start : start + most] for start in range(0, len(texts), most)]
    vectors = [vector for each in some for vector in (await embedder.embed(each, purpose="document")).vectors]
    # then
    assert [list(vector) for vector in vectors] == [list(unit(numbers_of(text))) for text in texts]
    assert all(similarity(vector, vector) == pytest.approx(1, abs=1e-3) for vector in vectors)
    assert provider.texts() == some


async def test_tokens_are_the_providers_parted_exactly(serve: Serve) -> None:
    _, embedder = serve("mistral")
    batch = await embedder.embed(["one", "two words", "and now four words"], purpose="document")
    assert sum(batch.tokens) == 7
    assert batch.tokens[2] > batch.tokens[0]


@pytest.mark.parametrize(("speaks", "options"), [("gemini", {}), ("ollama", {"tells_usage": False})])
async def test_where_tokens_are_not_told_they_are_estimated(serve: Serve, speaks: str, options: Any) -> None:
    _, embedder = serve(speaks, **options)
    assert (await embedder.embed(["the lamp of Varnholm"], purpose="document")).tokens == [5]


async def test_only_who_knows_the_word_is_asked_for_packed_numbers(serve: Serve) -> None:
    openai, packed = serve("openai")
    mistral, plain = serve("mistral")
    one, other = [(await each.embed(["lamp"], purpose="query")).vectors[0] for each in (packed, plain)]
    assert openai.asked[0]["encoding_format"] == "base64"
    assert "encoding_format" not in mistral.asked[0]
    assert list(one) == list(other)


async def test_models_at_bedrock_are_asked_as_their_makers_have_it(serve: Serve) -> None:
    titan, one = serve("titan")
    cohere, many = serve("cohere")
    assert (await one.embed(["two words"], purpose="query")).tokens == [2]
    assert sum((await many.embed(["two words", "and these three"], purpose="query")).tokens) == 5
    await many.embed(["lamp"], purpose="document")
    assert titan.asked == [{"inputText": "two words"}]
    assert [asked["input_type"] for asked in cohere.asked] == ["search_query", "search_document"]
    for embedder in (one, many):
        with pytest.raises(ModelInputTooLong):
            await embedder.embed(["x" * 40_000], purpose="document")
        with pytest.raises(ModelRequestRefused):
            await embedder.embed(["poison"], purpose="document")
    with pytest.raises(ModelUnknown):
        await embedder_at(titan, model="amazon.titan-embed-text-v9").embed(["lamp"], purpose="document")
    with pytest.raises(EmbeddingsNotOffered):
        embedder_at(titan, model="amazon.nova-lite-v1:0")


async def test_gemini_is_told_what_a_text_is_for(serve: Serve) -> None:
    provider, embedder = serve("gemini")
    await embedder.embed(["lamp"], purpose="query")
    await embedder.embed(["lamp"], purpose="document")
    assert [each["requests"][0]["taskType"] for each in provider.asked] == ["RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT"]


REFUSALS = [
    (401, {"error": {"message": "no", "code": "invalid_api_key"}}, {}, ModelKeyRefused),
    (429, {"error": {"message": "slow down"}}, {"Retry-After": "7"}, ModelRateLimited),
    (429, {"error": {"message": "no money", "code": "insufficient_quota"}}, {}, ModelQuotaSpent),
    (404, {"error": {"message": "who?"}}, {}, ModelUnknown),
    (400, {"error": {"message": "maximum context length"}}, {}, ModelInputTooLong),
    (422, {"detail": "no"}, {}, ModelRequestRefused),
    (503, b"<html>busy", {}, ModelOverloaded),
    (500, b"", {}, ModelUnavailable),
]


@pytest.mark.parametrize(("status", "said", "headers", "kind"), REFUSALS)
async def test_each_refusal_has_its_error(serve: Serve, status: int, said: Any, headers: Any, kind: type) -> None:
    provider, embedder = serve()
    provider.refusals.append((status, said, headers))
    with pytest.raises(kind) as caught:
        await embedder.embed(["lamp"], purpose="query")
    if headers:
        assert caught.value.retry_after == 7.0


@pytest.mark.parametrize("speaks", ["openai", "gemini", "titan"])
async def test_a_wrong_key_is_said_and_never_told(serve: Serve, speaks: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "sk-wrong-1234567890abcdef"
    _, embedder = serve(speaks, key=wrong)
    with pytest.raises(ModelKeyRefused) as caught:
        await embedder.embed(["lamp"], purpose="query")
    assert wrong not in f"{caught.value} {caught.value.details} {caplog.text} {embedder!r}"


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        (b"\xff\xfe not json", "no JSON"),
        ([], "something else than vectors"),
        ({"data": None}, "no list"),
        ({"data": []}, "0 vectors for 2 texts"),
        ({"data": [{"index": 0, "embedding": [1.0]}] * 2}, "not numbered"),
        ({"data": [{"index": 0, "embedding": [1.0]}, {"index": 7, "embedding": [1.0]}]}, "not numbered"),
        ({"data": [{"index": True, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]}, "not numbered"),
        ({"data": [{"embedding": [1.0, 2.0]}, {"embedding": [1.0]}]}, "different dimensions"),
        ({"data": [{"embedding": [0.0, 0.0]}, {"embedding": [1.0, 1.0]}]}, "no direction"),
        ({"data": [{"embedding": []}, {"embedding": []}]}, "0 dimensions"),
        ({"data": [{"embedding": [1.0] * 9000}] * 2}, "9000 dimensions"),
        ({"data": [{"embedding": ["a"]}, {"embedding": [1.0]}]}, "something else than numbers"),
        ({"data": [{"embedding": "!!"}, {"embedding": [1.0]}]}, "cannot be read"),
        (b'{"data": [{"embedding": [NaN]}, {"embedding": [1.0]}]}', "no direction"),
        (b'{"data": [{"embedding": [1e999]}, {"embedding": [1.0]}]}', "no direction"),
        (b"[" * 100_000, "no JSON"),
    ],
)
async def test_what_are_no_vectors_is_refused(serve: Serve, answer: Any, because: str) -> None:
    provider, embedder = serve()
    provider.answers.append(answer)
    with pytest.raises(EmbeddingInvalid, match=because):
        await embedder.embed(["lamp", "keeper"], purpose="document")


async def test_an_answer_that_breaks_off_is_unreachable(serve: Serve) -> None:
    _, embedder = serve(breaks_off=True)
    with pytest.raises(ModelUnreachable, match="could not be reached"):
        await embedder.embed(["lamp"], purpose="query")


async def test_nobody_at_the_address_is_unreachable(serve: Serve) -> None:
    with serve_embeddings() as provider:
        embedder = embedder_at(provider)
    with pytest.raises(ModelUnreachable):
        await embedder.embed(["lamp"], purpose="query")


async def test_an_address_that_nobody_named_is_not_asked(serve: Serve) -> None:
    provider, _ = serve()
    deployment = Deployment("X", "text-embedding-3-small", provider.url, "the key", 8192, KEY)
    with pytest.raises(CodexosError):
        await HostedEmbedder(deployment, policy=EgressPolicy()).embed(["lamp"], purpose="query")
    assert provider.calls == 0


async def test_who_offers_no_vectors_is_not_asked() -> None:
    deployment = Deployment("Anthropic", "claude-x", "https://api.anthropic.com", "the key", 1, KEY, kind="anthropic")
    with pytest.raises(EmbeddingsNotOffered, match="Anthropic is not asked for vectors"):
        HostedEmbedder(deployment, policy=EgressPolicy())


def test_the_same_name_at_another_address_is_another_maker(serve: Serve) -> None:
    assert serve()[1].identity != serve()[1].identity
