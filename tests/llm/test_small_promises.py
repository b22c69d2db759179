# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What people rely on around models: keys are not said again, taken shares close, a call is written once, and more."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from rest_framework.test import APIClient

from accounts.operations.teams import create_team
from accounts.tenancy import tenant
from agents.operations.flows import create_flow
from codexos.kernel.egress import EgressRefused
from llm.errors import ModelInvalid, ModelKeyUnusable, RouteInUse
from llm.models import BudgetSpan, LlmCall
from llm.operations import metering
from llm.operations.budgets import BudgetRequest, create_budget
from llm.operations.known_costs import known_costs
from llm.operations.providers import ProviderEdit, create_provider
from llm.operations.routes import RulesEdit, change_rules, delete_route
from llm.operations.trials import try_provider
from tests.factories import World
from tests.fakes.openai import Provider, serve_provider
from tests.llm.setting_up import ask, asker_in, connect, deploy, put_key, route
from vault.models import SecretScope
from vault.operations.secrets import Folder
from vault.operations.sharing import Whom, share_secret, unshare_secret
from vault.queries.secrets import list_secrets

PASTED = "sk-proj-7f3d9a1c5e8b24607f3d9a1c5e8b2460"


@pytest.fixture
def server(settings: Any) -> Iterator[Provider]:
    settings.EGRESS_ALLOW = "127.0.0.1"
    with serve_provider() as provider:
        yield provider


def test_a_key_that_was_pasted_where_its_name_belongs_is_not_said_again(world: World, client: Client) -> None:
    api = APIClient(headers={"Authorization": f"Bearer {world.admin.token}"})
    body = {"name": "Near", "kind": "openai", "key": PASTED}
    refused = api.post("/api/v1/model-providers/", body, format="json")
    assert (refused.status_code, PASTED in refused.content.decode()) == (422, False)
    client.force_login(world.admin.person)
    page = client.post("/models/providers/new/", {"name": "Near", "kind": "openai", "key": PASTED})
    assert (page.status_code, PASTED in page.content.decode()) == (422, False)


def test_a_key_goes_over_plain_http_to_nobody_and_that_is_said_when_it_is_saved(world: World, settings: Any) -> None:
    put_key(world.admin.actor, "near_key", "a key")
    edit = ProviderEdit(name="Near", kind="vllm", base_url="http://models.example/v1", key="near_key")
    with pytest.raises(ModelInvalid, match="could read the key"):
        create_provider(world.admin.actor, edit)
    settings.EGRESS_ALLOW = "127.0.0.1"
    create_provider(world.admin.actor, ProviderEdit(name="Here", kind="vllm", base_url="http://127.0.0.1:9/v1"))


def test_a_share_that_is_taken_back_closes_the_key_as_soon_as_it_is_looked_up(world: World, server: Provider) -> None:
    night = create_team(world.admin.actor, name="Night shift")
    put_key(world.admin.actor, "night_key", server.key, folder=Folder(SecretScope.TEAM, team=night))
    edit = {"key": "night_key", "key_folder": "team", "key_team": str(night.pk)}
    deploy(world.admin.actor, connect(world.admin.actor, server, name="Night", **edit), "night")
    (secret,) = [row for row in list_secrets(world.admin.actor).rows if row.key == "night_key"]
    share = share_secret(world.admin.actor, secret.pk, whom=Whom(team=world.team.pk))
    assert ask(asker_in(world), "night")[1].text
    unshare_secret(world.admin.actor, secret.pk, str(share.pk))
    with pytest.raises(ModelKeyUnusable):
        ask(asker_in(world), "night")


def test_an_answer_that_ended_is_not_waited_for_where_the_server_never_says_so(
    world: World, server: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm.adapters.openai_compatible.AFTER_END_SECONDS", 0.05)
    deploy(world.admin.actor, connect(world.admin.actor, server), "near")
    server.will(lingers=True)
    answer = ask(asker_in(world), "near")[1]
    assert (answer.text, answer.usage.output_tokens) == ("The lamp was lit in 1871.", 7)
    assert server.hung_up.wait(10)


def test_local_only_is_said_before_a_missing_price(world: World, server: Provider, settings: Any) -> None:
    create_budget(world.admin.actor, BudgetRequest("Models", Decimal(5)))
    known_costs.forget(world.acme.pk)
    edit = ProviderEdit(name="Far", kind="openrouter", base_url="https://1.1.1.1/v1")
    deploy(world.admin.actor, create_provider(world.admin.actor, edit), "far", model="nobody/knows-it")
    change_rules(world.admin.actor, RulesEdit(is_local_only=True))
    with pytest.raises(EgressRefused):
        ask(asker_in(world), "far")


def test_a_trial_of_what_has_no_price_costs_nobody_knows_what(world: World, server: Provider) -> None:
    free = connect(world.admin.actor, server)
    assert try_provider(world.admin.actor, free.pk, model="gpt-4o").cost_usd == 0
    server.models = (*server.models, "nobody/knows-it")
    dear = connect(world.admin.actor, server, name="Dear", kind="openrouter")
    assert try_provider(world.admin.actor, dear.pk, model="nobody/knows-it").cost_usd is None


def test_a_call_whose_writing_was_not_confirmed_is_written_once(
    world: World, server: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_budget(world.admin.actor, BudgetRequest("Models", Decimal(5)))
    known_costs.forget(world.acme.pk)
    deploy(world.admin.actor, connect(world.admin.actor, server, kind="openai"), "near")
    settle, calls = metering.settle, []

    def unheard(*args: Any, **more: Any) -> None:
        calls.append(args)
        settle(*args, **more)
        if len(calls) == 1:
            raise OperationalError("the connection was lost while it was committed")

    monkeypatch.setattr(metering, "settle", unheard)
    monkeypatch.setattr(metering, "_SETTLE_PAUSES", (0.0, 0.0))
    answer = ask(asker_in(world), "near")[1]
    with tenant(world.acme.pk):
        (row,) = LlmCall.objects.for_organization(world.acme.pk)
        (span,) = BudgetSpan.objects.for_organization(world.acme.pk)
    assert len(calls) == 2
    assert row.cost_usd == span.spent_usd == answer.usage.cost_usd > 0
    assert span.reserved_usd == 0


def test_a_route_that_flows_name_is_deleted_by_nobody_who_does_not_know(
    world: World, server: Provider, client: Client
) -> None:
    row = route(world.admin.actor, "fast", [deploy(world.admin.actor, connect(world.admin.actor, server), "near")])
    nodes = [{"id": "ask", "type": "llm", "model": "fast"}, {"id": "say", "type": "llm", "prompt": '"smart"'}]
    document = {"id": "tides", "name": "Tides", "nodes": nodes}
    create_flow(world.dev.actor, project=world.project, document=document)
    api = APIClient(headers={"Authorization": f"Bearer {world.admin.token}"})
    refused = api.delete(f"/api/v1/routes/{row.pk}/")
    assert (refused.status_code, refused.json()["flows"]) == (409, ["Tides"])
    client.force_login(world.admin.person)
    assert "Flows that name it:" in client.get(f"/models/routes/{row.pk}/").content.decode()
    with pytest.raises(RouteInUse):
        delete_route(world.admin.actor, row.pk)
    assert api.delete(f"/api/v1/routes/{row.pk}/?even_if_used=true").status_code == 204
    smart = route(
        world.admin.actor, "smart", [deploy(world.admin.actor, connect(world.admin.actor, server, name="B"), "b")]
    )
    assert api.delete(f"/api/v1/routes/{smart.pk}/").status_code == 204


def test_a_viewer_reads_a_deployment_and_changes_nothing(world: World, server: Provider, client: Client) -> None:
    row = deploy(world.admin.actor, connect(world.admin.actor, server), "near")
    client.force_login(world.viewer.person)
    page = client.get(f"/models/deployments/{row.pk}/")
    assert (page.status_code, "gpt-4o" in page.content.decode(), "Save" in page.content.decode()) == (200, True, False)
    assert client.post(f"/models/deployments/{row.pk}/", {"model": "x"}).status_code == 403
