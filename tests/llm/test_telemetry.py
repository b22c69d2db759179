# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a receiver of OpenTelemetry is told of the model calls of real runs, and what it is never told."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from celery.signals import worker_process_shutdown
from django.conf import LazySettings

from accounts.tenancy import tenant
from agents.workers.watching import _Line, steps_told
from codexos.kernel.chat import ChatAnswer, ChatRequest, Message
from llm.engine.telemetry import of_question, of_words
from llm.models import Deployment, Provider, Route, RouteStep
from llm.operations import tracing
from llm.operations.askers import Asker
from llm.operations.chat import chat_stream
from llm.operations.embed import embed_texts
from llm.operations.tracing import close_telemetry, flush_telemetry
from tests.agents.test_runs import run_agent, working
from tests.factories import World
from tests.fakes.openai import KEY, serve_provider
from tests.fakes.openai import Provider as FakeProvider
from tests.fakes.otlp import BASIC, SECRET, Receiver, Told, serve_receiver

CANARY = "canary-4f1e9b7c2d8a6053"
INTERNAL, CLIENT = 1, 3


@pytest.fixture
def receiver(settings: LazySettings) -> Iterator[Receiver]:
    """A Langfuse, as far as the protocol goes, that the operator's settings name."""
    with serve_receiver() as running:
        settings.OTLP_ENDPOINT = running.url
        settings.OTLP_AUTH_HEADERS = {"Authorization": f"Basic {BASIC}"}
        yield running
        close_telemetry()


@pytest.fixture
def provider(settings: LazySettings) -> Iterator[FakeProvider]:
    with serve_provider() as running:
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = running.url, KEY
        yield running


def flow(**node: Any) -> dict[str, Any]:
    answer = {"id": "answer", "type": "llm", "model": "gpt-4o", "next": "end", **node}
    nodes = [{"id": "start", "type": "entry", "next": "answer"}, answer, {"id": "end", "type": "exit"}]
    return {"agent_id": "told", "flow": {"id": "told", "nodes": nodes}, "input": f"Who is {CANARY}?"}


def told_by(receiver: Receiver) -> tuple[list[Told], list[Told]]:
    """Return whole answers and attempts, once all that waits is sent."""
    flush_telemetry()
    assert receiver.wrong == []
    asked = [each for each in receiver.spans if each.name.startswith(("chat ", "embeddings "))]
    return [each for each in asked if each.kind == INTERNAL], [each for each in asked if each.kind == CLIENT]


async def answer_to(request: ChatRequest, asker: Asker | None = None) -> ChatAnswer:
    *_, answer = [piece async for piece in chat_stream(request, asker=asker)]
    assert isinstance(answer, ChatAnswer)
    return answer


def ask_plainly(**more: Any) -> ChatRequest:
    return ChatRequest("gpt-4o", [Message("user", "How is the weather?")], **more)


async def test_a_run_is_one_trace_with_a_span_for_the_answer_and_one_for_each_attempt(
    committed_world: World, provider: FakeProvider, receiver: Receiver
) -> None:
    with working():
        run = (await run_agent(committed_world.dev, flow(temperature=0.5, max_tokens=100))).json()
    assert run["status"] == "succeeded", run
    (whole,), (attempt,) = told_by(receiver)
    assert UUID(whole.trace_id) == UUID(attempt.trace_id) == UUID(run["id"])
    assert (whole.name, whole.kind, attempt.name, attempt.kind) == ("chat gpt-4o", INTERNAL, "chat gpt-4o", CLIENT)
    assert attempt.parent_id == whole.span_id
    host, port = provider.url.removeprefix("http://").removesuffix("/v1").split(":")
    assert (
        attempt.attributes.items()
        >= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.request.temperature": 0.5,
            "gen_ai.request.max_tokens": 100,
            "gen_ai.request.stream": True,
            "gen_ai.output.type": "text",
            "gen_ai.usage.input_tokens": 42,
            "gen_ai.usage.output_tokens": 7,
            "codexos.cost_usd": 0.000175,
            "codexos.outcome": "answered",
            "codexos.attempt": 1,
            "server.address": host,
            "server.port": int(port),
        }.items()
    )
    assert attempt.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert attempt.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert (
        whole.attributes.items()
        >= {
            "gen_ai.provider.name": "codexos",
            "codexos.organization_id": str(committed_world.acme.id),
            "codexos.project_id": run["project_id"],
            "codexos.run_id": run["id"],
            "codexos.node_id": "answer",
            "codexos.cache_hit": False,
            "codexos.attempts": 1,
            "codexos.total.input_tokens": 42,
            "codexos.total.cost_usd": 0.000175,
        }.items()
    )
    # And that stands below its step, which stands below the run.
    (of_run,), (step,) = receiver.named("run"), receiver.named("step answer")
    assert (whole.parent_id, step.parent_id, of_run.parent_id) == (step.span_id, of_run.span_id, "")
    assert {each.trace_id for each in receiver.spans} == {whole.trace_id}
    assert (of_run.attributes["codexos.outcome"], step.attributes["codexos.outcome"]) == ("succeeded", "succeeded")
    assert of_run.nanoseconds >= step.nanoseconds >= 0
    assert of_run.attributes["codexos.organization_id"] == str(committed_world.acme.id)
    # Whoever adds up the tokens of all spans counts none of them twice.
    assert "gen_ai.usage.input_tokens" not in whole.attributes
    assert {each["service.name"] for each in receiver.resources} == {"codexos"}


async def test_a_fallback_shows_who_failed_and_who_answered(
    committed_world: World, settings: LazySettings, receiver: Receiver
) -> None:
    settings.EGRESS_ALLOW = "127.0.0.1"
    with serve_provider(key="") as away, serve_provider(key="") as there:
        away.will(status=503, error={"error": {"message": f"Busy with {CANARY}"}})
        await asyncio.to_thread(make_route, committed_world, [away.url, there.url])
        with working():
            run = (await run_agent(committed_world.dev, flow(model="smart"))).json()
    assert run["status"] == "succeeded", run
    (whole,), (first, second) = told_by(receiver)
    assert (first.is_error, first.attributes["error.type"]) == (True, "model_overloaded"), first.attributes
    assert (first.attributes["codexos.outcome"], second.attributes["codexos.outcome"]) == ("failed", "answered")
    assert [each.attributes["codexos.deployment"] for each in (first, second)] == ["house-0", "house-1"]
    assert {each.attributes["gen_ai.provider.name"] for each in (first, second)} == {"vllm"}
    assert (whole.is_error, whole.attributes["codexos.attempts"], whole.attributes["codexos.route"]) == (
        *(False, 2, "smart"),
    )
    # What an error says may quote what was asked.
    assert all(CANARY not in str(asdict(span)) and span.events == 0 for span in receiver.spans)


async def test_a_step_that_was_tried_again_is_one_span_with_all_that_it_asked_below(
    committed_world: World, provider: FakeProvider, receiver: Receiver
) -> None:
    provider.will(status=503, error={"error": {"message": "Busy."}})
    with working():
        run = (await run_agent(committed_world.dev, flow(retry={"attempts": 2}))).json()
    assert run["status"] == "succeeded", run
    wholes, _ = told_by(receiver)
    (step,) = receiver.named("step answer")
    assert (step.attributes["codexos.attempts"], step.is_error) == (2, False)
    assert [whole.parent_id for whole in wholes] == [step.span_id] * 2


def test_steps_kept_from_another_run_are_not_told_again_and_what_never_ended_is_cut() -> None:
    def line(minute: int, type_: str, key: str | None = None) -> _Line:
        return _Line(type_, key, 1, datetime(2026, 1, 1, 12, minute, tzinfo=UTC))

    kept = [line(0, "step.intended", "kept"), line(0, "step.done", "kept")]
    lines = [*kept, line(1, "run.started"), line(2, "step.intended", "sent"), line(3, "step.done", "pure")]
    (told,) = steps_told(lines, codes={}, ended=line(9, "run.finished").at)
    assert (told.key, told.outcome, told.ended - told.began) == ("sent", "cut", timedelta(minutes=7))


def make_route(world: World, urls: list[str]) -> None:
    with tenant(world.acme.id):
        route = Route.objects.create(organization=world.acme, name="smart", retries=0)
        for place, url in enumerate(urls):
            home = Provider.objects.create(organization=world.acme, name=f"p{place}", kind="vllm", base_url=url)
            served = Deployment.objects.create(
                organization=world.acme, provider=home, name=f"house-{place}", model="gpt-4o", context_tokens=8_000
            )
            RouteStep.objects.create(organization=world.acme, route=route, deployment=served, place=place)


async def test_an_answer_out_of_the_cache_says_so_and_what_it_saved(
    committed_world: World, provider: FakeProvider, receiver: Receiver
) -> None:
    with working():
        for _ in range(2):
            assert (await run_agent(committed_world.dev, flow(cache=True))).json()["status"] == "succeeded"
    (first, again), attempts = told_by(receiver)
    assert len(attempts) == len(provider.asked) == 1
    assert (first.attributes["codexos.cache_hit"], again.attributes["codexos.cache_hit"]) == (False, True)
    assert again.attributes["codexos.saved_usd"] == first.attributes["codexos.total.cost_usd"] > 0
    assert (again.attributes["gen_ai.usage.input_tokens"], again.attributes["codexos.cost_usd"]) == (0, 0)


async def test_an_error_is_told_by_its_kind_and_one_organizations_calls_are_not_anothers(
    committed_world: World, provider: FakeProvider, receiver: Receiver
) -> None:
    provider.key = "sk-another"
    with working():
        run = (await run_agent(committed_world.dev, flow())).json()
        other = (await run_agent(committed_world.stranger, flow(model="offline"))).json()
    assert (run["status"], other["status"]) == ("failed", "succeeded")
    wholes, (attempt,) = told_by(receiver)
    by_organization = {each.attributes["codexos.organization_id"]: each for each in wholes}
    failed, offline = by_organization[str(committed_world.acme.id)], by_organization[str(committed_world.other.id)]
    assert (failed.is_error, failed.attributes["error.type"]) == (True, "model_key_refused")
    assert (attempt.is_error, attempt.attributes["error.type"]) == (True, "model_key_refused")
    failures = {span.name: span for span in receiver.spans if span.trace_id == failed.trace_id}
    assert {failures[name].attributes["error.type"] for name in ("run", "step answer")} == {"model_key_refused"}
    assert len(receiver.named("run")) == len(receiver.named("step answer")) == 2
    assert attempt.trace_id == failed.trace_id != offline.trace_id
    # Nobody outside was asked, so what it used stands on the only span there is.
    assert offline.attributes["gen_ai.usage.input_tokens"] > 0
    assert offline.attributes["codexos.attempts"] == 0


async def test_neither_words_nor_keys_are_told_unless_words_are_wanted(
    committed_world: World,
    provider: FakeProvider,
    receiver: Receiver,
    settings: LazySettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with working():
        await run_agent(committed_world.dev, flow(system=f"Never say {CANARY}.", stop=[CANARY]))
        provider.key = "sk-another"
        await run_agent(committed_world.dev, flow())
    told_by(receiver)
    heard = b"".join(receiver.bodies)
    assert len(receiver.named("chat gpt-4o")) == 4
    for secret in (CANARY, "lamp", KEY, SECRET, BASIC, committed_world.dev.person.email):
        assert secret.encode() not in heard
        assert secret in ("lamp", CANARY) or secret not in caplog.text

    settings.OTLP_CONTENT, provider.key = True, KEY
    with working():
        await run_agent(committed_world.dev, flow(system="Be short, sk-abcdefghijklmnopqrstuvwx."))
    whole = told_by(receiver)[0][-1]
    asked = json.loads(whole.attributes["gen_ai.input.messages"])
    said = json.loads(whole.attributes["gen_ai.output.messages"])
    assert asked[0] == {"role": "system", "parts": [{"type": "text", "content": "Be short, [redacted]."}]}
    assert CANARY in asked[-1]["parts"][0]["content"]
    assert said == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "The lamp was lit in 1871."}],
            "finish_reason": "stop",
        }
    ]


def test_long_words_are_cut_and_stay_json() -> None:
    request = ChatRequest("m", [Message("user", "ä" * 50_000), Message("tool", "later", call_id="c")])
    messages = json.loads(str(of_question(request, redact=str)["gen_ai.input.messages"]))
    assert len(messages[0]["parts"][0]["content"]) == 32_000
    assert messages[0]["parts"][0]["is_cut"] is True
    assert messages[1]["parts"] == [{"type": "tool_call_response", "id": "c", "response": "", "is_cut": True}]
    told = json.loads(
        str(of_words(ChatAnswer("x", "m", finish_reason="tool_calls"), redact=str)["gen_ai.output.messages"])
    )
    assert told[0]["finish_reason"] == "tool_call"


async def test_one_who_hangs_up_is_told_as_cut_and_not_as_an_error(provider: FakeProvider, receiver: Receiver) -> None:
    provider.will(never_ends=True)
    asking = chat_stream(ask_plainly())
    await anext(asking)
    await asking.aclose()
    (whole,), (attempt,) = await asyncio.to_thread(told_by, receiver)
    assert [each.attributes["codexos.outcome"] for each in (whole, attempt)] == ["cut", "cut"]
    assert whole.is_error is False
    assert "error.type" not in attempt.attributes


async def test_a_child_of_the_job_worker_tells_the_last_as_it_ends(provider: FakeProvider, receiver: Receiver) -> None:
    asking = chat_stream(ask_plainly())
    assert [piece async for piece in asking]
    await asyncio.to_thread(worker_process_shutdown.send, None)
    assert len(receiver.spans) == 2


async def test_embeddings_are_told_too(committed_world: World, receiver: Receiver, settings: LazySettings) -> None:
    from tests.fakes.embeddings import KEY as EMBEDDING_KEY
    from tests.fakes.embeddings import serve_embeddings

    with serve_embeddings() as running:
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = running.url, EMBEDDING_KEY
        asker = Asker(committed_world.acme.id)
        await embed_texts(["lamp", CANARY], asker=asker, model="text-embedding-3-small")
        await embed_texts(["lamp"], asker=asker, model="text-embedding-3-small")
    (first, again), _ = await asyncio.to_thread(told_by, receiver)
    assert first.name == "embeddings text-embedding-3-small"
    assert (
        first.attributes.items()
        >= {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.provider.name": "openai",
            "gen_ai.usage.input_tokens": 2,
            "codexos.texts": 2,
            "codexos.cached_texts": 0,
            "codexos.organization_id": str(committed_world.acme.id),
        }.items()
    )
    assert (again.attributes["gen_ai.usage.input_tokens"], again.attributes["codexos.cached_texts"]) == (0, 1)
    assert CANARY.encode() not in b"".join(receiver.bodies)


async def test_a_receiver_that_is_away_holds_up_and_fails_nothing(
    provider: FakeProvider, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OTLP_ENDPOINT, settings.OTLP_AUTH_HEADERS = "http://127.0.0.1:9", {"Authorization": f"Basic {BASIC}"}
    answer = await answer_to(ask_plainly())
    assert answer.text == "The lamp was lit in 1871."
    await asyncio.to_thread(close_telemetry)
    assert "were not taken by the receiver of telemetry" in caplog.text
    assert BASIC not in caplog.text


async def test_where_nobody_watches_there_is_nothing_in_the_way(provider: FakeProvider) -> None:
    asking = chat_stream(ask_plainly())
    assert asking.__qualname__ == "Gateway.stream"  # type: ignore[attr-defined]
    await asking.aclose()
    assert tracing.traced(model := object(), None, trace=None, name="x") is model  # type: ignore[arg-type, comparison-overlap]
