# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs whose steps are answered by a provider, by a substitute, or by nobody."""

import asyncio
import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import LazySettings

from accounts.operations.organizations import change_organization
from agents.engine.journal import decode_data
from agents.errors import ModelsMissing
from agents.operations.runs import RunRequest, start_run
from agents.workers.ending import settle_runs
from tests.agents.test_runs import BLUEPRINT, run_agent, working
from tests.agents.test_worker import finished
from tests.factories import World
from tests.fakes.openai import KEY, Provider, serve_provider

ASKING = {
    "id": "asking",
    "nodes": [
        {"id": "start", "type": "entry", "next": "answer"},
        {"id": "answer", "type": "llm", "model": "gpt-4o", "temperature": 0, "max_tokens": 100, "next": "end"},
        {"id": "end", "type": "exit"},
    ],
}
BODY = {"agent_id": "asking", "flow": ASKING, "input": "When was the lamp lit?"}


@pytest.fixture
def provider(settings: LazySettings) -> Iterator[Provider]:
    with serve_provider() as running:
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = running.url, KEY
        yield running


async def forbid_substitutes(world: World) -> None:
    await asyncio.to_thread(change_organization, world.admin.actor, allows_substitute_models=False)


def journal_of(truth: psycopg.Connection) -> list[Any]:
    rows = truth.execute("select type, delta from agents_journalentry order by seq").fetchall()
    return [(kind, decode_data(delta)) for kind, delta in rows]


async def test_a_step_is_answered_by_the_provider_and_its_tokens_are_counted(
    committed_world: World, truth: psycopg.Connection, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with working():
        answer = await run_agent(committed_world.dev, BODY)
    run = answer.json()
    assert run["status"] == "succeeded", run
    assert run["result"]["output"] == "The lamp was lit in 1871."
    (asked,) = provider.asked
    assert (asked["model"], asked["temperature"], asked["max_tokens"]) == ("gpt-4o", 0, 100)
    assert truth.execute("select input_tokens, output_tokens from agents_run").fetchone() == (42, 7)
    await asyncio.to_thread(settle_runs, {committed_world.acme.id: [UUID(run["id"])]})
    settled = truth.execute("select settled_at is not null, cost_usd from agents_run").fetchone()
    assert settled == (True, Decimal("0.000175"))
    written = " ".join(str(row) for table in _TABLES for row in truth.execute(f"table {table}"))
    for told in (written, str(journal_of(truth)), answer.content.decode(), caplog.text):
        assert KEY not in told


_TABLES = ("agents_run", "agents_journalentry", "accounts_auditevent", "accounts_outboxevent", "accounts_usagerecord")


async def test_a_key_that_is_refused_is_in_nothing_that_is_kept(
    committed_world: World, truth: psycopg.Connection, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.key = "sk-another"
    with working():
        answer = await run_agent(committed_world.dev, BODY)
    assert answer.json()["status"] == "failed"
    assert "OPENAI_API_KEY" in answer.content.decode()
    for told in (str(journal_of(truth)), answer.content.decode(), caplog.text):
        assert KEY not in told


async def test_what_may_pass_is_tried_again_where_the_step_says_so(committed_world: World, provider: Provider) -> None:
    provider.will(status=503, error={"error": {"message": "Busy"}}).will(breaks_off=True)
    start, answer, end = ASKING["nodes"]  # type: ignore[misc]
    flow = {"id": "again", "nodes": [start, {**answer, "retry": {"attempts": 3}}, end]}  # type: ignore[dict-item]
    with working():
        run = (await run_agent(committed_world.dev, {**BODY, "flow": flow})).json()
    assert run["status"] == "succeeded", run
    assert len(provider.asked) == 3


async def test_an_unknown_name_is_answered_and_its_neighbors_are_told(committed_world: World) -> None:
    start, answer, end = ASKING["nodes"]  # type: ignore[misc]
    flow = {"id": "typo", "nodes": [start, {**answer, "model": "gtp-4"}, end]}  # type: ignore[dict-item]
    with working():
        run = (await run_agent(committed_world.dev, {**BODY, "flow": flow})).json()
    assert run["status"] == "succeeded"
    assert any("did you mean 'gpt-4'" in line["message"] for line in run["logs"])


async def test_without_substitutes_a_run_is_refused_before_it_begins(
    committed_world: World, truth: psycopg.Connection
) -> None:
    await forbid_substitutes(committed_world)
    answer = await run_agent(committed_world.dev, {"agent_id": "a", "flow": BLUEPRINT, "input": "Go"})
    problem = answer.json()
    assert answer.status_code == 422
    assert [error["place"] for error in problem["errors"]] == ["planner.model", "summarizer.model"]
    assert "'gpt-4'" in problem["detail"]
    assert truth.execute("select count(*) from agents_run").fetchone() == (0,)


async def test_a_run_that_had_been_accepted_fails_at_the_step(
    committed_world: World, truth: psycopg.Connection
) -> None:
    request = RunRequest(agent_id="a", document=ASKING, input="Go")
    run = await asyncio.to_thread(start_run, committed_world.dev.actor, request=request)
    await forbid_substitutes(committed_world)
    with working():
        await finished(truth, run.id)
    entries = journal_of(truth)
    assert entries[-1][1]["error"]["code"] == "model_not_configured"
    assert "step.retry" not in [kind for kind, _ in entries]


async def test_one_organizations_rule_is_not_anothers(committed_world: World, provider: Provider) -> None:
    await forbid_substitutes(committed_world)
    request = RunRequest(agent_id="a", document=BLUEPRINT, input="Go")
    await asyncio.to_thread(start_run, committed_world.stranger.actor, request=request)
    with pytest.raises(ModelsMissing):
        await asyncio.to_thread(start_run, committed_world.dev.actor, request=request)
    # What a provider answers for is no substitute.
    await asyncio.to_thread(
        start_run, committed_world.dev.actor, request=RunRequest(agent_id="a", document=ASKING, input="Go")
    )


SKY: dict[str, Any] = {"type": "object", "properties": {"sky": {"enum": ["blue", "gray"]}}, "required": ["sky"]}


async def asked_with(world: World, **settings: Any) -> Any:
    start, answer, end = ASKING["nodes"]  # type: ignore[misc]
    flow = {"id": "odd", "nodes": [start, {**answer, **settings}, end]}  # type: ignore[dict-item]
    with working():
        return (await run_agent(world.dev, {**BODY, "flow": flow})).json()


@pytest.mark.parametrize(
    ("script", "node", "code"),
    [
        ({"never_ends": True}, {"attempt_seconds": 1}, "model_timed_out"),
        ({"never_begins": True}, {"attempt_seconds": 1}, "model_timed_out"),
        ({"words": ("x" * 10_000_000,)}, {}, "model_answer_too_large"),
        ({"words": ("x" * 1_500_000,)}, {}, "result_too_large"),
        ({"closes_after": b"H"}, {}, "model_unreachable"),
        ({"raw": (b"data: {\n\n",)}, {}, "model_answer_invalid"),
        ({"finish": None}, {}, "model_unreachable"),
        ({"words": ()}, {"output_schema": SKY}, "model_answer_unfit"),
    ],
)
async def test_a_model_that_does_what_none_should_ends_the_run_with_a_reason(
    committed_world: World, provider: Provider, script: dict[str, Any], node: dict[str, Any], code: str
) -> None:
    for _ in range(8):
        provider.will(**script)
    run = await asked_with(committed_world, **node)
    assert run["status"] == "failed", run
    assert (run["error"] or {}).get("code") == code, run["error"]


async def test_an_answer_that_is_empty_or_in_no_letters_is_one_and_says_so(
    committed_world: World, provider: Provider
) -> None:
    provider.will(words=())
    run = await asked_with(committed_world)
    assert run["status"] == "succeeded"
    assert any("answer was empty" in line["message"] for line in run["logs"])
    provider.will(raw=(b'data: {"choices": [{"delta": {"content": "caf\xe9"}}]}\n\n',), words=())
    assert (await asked_with(committed_world))["result"]["output"] == "caf�"


async def test_an_answer_put_right_is_paid_twice_and_says_so(
    committed_world: World, truth: psycopg.Connection, provider: Provider
) -> None:
    provider.will(words=("Blue.",)).will(words=('{"sky": "blue"}',))
    run = await asked_with(committed_world, output_schema=SKY)
    assert run["result"]["output"] == '{"sky": "blue"}'
    assert any("asked once more" in line["message"] for line in run["logs"])
    assert truth.execute("select input_tokens, output_tokens from agents_run").fetchone() == (84, 14)
    assert truth.execute("select count(*) from llm_llmcall").fetchone() == (2,)
