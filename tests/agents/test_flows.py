# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flows are things one edits: drafts that may be unfinished, edits that lose nothing, versions nobody changes."""

import json
from typing import Any

import psycopg
import pytest
from django.db import ProgrammingError, connection

from accounts.models import AuditEvent
from accounts.tenancy import tenant
from agents.models import Flow, FlowRevision, FlowVersion
from tests.codexos.test_problems import check_problem
from tests.factories import World

FLOWS = "/api/v1/flows/"
SOUND: dict[str, Any] = {
    "id": "tides",
    "name": "Tide tables",
    "nodes": [
        {"id": "start", "type": "entry", "next": "answer"},
        {"id": "answer", "type": "llm", "prompt": "When is high water? {{ input }}", "next": "end"},
        {"id": "end", "type": "exit"},
    ],
}
UNFINISHED: dict[str, Any] = {"id": "tides", "nodes": [{"id": "start", "type": "entry", "next": "nowhere"}]}
WRITTEN = '{"id": "tides",   "nodes": [{"id": "start", "type": "entry", "next": "end"}, {"id": "end", "type": "exit"}]}'


def make(client: Any, **body: Any) -> dict[str, Any]:
    """Keep a flow and return what the API says of it."""
    answer = client.post(FLOWS, {"document": SOUND, **body}, format="json")
    assert answer.status_code == 201, answer.content
    return {**answer.json(), "etag": answer["ETag"], "url": f"{FLOWS}{answer.json()['id']}/"}


def actions(world: World) -> list[str]:
    """What the trail tells of flows, in order."""
    with tenant(world.acme.pk):
        rows = AuditEvent.objects.for_organization(world.acme.pk).filter(action__startswith="flow.").order_by("pk")
        return [row.action for row in rows]


def test_an_unfinished_draft_is_kept_and_told_what_it_lacks(world: World, api: Any) -> None:
    client = api(world.dev)
    flow = make(client, document=UNFINISHED)
    messages = [problem["message"] for problem in flow["problems"]]
    assert any("nowhere" in message for message in messages)
    assert any("'exit'" in message for message in messages)
    # but it is neither published nor run
    refused = check_problem(client.post(f"{flow['url']}publish/"), 422)
    assert refused["code"] == "graph_invalid"
    assert {error["message"] for error in refused["errors"]} == set(messages)
    asked = {"agent_id": "tides", "input": "x"}
    assert check_problem(client.post("/agent/run", asked, format="json"), 409)["code"] == "flow_not_published"
    with tenant(world.acme.pk):
        assert not FlowVersion.objects.for_organization(world.acme.pk).exists()


def test_a_text_is_kept_as_it_was_written(world: World, api: Any) -> None:
    client = api(world.dev)
    answer = client.post(FLOWS, {"source": WRITTEN}, format="json").json()
    assert (answer["source"], answer["format"]) == (WRITTEN, "json")
    assert answer["document"] == json.loads(WRITTEN)
    exported = client.get(f"{FLOWS}{answer['id']}/export/")
    assert exported.content.decode() == WRITTEN
    assert exported["Content-Disposition"] == 'attachment; filename="tides.json"'


def test_remarks_in_yaml_survive_editing(world: World, api: Any) -> None:
    client = api(world.dev)
    nodes = "nodes:\n  - {id: start, type: entry, next: end}\n  - {id: end, type: exit}\n"
    text = f"# Asked every morning.\nid: tides\n{nodes}"
    flow = client.post(FLOWS, {"source": text}, format="json").json()
    assert (flow["format"], flow["source"], flow["problems"]) == ("yaml", text, [])
    url = f"{FLOWS}{flow['id']}/"
    client.post(f"{url}publish/")
    assert client.get(f"{url}versions/1/").json()["source"] == text
    # a remark more is a draft more, but no version more
    client.put(url, {"source": f"{text}# And at noon.\n"}, format="json")
    assert client.get(url).json()["has_unpublished_changes"] is False
    assert client.post(f"{url}publish/").status_code == 200
    # and the other format cannot hold them, which is told
    told = client.post(f"{FLOWS}convert/", {"source": text, "to": "json"}, format="json").json()
    assert told["lost_comments"] is True
    exported = client.get(f"{url}export/?format=json&version=1")
    assert exported.json() == flow["document"]
    broken = client.post(FLOWS, {"source": "id: a\nnodes: [\n"}, format="json")
    assert check_problem(broken, 422)["errors"][0]["line"] == 3


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "document"),
        ({"document": SOUND, "source": WRITTEN}, ""),
        ({"document": []}, "document"),
        ({"source": "{"}, "$"),
        ({"source": "[1, 2]"}, "$"),
        ({"source": '{"nodes": "none"}'}, "$.nodes"),
        ({"source": '{"nodes": [{"id": "a\\u0000b"}]}'}, None),
        ({"source": '{"nodes": [{"id": "a\\ud800b"}]}'}, None),
        ({"source": '{"nodes": [{"id": 1e999}]}'}, None),
        ({"source": '{"nodes": [' + "[" * 200 + "]" * 200 + "]}"}, "$"),
        ({"source": '{"nodes": [' + "[" * 100_000 + "]" * 100_000 + "]}"}, "$"),
        ({"document": SOUND, "slug": "validate"}, "slug"),
        ({"document": SOUND, "slug": "No Slug"}, "slug"),
        ({"document": SOUND, "name": "\u200b"}, "name"),
        ({"document": SOUND, "format": "toml"}, "format"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(
    world: World, api: Any, body: dict[str, Any], place: str | None
) -> None:
    problem = check_problem(api(world.dev).post(FLOWS, body, format="json"), 422)
    assert place is None or problem["errors"][0]["place"] == place
    with tenant(world.acme.pk):
        assert not Flow.objects.for_organization(world.acme.pk).exists()


def test_a_flow_of_5_mb_is_refused_clearly(world: World, api: Any) -> None:
    large = {**SOUND, "description": "x" * 5_000_000}
    assert check_problem(api(world.dev).post(FLOWS, {"document": large}, format="json"), 413)["code"] == "too_large"
    within = {**SOUND, "description": "x" * 2_100_000}
    problem = check_problem(api(world.dev).post(FLOWS, {"document": within}, format="json"), 422)
    assert "2,000,000 characters" in problem["detail"]


def test_an_id_of_10000_characters_is_kept_in_a_draft_and_named(world: World, api: Any) -> None:
    flow = make(api(world.dev), document={"id": "x", "nodes": [{"id": "n" * 10_000, "type": "entry"}]})
    assert any("10,000 characters" in problem["message"] for problem in flow["problems"])


def test_of_two_tabs_the_second_is_told_who_saved_and_nothing_is_lost(world: World, api: Any) -> None:
    client, other = api(world.lead), api(world.admin)
    flow = make(client, is_team_template=True)
    first = other.put(flow["url"], {"source": WRITTEN}, format="json", headers={"If-Match": flow["etag"]})
    assert first.status_code == 200
    # when the other tab saves what it has, made from the same state
    second = client.put(flow["url"], {"document": UNFINISHED}, format="json", headers={"If-Match": flow["etag"]})
    # then it hears who was first, and their work stands
    problem = check_problem(second, 412)
    assert (problem["code"], problem["edited_by"], problem["revision"]) == ("flow_changed", "Alice Admin", 2)
    assert client.get(flow["url"]).json()["source"] == WRITTEN
    # and knowing it, it may overwrite: theirs stays among the kept drafts
    again = client.put(flow["url"], {"document": UNFINISHED}, format="json", headers={"If-Match": first["ETag"]})
    assert again.status_code == 200
    kept = client.get(f"{flow['url']}revisions/").json()["results"]
    assert [(row["number"], row["saved_by"]) for row in kept] == [(3, "Lead"), (2, "Alice Admin"), (1, "Lead")]
    assert client.get(f"{flow['url']}revisions/2/").json()["source"] == WRITTEN


def test_publishing_does_not_stand_in_the_way_of_an_edit(world: World, api: Any) -> None:
    client = api(world.dev)
    flow = make(client)
    assert client.post(f"{flow['url']}publish/").status_code == 201
    read_again = client.get(flow["url"], headers={"If-None-Match": flow["etag"]})
    assert (read_again.status_code, read_again.json()["published_version"]) == (200, 1)
    saved = client.put(flow["url"], {"source": WRITTEN}, format="json", headers={"If-Match": flow["etag"]})
    assert saved.status_code == 200


def test_saving_what_is_there_makes_no_revision(world: World, api: Any) -> None:
    client = api(world.dev)
    flow = make(client)
    again = client.put(flow["url"], {"source": flow["source"]}, format="json").json()
    assert again["revision"] == flow["revision"]
    assert actions(world) == ["flow.created"]


def test_fifty_drafts_are_kept(world: World, api: Any) -> None:
    client = api(world.dev)
    flow = make(client)
    for number in range(2, 54):
        assert client.put(flow["url"], {"source": f"{WRITTEN}{' ' * number}"}, format="json").status_code == 200
    with tenant(world.acme.pk):
        kept = FlowRevision.objects.for_organization(world.acme.pk).values_list("number", flat=True)
        assert sorted(kept) == list(range(4, 54))
    assert check_problem(client.get(f"{flow['url']}revisions/1/"), 404)["code"] == "flow_revision_not_found"


def test_versions_are_numbered_compared_and_restored(world: World, api: Any) -> None:
    client = api(world.dev)
    flow = make(client)
    first = client.post(f"{flow['url']}publish/", {"note": "The first one"}, format="json")
    assert (first.status_code, first.json()["number"], first.json()["note"]) == (201, 1, "The first one")
    # publishing what is published makes none
    assert (client.post(f"{flow['url']}publish/").status_code, client.get(flow["url"]).json()["revision"]) == (200, 1)
    # when the prompt is changed, a node added, another moved
    nodes = [dict(node) for node in SOUND["nodes"]]
    nodes[0] |= {"position": {"x": 8, "y": 0}}
    nodes[1] |= {"prompt": "Low water? {{ input }}", "next": "again"}
    changed = {**SOUND, "nodes": [*nodes, {"id": "again", "type": "llm", "next": "end"}]}
    client.put(flow["url"], {"document": changed}, format="json")
    diff = client.get(f"{flow['url']}versions/1/diff/").json()
    assert [node["id"] for node in diff["added"]] == ["again"]
    assert diff["removed"] == []
    told = {
        node["id"]: sorted((change["name"], change["is_layout"]) for change in node["changes"])
        for node in diff["changed"]
    }
    assert told == {"start": [("position", True)], "answer": [("next", False), ("prompt", False)]}
    assert client.post(f"{flow['url']}publish/").json()["number"] == 2
    assert [row["number"] for row in client.get(f"{flow['url']}versions/").json()["results"]] == [2, 1]
    back = client.get(f"{flow['url']}versions/2/diff/?with=1").json()
    assert [node["id"] for node in back["removed"]] == ["again"]
    # and going back keeps what was there
    restored = client.post(f"{flow['url']}versions/1/restore/").json()
    assert restored["document"] == SOUND
    assert (restored["published_version"], restored["has_unpublished_changes"]) == (2, True)
    assert len(client.get(f"{flow['url']}revisions/").json()["results"]) == 3
    assert check_problem(client.get(f"{flow['url']}versions/9/"), 404)["code"] == "flow_version_not_found"
    assert check_problem(client.get(f"{flow['url']}versions/1/diff/?with=9"), 404)["code"] == "flow_version_not_found"
    assert actions(world) == ["flow.created", "flow.published", "flow.changed", "flow.published", "flow.restored"]


def test_moving_a_box_makes_a_version_with_the_same_logic(world: World, api: Any) -> None:
    client = api(world.dev)
    flow = make(client)
    first = client.post(f"{flow['url']}publish/").json()
    moved = {**SOUND, "nodes": [{**node, "position": {"x": 1, "y": 2}} for node in SOUND["nodes"]]}
    client.put(flow["url"], {"document": moved}, format="json")
    second = client.post(f"{flow['url']}publish/").json()
    assert (second["number"], second["logic_hash"]) == (2, first["logic_hash"])


def test_an_archived_flow_is_put_away_and_comes_back(world: World, api: Any) -> None:
    client = api(world.dev)
    flow = make(client)
    client.post(f"{flow['url']}publish/")
    assert client.post(f"{flow['url']}archive/").json()["is_archived"] is True
    assert client.get(FLOWS).json()["results"] == []
    assert [row["id"] for row in client.get(f"{FLOWS}?archived=true").json()["results"]] == [flow["id"]]
    asked = {"agent_id": "tides", "input": "x"}
    for refused in (
        client.post("/agent/run", asked, format="json"),
        client.put(flow["url"], {"document": UNFINISHED}, format="json"),
        client.post(f"{flow['url']}publish/"),
        client.post(f"{flow['url']}versions/1/restore/"),
    ):
        assert check_problem(refused, 409)["code"] == "flow_archived"
    # its short name stays taken
    assert check_problem(client.post(FLOWS, {"document": SOUND}, format="json"), 409)["code"] == "flow_slug_taken"
    assert client.post(f"{flow['url']}unarchive/").json()["is_archived"] is False
    started = client.post("/agent/run", asked, format="json", headers={"Prefer": "respond-async"})
    assert started.status_code == 202


def test_names_owner_and_short_name_change(world: World, api: Any) -> None:
    client = api(world.lead)
    flow = make(client)
    renamed = client.patch(flow["url"], {"name": "Tides", "slug": "tide-times"}, format="json").json()
    assert (renamed["name"], renamed["slug"], renamed["source"]) == ("Tides", "tide-times", flow["source"])
    template = client.patch(flow["url"], {"is_team_template": True}, format="json").json()
    assert (template["is_team_template"], template["owner_id"]) == (True, None)
    assert client.patch(flow["url"], {"is_team_template": False}, format="json").json()["owner_id"] == str(
        world.lead.person.pk
    )
    # a developer leads no team, so theirs stays theirs
    own = make(api(world.dev))
    assert check_problem(api(world.dev).patch(own["url"], {"is_team_template": True}, format="json"), 403)


def test_a_personal_flow_is_changed_by_its_owner_alone(world: World, api: Any) -> None:
    flow = make(api(world.dev))
    for someone, status in (
        (world.admin, 403),
        (world.lead, 403),
        (world.viewer, 403),
        (world.stranger, 404),
        (None, 401),
    ):
        client = api(someone)
        for answer in (
            client.put(flow["url"], {"document": UNFINISHED}, format="json"),
            client.patch(flow["url"], {"name": "Mine"}, format="json"),
            client.post(f"{flow['url']}publish/"),
            client.post(f"{flow['url']}archive/"),
        ):
            check_problem(answer, status)
    assert api(world.dev).get(flow["url"]).json()["document"] == SOUND


def test_a_fork_is_ones_own(world: World, api: Any) -> None:
    template = make(api(world.lead), is_team_template=True)
    api(world.lead).post(f"{template['url']}publish/")
    api(world.lead).put(template["url"], {"document": UNFINISHED}, format="json")
    fork = api(world.dev).post(f"{template['url']}fork/", {}, format="json").json()
    assert (fork["owner_id"], fork["document"]) == (str(world.dev.person.pk), SOUND)
    assert fork["slug"].startswith("tides-")
    assert check_problem(api(world.viewer).post(f"{template['url']}fork/", {}, format="json"), 403)
    assert check_problem(api(world.stranger).post(f"{template['url']}fork/", {}, format="json"), 404)
    elsewhere = {"project_id": str(world.other_project.pk)}
    assert check_problem(api(world.dev).post(f"{template['url']}fork/", elsewhere, format="json"), 404)


def test_a_short_name_in_two_projects_is_asked_about(world: World, api: Any) -> None:
    client = api(world.admin)
    client.post("/api/v1/projects/", {"name": "Harbor", "team": world.team.slug}, format="json")
    make(client, project_id=world.project.slug)
    make(client, project_id="harbor")
    problem = check_problem(client.get(f"{FLOWS}tides/"), 422)
    assert problem["code"] == "flow_ambiguous"
    assert "harbor" in problem["detail"]
    nameless = check_problem(client.post(FLOWS, {"document": SOUND}, format="json"), 422)
    assert nameless["errors"][0]["place"] == "project_id"
    listed = client.get(f"{FLOWS}?project_id=harbor").json()["results"]
    assert len(listed) == 1


def test_a_text_is_checked_and_converted_without_being_kept(world: World, api: Any) -> None:
    client = api(world.viewer)
    checked = client.post(f"{FLOWS}validate/", {"source": json.dumps(UNFINISHED)}, format="json").json()
    assert checked["is_valid"] is False
    assert {"place", "message", "severity", "line", "column"} == set(checked["problems"][0])
    broken = client.post(f"{FLOWS}validate/", {"source": "{"}, format="json").json()
    assert (broken["is_valid"], broken["problems"][0]["place"]) == (False, "$")
    yaml = client.post(f"{FLOWS}convert/", {"source": WRITTEN, "to": "yaml"}, format="json").json()
    assert yaml["source"].startswith("id: tides\nnodes:\n")
    assert check_problem(client.post(f"{FLOWS}convert/", {"source": "{", "to": "yaml"}, format="json"), 422)
    with tenant(world.acme.pk):
        assert not Flow.objects.for_organization(world.acme.pk).exists()


def test_a_uuid_for_an_id_makes_no_short_name(world: World, api: Any) -> None:
    document = {**SOUND, "id": "0197a5f0-0000-7000-8000-000000000000"}
    assert make(api(world.dev), document=document)["slug"] == "tide-tables"


@pytest.mark.parametrize("deed", ["update agents_flowversion set note = 'x'", "delete from agents_flowversion"])
def test_not_even_the_application_changes_a_version(
    committed_world: World, api: Any, truth: psycopg.Connection, deed: str
) -> None:
    client = api(committed_world.dev)
    client.post(f"{make(client)['url']}publish/")
    denied = pytest.raises(ProgrammingError, match="permission denied")
    with denied, tenant(committed_world.acme.pk), connection.cursor() as cursor:
        cursor.execute(deed)
    # nor do its owner's rights help: a trigger refuses
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        truth.execute(deed)
    assert truth.execute("select count(*) from agents_flowversion").fetchone() == (1,)
