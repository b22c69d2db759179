# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Texts of an organization become vectors: each once, each for itself, and none of another organization's."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError
from rest_framework.test import APIClient

from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.egress import EgressRefused
from codexos.kernel.embeddings import Embedded
from codexos.kernel.errors import CodexosError, UnscopedRead
from llm.errors import (
    BudgetReached,
    ModelKeyRefused,
    ModelNotConfigured,
    ModelSwitchedOff,
    ModelUnavailable,
    ModelUnknown,
)
from llm.models import KeptEmbedding, LlmCall
from llm.operations import embed as embed_module
from llm.operations.askers import Asker
from llm.operations.budgets import BudgetRequest, create_budget
from llm.operations.catalogs import catalogs
from llm.operations.embed import MOST_CHARACTERS, embed_texts
from llm.operations.embedded_model import embedded_model
from llm.operations.embeddings import forget_embeddings
from llm.operations.known_costs import known_costs
from llm.operations.providers import ProviderEdit, create_provider
from llm.operations.routes import RulesEdit, change_rules
from llm.operations.routing import Chances
from llm.queries.embeddings import count_kept_embeddings
from llm.schedules import purge_old_embeddings
from llm.workers.purging import purge
from tests.factories import World
from tests.fakes.embeddings import KEY, Embeddings, numbers_of, serve_embeddings
from tests.llm.setting_up import asker_in, deploy, put_key, route

SMALL = "text-embedding-3-small"


@pytest.fixture
def provider(settings: Any) -> Iterator[Embeddings]:
    """OpenAI, as far as this installation knows."""
    with serve_embeddings() as running:
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = running.url, KEY
        yield running


def embed(world: World, texts: Sequence[str], *, of: str = "acme", model: str = SMALL, **more: Any) -> Embedded:
    asker = more.pop("asker", None) or Asker(getattr(world, of).id)
    catalogs.forget(asker.organization_id)
    return async_to_sync(embed_texts)(texts, asker=asker, model=model, **more)


def test_what_was_embedded_once_is_never_embedded_again(world: World, provider: Embeddings) -> None:
    # given
    first = embed(world, ["lamp", "keeper", "lamp"])
    # when
    again = embed(world, ["keeper", "storm", "lamp"])
    # then
    assert provider.texts() == [["lamp", "keeper"], ["storm"]]
    assert [list(each) for each in again.whole()[::2]] == [list(each) for each in first.whole()[1::-1]]
    assert list(first.whole()[0]) == list(first.whole()[2])
    assert (first.cached, again.cached) == (0, 2)
    assert (first.usage.input_tokens, again.usage.input_tokens) == (2, 1)
    assert again.identity == first.identity


def test_a_vector_is_the_same_fresh_and_out_of_the_cache(world: World, provider: Embeddings) -> None:
    texts = [f"text {number}" for number in range(50)]
    fresh, kept = (embed(world, texts).whole() for _ in range(2))
    assert [list(each) for each in fresh] == [list(each) for each in kept]
    assert provider.calls == 1


def test_vectors_that_cannot_be_kept_or_recalled_are_made_and_given(
    world: World, provider: Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **more: Any) -> None:
        raise OperationalError("the connection was closed")

    for name in ("keep_embeddings", "recall_embeddings"):
        with monkeypatch.context() as patch:
            patch.setattr(embed_module, name, away)
            assert len(embed(world, ["lamp", "keeper"]).whole()) == 2
    assert provider.texts() == [["lamp", "keeper"]] * 2


def test_one_organization_knows_nothing_of_anothers(world: World, provider: Embeddings) -> None:
    embed(world, ["lamp"])
    assert embed(world, ["lamp"], of="other").cached == 0
    assert provider.texts() == [["lamp"], ["lamp"]]


def test_the_wall_keeps_the_rows_apart(world: World, provider: Embeddings) -> None:
    embed(world, ["lamp"])
    with tenant(world.other.id):
        rows = KeptEmbedding.objects.across_organizations(because="the test looks for a hole")
        assert rows.count() == 0
        assert count_kept_embeddings(world.acme.id) == 0
    with pytest.raises(UnscopedRead):
        list(KeptEmbedding.objects.all())


def test_another_model_and_another_purpose_are_other_vectors(world: World, provider: Embeddings, settings: Any) -> None:
    settings.OLLAMA_MODELS = []
    provider.models = (SMALL, "text-embedding-3-large")
    embed(world, ["lamp"])
    assert embed(world, ["lamp"], model="text-embedding-3-large").cached == 0
    assert embed(world, ["lamp"], purpose="query").cached == 0
    assert embed(world, ["lamp"]).cached == 1


def test_a_text_that_cannot_be_embedded_has_its_error_in_its_place(world: World, provider: Embeddings) -> None:
    # given
    huge = "x" * (MOST_CHARACTERS + 1)
    long = "word " * 10_000
    # when
    answer = embed(world, ["lamp", "", " \n\t", huge, long, "poison", "keeper"])
    # then
    codes = [each.code if isinstance(each, CodexosError) else "" for each in answer.vectors]
    assert codes == [
        "",
        "text_empty",
        "text_empty",
        "text_too_large",
        "model_input_too_long",
        "model_request_refused",
        "",
    ]
    assert all(huge not in text for call in provider.texts() for text in call)
    with pytest.raises(CodexosError, match="is empty"):
        answer.whole()
    assert embed(world, ["lamp", "keeper"]).cached == 2


def test_ten_megabytes_are_refused_unsent_and_nothing_breaks(world: World, provider: Embeddings) -> None:
    answer = embed(world, ["y" * 10_000_000])
    assert [each.code for each in answer.vectors if isinstance(each, CodexosError)] == ["text_too_large"]
    assert provider.calls == 0


def test_nothing_is_nothing(world: World, provider: Embeddings) -> None:
    assert embed(world, []).whole() == []
    assert provider.calls == 0


@pytest.mark.parametrize(("status", "kind"), [(401, ModelKeyRefused), (503, ModelUnavailable)])
def test_trouble_with_the_provider_is_not_kept(world: World, provider: Embeddings, status: int, kind: type) -> None:
    provider.refusals.append((status, {"error": {"message": "no"}}, {}))
    with pytest.raises(kind):
        embed(world, ["lamp"]).whole()
    assert len(embed(world, ["lamp"]).whole()) == 1


def test_many_texts_are_kept_on_the_way(world: World, provider: Embeddings) -> None:
    texts = [f"text {number}" for number in range(1_200)]
    assert len(embed(world, texts).whole()) == 1_200
    with tenant(world.acme.id):
        assert count_kept_embeddings(world.acme.id) == 1_200
    assert provider.calls <= 8


def calls_of(world: World) -> list[LlmCall]:
    with tenant(world.acme.id):
        return list(LlmCall.objects.for_organization(world.acme.id).order_by("created_at"))


def test_what_embedding_costs_is_written_down_to_the_token(world: World, provider: Embeddings) -> None:
    # given
    answer = embed(world, ["one", "two words", "one"], asker=asker_in(world))
    # when
    again = embed(world, ["two words", "three more words"], asker=asker_in(world))
    # then
    rows = calls_of(world)
    assert [(row.model, row.input_tokens, row.output_tokens, row.outcome) for row in rows] == [
        (SMALL, 3, 0, "answered"),
        (SMALL, 3, 0, "answered"),
    ]
    assert answer.usage.cost_usd == again.usage.cost_usd == rows[0].cost_usd == Decimal("0.00000006")
    assert {row.project_id for row in rows} == {world.project.id}


def test_a_budget_of_nothing_lets_nothing_be_embedded_that_costs(world: World, provider: Embeddings) -> None:
    create_budget(world.admin.actor, BudgetRequest("Models", Decimal(0)))
    known_costs.forget(world.acme.id)
    with pytest.raises(BudgetReached):
        embed(world, ["lamp"])
    assert provider.calls == 0
    assert len(embed(world, ["lamp"], model="embedded").whole()) == 1
    assert len(embed(world, ["lamp"], of="other").whole()) == 1


def test_local_only_lets_no_text_out(world: World, provider: Embeddings, settings: Any) -> None:
    change_rules(world.admin.actor, RulesEdit(is_local_only=True))
    settings.OPENAI_BASE_URL = "https://203.0.113.7/v1"
    with pytest.raises(EgressRefused):
        embed(world, ["lamp"]).whole()
    assert len(embed(world, ["lamp"], model="embedded").whole()) == 1


def test_an_organizations_own_server_embeds_with_the_key_from_its_vault(world: World, settings: Any) -> None:
    settings.EGRESS_ALLOW = "127.0.0.1"
    with serve_embeddings("mistral") as running:
        put_key(world.admin.actor, "local_key", KEY)
        edit = ProviderEdit(name="Local", kind="vllm", base_url=running.url, key="local_key")
        row = create_provider(world.admin.actor, edit)
        deploy(world.admin.actor, row, "vectors", model="mistral-embed")
        answer = embed(world, ["lamp"], model="vectors", asker=asker_in(world))
        assert answer.model == "mistral-embed"
        assert running.texts() == [["lamp"]]
        with pytest.raises(ModelUnknown):
            embed(world, ["lamp"], model="vectors", of="other")


def test_what_is_switched_off_is_replaced_by_nothing(world: World, settings: Any) -> None:
    settings.EGRESS_ALLOW = "127.0.0.1"
    with serve_embeddings("mistral") as running:
        edit = ProviderEdit(name="Local", kind="vllm", base_url=running.url, is_enabled=False)
        deploy(world.admin.actor, create_provider(world.admin.actor, edit), SMALL, model="mistral-embed")
        with pytest.raises(ModelSwitchedOff):
            embed(world, ["lamp"])
        assert running.calls == 0


def test_nothing_takes_the_place_of_a_model_that_is_not_set_up(world: World, settings: Any) -> None:
    settings.OPENAI_API_KEY = ""
    with pytest.raises(ModelNotConfigured):
        embed(world, ["lamp"])
    with pytest.raises(ModelUnknown, match="No embedding model called 'nomic-embed-text' is set up"):
        embed(world, ["lamp"], model="nomic-embed-text")


def test_the_operators_own_server_embeds_what_it_is_named_for(world: World, settings: Any) -> None:
    with serve_embeddings("mistral") as running:
        settings.MODEL_URL, settings.MODEL_KEY, settings.MODELS = running.url, KEY, ["mistral-embed"]
        assert embed(world, ["lamp"], model="mistral-embed").model == "mistral-embed"
        assert running.texts() == [["lamp"]]


def test_the_embedded_model_needs_nobody(world: World, settings: Any) -> None:
    settings.EMBEDDING_MODEL = "embedded"
    answer = embed(world, ["The lamp was lit.", "Bread is baked."], model="default")
    assert [len(vector) for vector in answer.whole()] == [384, 384]
    assert answer.usage.cost_usd == Decimal(0)
    assert answer.usage.input_tokens == 13
    assert embed(world, ["Bread is baked."], model="all-MiniLM-L6-v2").cached == 1


def test_what_nobody_wants_any_more_is_let_go_of(world: World, provider: Embeddings, settings: Any) -> None:
    # given
    embed(world, ["old", "wanted"])
    embed(world, ["old"], of="other")
    with tenant(world.acme.id):
        KeptEmbedding.objects.for_organization(world.acme.id).update(used_on=clock.now().date() - timedelta(days=91))
    embed(world, ["wanted"])
    # when
    purged = purge(world.acme.id)
    # then
    assert purged == 1
    assert embed(world, ["old", "wanted"]).cached == 1
    assert embed(world, ["old"], of="other").cached == 1


def test_the_clock_purges_every_organization(
    world: World, provider: Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr("llm.operations.embeddings.purge_embeddings.delay", started.append)
    purge_old_embeddings()
    assert {str(world.acme.id), str(world.other.id)} <= set(started)


def test_an_organization_can_let_go_of_all(world: World, provider: Embeddings) -> None:
    embed(world, ["lamp", "keeper"])
    embed(world, ["lamp"], of="other")
    assert forget_embeddings(world.acme.id) == 2
    assert embed(world, ["lamp"]).cached == 0
    assert embed(world, ["lamp"], of="other").cached == 1


def test_of_a_text_nothing_but_its_hash_is_kept(world: World, provider: Embeddings) -> None:
    embed(world, ["a very secret text"])
    with tenant(world.acme.id):
        (row,) = KeptEmbedding.objects.for_organization(world.acme.id)
    assert len(bytes(row.key)) == 32
    assert len(bytes(row.vector)) == 2 * len(numbers_of(""))
    assert b"secret" not in bytes(row.key) + bytes(row.vector)


def two_servers(world: World, settings: Any, stack: ExitStack, **more: Any) -> list[Embeddings]:
    """A route over two servers of the same model, and one of another model between them."""
    settings.EGRESS_ALLOW = "127.0.0.1"
    servers = [stack.enter_context(serve_embeddings("mistral")) for _ in range(2)]
    other = stack.enter_context(serve_embeddings("ollama"))
    put_key(world.admin.actor, "vectors_key", KEY)
    rows = []
    for name, server, model in (
        ("Near", servers[0], "mistral-embed"),
        ("Odd", other, "nomic-embed-text"),
        ("Far", servers[1], "mistral-embed"),
    ):
        edit = ProviderEdit(name=name, kind="vllm", base_url=server.url, key="vectors_key")
        rows.append(deploy(world.admin.actor, create_provider(world.admin.actor, edit), name.lower(), model=model))
    route(world.admin.actor, "vectors", rows, **more)
    return [*servers, other]


def test_along_a_route_the_same_model_elsewhere_embeds_and_no_other_does(world: World, settings: Any) -> None:
    with ExitStack() as stack:
        near, far, other = two_servers(world, settings, stack)
        near.refusals += [(503, b"", {})]
        answer = embed(world, ["lamp"], model="vectors", asker=asker_in(world))
        assert len(answer.whole()) == 1
        assert (near.calls, far.texts(), other.calls) == (1, [["lamp"]], 0)
        # Its vector is the first's: whoever asks next finds it kept.
        assert embed(world, ["lamp"], model="vectors", asker=asker_in(world)).cached == 1
        assert [(row.deployment, row.outcome) for row in calls_of(world)] == [("near", "failed"), ("far", "answered")]


def test_embedding_is_tried_again_after_a_pause_that_the_provider_wishes(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(embed_module, "CHANCES", Chances(sleep=sleep, now=lambda: 0.0, jitter=lambda: 0.5))
    with ExitStack() as stack:
        near, far, _ = two_servers(world, settings, stack, retries=2)
        near.refusals += [(429, {"error": {"message": "slow"}}, {"Retry-After": "7"})]
        far.refusals += [(503, b"", {})] * 2
        assert len(embed(world, ["lamp"], model="vectors", asker=asker_in(world)).whole()) == 1
        # Far rests half of half a second, and half of one; then Near, which wished for seven, is as late as it.
        assert pauses[0] == 0.25
        assert (near.calls, far.calls) in ((1, 3), (2, 2))


def post(world: World, who: str, body: Any) -> Any:
    """Knock at the door."""
    token = getattr(world, who).token
    return APIClient().post("/api/v1/embeddings/", body, format="json", headers={"Authorization": f"Bearer {token}"})


def test_programs_have_texts_embedded_within_limits_and_budgets(world: World, provider: Embeddings) -> None:
    texts = ["lamp", "", "poison", "lamp"]
    answer = post(world, "dev", {"texts": texts, "model": SMALL, "purpose": "query", "project_id": "main"})
    said = answer.json()
    assert answer.status_code == 200, said
    assert [each["error"] and each["error"]["code"] for each in said["embeddings"]] == [
        None,
        "text_empty",
        "model_request_refused",
        None,
    ]
    assert said["embeddings"][0]["vector"] == said["embeddings"][3]["vector"]
    assert (said["model"], said["input_tokens"], said["cost_usd"]) == (SMALL, 1, "0.00000002")
    (row,) = calls_of(world)
    assert (row.project_id, row.person_id, row.run_id) == (world.project.id, world.dev.person.pk, None)
    assert post(world, "dev", {"texts": ["x"] * 257}).json()["code"] == "embeddings_too_many"
    assert post(world, "dev", {"texts": ["x"], "model": "nobody"}).json()["code"] == "model_unknown"
    assert post(world, "viewer", {"texts": ["x"], "model": SMALL}).status_code == 403
    assert post(world, "stranger", {"texts": ["x"], "project_id": str(world.project.pk)}).status_code == 404
    create_budget(world.admin.actor, BudgetRequest("Models", Decimal(0)))
    known_costs.forget(world.acme.id)
    refused = post(world, "dev", {"texts": ["storm"], "model": SMALL})
    assert (refused.status_code, refused.json()["code"], provider.texts()[-1]) == (429, "budget_reached", ["lamp"])


def test_the_web_has_the_embedded_model_loaded_elsewhere(world: World, settings: Any) -> None:
    settings.EMBEDDING_MODEL = "embedded"
    was_loaded = embedded_model().is_loaded
    said = post(world, "dev", {"texts": ["The lamp was lit."]}).json()
    assert (len(said["embeddings"][0]["vector"]), said["cached"], said["input_tokens"]) == (384, 0, 7)
    assert embedded_model().is_loaded == was_loaded
    # What the door made is what everybody else finds.
    assert embed(world, ["The lamp was lit."], model="default").cached == 1
    assert post(world, "dev", {"texts": ["The lamp was lit."]}).json()["cached"] == 1
