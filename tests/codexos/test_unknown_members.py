# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A member that the API does not know is refused: a limit that is misspelled must not be taken for none."""

from typing import Any

import pytest

from accounts.models import ApiToken
from accounts.tenancy import tenant
from tests.factories import World

TOKEN = {"name": "CI", "scopes": ["read"]}


@pytest.mark.parametrize("misspelled", ["expires_at", "days", "Expires_in_days", ""])
def test_a_token_whose_end_is_misspelled_is_not_made(world: World, client: Any, misspelled: str) -> None:
    client.force_login(world.dev.person)
    with tenant(world.acme.pk):
        before = ApiToken.objects.for_organization(world.acme.pk).count()
    answer = client.post("/api/v1/tokens/", {**TOKEN, misspelled: 7}, content_type="application/json")
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["place"] == misspelled
    assert error["message"].startswith(f"{misspelled!r} is not known here. Use one of: name, scopes, expires_in_days")
    with tenant(world.acme.pk):
        assert ApiToken.objects.for_organization(world.acme.pk).count() == before


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/agent/run", {"agent_id": "x", "flow": {}, "context": [], "input": "", "project_id": "project"}),
        ("/api/v1/flows/", {"document": {}}),
        ("/api/v1/flows/validate/", {"document": {}}),
        ("/api/v1/teams/", {"name": "New"}),
        ("/api/v1/projects/", {"name": "New", "team": "core"}),
        ("/api/v1/invitations/", {"email": "new@acme.example", "role": "viewer"}),
    ],
)
def test_every_body_names_the_one_it_does_not_know(world: World, api: Any, address: str, body: dict[str, Any]) -> None:
    answer = api(world.admin).post(address, {**body, "colour": "red"}, format="json")
    assert answer.status_code == 422
    assert [error["place"] for error in answer.json()["errors"]] == ["colour"]


def test_changes_are_no_exception(world: World, api: Any) -> None:
    answer = api(world.admin).patch(f"/api/v1/teams/{world.team.slug}/", {"nmae": "X"}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["place"]) == (422, "nmae")


def test_a_body_full_of_nonsense_is_not_echoed_whole(world: World, api: Any) -> None:
    nonsense = {f"{n}-{'x' * 500}": n for n in range(1000)}
    answer = api(world.admin).post("/api/v1/teams/", {"name": "New", **nonsense}, format="json")
    assert answer.status_code == 422
    assert len(answer.content) < 5000


def test_query_strings_take_more(world: World, api: Any) -> None:
    assert api(world.admin).get("/api/v1/tokens/?of=me&limit=3&utm=x").status_code == 200
