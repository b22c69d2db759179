# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keys of providers: from the vault alone, audited, kept for minutes at most, and told nowhere."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError

from accounts.models import AuditEvent
from accounts.operations.teams import create_team
from accounts.tenancy import tenant
from codexos.kernel.chat import ChatRequest, Message
from codexos.kernel.errors import CodexosError
from llm.errors import ModelInvalid, ModelKeyRefused, ModelKeyUnusable, RoutesUnreadable
from llm.operations import keys as keys_module
from llm.operations.askers import Asker
from llm.operations.catalogs import catalogs
from llm.operations.chat import chat_stream
from llm.operations.keys import KEPT_SECONDS, ProviderKeys
from llm.operations.providers import ProviderEdit, change_provider, create_provider, delete_provider
from llm.operations.trials import try_provider
from llm.queries.catalogs import KeyPlace
from tests.factories import World
from tests.fakes.openai import KEY, Provider, serve_provider
from tests.llm.setting_up import ask, asker_in, connect, deploy, put_key
from vault.errors import SecretInUse
from vault.models import SecretScope
from vault.operations.rules import RuleRequest, make_rule
from vault.operations.secrets import Folder, SecretEdit, destroy_secret, rotate_secret
from vault.queries.secrets import Reach, access_secret, list_uses


@pytest.fixture
def server(settings: Any) -> Iterator[Provider]:
    settings.EGRESS_ALLOW = "127.0.0.1"
    with serve_provider() as provider:
        yield provider


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> ProviderKeys:
    """The keys of this process, none of them open yet."""
    fresh = ProviderKeys()
    monkeypatch.setattr(keys_module.provider_keys, "_kept", fresh._kept)
    return fresh


def openings(world: World) -> list[dict[str, Any]]:
    with tenant(world.acme.pk):
        rows = AuditEvent.objects.for_organization(world.acme.pk).filter(action="secret.used").order_by("pk")
        return [{"by": row.actor_label, **row.details} for row in rows]


def test_a_key_is_opened_once_for_a_while_and_each_opening_is_audited(
    world: World, server: Provider, keys: ProviderKeys
) -> None:
    deploy(world.admin.actor, connect(world.admin.actor, server), "near")
    for _ in range(3):
        ask(asker_in(world), "near")
    assert [(each["by"], each["provider"]) for each in openings(world)] == [
        ("Model gateway for dev@acme.example", "Local")
    ]
    assert len(server.asked) == 3


def test_a_key_is_opened_once_for_all_who_wait_for_it(world: World, server: Provider, keys: ProviderKeys) -> None:
    deploy(world.admin.actor, connect(world.admin.actor, server), "near")
    catalogs.forget(world.acme.pk)

    async def ask_it() -> None:
        request = ChatRequest("near", [Message("user", "Who lit the lamp?")])
        async for _ in chat_stream(request, asker=asker_in(world)):
            pass

    async def ask_all() -> None:
        await asyncio.gather(*(ask_it() for _ in range(12)))

    async_to_sync(ask_all)()
    assert (len(server.asked), len(openings(world))) == (12, 1)


async def test_while_the_database_is_away_the_step_may_be_tried_again(keys: ProviderKeys) -> None:
    async def away(function: Any, /, *args: Any, **more: Any) -> Any:
        raise OperationalError("the connection was closed")

    place = KeyPlace(UUID(int=1), "Local", "local_key", Reach(None, None), secret_id=UUID(int=2))
    with pytest.raises(RoutesUnreadable) as raised:
        await keys.value(place, asker=Asker(UUID(int=3)), in_thread=away)
    assert raised.value.retryable


def test_it_is_let_go_of_after_minutes(world: World, server: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(world.admin.actor, connect(world.admin.actor, server), "near")
    now = [0.0]
    monkeypatch.setattr(keys_module.provider_keys, "_kept", {})
    monkeypatch.setattr(keys_module.provider_keys, "_now", lambda: now[0])
    for moment in (0.0, KEPT_SECONDS - 1, KEPT_SECONDS + 1):
        now[0] = moment
        ask(asker_in(world), "near")
    assert len(openings(world)) == 2
    now[0] = KEPT_SECONDS * 3
    keys_module.provider_keys.drop_old()
    assert keys_module.provider_keys._kept == {}


def test_a_rotated_key_is_used_at_once_and_a_refused_one_opened_anew(
    world: World, server: Provider, keys: ProviderKeys
) -> None:
    deploy(world.admin.actor, connect(world.admin.actor, server), "near")
    ask(asker_in(world), "near")
    server.key = "sk-canary-the-next-one-99aa88bb"
    with pytest.raises(ModelKeyRefused):
        ask(asker_in(world), "near")
    rotate_secret(world.admin.actor, "local_key", server.key.encode())
    ask(asker_in(world), "near")


def test_a_key_that_is_gone_is_told_so(world: World, server: Provider, keys: ProviderKeys) -> None:
    deploy(world.admin.actor, connect(world.admin.actor, server), "near")
    ask(asker_in(world), "near")
    destroy_secret(world.admin.actor, "local_key", even_if_used=True)
    with pytest.raises(ModelKeyUnusable, match="there is none of that name in its folder any more"):
        ask(asker_in(world), "near")
    assert len(server.asked) == 1


def test_a_teams_key_serves_its_team_alone(world: World, server: Provider, keys: ProviderKeys) -> None:
    actor = world.admin.actor
    put_key(actor, "team_key", server.key, folder=Folder(SecretScope.TEAM, team=world.team))
    deploy(actor, connect(actor, server, key="team_key", key_folder="team", key_team=str(world.team.pk)), "near")
    ask(asker_in(world), "near")
    another = create_team(actor, name="Another")
    with pytest.raises(ModelKeyUnusable, match="not shared"):
        ask(Asker(world.acme.pk, team_id=another.pk, person_id=world.dev.person.pk), "near")
    with pytest.raises(ModelKeyUnusable):
        ask(Asker(world.acme.pk), "near")


def test_a_projects_key_serves_its_project_alone(world: World, server: Provider, keys: ProviderKeys) -> None:
    actor = world.admin.actor
    put_key(actor, "project_key", server.key, folder=Folder(project=world.project))
    place = {"key": "project_key", "key_folder": "project", "key_project": str(world.project.pk)}
    deploy(actor, connect(actor, server, **place), "near")
    ask(asker_in(world), "near")
    with pytest.raises(ModelKeyUnusable, match="not shared"):
        ask(Asker(world.acme.pk, team_id=world.team.pk, person_id=world.dev.person.pk), "near")


def test_a_rule_that_denies_a_key_to_somebody_denies_it_in_their_runs(
    world: World, server: Provider, keys: ProviderKeys
) -> None:
    actor = world.admin.actor
    put_key(actor, "tagged", server.key, edit=SecretEdit(tags=["prod"]))
    deploy(actor, connect(actor, server, key="tagged"), "near")
    make_rule(actor, RuleRequest("prod", "deny", role="developer"))
    with pytest.raises(ModelKeyUnusable, match="denied"):
        ask(asker_in(world), "near")
    ask(asker_in(world, world.lead), "near")


def test_a_viewer_asks_with_the_key_too_for_the_gateway_uses_it_and_not_they(
    world: World, server: Provider, keys: ProviderKeys
) -> None:
    deploy(world.admin.actor, connect(world.admin.actor, server), "near")
    ask(asker_in(world, world.viewer), "near")


def test_the_vault_knows_who_uses_a_key(world: World, server: Provider) -> None:
    actor = world.admin.actor
    provider = connect(actor, server)
    put_key(actor, "local_key", "something else", folder=Folder(SecretScope.TEAM, team=world.team))
    ours = access_secret(actor, _secret_of(world))
    assert [use.about_label for use in list_uses(actor, ours)] == ["Local"]
    with pytest.raises(SecretInUse, match="used by Local"):
        destroy_secret(actor, ours.pk)
    change_provider(actor, provider.pk, ProviderEdit(key=""))
    assert list_uses(actor, ours) == []
    change_provider(actor, provider.pk, ProviderEdit(key="local_key"))
    delete_provider(actor, provider.pk)
    assert list_uses(actor, ours) == []


def _secret_of(world: World) -> Any:
    from vault.models import Secret

    with tenant(world.acme.pk):
        rows = Secret.objects.for_organization(world.acme.pk)
        return rows.get(key="local_key", scope=SecretScope.ORGANIZATION).pk


@pytest.mark.parametrize("key", ["nothing", "sk-canary-7f3d9a1c5e8b2460"])
def test_only_a_secret_that_is_there_can_be_named(world: World, key: str) -> None:
    with pytest.raises(ModelInvalid, match="There is no secret"):
        create_provider(world.admin.actor, ProviderEdit(name="New", kind="openai", key=key))


def test_who_may_not_use_a_key_has_it_sent_nowhere_else(world: World, server: Provider) -> None:
    actor = world.admin.actor
    put_key(actor, "tagged", server.key, edit=SecretEdit(tags=["prod"]))
    provider = connect(actor, server, key="tagged")
    make_rule(actor, RuleRequest("prod", "deny", role="org_admin"))
    for edit in (ProviderEdit(base_url="https://collector.example"), ProviderEdit(kind="openai")):
        with pytest.raises(ModelInvalid, match="that you may use"):
            change_provider(actor, provider.pk, edit)
    # What sends it nowhere else is theirs to say.
    change_provider(actor, provider.pk, ProviderEdit(name="Renamed", requests_per_minute=(5,)))
    change_provider(actor, provider.pk, ProviderEdit(base_url="https://collector.example", key=""))


def test_trying_a_provider_tells_the_answer_or_the_real_error(
    world: World, server: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = connect(world.admin.actor, server)
    with pytest.raises(ModelInvalid, match="Say which model"):
        try_provider(world.admin.actor, provider.pk)
    good = try_provider(world.admin.actor, provider.pk, model="gpt-4o")
    assert (good.is_ok, good.answer) == (True, "The lamp was lit in 1871.")
    server.key = "sk-another-0123456789abcdef"
    bad = try_provider(world.admin.actor, provider.pk, model="gpt-4o")
    assert (bad.is_ok, bad.error_code) == (False, "model_key_refused")
    destroy_secret(world.admin.actor, "local_key", even_if_used=True)
    gone = try_provider(world.admin.actor, provider.pk, model="gpt-4o")
    assert gone.error_code == "model_key_unusable"
    told = " ".join([repr(good), repr(bad), repr(gone), caplog.text, repr(keys_module.provider_keys._kept)])
    assert KEY not in told
    assert server.key not in told


def test_no_error_of_the_gateway_holds_the_key(world: World, server: Provider, keys: ProviderKeys) -> None:
    deploy(world.admin.actor, connect(world.admin.actor, server), "near")
    for status, said in ((401, f"Bad key {KEY}"), (500, f"Bearer {KEY} broke"), (400, f"{KEY}")):
        server.will(status=status, error=said)
        with pytest.raises(CodexosError) as raised:
            ask(asker_in(world), "near")
        assert KEY not in f"{raised.value.message} {raised.value.details} {raised.value!r}"
