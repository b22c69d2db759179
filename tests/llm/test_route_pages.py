# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whom a route leads to is put in order on its page, and stays as it was where nothing was asked for."""

from typing import Any

from django.test import Client
from django.urls import reverse

from llm.queries.routes import access_route, steps_of
from tests.factories import World
from tests.fakes.openai import Provider
from tests.llm.setting_up import connect, deploy, route


def test_only_what_is_asked_for_is_done_to_the_order(world: World, client: Client) -> None:
    provider = connect(world.admin.actor, Provider("https://models.example/v1"))
    first, second = (deploy(world.admin.actor, provider, name) for name in ("first", "second"))
    row = route(world.admin.actor, "fast", [first, second])
    client.force_login(world.admin.person)

    def do(deed: str, deployment: Any) -> list[str]:
        address = reverse("route-steps", args=[row.pk])
        assert client.post(address, {"deployment": str(deployment.pk), "do": deed}).status_code in (302, 422)
        return [step.name for step in steps_of(access_route(world.admin.actor, row.pk))]

    assert do("later", first) == ["second", "first"]
    assert do("", first) == ["second", "first"]
    assert do("nonsense", first) == ["second", "first"]
    assert do("drop", second) == ["first"]
    assert do("drop", first) == ["first"]
