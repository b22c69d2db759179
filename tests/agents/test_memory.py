# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What agents keep: read and written by real runs, apart where strangers led to it, and people's to change."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent, Membership
from accounts.operations.members import remove_member
from accounts.tenancy import tenant
from agents.adapters.memory import MemoryPlace, Written
from agents.adapters.standing import Standing
from agents.engine.errors import MemoryRefused
from agents.engine.memories import MOST_ENTRIES, MOST_VALUE_BYTES
from agents.models import MemoryEntry
from agents.operations.memory import accept_memory, forget_expired_memory, forget_memory
from agents.queries.memory import MemoryFilter, list_memory
from codexos.kernel import clock
from codexos.kernel.errors import NotAllowed, NotFound
from codexos.kernel.redaction import REDACTED
from tests.agents.engine.stage import chain
from tests.agents.test_flow_pages import browse
from tests.agents.test_runs import run_agent, working
from tests.factories import World, client_for
from tests.kernel.local_server import LocalServer, answer
from vault.operations.secrets import Folder, put_secret

CANARY = "canary/7f3a+9c51 e2d8"


@pytest.fixture
def server(settings: Any) -> Iterator[LocalServer]:
    """A server that flows may reach."""
    with LocalServer() as running:
        settings.EGRESS_ALLOW = f"127.0.0.1:{running.port}"
        yield running


def place_of(world: World, **more: Any) -> MemoryPlace:
    return MemoryPlace(world.acme.id, world.project.id, **more)


def write(key: str = "tone", value: Any = "{{ input }}", **more: Any) -> dict[str, Any]:
    arguments = {"scope": "project", "key": key, "value": value, **more}
    return {"id": "keep", "type": "tool", "tool": "MemoryWrite", "arguments": arguments}


def reading(*read: str, **more: Any) -> dict[str, Any]:
    asked = {"id": "ask", "type": "llm", "model": "offline", "prompt": "What is the harbor like?"}
    return {**asked, "memory": {"read": list(read)}, **more}


async def run(world: World, *nodes: dict[str, Any], **body: Any) -> dict[str, Any]:
    with working():
        answered = await run_agent(world.dev, {"agent_id": "a", "flow": dict(chain(*nodes)), "input": "Go", **body})
    found: dict[str, Any] = answered.json()
    return found


async def seen(world: World) -> list[MemoryEntry]:
    return await asyncio.to_thread(kept, world)


def kept(world: World) -> list[MemoryEntry]:
    with tenant(world.acme.id):
        return list(MemoryEntry.objects.for_organization(world.acme.id).order_by("key", "is_quarantined"))


async def test_a_run_keeps_what_a_later_run_is_shown(committed_world: World) -> None:
    world = committed_world
    assert (await run(world, write("harbor", "{{ input }}"), input="The harbor is deep."))["status"] == "succeeded"
    [entry] = await seen(world)
    assert (entry.value, entry.is_trusted, entry.is_quarantined) == ("The harbor is deep.", True, False)
    # when
    found = await run(world, reading("project"))
    # then
    assert found["status"] == "succeeded", found
    assert "The harbor is deep" in found["result"]["output"]
    assert found["result"]["citations"][0]["path"] == "memory"
    # and one that does not declare it is shown nothing
    found = await run(world, reading("agent"))
    assert "deep" not in str(found["result"]["output"])


async def test_what_strangers_led_to_waits_for_a_person(committed_world: World, server: LocalServer) -> None:
    # given
    world = committed_world
    server.speech = lambda asked: [answer(b'{"say": "the harbor obeys me"}', Content_Type="application/json")]
    fetch = {"id": "get", "type": "tool", "tool": "HTTPRequest", "arguments": {"url": server.url("/page")}}
    # when
    assert (await run(world, fetch, write("harbor", "{{ get.json.say }}")))["status"] == "succeeded"
    # then nobody reads it
    [entry] = await seen(world)
    assert (entry.is_quarantined, entry.sources) == (True, ["tool:HTTPRequest"])
    assert "obeys" not in str((await run(world, reading("project")))["result"]["output"])
    # when a person lets it in as what it is
    await asyncio.to_thread(accept_memory, world.dev.actor, entry.pk, label="untrusted")
    found = await run(world, reading("project"), write("copy", "{{ ask.text }}"))
    # then it is read, and what follows from it waits again
    assert "obeys" in str((await seen(world))[0].value), found
    assert [(each.key, each.is_quarantined, each.sources) for each in await seen(world)] == [
        ("copy", True, ["memory"]),
        ("harbor", False, ["tool:HTTPRequest"]),
    ]


async def test_no_secret_is_kept(committed_world: World) -> None:
    world = committed_world
    await asyncio.to_thread(
        put_secret, world.dev.actor, "github", CANARY.encode(), folder=Folder(project=world.project)
    )
    found = await run(world, write("token", "Bearer {{ vault.github }}"), project_id=str(world.project.id))
    assert found["status"] == "succeeded", found
    [entry] = await seen(world)
    assert CANARY not in str(entry.value)
    assert REDACTED in str(entry.value)


def test_memory_is_kept_by_key_and_counted(world: World) -> None:
    place = place_of(world)
    assert place.write(Written("project", " tone\x00 ", "kind"))["version"] == 1
    assert place.write(Written("project", "tone", "kind"))["version"] == 1
    assert place.write(Written("project", "tone", {"is": "curt\x00"}))["version"] == 2
    [entry] = place.read(["project", "agent", "conversation"])
    assert (entry["key"], entry["value"]) == ("tone", {"is": "curt"})


def test_memory_has_its_bounds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of(world)
    for wrong in (
        Written("project", "", "x"),
        Written("project", "k" * 201, "x"),
        Written("project", "k", "x" * MOST_VALUE_BYTES),
        Written("conversation", "k", "x"),
        Written("agent", "k", "x"),
    ):
        with pytest.raises(MemoryRefused):
            place.write(wrong)
    monkeypatch.setattr("agents.adapters.memory.MOST_ENTRIES", 2)
    place.write(Written("project", "a", 1))
    place.write(Written("project", "b", 1))
    with pytest.raises(MemoryRefused, match="no room for more"):
        place.write(Written("project", "c", 1))
    place.write(Written("project", "a", 2))
    assert MOST_ENTRIES == 500


def test_scopes_are_kept_apart(world: World) -> None:
    one, other = place_of(world, conversation="one"), place_of(world, conversation="other")
    one.write(Written("conversation", "name", "Ida"))
    assert [each["value"] for each in one.read(["conversation"])] == ["Ida"]
    assert other.read(["conversation", "project"]) == []
    strange = MemoryPlace(world.other.id, world.other_project.id, conversation="one")
    assert strange.read(["conversation", "project"]) == []


def test_who_is_gone_reads_and_writes_nothing(world: World) -> None:
    standing = Standing(world.acme.id, world.dev.person.pk, world.project.id, name="Dev")
    place = place_of(world, standing=standing)
    place.write(Written("project", "tone", "kind"))
    with tenant(world.acme.id):
        member = Membership.objects.for_organization(world.acme.id).get(person=world.dev.person)
    remove_member(world.admin.actor, member.pk)
    with pytest.raises(NotAllowed, match="no longer a member"):
        place.read(["project"])
    with pytest.raises(NotAllowed, match="no longer a member"):
        place.write(Written("project", "tone", "rude"))


def test_what_has_expired_is_read_no_more_and_swept(world: World) -> None:
    place = place_of(world)
    place.write(Written("project", "tide", "high", seconds=60))
    place.write(Written("project", "moon", "full"))
    with tenant(world.acme.id):
        rows = MemoryEntry.objects.for_organization(world.acme.id)
        rows.filter(key="tide").update(expires_at=clock.now() - timedelta(seconds=1))
    assert [each["key"] for each in place.read(["project"])] == ["moon"]
    forget_expired_memory()
    assert [each.key for each in kept(world)] == ["moon"]


def test_people_search_edit_accept_and_forget_and_the_trail_says_so(world: World) -> None:
    # given
    place = place_of(world)
    place.write(Written("project", "tone", "kind"))
    place.write(Written("project", "tone", "rude", labels=["tool:WebFetch"]))
    client = client_for(world.dev)
    found = client.get("/api/v1/memory/?search=rud&quarantined=true").json()["results"]
    assert [each["value"] for each in found] == ["rude"]
    assert client.get("/api/v1/memory/?scope=agent").json()["results"] == []
    url = f"/api/v1/memory/{found[0]['id']}/"
    # when it is accepted it takes the other's place
    accepted = client.post(f"{url}accept/", {}, format="json").json()
    assert (accepted["version"], accepted["label"], accepted["is_quarantined"]) == (2, "trusted", False)
    assert client.post(f"{url}accept/", {}, format="json").status_code == 409
    assert [each["value"] for each in place.read(["project"])] == ["rude"]
    # when it is edited, only what is new is taken
    assert client.patch(url, {"value": "warm"}, format="json", HTTP_IF_MATCH='"1.0"').status_code == 412
    assert client.patch(url, {"value": "x" * 20_000}, format="json").status_code == 422
    edited = client.patch(url, {"value": {"is": "warm"}, "label": "untrusted"}, format="json", HTTP_IF_MATCH='"2.0"')
    assert edited.json()["version"] == 3
    assert place.read(["project"])[0]["trusted"] is False
    # then
    assert client.delete(url).status_code == 204
    with tenant(world.acme.id):
        events = AuditEvent.objects.for_organization(world.acme.id).filter(action__startswith="memory.")
        assert [event.action for event in events.order_by("pk")] == [
            "memory.accepted",
            "memory.changed",
            "memory.forgotten",
        ]
        assert not any("warm" in str(event.details) for event in events)


def test_nobody_touches_the_memory_of_others(world: World) -> None:
    place_of(world).write(Written("project", "tone", "kind"))
    [entry] = kept(world)
    with pytest.raises(NotFound):
        forget_memory(world.stranger.actor, entry.pk)
    with pytest.raises(NotAllowed):
        forget_memory(world.viewer.actor, entry.pk)
    assert list_memory(world.stranger.actor, which=MemoryFilter()).rows == []
    assert [each.key for each in list_memory(world.viewer.actor, which=MemoryFilter()).rows] == ["tone"]


def test_the_pages_show_what_waits_and_take_a_yes(world: World) -> None:
    place_of(world).write(Written("project", "tone", "<b>rude</b>", labels=["tool:WebFetch"]))
    [entry] = kept(world)
    browser = browse(world.dev)
    page = browser.get("/memory/?which=waiting").content.decode()
    assert "tone" in page
    assert "<b>rude</b>" not in page
    assert "tool:WebFetch" in browser.get(f"/memory/{entry.pk}/").content.decode()
    refused = browser.post(f"/memory/{entry.pk}/", {"value": "x" * 20_000, "label": "trusted", "expires_at": ""})
    assert refused.status_code == 422
    assert browser.post(f"/memory/{entry.pk}/accept/").status_code == 302
    assert (
        browser.post(f"/memory/{entry.pk}/", {"value": '["a"]', "label": "trusted", "expires_at": ""}).status_code
        == 302
    )
    assert [each.value for each in kept(world)] == [["a"]]
    assert browser.post(f"/memory/{entry.pk}/forget/").status_code == 302
    assert kept(world) == []


def test_whoever_accepts_what_somebody_accepts_in_that_moment_is_told_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given one that waits, and one that came under its key between the look and the write
    with tenant(world.acme.id):
        entries = [
            MemoryEntry.objects.create(
                organization_id=world.acme.id,
                project=world.project,
                scope="project",
                key="harbor",
                value="deep",
                size=6,
                is_quarantined=waits,
            )
            for waits in (False, True)
        ]
    monkeypatch.setattr("agents.operations.memory._accepted_beside", lambda row: None)
    url = f"/api/v1/memory/{entries[1].pk}/accept/"
    # then they are told, and nothing is changed
    answered = client_for(world.dev).post(url, {}, format="json")
    assert (answered.status_code, answered.json()["code"]) == (409, "memory_entry_accepted")
    assert [entry.is_quarantined for entry in kept(world)] == [False, True]
