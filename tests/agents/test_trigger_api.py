# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Triggers over HTTP: made, read, changed under an ETag, fired once per key, and refused by name and place."""

from typing import Any
from uuid import UUID

import pytest

from accounts.operations.tokens import issue_token
from accounts.roles import TokenScope
from agents.operations import triggers as triggers_module
from agents.operations.firing import fire_due_triggers
from tests.agents.test_triggers import StoppedClock, count_runs, flow_of, schedule, stopped
from tests.codexos.test_problems import check_problem
from tests.factories import World

__all__ = ["stopped"]
TRIGGERS = "/api/v1/triggers/"


@pytest.fixture
def flow(world: World) -> UUID:
    return flow_of(world.lead, world.project)


def make(client: Any, flow: UUID, **said: Any) -> Any:
    sent = {"flow_id": str(flow), "kind": "cron", "name": "Mornings", "cron": "0 7 * * *", **said}
    return client.post(TRIGGERS, {name: value for name, value in sent.items() if value is not None}, format="json")


def test_a_schedule_is_made_read_changed_and_deleted(world: World, flow: UUID, api: Any, stopped: StoppedClock) -> None:
    client = api(world.dev)
    answer = make(client, flow, time_zone="Europe/Berlin", input={"of": "today"})
    made = answer.json()
    assert (answer.status_code, made["secret"], made["address"]) == (201, None, None)
    assert made["upcoming"][:2] == ["2026-03-28T06:00:00Z", "2026-03-29T05:00:00Z"]
    assert answer["Location"] == f"{TRIGGERS}{made['id']}/"
    url = answer["Location"]
    read = client.get(url)
    assert read.json()["input"] == {"of": "today"}
    assert "secret" not in read.json()
    assert client.get(url, headers={"If-None-Match": read["ETag"]}).status_code == 304
    changed = client.patch(url, {"cron": "30 7 * * *"}, format="json", headers={"If-Match": read["ETag"]})
    assert changed.json()["next_at"] == "2026-03-28T06:30:00Z"
    stale = client.patch(url, {"name": "Late"}, format="json", headers={"If-Match": read["ETag"]})
    assert check_problem(stale, 412)["code"] == "trigger_changed"
    assert client.delete(url, headers={"If-Match": read["ETag"]}).status_code == 412
    assert client.delete(url, headers={"If-Match": changed["ETag"]}).status_code == 204
    assert check_problem(client.get(url), 404)["code"] == "trigger_not_found"


def test_firing_stands_in_no_edits_way(world: World, flow: UUID, api: Any, stopped: StoppedClock) -> None:
    client = api(world.dev)
    answer = make(client, flow)
    stopped.go(days=1)
    fire_due_triggers()
    url = answer["Location"]
    assert client.get(url)["ETag"] != answer["ETag"]
    assert client.patch(url, {"name": "N"}, format="json", headers={"If-Match": answer["ETag"]}).status_code == 200


def test_fired_by_hand_once_per_key(world: World, flow: UUID, api: Any) -> None:
    client = api(world.dev)
    url = make(client, flow)["Location"]
    first, again = (client.post(f"{url}fire/", headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, again.json()) == (201, first.json())
    assert count_runs(world.acme.pk) == 1
    assert client.get(first["Location"]).json()["user_id"] == str(world.dev.person.id)
    (fired,) = client.get(f"{url}firings/").json()["results"]
    assert (fired["run_id"], fired["by_id"], fired["code"]) == (first.json()["run_id"], str(world.dev.person.id), "")


def test_lists_go_by_cursors_and_by_flow(world: World, flow: UUID, api: Any) -> None:
    client = api(world.dev)
    document = {"id": "other", "nodes": [{"id": "a", "type": "entry", "next": "b"}, {"id": "b", "type": "exit"}]}
    other = flow_of(world.lead, world.project, document=document)
    names = [make(client, flow, name=f"T{n}").json()["name"] for n in range(3)]
    make(client, other, name="Other")
    page = client.get(f"{TRIGGERS}?flow_id={flow}&limit=2").json()
    rest = client.get(page["next"]).json()
    assert [row["name"] for row in page["results"] + rest["results"]] == names[::-1]
    assert len(client.get(TRIGGERS).json()["results"]) == 4
    assert api(world.stranger).get(TRIGGERS).json()["results"] == []


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"cron": "* * * * * *"}, "cron"),
        ({"cron": None}, "cron"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"kind": "at", "cron": None}, "at"),
        ({"kind": "at", "cron": None, "at": "2026-01-01T00:00Z"}, "at"),
        ({"kind": "at", "cron": None, "at": "2026-03-29T02:30", "time_zone": "Europe/Berlin"}, "at"),
        ({"kind": "at", "cron": None, "at": "2026-10-25T02:30", "time_zone": "Europe/Berlin"}, "at"),
        ({"kind": "at", "at": "2026-05-01T00:00Z"}, "cron"),
        ({"kind": "webhook", "cron": None, "input": "text"}, "input"),
        ({"kind": "webhook", "cron": None, "style": "stripe"}, "style"),
        ({"style": "github"}, "style"),
        ({"kind": "often"}, "kind"),
        ({"name": " "}, "name"),
        ({"secret": "mine"}, "secret"),
        ({"missed": "all"}, "missed"),
    ],
)
def test_what_is_no_trigger_is_refused_with_its_place(
    world: World, flow: UUID, api: Any, stopped: StoppedClock, said: dict[str, Any], place: str
) -> None:
    refused = check_problem(make(api(world.dev), flow, **said), 422)
    assert refused["errors"][0]["place"] == place


@pytest.mark.parametrize(
    ("said", "places"),
    [
        # what cannot be read, and what can and does not hold together
        (
            {"is_enabled": "perhaps", "cron": "often", "name": " ", "time_zone": "Europe/Atlantis", "zzz": 1},
            ["name", "cron", "time_zone", "is_enabled", "zzz"],
        ),
        ({"missed": "all", "kind": "sometimes", "name": " "}, ["kind", "name", "missed"]),
        ({"flow_id": None, "kind": "at", "cron": None, "at": "2020-01-01T00:00Z"}, ["flow_id", "at"]),
        # what can all be read
        ({"name": "\u202e", "cron": "0 0 31 2 *", "style": "github"}, ["name", "cron", "style"]),
        ({"kind": "webhook", "input": 5, "at": "x"}, ["at", "cron", "input"]),
        ({"kind": "at", "at": "never", "name": "\u202e"}, ["name", "at", "cron"]),
    ],
)
def test_everything_that_is_wrong_with_a_trigger_is_told_in_order(
    world: World, flow: UUID, api: Any, said: dict[str, Any], places: list[str]
) -> None:
    refused = check_problem(make(api(world.dev), flow, **said), 422)
    assert [each["place"] for each in refused["errors"]] == places
    assert refused["code"] == "trigger_invalid"
    assert api(world.dev).get(TRIGGERS).json()["results"] == []


def test_everything_that_is_wrong_with_a_change_is_told_in_order(world: World, flow: UUID, api: Any) -> None:
    client = api(world.dev)
    url = make(client, flow)["Location"]
    wrong = {"is_enabled": "no idea", "style": "github", "cron": "x", "name": " "}
    refused = check_problem(client.patch(url, wrong, format="json"), 422)
    assert [each["place"] for each in refused["errors"]] == ["name", "cron", "style", "is_enabled"]
    lesser = check_problem(client.patch(url, {"is_enabled": 7, "missed": "all"}, format="json"), 422)
    assert [each["place"] for each in lesser["errors"]] == ["missed", "is_enabled"]
    assert check_problem(api(world.stranger).patch(url, wrong, format="json"), 404)["code"] == "trigger_not_found"
    assert client.get(url).json()["cron"] == "0 7 * * *"


def test_a_webhook_says_its_secret_when_made_and_when_rotated(world: World, flow: UUID, api: Any) -> None:
    client = api(world.dev)
    made = make(client, flow, kind="webhook", cron=None)
    assert made.json()["secret"].startswith("cos_hook_")
    assert made.json()["address"].endswith(f"/hooks/{made.json()['id']}/")
    assert made["Cache-Control"] == "no-store"
    rotated = client.post(f"{made['Location']}rotate/").json()
    assert rotated["secret"] != made.json()["secret"]
    assert rotated["old_secret_until"] is not None
    schedule_url = make(client, flow)["Location"]
    assert check_problem(client.post(f"{schedule_url}rotate/"), 422)["code"] == "trigger_invalid"


def test_others_pause_and_delete_and_do_not_change(world: World, flow: UUID, api: Any) -> None:
    url = f"{TRIGGERS}{schedule(world.dev, flow).pk}/"
    lead = api(world.lead)
    assert "act as" in check_problem(lead.patch(url, {"name": "Mine"}, format="json"), 403)["detail"]
    assert lead.patch(url, {"is_enabled": False, "name": "Mine"}, format="json").status_code == 403
    assert lead.patch(url, {"is_enabled": False}, format="json").json()["next_at"] is None
    assert lead.patch(url, {"is_enabled": True}, format="json").status_code == 403
    assert lead.delete(url).status_code == 204


def test_a_token_that_may_not_run_makes_no_trigger(world: World, flow: UUID, api: Any) -> None:
    writer = issue_token(world.dev.actor, name="W", scopes=[TokenScope.WRITE]).value
    assert make(api(writer), flow).status_code == 403


def test_a_flow_has_so_many_triggers_and_no_more(
    world: World, flow: UUID, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triggers_module, "MOST_TRIGGERS", 2)
    client = api(world.dev)
    statuses = [make(client, flow).status_code for _ in range(3)]
    assert statuses == [201, 201, 429]
