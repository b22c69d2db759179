# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Routes over what the operator has set up and the built-in model: asked in their order, as any other step."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.tenancy import tenant
from llm.errors import EmbeddingsNotOffered, ModelInvalid
from llm.models import LlmCall
from llm.operations.routes import RouteEdit, change_route, create_route, move_step
from llm.queries.quotes import Quotes
from llm.queries.routes import access_route, steps_of
from tests.factories import World
from tests.fakes.openai import Provider, serve_provider
from tests.llm.setting_up import ask, asker_in, connect, deploy, way_of
from tests.llm.test_embed import embed


@pytest.fixture
def servers(settings: Any) -> Iterator[tuple[Provider, Provider]]:
    """The organization's own server, and the operator's."""
    settings.EGRESS_ALLOW = "127.0.0.1"
    with serve_provider() as own, serve_provider() as operators:
        settings.MODEL_URL, settings.MODEL_KEY, settings.MODELS = operators.url, operators.key, ["o3-mini"]
        yield own, operators


def test_a_route_falls_back_to_the_operators_model_and_at_last_to_the_built_in_one(
    world: World, servers: tuple[Provider, Provider], settings: Any
) -> None:
    own, operators = servers
    row = deploy(world.admin.actor, connect(world.admin.actor, own), "mine")
    edit = RouteEdit(name="fast", deployments=[str(row.pk), "o3-mini", "offline"], retries=0)
    route = create_route(world.admin.actor, edit)
    own.will(status=503)
    _, answer = ask(asker_in(world), "fast")
    assert [code for _, code in way_of(answer)] == ["model_overloaded", None]
    assert operators.asked[-1]["model"] == "o3-mini"
    own.will(status=503)
    operators.will(status=503)
    _, answer = ask(asker_in(world), "fast")
    assert (answer.model, answer.route, way_of(answer)[-1]) == ("offline", "fast", ("offline", None))
    assert "as the route has it" in str(answer.note)
    # The built-in model has no rows and costs nothing.
    with tenant(world.acme.pk):
        assert LlmCall.objects.for_organization(world.acme.pk).count() == 4
    assert Quotes(world.acme.pk, world.project.pk).of("fast").models == ["gpt-4o", "o3-mini", "offline"]  # type: ignore[union-attr]
    # What the operator takes out of the settings is left out, and nothing takes its place.
    settings.MODELS = []
    own.will(status=503)
    _, answer = ask(asker_in(world), "fast")
    assert [name for name, _ in way_of(answer)] == ["mine", "offline"]
    moved = move_step(world.admin.actor, route.pk, "offline", by=-2)
    assert [step.name for step in steps_of(moved)] == ["offline", "mine", "o3-mini"]


def test_an_organization_without_deployments_has_routes_too(world: World, servers: tuple[Provider, Provider]) -> None:
    create_route(world.admin.actor, RouteEdit(name="local", deployments=["o3-mini"], retries=0))
    _, answer = ask(asker_in(world), "local")
    assert answer.route == "local"
    create_route(world.admin.actor, RouteEdit(name="never", deployments=["offline"], retries=0))
    assert ask(asker_in(world), "never")[1].model == "offline"
    with pytest.raises(EmbeddingsNotOffered):
        embed(world, ["lamp"], model="never", asker=asker_in(world))


@pytest.mark.parametrize("named", ["gpt-4o", "nobody", "", "x" * 300])
def test_a_name_that_nobody_answers_here_is_no_step(world: World, named: str, settings: Any) -> None:
    settings.OPENAI_API_KEY = ""
    with pytest.raises(ModelInvalid, match="neither the id of a deployment nor a model"):
        create_route(world.admin.actor, RouteEdit(name="fast", deployments=[named]))


def test_the_api_says_whom_a_route_leads_to(world: World, servers: tuple[Provider, Provider]) -> None:
    client = APIClient(headers={"Authorization": f"Bearer {world.admin.token}"})
    made = client.post("/api/v1/routes/", {"name": "fast", "deployments": ["o3-mini", "offline"]}, format="json").json()
    assert made["deployments"] == [
        {"id": None, "name": "o3-mini", "provider": None},
        {"id": None, "name": "offline", "provider": None},
    ]
    with pytest.raises(ModelInvalid, match="each deployment once"):
        change_route(world.admin.actor, made["id"], RouteEdit(deployments=["offline", "offline"]))
    assert len(steps_of(access_route(world.admin.actor, made["id"]))) == 2
