# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Costs over HTTP: exact, told to those whose matter they are, and to be billed on."""

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from rest_framework.test import APIClient

from accounts.models import UsageRecord
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.chat import Usage
from codexos.kernel.ids import new_id
from llm.engine.prices.snapshot import listed_rate, snapshot
from llm.models import CallOutcome, LlmCall
from llm.operations.askers import Asker
from llm.operations.calls import CallBegun, CallEnded, count_calls, count_late_calls
from llm.operations.spending import settle
from llm.queries.costs import load_costs
from tests.factories import Someone, World
from tests.llm.asking import GPT, asker_of

Api = Callable[..., APIClient]


def call(asker: Asker, *, cost: str | None = "0.1", model: str = "gpt-4o", **more: Any) -> None:
    """Write down a call."""
    begun = CallBegun(asker, "OpenAI", "openai", model, **more)
    outcome = CallOutcome.ANSWERED
    settle(begun, CallEnded(outcome, Usage(1_000, 100), None if cost is None else Decimal(cost), 1.5))


def asker(world: World, who: Someone, **more: Any) -> Asker:
    return asker_of(world, person_id=who.person.pk, **more)


def test_costs_are_summed_up_by_what_one_asks_for(world: World, api: Api):
    flow = new_id()
    call(asker(world, world.dev, flow_id=flow))
    call(asker(world, world.dev), model="o3", cost="0.5")
    call(asker(world, world.lead), cost=None)
    call(asker(world, world.stranger, organization_id=world.other.id), cost="9")
    answer = api(world.admin).get("/api/v1/usage/groups/?by=model").json()
    assert [(row["key"], row["calls"], row["cost_usd"]) for row in answer["groups"]] == [
        ("o3", 1, "0.5"),
        ("gpt-4o", 2, "0.1"),
    ]
    assert (answer["total"]["cost_usd"], answer["total"]["unpriced_calls"]) == ("0.6", 1)
    by = {
        name: api(world.admin).get(f"/api/v1/usage/groups/?by={name}").json()["groups"]
        for name in ("flow", "person", "team", "project", "node", "run", "day", "deployment", "route")
    }
    assert str(flow) in {row["key"] for row in by["flow"]}
    assert {row["name"] for row in by["person"]} == {str(world.dev.person), str(world.lead.person)}
    assert [row["name"] for row in by["team"]] == [world.team.name]
    assert [row["key"] for row in by["day"]] == [clock.now().date().isoformat()]
    for groups in by.values():
        assert sum(Decimal(row["cost_usd"]) for row in groups) == Decimal("0.6")


def test_whose_costs_one_sees(world: World, api: Api):
    call(asker(world, world.dev))
    call(asker(world, world.lead), cost="0.7")
    for who, cost in ((world.dev, "0.1"), (world.viewer, "0"), (world.lead, "0.7"), (world.admin, "0.8")):
        assert api(who).get("/api/v1/usage/groups/").json()["total"]["cost_usd"] == cost
        assert len(api(who).get("/api/v1/usage/calls/").json()["results"]) == {"0.8": 2, "0": 0}.get(cost, 1)
    assert api(world.stranger).get("/api/v1/usage/groups/").json()["total"]["calls"] == 0
    assert api(world.dev).get("/api/v1/usage/groups/?of=organization").status_code == 403
    assert api(world.dev).get("/api/v1/usage/report/").status_code == 403
    assert api(None).get("/api/v1/usage/calls/").status_code == 401
    for bad in ("groups/?by=moon", "groups/?since=yesterday", "series/?by=run", "calls/?run_id=1", "report/?form=xml"):
        assert api(world.admin).get(f"/api/v1/usage/{bad}").status_code == 422


def test_days_without_calls_are_drawn_too(world: World, api: Api):
    now = clock.now()
    for model, cost in (("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5")):
        call(asker(world, world.dev), model=model, cost=cost, at=now - timedelta(days=2))
    since = (now - timedelta(days=4)).date().isoformat()
    series = api(world.admin).get(f"/api/v1/usage/series/?since={since}").json()
    assert len(series["days"]) == 5
    assert [(line["name"], line["cost_usd"][2]) for line in series["lines"]] == [
        ("e", "5"),
        ("d", "4"),
        ("c", "3"),
        ("others", "3"),
    ]


def test_costs_are_billed_on_with_a_markup(world: World, api: Api):
    call(asker(world, world.dev), cost="0.123")
    assert api(world.admin).patch("/api/v1/cost-rules/", {"markup": "1.25"}, format="json").json()["markup"] == "1.25"
    answer = api(world.admin).get("/api/v1/usage/report/")
    assert isinstance(answer, StreamingHttpResponse)
    (row,) = json.loads(b"".join(answer.streaming_content))
    assert (row["project"], row["cost_usd"], row["billed_usd"]) == (world.project.name, "0.123", "0.15375")
    text = b"".join(api(world.admin).get("/api/v1/usage/report/?form=csv").streaming_content).decode()
    (line,) = csv.DictReader(StringIO(text))
    assert (line["person"], line["billed_usd"]) == (str(world.dev.person), "0.15375")


def test_a_single_call_tells_the_price_that_was_used(world: World, api: Api):
    run_id = new_id()
    rate = listed_rate("openai", "gpt-4o")
    assert rate is not None
    call(asker(world, world.dev, run_id=run_id), rate=rate.as_data(), prices=snapshot().sha256)
    (row,) = api(world.dev).get(f"/api/v1/usage/calls/?run_id={run_id}").json()["results"]
    assert (row["rate"]["input"], row["prices"], row["node_id"]) == ("2.5", snapshot().sha256, "answer")


def test_a_budget_is_set_changed_guarded_and_dropped(world: World, api: Api):
    admin = api(world.admin)
    body = {"name": "Team", "scope": "team", "scope_id": str(world.team.id), "limit_usd": "10", "alerts": [50]}
    made = admin.post("/api/v1/budgets/", body, format="json", headers={"idempotency-key": "k1"})
    again = admin.post("/api/v1/budgets/", body, format="json", headers={"idempotency-key": "k1"})
    assert (made.status_code, again.json()["id"]) == (201, made.json()["id"])
    url = made["Location"]
    call(asker(world, world.dev), cost="2.5")
    shown = admin.get(url)
    told = {name: shown.json()[name] for name in ("scope_name", "limit_usd", "spent_usd", "percent")}
    assert told == {"scope_name": world.team.name, "limit_usd": "10", "spent_usd": "2.5", "percent": "25"}
    stale = admin.patch(url, {"limit_usd": "1"}, format="json", headers={"if-match": '"other"'})
    assert stale.status_code == 412
    changed = admin.patch(url, {"limit_usd": "1"}, format="json", headers={"if-match": shown["ETag"]})
    assert (changed.status_code, changed.json()["limit_usd"]) == (200, "1")
    for bad in ({"limit_usd": "-1"}, {"limit_usd": "x"}, {"period": "year"}, {"scope": "team"}, {"alerts": [0]}):
        assert admin.patch(url, bad, format="json").status_code == 422
    for who in (world.dev, world.viewer, world.stranger):
        assert api(who).get(url).status_code == 404
    assert admin.delete(url).status_code == 204
    assert admin.get(url).status_code == 404


def test_one_sees_the_budget_on_oneself(world: World, api: Api):
    body = {"name": "Dev", "scope": "person", "scope_id": str(world.dev.person.pk), "limit_usd": "10"}
    assert api(world.admin).post("/api/v1/budgets/", body, format="json").status_code == 201
    assert [row["name"] for row in api(world.dev).get("/api/v1/budgets/").json()["results"]] == ["Dev"]
    assert api(world.lead).get("/api/v1/budgets/").json()["results"] == []


def test_an_own_price_counts_before_the_list_and_is_dropped(world: World, api: Api):
    admin = api(world.admin)
    listed = admin.get("/api/v1/prices/?q=gpt-4o&kind=openai").json()
    assert listed["sha256"] == snapshot().sha256
    assert next(row for row in listed["prices"] if row["model"] == "gpt-4o")["id"] is None
    for amount in ("1", "2"):
        body = {"kind": "openai", "model": "gpt-4o", "input": amount, "output": "4"}
        made = admin.post("/api/v1/prices/", body, format="json")
        assert made.status_code == 201
    price = load_costs(world.acme.id).price_of(GPT)
    assert (price.rate and price.rate.input, price.source) == (2, made.json()["id"])
    assert load_costs(world.other.id).price_of(GPT).source == snapshot().sha256
    assert admin.delete(f"/api/v1/prices/{made.json()['id']}/").status_code == 204
    before = load_costs(world.acme.id).price_of(GPT)
    assert before.rate is not None
    assert before.rate.input == 1
    for bad in ({"input": "-1"}, {"input": "NaN"}, {"kind": "moon"}, {"model": ""}, {"strange": 1}):
        body = {"kind": "openai", "model": "m", "input": "1", "output": "1"} | bad
        assert admin.post("/api/v1/prices/", body, format="json").status_code == 422
    body = {"kind": "openai", "model": "m", "input": "99999999", "output": "1"}
    told = admin.post("/api/v1/prices/", body, format="json").json()["detail"]
    assert "'99999999" in told
    assert "Decimal" not in told


def test_what_a_run_cost_is_counted_once_also_what_came_late(world: World):
    run_id = new_id()
    call(asker(world, world.dev, run_id=run_id))
    call(asker(world, world.dev, run_id=run_id), cost="0.2")

    def recorded() -> Decimal:
        rows = UsageRecord.objects.for_organization(world.acme.id)
        return sum((row.cost_usd for row in rows), Decimal(0))

    with tenant(world.acme.id):
        assert count_calls(world.acme.id, [run_id])[run_id].cost_usd == Decimal("0.3")
        assert count_calls(world.acme.id, [run_id]) == {}
        rows = UsageRecord.objects.for_organization(world.acme.id)
        rows.create(
            organization_id=world.acme.id, kind="run.tokens", quantity=1, unit="tokens", run_id=run_id, cost_usd="0.3"
        )
    call(asker(world, world.dev, run_id=run_id), cost="0.04")
    call(asker(world, world.dev, run_id=None), cost="0.001")
    soon = clock.now() + timedelta(seconds=1)
    assert count_late_calls(world.acme.id, before=soon) == 1
    assert count_late_calls(world.acme.id, before=soon) == 0
    with tenant(world.acme.id):
        calls = LlmCall.objects.for_organization(world.acme.id)
        assert recorded() == sum(row.cost_usd or 0 for row in calls) == Decimal("0.341")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x"])
def test_a_spreadsheet_takes_no_name_for_a_formula(world: World, api: Api, name: str):
    call(asker(world, world.dev), model=name)
    text = api(world.admin).get("/api/v1/usage/groups/?form=csv").content.decode()
    assert f"'{name}" in text
