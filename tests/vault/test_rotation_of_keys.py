# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keys are rotated while secrets are used: nothing is lost, nothing stays behind, and no value is opened for it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from accounts.models import AuditEvent
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.errors import NotAllowed
from codexos.kernel.sealing import new_key
from tests.factories import World
from vault.adapters.keys.chosen import forget_keeper
from vault.crypto.keyring import name_of
from vault.errors import KeysJustChanged, KeyUnavailable, MasterUnknown
from vault.models import SecretVersion, VaultKey
from vault.operations import key_rotation
from vault.operations.key_rotation import go_on_rewrapping, rewrap_under_present_master, rotate_old_keys
from vault.operations.key_rotation import rotate_organization_key as rotate
from vault.operations.keys import hold_in_use, key_in_use
from vault.operations.secrets import Folder, put_secret
from vault.operations.values import read_secret
from vault.queries.keys import KeyState, count_left_to_rewrap, list_vault_keys, summarize_vault_keys
from vault.workers import rewrap
from vault.workers.rewrap import rewrap_versions


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let no task start by itself; the organizations it would have started for."""
    asked: list[str] = []
    monkeypatch.setattr(key_rotation.rewrap_versions, "delay", asked.append)
    return asked


@pytest.fixture
def keepers(settings: Any) -> Iterator[Any]:
    """The settings, read anew by whoever keeps keys."""
    forget_keeper()
    yield settings
    forget_keeper()


def put_many(world: World, count: int, *, first: int = 0) -> dict[str, bytes]:
    values = {f"key-{number}": f"value {number}".encode() for number in range(first, first + count)}
    for key, value in values.items():
        put_secret(world.dev.actor, key, value, folder=Folder(project=world.project))
    return values


def all_open(world: World, values: dict[str, bytes]) -> bool:
    return all(read_secret(world.dev.actor, key).value == value for key, value in values.items())


def states(world: World) -> list[tuple[int, KeyState, int]]:
    return [(key.number, key.state, key.versions) for key in list_vault_keys(world.admin.actor).rows]


def rows_of(truth: psycopg.Connection) -> dict[UUID, tuple[bytes, bytes]]:
    found = truth.execute("select id, wrapped_key, sealed from vault_secretversion").fetchall()
    return {id_: (wrapped, sealed) for id_, wrapped, sealed in found}


def test_everything_moves_to_the_next_key_and_the_old_one_is_emptied(
    committed_world: World, truth: psycopg.Connection, unhurried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    monkeypatch.setattr(rewrap, "BATCH", 3)
    values = put_many(world, 10)
    before = rows_of(truth)
    assert rotate(world.admin.actor).number == 2
    assert unhurried == [str(world.acme.pk)]
    assert states(world) == [(2, KeyState.IN_USE, 0), (1, KeyState.RETIRED, 10)]
    assert count_left_to_rewrap(world.admin.actor) == 10
    assert all_open(world, values)
    values |= put_many(world, 2, first=10)
    assert rewrap_versions(world.acme.pk)
    assert states(world) == [(2, KeyState.IN_USE, 12), (1, KeyState.EMPTIED, 0)]
    assert all_open(world, values)
    after = rows_of(truth)
    for id_, (wrapped, sealed) in before.items():
        assert after[id_][0] != wrapped
        assert after[id_][1] == sealed, "the value was touched"
    assert truth.execute("select wrapped from vault_vaultkey where number = 1").fetchall() == [(b"",)]
    with tenant(world.acme.pk):
        (event,) = AuditEvent.objects.for_organization(world.acme.pk).filter(action="vault.key_rotated")
    assert (event.actor_id, event.details["number"], event.details["retired"]) == (world.admin.person.pk, 2, [1])


def test_one_that_is_killed_is_gone_on_with(
    committed_world: World, unhurried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    monkeypatch.setattr(rewrap, "BATCH", 2)
    values = put_many(world, 9)
    rotate(world.admin.actor)
    moving = rewrap._wrapped_anew
    calls = 0

    def dies_in_the_third(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            yield next(iter(moving(*given)))
            raise KeyboardInterrupt
        yield from moving(*given)

    monkeypatch.setattr(rewrap, "_wrapped_anew", dies_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        rewrap_versions(world.acme.pk)
    assert states(world) == [(2, KeyState.IN_USE, 4), (1, KeyState.RETIRED, 5)]
    assert all_open(world, values)
    assert rewrap_versions(world.acme.pk)
    assert states(world) == [(2, KeyState.IN_USE, 9), (1, KeyState.EMPTIED, 0)]
    assert rewrap_versions(world.acme.pk)
    assert all_open(world, values)


def test_a_task_makes_way_and_another_goes_on(
    committed_world: World, unhurried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    monkeypatch.setattr(rewrap, "BATCH", 2)
    put_many(world, 9)
    rotate(world.admin.actor)
    assert not rewrap_versions(world.acme.pk, most_batches=2)
    assert count_left_to_rewrap(world.admin.actor) == 5
    go_on_rewrapping()
    assert unhurried == [str(world.acme.pk)] * 2
    assert rewrap_versions(world.acme.pk)
    unhurried.clear()
    go_on_rewrapping()
    assert unhurried == []


def test_several_at_once_while_others_put_and_rotate_lose_nothing(
    committed_world: World, unhurried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    monkeypatch.setattr(rewrap, "BATCH", 3)
    values = put_many(world, 40)
    rotate(world.admin.actor)

    def work(number: int) -> dict[str, bytes]:
        try:
            if number == 2:
                rotate(world.admin.actor)
            if number in (3, 4):
                return put_many(world, 10, first=number * 100)
            rewrap_versions(world.acme.pk)
            return {}
        finally:
            connections.close_all()

    with ThreadPoolExecutor(7) as pool:
        for put in pool.map(work, range(7)):
            values |= put
    assert rewrap_versions(world.acme.pk)
    assert states(world) == [(3, KeyState.IN_USE, 60), (2, KeyState.EMPTIED, 0), (1, KeyState.EMPTIED, 0)]
    assert all_open(world, values)


def test_two_who_rotate_at_once_make_one_key(
    committed_world: World, unhurried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    put_many(world, 1)
    monkeypatch.setattr(key_rotation, "latest_number", lambda _organization: 1)
    rotate(world.admin.actor)
    with pytest.raises(KeysJustChanged, match="try again"):
        rotate(world.admin.actor)
    assert [number for number, _state, _count in states(world)] == [2, 1]
    assert summarize_vault_keys(world.admin.actor).in_use == 2


def test_nothing_comes_under_a_key_that_was_retired_while_it_was_held(
    committed_world: World, unhurried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    put_many(world, 1)
    old = key_in_use(world.acme.pk)
    rotate(world.admin.actor)
    with tenant(world.acme.pk):
        assert not hold_in_use(old.row_id)
    held = [old]
    monkeypatch.setattr(
        "vault.operations.secrets.key_in_use", lambda organization: held.pop() if held else key_in_use(organization)
    )
    values = put_many(world, 1, first=5)
    assert states(world) == [(2, KeyState.IN_USE, 1), (1, KeyState.RETIRED, 1)]
    assert all_open(world, values)


def test_what_does_not_open_stays_and_holds_nothing_else_up(
    committed_world: World, truth: psycopg.Connection, unhurried: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    world = committed_world
    values = put_many(world, 4)
    truth.execute(
        "update vault_secretversion v set wrapped_key = set_byte(wrapped_key, 20, 255 - get_byte(wrapped_key, 20)) "
        "from vault_secret s where s.id = v.secret_id and s.key = 'key-2'"
    )
    rotate(world.admin.actor)
    assert rewrap_versions(world.acme.pk)
    assert "does not open" in caplog.text
    assert states(world) == [(2, KeyState.IN_USE, 3), (1, KeyState.RETIRED, 1)]
    del values["key-2"]
    assert all_open(world, values)


def test_a_version_somebody_holds_is_left_for_the_next_time(
    committed_world: World, truth: psycopg.Connection, unhurried: list[str]
) -> None:
    world = committed_world
    put_many(world, 3)
    rotate(world.admin.actor)
    with truth.transaction():
        truth.execute("select from vault_secretversion order by id limit 1 for update")
        assert rewrap_versions(world.acme.pk)
        assert states(world) == [(2, KeyState.IN_USE, 2), (1, KeyState.RETIRED, 1)]
    assert rewrap_versions(world.acme.pk)
    assert states(world) == [(2, KeyState.IN_USE, 3), (1, KeyState.EMPTIED, 0)]


def test_only_admins_rotate_and_see_keys(world: World) -> None:
    for who in (world.lead, world.dev, world.viewer):
        with pytest.raises(NotAllowed):
            rotate(who.actor)
        with pytest.raises(NotAllowed):
            list_vault_keys(who.actor)
        with pytest.raises(NotAllowed):
            count_left_to_rewrap(who.actor)
    assert list_vault_keys(world.stranger.actor).rows == []


def test_another_organization_is_left_alone(committed_world: World, unhurried: list[str]) -> None:
    world = committed_world
    put_many(world, 2)
    put_secret(world.stranger.actor, "theirs", b"x", folder=Folder(project=world.other_project))
    rotate(world.admin.actor)
    rewrap_versions(world.acme.pk)
    (key,) = list_vault_keys(world.stranger.actor).rows
    assert (key.number, key.state, key.versions) == (1, KeyState.IN_USE, 1)


def test_keys_that_are_too_old_are_rotated_by_the_clock(
    committed_world: World, truth: psycopg.Connection, unhurried: list[str], settings: Any
) -> None:
    world = committed_world
    put_many(world, 1)
    put_secret(world.stranger.actor, "theirs", b"x", folder=Folder(project=world.other_project))
    aged = clock.now() - timedelta(days=366)
    truth.execute("update vault_vaultkey set created_at = %s where organization_id = %s", [aged, world.acme.pk])
    settings.VAULT_ROTATE_DAYS = 0
    assert rotate_old_keys() == 0
    settings.VAULT_ROTATE_DAYS = 365
    assert rotate_old_keys() == 1
    assert rotate_old_keys() == 0
    assert unhurried == [str(world.acme.pk)]
    assert [number for number, _state, _count in states(world)] == [2, 1]


def test_a_keeper_that_is_away_stops_no_other_organization(
    committed_world: World, truth: psycopg.Connection, unhurried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    put_many(world, 1)
    put_secret(world.stranger.actor, "theirs", b"x", folder=Folder(project=world.other_project))
    truth.execute("update vault_vaultkey set created_at = now() - interval '400 days'")
    making = key_rotation.new_row

    def away(organization_id: UUID, *, number: int) -> VaultKey:
        if organization_id == world.acme.pk:
            raise KeyUnavailable(master="kms", because="it does not answer")
        return making(organization_id, number=number)

    monkeypatch.setattr(key_rotation, "new_row", away)
    assert rotate_old_keys() == 1
    assert states(world) == [(1, KeyState.IN_USE, 1)]


def test_the_master_is_changed_for_all_and_the_old_one_not_needed_any_more(
    committed_world: World, keepers: Any, capsys: pytest.CaptureFixture[str], unhurried: list[str]
) -> None:
    world = committed_world
    old = list(keepers.VAULT_KEYS)
    values = put_many(world, 2)
    put_secret(world.stranger.actor, "theirs", b"x", folder=Folder(project=world.other_project))
    rotate(world.admin.actor)
    new = new_key()
    keepers.VAULT_KEYS = [new, *old]
    forget_keeper()
    call_command("vault", "status")
    said = capsys.readouterr().out
    assert f"master in use: {name_of(new)}" in said
    assert f"also needed: {name_of(old[-1])}" in said
    assert "acme: key 2 in use, 2 key(s), 2 version(s) left to wrap anew" in said
    call_command("vault", "rewrap-keys")
    said = capsys.readouterr().out
    assert "acme: 2 key(s) wrapped anew." in said
    assert "other: 1 key(s) wrapped anew." in said
    keepers.VAULT_KEYS = [new]
    forget_keeper()
    assert all_open(world, values)
    assert read_secret(world.stranger.actor, "theirs").value == b"x"
    call_command("vault", "rewrap-keys")
    assert "already" in capsys.readouterr().out
    with tenant(world.acme.pk):
        events = AuditEvent.objects.for_organization(world.acme.pk).filter(action="vault.key_rewrapped")
        assert [event.details["master"] for event in events] == [name_of(new)] * 2
    # who has the old master alone is shut out
    keepers.VAULT_KEYS = old
    forget_keeper()
    with pytest.raises(MasterUnknown):
        read_secret(world.dev.actor, "key-0")


def test_a_master_that_is_missing_is_told_and_the_others_go_on(
    committed_world: World, truth: psycopg.Connection, keepers: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    world = committed_world
    values = put_many(world, 1)
    put_secret(world.stranger.actor, "theirs", b"x", folder=Folder(project=world.other_project))
    truth.execute("update vault_vaultkey set master = 'local:lost' where organization_id = %s", [world.other.pk])
    keepers.VAULT_KEYS = [new_key(), *keepers.VAULT_KEYS]
    forget_keeper()
    with pytest.raises(CommandError, match=r"1 of 2 organization\(s\) stay as they were"):
        call_command("vault", "rewrap-keys")
    assert "other: Secrets are sealed under the master key 'local:lost'" in capsys.readouterr().err
    assert all_open(world, values)


def test_a_key_that_was_changed_meanwhile_is_not_written_over(
    committed_world: World, truth: psycopg.Connection, keepers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    put_many(world, 1)
    keepers.VAULT_KEYS = [new_key(), *keepers.VAULT_KEYS]
    forget_keeper()
    wrapping = key_rotation.wrap_under_present_master

    def shredded_meanwhile(row: VaultKey) -> Any:
        truth.execute("update vault_vaultkey set wrapped = '', shredded_at = now()")
        return wrapping(row)

    monkeypatch.setattr(key_rotation, "wrap_under_present_master", shredded_meanwhile)
    assert rewrap_under_present_master(world.acme.pk).anew == 0
    assert truth.execute("select wrapped from vault_vaultkey").fetchall() == [(b"",)]


def test_the_app_may_empty_a_key_and_not_number_it_anew(world: World) -> None:
    put_many(world, 1)
    with pytest.raises(Exception, match="permission denied"), tenant(world.acme.pk):
        VaultKey.objects.for_organization(world.acme.pk).update(number=7)
    with tenant(world.acme.pk):
        assert SecretVersion.objects.for_organization(world.acme.pk).count() == 1
