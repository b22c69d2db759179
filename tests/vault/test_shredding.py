# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Shredding destroys an organization's keys: nobody opens what stood under them, whatever is kept open elsewhere."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from accounts.actor import ActorKind
from accounts.models import AuditEvent
from accounts.tenancy import tenant
from codexos.kernel.errors import NotAllowed
from tests.factories import World
from vault.adapters.keys.cached import CachedKeys
from vault.adapters.keys.chosen import key_provider
from vault.errors import NothingToShred, ShreddingUnconfirmed, VaultShredded
from vault.operations import key_rotation
from vault.operations.key_rotation import rotate_organization_key
from vault.operations.secrets import Folder, put_secret
from vault.operations.shredding import shred_vault
from vault.operations.values import read_secret, roll_back
from vault.queries.keys import KeyState, list_vault_keys, shredding_of
from vault.workers import rewrap
from vault.workers.rewrap import rewrap_versions


def put(world: World, key: str = "github", value: bytes = b"value") -> None:
    put_secret(world.dev.actor, key, value, folder=Folder(project=world.project))


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_rotation.rewrap_versions, "delay", lambda _organization: None)


def test_what_is_shredded_opens_for_nobody_and_others_are_untouched(
    committed_world: World, truth: psycopg.Connection, settings: Any
) -> None:
    world = committed_world
    settings.BACKUP_DAYS = 20
    put(world)
    put(world, value=b"second")
    rotate_organization_key(world.admin.actor)
    put(world, "gitlab")
    put_secret(world.stranger.actor, "theirs", b"x", folder=Folder(project=world.other_project))
    assert shredding_of(world.admin.actor) is None

    shredded = shred_vault(world.admin.actor, confirm="acme")

    assert (shredded.keys, shredded.versions) == (2, 3)
    assert shredded.final_at - shredded.shredded_at == timedelta(days=20)
    for read in (
        lambda: read_secret(world.dev.actor, "github"),
        lambda: read_secret(world.admin.actor, "gitlab"),
        lambda: roll_back(world.dev.actor, "github", to=1),
    ):
        with pytest.raises(VaultShredded, match="Nobody can open it"):
            read()
    assert read_secret(world.stranger.actor, "theirs").value == b"x"
    kept = truth.execute("select wrapped from vault_vaultkey where organization_id = %s", [world.acme.pk]).fetchall()
    assert kept == [(b"",)] * 2
    shown = shredding_of(world.admin.actor)
    assert shown is not None
    assert (shown.final_at, shown.versions, shown.is_final) == (shredded.final_at, 3, False)
    with tenant(world.acme.pk):
        (event,) = AuditEvent.objects.for_organization(world.acme.pk).filter(action="vault.shredded")
    assert (event.actor_id, event.details["versions"], event.details["keys"]) == (world.admin.person.pk, 3, [1, 2])
    assert event.details["final_at"] == shredded.final_at.isoformat()


def test_what_a_process_keeps_open_does_not_go_on_opening(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    cached = CachedKeys(key_provider())
    monkeypatch.setattr("vault.adapters.keys.rows.key_provider", lambda: cached)
    put(world)
    assert read_secret(world.dev.actor, "github").value == b"value"
    shred_vault(world.admin.actor, confirm="acme")
    assert len(cached._kept) == 1, "the key is still open in this process"
    with pytest.raises(VaultShredded):
        read_secret(world.dev.actor, "github")


def test_whoever_puts_afterwards_starts_with_a_new_key(committed_world: World) -> None:
    world = committed_world
    put(world)
    shred_vault(world.admin.actor, confirm="acme")
    put(world, value=b"after")
    assert read_secret(world.dev.actor, "github").value == b"after"
    states = [(key.number, key.state) for key in list_vault_keys(world.admin.actor).rows]
    assert states == [(2, KeyState.IN_USE), (1, KeyState.SHREDDED)]
    with pytest.raises(VaultShredded):
        roll_back(world.dev.actor, "github", to=1)
    assert rewrap_versions(world.acme.pk)
    assert shredding_of(world.admin.actor) is not None


def test_only_an_admin_who_is_signed_in_and_says_so_twice(world: World) -> None:
    put(world)
    for who in (world.lead, world.dev, world.viewer):
        with pytest.raises(NotAllowed):
            shred_vault(who.actor, confirm="acme")
        with pytest.raises(NotAllowed):
            shredding_of(who.actor)
    with pytest.raises(NotAllowed, match="signed in"):
        shred_vault(replace(world.admin.actor, kind=ActorKind.TOKEN), confirm="acme")
    for confirm in ("", "Acme", "other"):
        with pytest.raises(ShreddingUnconfirmed, match="'acme'"):
            shred_vault(world.admin.actor, confirm=confirm)
    with pytest.raises(ShreddingUnconfirmed):
        shred_vault(world.stranger.actor, confirm="acme")
    assert read_secret(world.dev.actor, "github").value == b"value"
    with tenant(world.acme.pk):
        refused = AuditEvent.objects.for_organization(world.acme.pk).filter(action="secret.refused")
        assert [event.details["tried"] for event in refused] == ["shred"] * 7


def test_there_may_be_nothing_to_shred(world: World) -> None:
    with pytest.raises(NothingToShred):
        shred_vault(world.admin.actor, confirm="acme")
    put(world)
    shred_vault(world.admin.actor, confirm="acme")
    with pytest.raises(NothingToShred):
        shred_vault(world.admin.actor, confirm="acme")


def test_those_who_put_while_it_is_shredded_lose_nothing_that_they_were_told_is_kept(committed_world: World) -> None:
    world = committed_world
    put(world, "before")

    def work(number: int) -> int:
        try:
            if number == 5:
                shred_vault(world.admin.actor, confirm="acme")
            else:
                put(world, f"key-{number}", b"x")
            return number
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(work, range(10)))
    # Each stands under a key that was shredded with it, or under one made after; none under both or neither.
    by_state = {key.state: key.versions for key in list_vault_keys(world.admin.actor).rows}
    opened = 0
    for number in set(range(10)) - {5}:
        with suppress(VaultShredded):
            opened += read_secret(world.dev.actor, f"key-{number}").value == b"x"
    assert opened == by_state.get(KeyState.IN_USE, 0)
    assert sum(by_state.values()) == 10


def test_who_moves_versions_with_an_open_key_brings_nothing_back(committed_world: World) -> None:
    world = committed_world
    put(world)
    rotate_organization_key(world.admin.actor)
    (retired,) = rewrap._retired(world.acme.pk)
    opened = rewrap._opened(retired)
    assert opened is not None
    shred_vault(world.admin.actor, confirm="acme")
    put(world, "after")
    # It goes on with what it has in its memory, and finds a key in use again.
    assert rewrap._pass(opened, world.acme.pk, most_batches=5) == (1, 0)
    with pytest.raises(VaultShredded):
        read_secret(world.dev.actor, "github")
    assert read_secret(world.dev.actor, "after").value == b"value"


def test_a_key_that_is_made_while_shredding_waits_is_shredded_too(
    committed_world: World, truth: psycopg.Connection
) -> None:
    world = committed_world
    put(world)

    def shred() -> int:
        try:
            return shred_vault(world.admin.actor, confirm="acme").keys
        finally:
            connections.close_all()

    def is_waited_for() -> bool:
        row = truth.execute("select count(*) from pg_locks where not granted").fetchone()
        return row is not None and row[0] > 0

    with ThreadPoolExecutor(1) as pool:
        with tenant(world.acme.pk):
            rotate_organization_key(world.admin.actor)
            shredding = pool.submit(shred)
            while not is_waited_for():
                assert not shredding.done()
        assert shredding.result() == 2
    assert {key.state for key in list_vault_keys(world.admin.actor).rows} == {KeyState.SHREDDED}


def test_the_operator_shreds_by_command(committed_world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world = committed_world
    put(world)
    with pytest.raises(CommandError, match="confirm with its short name 'acme'"):
        call_command("vault", "shred", "acme")
    with pytest.raises(CommandError, match="No organization has the short name 'acne'"):
        call_command("vault", "shred", "acne", "--confirm", "acne")
    call_command("vault", "shred", "acme", "--confirm", "acme")
    assert "1 key(s) shredded, 1 version(s)" in capsys.readouterr().out
    with pytest.raises(VaultShredded):
        read_secret(world.dev.actor, "github")
    call_command("vault", "status")
    said = capsys.readouterr().out
    assert "acme: no key in use, 1 key(s), 1 of them shredded, 0 version(s) left to wrap anew; shredded on" in said
    with tenant(world.acme.pk):
        (event,) = AuditEvent.objects.for_organization(world.acme.pk).filter(action="vault.shredded")
    assert event.actor_label == "bin/manage vault"
