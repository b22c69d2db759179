# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What flows and runs are called can be read by people, and reads as what it is."""

from typing import Any

import pytest

from accounts.tenancy import tenant
from agents.models import Flow, Run
from tests.factories import World

LINEAR = {
    "id": "named",
    "nodes": [{"id": "start", "type": "entry", "next": "end"}, {"id": "end", "type": "exit"}],
}


@pytest.mark.parametrize("name", ["\u200b", "evil\u202egnp", "\u2066x"])
def test_a_run_is_not_labelled_with_what_cannot_be_read(world: World, api: Any, name: str) -> None:
    body = {"agent_id": name, "flow": LINEAR, "input": "x"}
    answer = api(world.dev).post("/agent/run", body, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["place"]) == (422, "agent_id")
    with tenant(world.acme.pk):
        assert not Run.objects.for_organization(world.acme.pk).exists()


@pytest.mark.parametrize("name", ["\u200b", "evil\u202egnp"])
def test_a_flow_is_not_called_what_cannot_be_read(world: World, api: Any, name: str) -> None:
    answer = api(world.dev).post("/api/v1/flows/", {"document": {**LINEAR, "name": name}}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["place"]) == (422, "document.name")
    with tenant(world.acme.pk):
        assert not Flow.objects.for_organization(world.acme.pk).exists()
