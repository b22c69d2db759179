# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What pages cost: as many queries for many rows as for few."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.operations.invitations import invite
from accounts.operations.members import admit
from accounts.operations.projects import create_project
from accounts.operations.teams import create_team
from accounts.operations.tokens import issue_token
from accounts.roles import Role
from tests.accounts.pages.conftest import Browse
from tests.factories import World, make_person

MOST = {"members": 35, "teams": 22, "projects": 27, "tokens": 22, "audit": 30, "organization-settings": 32}


@pytest.mark.parametrize("page", MOST)
def test_a_longer_list_costs_no_more_queries(world: World, browse: Browse, page: str) -> None:
    invite(world.admin.actor, email="first@acme.example", role=Role.VIEWER, teams=[world.team.pk])
    browser = browse(world.admin)
    browser.get(reverse(page))
    few = _cost(browser, reverse(page))
    _fill(world)
    assert _cost(browser, reverse(page)) == few
    assert few <= MOST[page], few


def _cost(browser: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert browser.get(address).status_code == 200
    return len(queries)


def _fill(world: World) -> None:
    actor = world.admin.actor
    for number in range(4):
        team = create_team(actor, name=f"Team {number}")
        create_project(actor, team=team.pk, name=f"Project {number}")
        person = make_person(f"more-{number}@acme.example", name=f"More {number}")
        admit(person, organization_id=world.acme.pk, role=Role.DEVELOPER, team_ids=[world.team.pk, team.pk])
        invite(actor, email=f"open-{number}@acme.example", role=Role.VIEWER, teams=[team.pk])
        issue_token(actor, name=f"Token {number}")
