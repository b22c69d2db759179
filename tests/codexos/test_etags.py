# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An edit that names a state which is gone changes nothing; a read of what one holds costs no body."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from tests.codexos.test_problems import check_problem
from tests.factories import World

pytestmark = pytest.mark.usefixtures("probes")
TEAM = "/api/v1/probe/team/"


def test_of_two_edits_of_one_state_the_second_is_refused(world: World, api: Callable[..., APIClient]) -> None:
    client = api(world.dev)
    etag = client.get(TEAM)["ETag"]
    first = client.patch(TEAM, {"name": "First"}, format="json", headers={"If-Match": etag})
    second = client.patch(TEAM, {"name": "Second"}, format="json", headers={"If-Match": etag})
    assert first.status_code == 200
    assert check_problem(second, 412)["code"] == "precondition_failed"
    assert client.get(TEAM).json() == {"name": "First"}
    again = client.patch(TEAM, {"name": "Second"}, format="json", headers={"If-Match": f'"other", {first["ETag"]}'})
    assert again.status_code == 200


def test_an_edit_without_a_condition_goes_through(world: World, api: Callable[..., APIClient]) -> None:
    assert api(world.dev).patch(TEAM, {"name": "A"}, format="json").status_code == 200
    assert api(world.dev).patch(TEAM, {"name": "A"}, format="json", headers={"If-Match": "*"}).status_code == 200


def test_an_unchanged_read_has_no_body(world: World, api: Callable[..., APIClient]) -> None:
    client = api(world.dev)
    etag = client.get(TEAM)["ETag"]
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = client.get(TEAM, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)
    assert client.get(TEAM, headers={"If-None-Match": '"other"'}).status_code == 200
