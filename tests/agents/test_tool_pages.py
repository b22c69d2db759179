# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The pages of tools: what a project has, a trial with what the policy says, and servers connected by a form."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from agents.operations.policies import save_policy_draft, switch_on_policy
from agents.queries.tool_servers import access_tool_server
from tests.agents.openapi_documents import PETS
from tests.factories import Someone, World, sign_in
from tests.kernel.local_server import LocalServer, answer


@pytest.fixture
def server(settings: Any) -> Iterator[LocalServer]:
    with LocalServer(lambda asked: [answer(b"<p>kakapo", Content_Type="text/html")]) as running:
        settings.EGRESS_ALLOW = f"127.0.0.1:{running.port}"
        yield running


def client_of(who: Someone) -> Client:
    client = Client()
    sign_in(client, who.person)
    return client


def text_of(answered: Any) -> str:
    return " ".join(answered.content.decode().split())


def test_a_server_is_connected_chosen_changed_and_forgotten(world: World) -> None:
    client = client_of(world.dev)
    form = {"name": "pets", "project": str(world.project.pk), "document": json.dumps(PETS), "how": "none"}
    refused = client.post("/tools/servers/new/", {**form, "name": "My Pets"})
    assert (refused.status_code, "is no name for a tool server" in text_of(refused)) == (422, True)
    made = client.post("/tools/servers/new/", {**form, "base_url": "https://pets.example/api"})
    page = client.get(made["Location"])
    assert "pets.uploadPhoto" in text_of(page)
    assert "multipart/form-data" in text_of(page)
    client.post(f"{made['Location']}choose/", {"tool": ["findPets", "addPet"]})
    listed = text_of(client.get(f"/tools/?project={world.project.slug}"))
    assert "pets.findPets" in listed
    assert "egress:pets.example" in listed
    assert "pets.get_pets_id" not in listed
    assert "Find pets" in text_of(client.get(f"/tools/pets.findPets/?project={world.project.slug}"))
    client.post(made["Location"], {"name": "animals", "how": "none", "is_enabled": ""})
    assert "animals.findPets" in text_of(client.get(f"/tools/?project={world.project.slug}"))
    assert client.post(f"{made['Location']}delete/").status_code == 302
    assert "animals" not in text_of(client.get(f"/tools/?project={world.project.slug}"))


def test_a_server_of_the_protocol_is_connected_and_changed_by_a_form(committed_world: World, settings: Any) -> None:
    world, client = committed_world, client_of(committed_world.dev)
    new = "/tools/servers/new/?kind=mcp_http"
    assert "Where it listens" in text_of(client.get(new))
    form = {"kind": "mcp_http", "name": "notes", "project": str(world.project.pk), "how": "sign_in", "is_enabled": "on"}
    refused = client.post(new, {**form, "address": "ftp://notes.example/mcp"})
    assert (refused.status_code, "an address with https://" in text_of(refused)) == (422, True)
    made = client.post(new, {**form, "address": "https://notes.example/mcp", "client_id": "ours"})
    assert made.status_code == 302, text_of(made)[-800:]
    page = text_of(client.get(made["Location"]))
    assert "Nobody has signed in yet" in page
    assert 'value="ours"' in page
    changed = {**form, "name": "papers", "address": "https://notes.example/mcp", "client_id": "other", "trusts": "on"}
    assert client.post(made["Location"], changed).status_code == 302
    row = access_tool_server(world.dev.actor, made["Location"].rstrip("/").rpartition("/")[2])
    assert (row.name, row.auth) == ("papers", {"how": "sign_in", "client_id": "other"})
    assert row.config == {"trust_read_only": True}
    # A command is named as the operator's catalogue names it, and by nothing else.
    stdio = {**form, "kind": "mcp_stdio", "name": "local", "command": "/bin/sh"}
    refused = client.post("/tools/servers/new/?kind=mcp_stdio", stdio)
    assert (refused.status_code, client.post(made["Location"] + "delete/").status_code) == (422, 302)


def test_a_trial_shows_what_was_decided_and_what_came_back(committed_world: World, server: LocalServer) -> None:
    world, client = committed_world, client_of(committed_world.dev)
    said = {"project": str(world.project.pk), "arguments": json.dumps({"url": server.url("/bird")})}
    tried = client.post("/tools/WebFetch/", said)
    assert tried.status_code == 200
    assert "kakapo" in text_of(tried)
    wrong = client.post("/tools/WebFetch/", {**said, "arguments": '{"address": "x"}'})
    assert (wrong.status_code, "is not asked for" in text_of(wrong)) == (422, True)
    away = client.post("/tools/WebFetch/", {**said, "arguments": '{"url": "http://10.0.0.1/"}'})
    assert "egress_refused" in text_of(away)
    rule = "{name: no-web, then: deny, when: {tool: [WebFetch]}, reason: not here}"
    save_policy_draft(world.admin.actor, source=f"rules:\n  - {rule}\n")
    switch_on_policy(world.admin.actor)
    denied = client.post("/tools/WebFetch/", said)
    assert "It was not called." in text_of(denied)
    assert "not here" in text_of(denied)
    # and a rule about projects names them as it does for runs
    rule = f"{{name: elsewhere, then: deny, when: {{project: [{world.project.name}]}}, reason: not in it}}"
    save_policy_draft(world.admin.actor, source=f"rules:\n  - {rule}\n")
    switch_on_policy(world.admin.actor)
    assert "not in it" in text_of(client.post("/tools/WebFetch/", said))
    assert len(server.asked) == 1


def test_who_may_not_is_not_offered_it(world: World) -> None:
    page = text_of(client_of(world.viewer).get("/tools/"))
    assert "Connect a server" not in page
    assert "Call it" not in text_of(client_of(world.viewer).get("/tools/HTTPRequest/"))
    assert client_of(world.viewer).get("/tools/nothing/").status_code == 404
