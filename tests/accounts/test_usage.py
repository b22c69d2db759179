# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Usage: the organization's for those who view billing, one's own for everybody, never another organization's."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from accounts.models import UsageRecord
from accounts.operations.usage import record_usage
from accounts.queries.usage import UsageOf, list_usage_kinds, usage_at_a_glance, usage_totals
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.errors import NotAllowed
from codexos.kernel.ids import new_id
from tests.factories import Someone, World

Api = Callable[..., APIClient]


def run(who: Someone, *, tokens: int, cost: str) -> None:
    """Meter a run of somebody."""
    with tenant(who.actor.organization_id):
        record_usage(who.actor, "run.tokens", quantity=tokens, unit="tokens", cost_usd=Decimal(cost), run_id=new_id())


def test_those_who_view_billing_see_the_whole_and_others_their_own(world: World) -> None:
    run(world.dev, tokens=100, cost="0.25")
    run(world.lead, tokens=50, cost="0.50")
    run(world.stranger, tokens=999, cost="9")
    whole = usage_totals(world.admin.actor)
    assert (whole.of, whole.runs, whole.tokens, whole.cost_usd) == (UsageOf.ORGANIZATION, 2, 150, Decimal("0.75"))
    own = usage_totals(world.dev.actor)
    assert (own.of, own.runs, own.tokens, own.cost_usd) == (UsageOf.PERSON, 1, 100, Decimal("0.25"))
    with pytest.raises(NotAllowed):
        usage_totals(world.dev.actor, of=UsageOf.ORGANIZATION)
    assert usage_totals(world.admin.actor, of=UsageOf.PERSON).runs == 0


def test_only_the_asked_time_counts(world: World) -> None:
    run(world.dev, tokens=100, cost="1")
    with tenant(world.acme.id):
        UsageRecord.objects.for_organization(world.acme.id).update(created_at=clock.now() - timedelta(days=40))
    run(world.dev, tokens=7, cost="2")
    assert usage_totals(world.admin.actor).tokens == 7
    assert usage_totals(world.admin.actor, since=clock.now() - timedelta(days=50)).tokens == 107
    assert usage_totals(world.admin.actor, until=clock.now() - timedelta(days=35)).tokens == 100
    glance = usage_at_a_glance(world.admin.actor)
    assert (glance.runs_today, glance.tokens_this_month, glance.cost_this_month_usd) == (1, 7, Decimal(2))


def test_kinds_are_summed_apart_the_dearest_first(world: World) -> None:
    run(world.dev, tokens=1, cost="1")
    run(world.dev, tokens=2, cost="1")
    with tenant(world.acme.id):
        record_usage(world.dev.actor, "file.stored", quantity=10, unit="bytes")
    kinds = [(kind.kind, kind.unit, kind.records, kind.quantity) for kind in list_usage_kinds(world.admin.actor)]
    assert kinds == [("run.tokens", "tokens", 2, 3), ("file.stored", "bytes", 1, 10)]


def test_the_api_says_whose_usage_it_is(world: World, api: Api) -> None:
    run(world.dev, tokens=100, cost="0.25")
    answer = api(world.admin).get("/api/v1/usage/").json()
    assert (answer["of"], answer["runs"], answer["tokens"]) == ("organization", 1, 100)
    assert Decimal(answer["cost_usd"]) == Decimal("0.25")
    assert answer["kinds"][0]["kind"] == "run.tokens"
    assert api(world.viewer).get("/api/v1/usage/").json()["of"] == "person"
    assert api(world.viewer).get("/api/v1/usage/?of=organization").status_code == 403
    assert api(world.stranger).get("/api/v1/usage/").json()["tokens"] == 0
    assert api(None).get("/api/v1/usage/").status_code == 401
    assert api(world.admin).get("/api/v1/usage/?since=yesterday").status_code == 422
    assert api(world.admin).get("/api/v1/usage/?of=mars").status_code == 422


def test_nothing_used_is_nothing(world: World) -> None:
    totals = usage_totals(world.admin.actor)
    assert (totals.runs, totals.tokens, totals.cost_usd) == (0, 0, Decimal(0))
