# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a run would cost, told before it is started, and honestly where nobody can know."""

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from rest_framework.test import APIClient

from agents.operations.flows import create_flow
from agents.operations.versions import publish_flow
from codexos.kernel.chat import Usage
from llm.engine.prices.snapshot import listed_rate
from llm.models import CallOutcome
from llm.operations.calls import CallBegun, CallEnded
from llm.operations.providers import ProviderEdit, create_provider
from llm.operations.spending import settle
from tests.factories import World
from tests.llm.asking import asker_of
from tests.llm.setting_up import deploy, put_key, route

Api = Callable[..., APIClient]
ANSWER = {"id": "answer", "type": "llm", "model": "gpt-4o", "prompt": "x" * 4_000, "max_tokens": 1_000, "next": "end"}
_numbers = count(1)


@pytest.fixture(autouse=True)
def _with_a_key(settings: Any) -> None:
    settings.OPENAI_API_KEY = "sk-test-of-estimates"


def flow_of(world: World, *nodes: Any) -> str:
    """Publish a flow of these nodes between an entry and an exit; return its id."""
    first = {"id": "start", "type": "entry", "next": nodes[0]["id"]}
    document = {"id": f"estimated-{next(_numbers)}", "nodes": [first, *nodes, {"id": "end", "type": "exit"}]}
    flow = create_flow(world.admin.actor, project=world.project, document=document, is_team_template=True)
    publish_flow(world.admin.actor, flow=str(flow.id))
    return str(flow.id)


def estimate(api: Api, who: Any, flow: str, **body: Any) -> Any:
    answer = api(who).post(f"/api/v1/flows/{flow}/estimate/", body, format="json")
    assert answer.status_code == 200, answer.json()
    return answer.json()


def test_a_node_costs_what_its_prompt_and_limits_come_to(world: World, api: Api):
    found = estimate(api, world.viewer, flow_of(world, ANSWER))
    (step,) = found["steps"]
    assert (step["models"], step["input_tokens"], step["output_tokens"], step["runs"]) == (["gpt-4o"], 1_000, 500, 0)
    assert Decimal(found["min_usd"]) == Decimal("2.5") * 1_000 / 1_000_000 + Decimal(10) / 1_000_000
    assert Decimal(found["expected_usd"]) == (Decimal("2.5") * 1_000 + Decimal(10) * 500) / 1_000_000
    assert Decimal(found["max_usd"]) == (Decimal("2.5") * 128_000 + Decimal(10) * 1_000) / 1_000_000
    assert found["notes"] == []


def test_what_was_learned_from_runs_is_expected(world: World, api: Api):
    flow = flow_of(world, ANSWER)
    rate = listed_rate("openai", "gpt-4o")
    assert rate is not None
    for _ in range(2):
        usage = Usage(3_000, 200)
        begun = CallBegun(asker_of(world, flow_id=flow), "OpenAI", "openai", "gpt-4o")
        settle(begun, CallEnded(CallOutcome.ANSWERED, usage, rate.cost(usage)))
    (step,) = estimate(api, world.dev, flow)["steps"]
    assert (step["input_tokens"], step["output_tokens"], step["runs"], step["calls"]) == (3_000, 200, 2, "1")
    assert Decimal(step["expected_usd"]) == rate.cost(Usage(3_000, 200))


def test_rounds_and_items_multiply_and_what_is_unbounded_is_not_known(world: World, api: Api):
    inner = {
        "nodes": [
            {"id": "start", "type": "entry", "next": "say"},
            {**ANSWER, "id": "say"},
            {"id": "end", "type": "exit"},
        ]
    }
    loop = {"id": "again", "type": "loop", "max_rounds": 4, "until": "false", "body": inner, "next": "end"}
    once = estimate(api, world.dev, flow_of(world, ANSWER))
    looped = estimate(api, world.dev, flow_of(world, loop))
    assert Decimal(looped["max_usd"]) == 4 * Decimal(once["max_usd"])
    assert looped["steps"][0]["node_id"] == "again/say"
    listed = {"id": "each", "type": "map", "over": "{{ input }}", "body": inner, "next": "end"}
    mapped = estimate(api, world.dev, flow_of(world, listed))
    assert (mapped["min_usd"], mapped["max_usd"]) == ("0", None)
    assert "only once its list is there" in mapped["notes"][0]


def test_an_answer_in_a_form_may_be_asked_for_twice(world: World, api: Api):
    formless = estimate(api, world.dev, flow_of(world, ANSWER))
    formed = estimate(api, world.dev, flow_of(world, {**ANSWER, "output_schema": {"type": "object"}}))
    assert Decimal(formed["max_usd"]) == 2 * Decimal(formless["max_usd"])
    assert formed["expected_usd"] == formless["expected_usd"]


def test_what_may_be_skipped_costs_nothing_at_least(world: World, api: Api):
    choice = {
        "id": "ask",
        "type": "condition",
        "expression": "input == 'yes'",
        "next": {"true": "answer", "else": "end"},
    }
    found = estimate(api, world.dev, flow_of(world, choice, ANSWER))
    assert found["min_usd"] == "0"
    assert Decimal(found["expected_usd"]) > 0


def test_free_and_unpriced_models_are_told_apart(world: World, api: Api, settings: Any):
    free = estimate(api, world.dev, flow_of(world, {**ANSWER, "model": "offline"}))
    assert (free["min_usd"], free["expected_usd"], free["max_usd"]) == ("0", "0", "0")
    unknown = estimate(api, world.dev, flow_of(world, {**ANSWER, "model": "gpt-of-tomorrow"}))
    assert (unknown["expected_usd"], unknown["max_usd"]) == (None, None)
    assert "is not known" in unknown["notes"][0]


def test_of_a_route_only_those_are_named_whose_price_is_not_known(world: World, api: Api):
    put_key(world.admin.actor, "key", "sk-test")
    provider = create_provider(world.admin.actor, ProviderEdit(name="Main", kind="openai", key="key"))
    both = [deploy(world.admin.actor, provider, model, model=model) for model in ("gpt-of-tomorrow", "gpt-4o")]
    route(world.admin.actor, "quick", both)
    found = estimate(api, world.dev, flow_of(world, {**ANSWER, "model": "quick"}))
    assert found["steps"][0]["models"] == ["gpt-of-tomorrow", "gpt-4o"]
    assert found["notes"] == ["The price of gpt-of-tomorrow, asked by 'answer', is not known."]


def test_the_other_organizations_flow_is_not_there(world: World, api: Api):
    flow = flow_of(world, ANSWER)
    assert api(world.stranger).post(f"/api/v1/flows/{flow}/estimate/", {}, format="json").status_code == 404
    assert api(world.dev).post(f"/api/v1/flows/{flow}/estimate/", {"strange": 1}, format="json").status_code == 422
