# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An organization's own models, asked through the gateway: real servers, real rows, real Redis."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from codexos.kernel.chat import Attempt, ChatRequest
from codexos.kernel.egress import EgressRefused
from codexos.kernel.ids import new_id
from llm.adapters import rates as rates_module
from llm.engine.breakers import FAILURES_TO_TRIP
from llm.engine.routing import GiveUp
from llm.errors import (
    ModelKeyUnusable,
    ModelLacks,
    ModelLimitReached,
    ModelOverloaded,
    ModelRateLimited,
    ModelRequestRefused,
    ModelResting,
    ModelSwitchedOff,
    ModelUnreachable,
)
from llm.operations.askers import Asker
from llm.operations.deployments import DeploymentEdit, change_deployment
from llm.operations.providers import ProviderEdit, change_provider
from llm.operations.routes import RulesEdit, change_rules
from llm.operations.routing import Routed, _Trip
from llm.queries.catalogs import Way
from tests.factories import World
from tests.fakes.openai import Provider, serve_provider
from tests.llm.setting_up import ask, asker_in, connect, deploy, put_key, route, way_of


@pytest.fixture
def servers(settings: Any) -> Iterator[tuple[Provider, Provider]]:
    settings.EGRESS_ALLOW = "127.0.0.1"
    with serve_provider() as first, serve_provider() as second:
        yield first, second


@pytest.fixture
def two(world: World, servers: tuple[Provider, Provider]) -> tuple[Any, Any]:
    """Two deployments, each at a server of its own."""
    actor = world.admin.actor
    near, far = (connect(actor, server, name=name) for server, name in zip(servers, ("Near", "Far"), strict=True))
    return deploy(actor, near, "near"), deploy(actor, far, "far")


def test_a_deployment_answers_by_its_name_with_its_own_key(world: World, servers: Any, two: Any) -> None:
    shown, answer = ask(asker_in(world), "near")
    assert (shown, answer.route) == ("The lamp was lit in 1871.", None)
    assert way_of(answer) == [("near", None)]
    assert (len(servers[0].asked), len(servers[1].asked)) == (1, 0)


def test_a_route_falls_back_and_says_so(world: World, servers: Any, two: Any) -> None:
    route(world.admin.actor, "fast", two)
    servers[0].will(status=429, error="slow down", headers={"Retry-After": "30"})
    shown, answer = ask(asker_in(world), "fast")
    assert (shown, answer.route) == ("The lamp was lit in 1871.", "fast")
    assert way_of(answer) == [("near", "model_rate_limited"), ("far", None)]


def test_all_are_asked_again_where_the_route_says_so(world: World, servers: Any, two: Any) -> None:
    route(world.admin.actor, "fast", two, retries=1)
    for server in servers:
        server.will(status=503, error="busy", headers={"Retry-After": "0"})
    _, answer = ask(asker_in(world), "fast")
    assert [code for _, code in way_of(answer)] == ["model_overloaded", "model_overloaded", None]


def test_a_route_that_fails_tells_everything_it_tried(world: World, servers: Any, two: Any) -> None:
    route(world.admin.actor, "fast", two)
    servers[0].will(status=503, error="busy")
    servers[1].key = "sk-another-key-0123456789"
    with pytest.raises(ModelOverloaded, match=r"near \(model_overloaded\), far \(model_key_refused\)") as raised:
        ask(asker_in(world), "fast")
    assert raised.value.retryable
    assert raised.value.details["route"] == "fast"
    assert raised.value.details["attempts"] == [
        {"model": "near", "error": "model_overloaded"},
        {"model": "far", "error": "model_key_refused"},
    ]


def test_an_error_that_several_wait_for_is_told_to_each_of_its_own_way() -> None:
    shared = ModelKeyUnusable(provider="Near", key="near_key", because="it is gone.")
    trip = _Trip(ChatRequest("fast", ()), (), attempts=[Attempt("near", 0.1, "x"), Attempt("far", 0.1, "y")])
    error = Routed(Way((), "fast"), cast(Any, None))._explained(GiveUp(shared), trip)
    assert "Asked in this order: near (x), far (y)." in error.message
    assert (type(error), error.details["provider"], error.details["route"]) == (ModelKeyUnusable, "Near", "fast")
    assert "Asked in this order" not in f"{shared} {shared.message} {shared.details}"


def test_a_refusal_is_not_taken_elsewhere(world: World, servers: Any, two: Any) -> None:
    route(world.admin.actor, "fast", two)
    servers[0].will(status=400, error="I would rather not.")
    with pytest.raises(ModelRequestRefused):
        ask(asker_in(world), "fast")
    assert servers[1].asked == []


def test_once_something_was_shown_nobody_else_is_asked(world: World, servers: Any, two: Any) -> None:
    route(world.admin.actor, "fast", two, retries=3)
    servers[0].will(breaks_off=True)
    with pytest.raises(ModelUnreachable):
        ask(asker_in(world), "fast")
    assert servers[1].asked == []


def test_one_that_fails_again_and_again_is_left_alone(world: World, servers: Any, two: Any) -> None:
    route(world.admin.actor, "fast", two)
    for _ in range(FAILURES_TO_TRIP):
        servers[0].will(status=500, error="broken")
        ask(asker_in(world), "fast")
    _, answer = ask(asker_in(world), "fast")
    assert way_of(answer) == [("near", "model_resting"), ("far", None)]
    assert len(servers[0].asked) == FAILURES_TO_TRIP
    with pytest.raises(ModelResting, match="tried again in"):
        ask(asker_in(world), "near")


def test_another_is_asked_beside_one_that_does_not_begin(world: World, servers: Any, two: Any) -> None:
    route(world.admin.actor, "fast", two, hedge_after_ms=(1,))
    servers[0].will(never_begins=True)
    shown, answer = ask(asker_in(world), "fast")
    assert shown == "The lamp was lit in 1871."
    assert way_of(answer) == [("near", "outrun"), ("far", None)]
    assert servers[0].hung_up.wait(5)


def test_nobody_is_asked_beside_one_that_may_take_hours(world: World, servers: Any, two: Any) -> None:
    route(world.admin.actor, "fast", two, hedge_after_ms=(1,))
    _, answer = ask(asker_in(world), "fast", may_wait=True)
    assert way_of(answer) == [("near", None)]
    assert servers[1].asked == []


def test_a_failure_beside_a_late_one_is_told_and_the_late_one_heard(world: World, servers: Any, two: Any) -> None:
    route(world.admin.actor, "fast", two, hedge_after_ms=(60_000,))
    servers[0].will(status=500, error="broken")
    _, answer = ask(asker_in(world), "fast")
    assert way_of(answer) == [("near", "model_unavailable"), ("far", None)]


def test_a_conversation_stays_at_one_deployment(world: World, servers: Any, two: Any) -> None:
    route(world.admin.actor, "talk", two, is_sticky=True)
    homes = {
        talk: {way_of(ask(asker_in(world), "talk", conversation=talk)[1])[0][0] for _ in range(2)}
        for talk in map(str, range(8))
    }
    assert all(len(home) == 1 for home in homes.values())
    assert set.union(*homes.values()) == {"near", "far"}


def test_names_shadow_from_the_project_down(world: World, servers: Any, two: Any, settings: Any) -> None:
    settings.OLLAMA_MODELS = ["near"]
    near, far = two
    route(world.admin.actor, "pick", [near])
    route(world.lead.actor, "pick", [far], project=str(world.project.pk))
    assert way_of(ask(asker_in(world), "pick")[1]) == [("far", None)]
    assert way_of(ask(Asker(world.acme.pk), "pick")[1]) == [("near", None)]
    assert way_of(ask(Asker(world.acme.pk), "near")[1]) == [("near", None)]
    route(world.admin.actor, "near", [far])
    assert way_of(ask(asker_in(world), "near")[1]) == [("far", None)]
    assert ask(Asker(world.other.pk), "pick")[1].model == "offline"


def test_what_is_switched_off_is_refused_and_not_answered_by_another(world: World, servers: Any, two: Any) -> None:
    near, far = two
    route(world.admin.actor, "fast", two)
    change_deployment(world.admin.actor, near.pk, DeploymentEdit(is_enabled=False))
    with pytest.raises(ModelSwitchedOff):
        ask(asker_in(world), "near")
    assert way_of(ask(asker_in(world), "fast")[1]) == [("far", None)]
    change_provider(world.admin.actor, far.provider_id, ProviderEdit(is_enabled=False))
    with pytest.raises(ModelSwitchedOff):
        ask(asker_in(world), "fast")


def test_a_deployment_is_not_asked_for_what_it_cannot_do(world: World, servers: Any, two: Any) -> None:
    near, _ = two
    change_deployment(world.admin.actor, near.pk, DeploymentEdit(capabilities=["tools"]))
    route(world.admin.actor, "fast", two)
    servers[1].will(words=("{}",))
    _, answer = ask(asker_in(world), "fast", schema={"type": "object"})
    assert way_of(answer) == [("near", "model_lacks"), ("far", None)]
    with pytest.raises(ModelLacks, match="without structured output"):
        ask(asker_in(world), "near", schema={"type": "object"})


def test_limits_hold_for_a_provider_and_for_the_organization(world: World, servers: Any, two: Any) -> None:
    near, _ = two
    change_provider(world.admin.actor, near.provider_id, ProviderEdit(requests_per_minute=(1,)))
    ask(asker_in(world), "near")
    with pytest.raises(ModelLimitReached, match="room again in") as raised:
        ask(asker_in(world), "near")
    assert 0 < raised.value.details["retry_after_seconds"] <= 60
    ask(asker_in(world), "far")
    change_rules(world.admin.actor, RulesEdit(tokens_per_minute=(900,)))
    ask(asker_in(world), "far", max_tokens=800)
    with pytest.raises(ModelLimitReached):
        ask(asker_in(world), "far", max_tokens=890)
    # What was not used was given back: 49 tokens of 900 were spent.
    ask(asker_in(world), "far", max_tokens=700)
    assert len(servers[0].asked) == 1


def test_while_redis_is_away_nothing_is_counted_and_the_log_says_so(
    world: World, servers: Any, two: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    near, _ = two
    change_provider(world.admin.actor, near.provider_id, ProviderEdit(requests_per_minute=(1,)))
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    rates_module._all.pop(settings.REDIS_URL, None)
    for _ in range(3):
        ask(asker_in(world), "near")
    assert caplog.text.count("is not counted") == 1


def test_local_only_refuses_what_is_elsewhere_and_says_so(world: World, servers: Any, two: Any, settings: Any) -> None:
    actor = world.admin.actor
    far_away = connect(actor, servers[0], name="Away", key="")
    change_rules(actor, RulesEdit(is_local_only=True))
    assert way_of(ask(asker_in(world), "near")[1]) == [("near", None)]
    settings.EGRESS_ALLOW = "203.0.113.7,127.0.0.1"
    change_provider(actor, far_away.pk, ProviderEdit(base_url="http://203.0.113.7/v1"))
    deploy(actor, far_away, "away")
    with pytest.raises(EgressRefused, match="only local addresses are reached in local-only mode"):
        ask(asker_in(world), "away")
    assert ask(asker_in(world), "offline")[1].model == "offline"


def test_a_private_address_is_reached_only_where_the_operator_opens_it(
    world: World, servers: Any, two: Any, settings: Any
) -> None:
    settings.EGRESS_ALLOW = ""
    with pytest.raises(EgressRefused):
        ask(asker_in(world), "near")
    assert servers[0].asked == []


def test_an_unknown_organization_has_nothing(servers: Any, world: World) -> None:
    assert ask(Asker(new_id()), "near")[1].model == "offline"


def test_an_organizations_own_rate_limit_of_the_provider_is_no_fault(world: World, servers: Any, two: Any) -> None:
    for _ in range(FAILURES_TO_TRIP + 2):
        servers[0].will(status=429, error="slow down")
        with pytest.raises(ModelRateLimited):
            ask(asker_in(world), "near")
    assert way_of(ask(asker_in(world), "near")[1]) == [("near", None)]


def test_what_is_kept_of_one_address_is_not_given_for_another(world: World, servers: Any, two: Any) -> None:
    for _ in range(2):
        ask(asker_in(world), "near", caches=True)
    assert len(servers[0].asked) == 1
    change_provider(world.admin.actor, two[0].provider_id, ProviderEdit(base_url=f"{servers[0].url}/"))
    ask(asker_in(world), "near", caches=True)
    assert len(servers[0].asked) == 1
    put_key(world.admin.actor, "moved_key", servers[1].key)
    change_provider(world.admin.actor, two[0].provider_id, ProviderEdit(base_url=servers[1].url, key="moved_key"))
    _shown, answer = ask(asker_in(world), "near", caches=True)
    assert (len(servers[1].asked), answer.is_cached) == (1, False)
