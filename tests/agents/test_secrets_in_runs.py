# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets in real runs: they arrive where the flow sends them, and never come back."""

import asyncio
import base64
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings

from accounts.models import Membership, Project
from accounts.operations.grants import regrant
from accounts.operations.organizations import change_organization
from accounts.operations.tokens import issue_token, revoke_token
from accounts.roles import Role, TokenScope
from accounts.tenancy import tenant
from agents.adapters.secrets import MOST_REMEMBERED_BYTES
from agents.engine.journal import decode_data
from agents.operations.flows import FlowEdit, archive_flow, change_flow, create_flow, unarchive_flow
from agents.operations.versions import publish_flow
from codexos.kernel import clock
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.redaction import REDACTED
from tests.agents.engine.stage import chain
from tests.agents.test_runs import run_agent, working
from tests.factories import Someone, World, client_for
from tests.fakes.openai import KEY, Provider, serve_provider
from tests.kernel.local_server import Asked, LocalServer, answer
from vault.models import Secret, SecretScope
from vault.operations.secrets import Folder, SecretEdit, put_secret
from vault.queries.secrets import list_uses

CANARY = "canary/7f3a+9c51 e2d8"
HEADERS: JsonObject = {"Authorization": "Bearer {{ vault.github }}"}


def echo(asked: Asked) -> list[bytes]:
    """Say back all that was heard, in every form."""
    heard = asked.headers.get("authorization", asked.headers.get("x-key", "")).removeprefix("Bearer ")
    said = {
        "plain": heard,
        "base64": base64.b64encode(f"user:{heard}".encode()).decode(),
        "hex": heard.encode().hex(),
        "path": asked.path,
        "body": asked.body.decode(),
        heard: "a name",
    }
    status = "418 I'm a teapot" if "teapot" in asked.path else "200 OK"
    return [answer(json.dumps(said).encode(), status=status, Content_Type="application/json", X_Echo=heard)]


@pytest.fixture
def server(settings: LazySettings) -> Iterator[LocalServer]:
    with LocalServer(echo) as running:
        settings.EGRESS_ALLOW = f"127.0.0.1:{running.port}"
        yield running


@pytest.fixture
def provider(settings: LazySettings) -> Iterator[Provider]:
    with serve_provider() as running:
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = running.url, KEY
        yield running


def put(
    world: World, key: str = "github", value: str | bytes = CANARY, *, who: Someone | None = None, **edit: Any
) -> Secret:
    data = value.encode() if isinstance(value, str) else value
    actor = (who or world.dev).actor
    return put_secret(actor, key, data, folder=Folder(project=world.project), edit=SecretEdit(**edit))


async def aput(world: World, *args: Any, **more: Any) -> Secret:
    return await asyncio.to_thread(put, world, *args, **more)


def ask(server: LocalServer, path: str = "/", id: str = "ask", **arguments: JsonValue) -> JsonObject:
    return {"id": id, "type": "tool", "tool": "HTTPRequest", "arguments": {"url": server.url(path), **arguments}}


async def run(who: Someone, *nodes: JsonObject, input: JsonValue = "hi") -> Any:
    with working():
        answered = await run_agent(who, {"agent_id": "a", "flow": chain(*nodes), "input": input})
    return answered.json()


def journal(truth: psycopg.Connection) -> str:
    rows = truth.execute("select type, node_id, delta from agents_journalentry order by run_id, seq").fetchall()
    return json.dumps([(kind, node, decode_data(delta)) for kind, node, delta in rows], default=dict)


def forms(value: str) -> list[str]:
    data = value.encode()
    return [value, value.replace("/", "\\/"), data.hex(), base64.b64encode(data).decode()[:-3]]


async def test_a_secret_arrives_and_does_not_come_back(
    committed_world: World, truth: psycopg.Connection, server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await aput(committed_world)
    steps = [
        ask(server, headers=HEADERS),
        # A step that holds no secret hears it all the same, from what the first one left behind.
        ask(server, f"/?left={CANARY.replace(' ', '%20').replace('+', '%2B')}", id="later"),
    ]
    done = await run(committed_world.dev, *steps)
    # The positive control: it was sent, whole.
    assert server.asked[0].headers["authorization"] == f"Bearer {CANARY}"
    assert done["status"] == "succeeded", done
    assert done["result"]["output"]["json"]["plain"] == ""
    written = journal(truth) + json.dumps(done)
    assert not [form for form in forms(CANARY) if form in written]
    assert '"Authorization": "Bearer {{ vault.github }}"' in written
    assert written.count(REDACTED) >= 6
    assert CANARY not in caplog.text
    (used,) = truth.execute("select details from accounts_auditevent where action = 'secret.used'").fetchall()
    assert used[0]["run"] == done["id"]
    assert used[0]["tool"] == "HTTPRequest"


async def test_an_error_that_repeats_the_secret_does_not(
    committed_world: World, truth: psycopg.Connection, server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    await aput(committed_world)
    done = await run(committed_world.dev, ask(server, "/teapot", headers={"X-Key": "{{ vault.github }}"}))
    assert server.asked[0].headers["x-key"] == CANARY
    assert done["error"]["code"] == "tool_failed"
    assert REDACTED in done["error"]["message"]
    assert not [form for form in forms(CANARY) if form in journal(truth) + json.dumps(done) + caplog.text]


async def test_text_that_reads_like_a_reference_is_sent_as_text(committed_world: World, server: LocalServer) -> None:
    """The attack, with the real reference beside it as the control."""
    await aput(committed_world)
    body = {"text": "{{ input }}", "headers": HEADERS, "method": "POST"}
    done = await run(committed_world.dev, ask(server, **body), input="{{ vault.github }} {{vault.github}}")
    assert done["status"] == "succeeded"
    assert server.asked[0].body == b"{{ vault.github }} {{vault.github}}"
    assert server.asked[0].headers["authorization"] == f"Bearer {CANARY}"


async def test_a_vault_node_hands_its_secret_on(
    committed_world: World, truth: psycopg.Connection, server: LocalServer
) -> None:
    await aput(committed_world, "my.key")
    creds: JsonObject = {"id": "creds", "type": "vault", "secret": "my.key"}
    done = await run(committed_world.dev, creds, ask(server, headers={"X-Key": "{{ creds }}"}))
    assert done["status"] == "succeeded", done
    assert server.asked[0].headers["x-key"] == CANARY
    assert '{"secret": "my.key"}' in journal(truth)
    assert CANARY not in journal(truth)


@pytest.mark.parametrize(
    ("value", "edit", "key", "code"),
    [
        (CANARY, {}, "gitlab", "secret_not_found"),
        (CANARY, {"expires_at": (clock.now() - timedelta(days=1),)}, "github", "secret_expired"),
        (b"\xff\xfe\x00binary", {}, "github", "secret_not_text"),
        ("line\nbreak-in-a-header", {}, "github", "request_invalid"),
    ],
)
async def test_a_secret_that_cannot_be_used_fails_its_step_by_name_and_nothing_is_sent(
    committed_world: World,
    truth: psycopg.Connection,
    server: LocalServer,
    value: str | bytes,
    edit: dict[str, Any],
    key: str,
    code: str,
) -> None:
    await aput(committed_world, value=value, **edit)
    node = {**ask(server, headers={"X-Key": f"{{{{ vault.{key} }}}}"}), "retry": {"attempts": 3}}
    done = await run(committed_world.dev, node)
    assert (done["status"], done["error"]["code"]) == ("failed", code), done
    assert server.asked == []
    assert journal(truth).count("step.intended") == 1
    assert "break-in" not in journal(truth)


async def test_a_token_without_the_vault_uses_no_secrets(committed_world: World, server: LocalServer) -> None:
    await aput(committed_world)
    dev = committed_world.dev
    scopes = [scope for scope in TokenScope if scope is not TokenScope.VAULT]
    narrow = await asyncio.to_thread(issue_token, dev.actor, name="narrow", scopes=scopes)
    done = await run(Someone(dev.person, dev.actor, narrow.value), ask(server, headers=HEADERS))
    assert (done["status"], done["error"]["code"]) == ("failed", "not_allowed")
    assert "scope 'vault'" in done["error"]["message"]
    assert server.asked == []


async def test_a_run_opens_what_the_token_that_started_it_would(committed_world: World, server: LocalServer) -> None:
    world, dev = committed_world, committed_world.dev
    await aput(world)
    await asyncio.to_thread(put_secret, dev.actor, "mine", b"canary-mine", folder=Folder(SecretScope.PERSONAL))

    def token(project: Project | None) -> Someone:
        return Someone(dev.person, dev.actor, issue_token(dev.actor, name="T", project=project).value)

    narrow = await asyncio.to_thread(token, world.project)
    wide = await asyncio.to_thread(token, None)
    done = await run(narrow, ask(server, headers={"X-Key": "{{ vault.mine }}"}))
    assert (done["status"], done["error"]["code"]) == ("failed", "secret_not_found")
    assert server.asked == []
    assert (await run(narrow, ask(server, headers=HEADERS)))["status"] == "succeeded"
    assert (await run(wide, ask(server, headers={"X-Key": "{{ vault.mine }}"})))["status"] == "succeeded"


async def test_a_token_that_is_revoked_meanwhile_opens_nothing_more(
    committed_world: World, server: LocalServer
) -> None:
    dev = committed_world.dev
    await aput(committed_world)
    issued = await asyncio.to_thread(issue_token, dev.actor, name="T")

    def revoke(asked: Asked) -> list[bytes]:
        revoke_token(dev.actor, token_id=issued.token.pk)
        return echo(asked)

    server.speech = revoke
    who = Someone(dev.person, dev.actor, issued.value)
    nodes = [ask(server, id="first", headers=HEADERS), ask(server, id="second", headers=HEADERS)]
    with working():
        await run_agent(who, {"agent_id": "a", "flow": chain(*nodes), "input": "hi"})
    assert len(server.asked) == 1


async def test_who_lost_the_vault_meanwhile_uses_no_secrets(committed_world: World, server: LocalServer) -> None:
    """The run is held by a worker all the time, which took its person's rights when it took the run."""
    world = committed_world
    await aput(world)

    def demote(asked: Asked) -> list[bytes]:
        with tenant(world.acme.id):
            membership = Membership.objects.for_organization(world.acme.id).get(person=world.dev.person)
            membership.role = Role.VIEWER
            membership.save()
            regrant(membership)
        return [answer(b"demoted")]

    server.speech = lambda asked: demote(asked) if asked.path == "/demote" else echo(asked)
    done = await run(world.dev, ask(server, "/demote", id="first"), ask(server, headers=HEADERS))
    assert (done["status"], done["error"]["code"]) == ("failed", "not_allowed"), done
    assert [asked.path for asked in server.asked] == ["/demote"]


async def test_prompts_hold_no_secrets_unless_the_organization_lets_them(
    committed_world: World, truth: psycopg.Connection, provider: Provider
) -> None:
    world = committed_world
    await aput(world)
    asking: JsonObject = {"id": "x", "type": "llm", "model": "gpt-4o", "prompt": "Sign in with {{ vault.github }}."}
    refused = await run_agent(world.dev, {"agent_id": "a", "flow": chain(asking), "input": ""})
    assert (refused.status_code, refused.json()["code"]) == (422, "graph_invalid")
    await asyncio.to_thread(change_organization, world.admin.actor, allows_secrets_in_prompts=True)
    # The answer repeats it, in pieces that each hold only half of it.
    provider.will(words=("I have ", CANARY[:9], CANARY[9:], " now."))
    done = await run(world.dev, asking)
    assert done["status"] == "succeeded", done
    assert provider.asked[0]["messages"][0]["content"] == f"Sign in with {CANARY}."
    assert done["result"]["output"] == f"I have {REDACTED} now."
    assert CANARY not in journal(truth)
    # What was allowed and is not any more is asked again where it would be sent.
    created = await asyncio.to_thread(create_flow, world.dev.actor, project=world.project, document=chain(asking))
    await asyncio.to_thread(publish_flow, world.dev.actor, flow=created.id)
    await asyncio.to_thread(change_organization, world.admin.actor, allows_secrets_in_prompts=False)
    again = await run_agent(world.dev, {"agent_id": created.slug, "input": ""})
    assert again.status_code == 422
    assert len(provider.asked) == 1


def test_the_vault_knows_which_flows_name_a_secret(world: World) -> None:
    secret = put(world)
    dev = world.dev.actor

    def uses() -> list[str]:
        return [use.about_label for use in list_uses(dev, secret)]

    naming = chain({"id": "creds", "type": "vault", "secret": "github"})
    row = create_flow(dev, project=world.project, document=naming, name="Ships")
    assert uses() == ["Ships"]
    change_flow(dev, row.id, edit=FlowEdit(name="Sails"))
    assert uses() == ["Sails"]
    publish_flow(dev, flow=row.id)
    edited = client_for(world.dev).patch(f"/api/v1/flows/{row.id}/", {"document": chain()}, format="json")
    assert edited.status_code == 200
    # The version that runs names it still.
    assert uses() == ["Sails"]
    publish_flow(dev, flow=row.id)
    assert uses() == []
    change_flow(dev, row.id, edit=FlowEdit())
    client_for(world.dev).patch(f"/api/v1/flows/{row.id}/", {"document": naming}, format="json")
    assert uses() == ["Sails"]
    archive_flow(dev, row.id)
    assert uses() == []
    unarchive_flow(dev, row.id)
    assert uses() == ["Sails"]


def test_a_check_warns_of_secrets_that_are_not_there(world: World) -> None:
    put(world)
    flow = chain({"id": "a", "type": "vault", "secret": "github"}, {"id": "b", "type": "vault", "secret": "gitlab"})
    body = {"document": flow, "project_id": str(world.project.id)}
    found = client_for(world.dev).post("/api/v1/flows/validate/", body, format="json").json()
    assert found["is_valid"] is True
    assert [(each["severity"], each["place"]) for each in found["problems"]] == [("warning", "$.nodes[2].secret")]
    assert "'gitlab'" in found["problems"][0]["message"]
    found = client_for(world.viewer).post("/api/v1/flows/validate/", body, format="json").json()
    assert "role viewer does not include the vault" in found["problems"][0]["message"]


def test_what_is_remembered_is_bounded() -> None:
    assert MOST_REMEMBERED_BYTES >= 65_536
