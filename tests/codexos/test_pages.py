# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lists are walked by cursors in both directions; nothing is lost or repeated while rows come."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import Team
from accounts.tenancy import tenant
from tests.codexos.test_problems import check_problem
from tests.factories import World

pytestmark = pytest.mark.usefixtures("probes")
TEAMS = "/api/v1/probe/teams/"


@pytest.fixture
def teams(world: World) -> list[str]:
    """Make nine teams beside the first, and return all slugs, newest first."""
    with tenant(world.acme.id):
        rows = [Team.objects.create(organization=world.acme, name=f"T{n}", slug=f"t{n}") for n in range(9)]
    return [row.slug for row in reversed(rows)] + ["core"]


def _slugs(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [row["slug"] for row in answer["results"]]


def test_a_list_is_walked_to_its_end_and_back(world: World, api: Callable[..., APIClient], teams: list[str]) -> None:
    client, seen, back = api(world.dev), [], []
    page = client.get(f"{TEAMS}?limit=4").json()
    assert page["previous"] is None
    seen += _slugs(page)
    while page["next"]:
        page = client.get(page["next"]).json()
        seen += _slugs(page)
    assert seen == teams
    while page["previous"]:
        page = client.get(page["previous"]).json()
        back = _slugs(page) + back
    assert back == teams[:8]


def test_rows_that_come_meanwhile_shift_nothing(world: World, api: Callable[..., APIClient], teams: list[str]) -> None:
    first = api(world.dev).get(f"{TEAMS}?limit=4").json()
    with tenant(world.acme.id):
        Team.objects.create(organization=world.acme, name="New", slug="new")
    second = api(world.dev).get(first["next"]).json()
    assert _slugs(second) == teams[4:8]
    before = api(world.dev).get(second["previous"]).json()
    assert _slugs(before) == teams[:4]
    assert _slugs(api(world.dev).get(before["previous"]).json()) == ["new"]


@pytest.mark.parametrize(
    "query",
    ["cursor=x", "cursor=%C3%A9", "cursor=AQ", "cursor=AwAAAAAAAAAAAAAAAAAAAAAA", "cursor=////", "limit=0",
     "limit=201", "limit=-1", "limit=ten", "limit=99999999999999999999", "limit=%D9%A1"],
)  # fmt: skip
def test_bad_cursors_and_limits(world: World, api: Callable[..., APIClient], query: str) -> None:
    check_problem(api(world.dev).get(f"{TEAMS}?{query}"), 422)


def test_the_other_organizations_cursor_shows_nothing_of_it(world: World, api: Callable[..., APIClient]) -> None:
    with tenant(world.other.id):
        for n in range(3):
            Team.objects.create(organization=world.other, name=f"O{n}", slug=f"o{n}")
    theirs = api(world.stranger).get(f"{TEAMS}?limit=2").json()["next"]
    assert set(_slugs(api(world.dev).get(theirs).json())) <= {"core"}
