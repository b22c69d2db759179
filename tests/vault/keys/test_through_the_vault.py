# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets under a keeper outside: moved there and back, shut when it says no, and its words nowhere to be found."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import psycopg
import pytest
from django.core.management import call_command

from accounts.tenancy import tenant
from codexos.kernel.sealing import SealBroken
from tests.factories import World
from tests.vault.keys.outside import KINDS, Outside, standing
from tests.vault.keys.test_chosen import account_at
from vault.adapters.keys.chosen import forget_keeper, key_provider
from vault.adapters.keys.rows import open_row
from vault.errors import KeyUnavailable, SecretDamaged
from vault.models import VaultKey
from vault.operations.secrets import Folder, put_secret
from vault.operations.values import read_secret

VALUE = b"the value of a secret"


@pytest.fixture(params=KINDS)
def outside(request: pytest.FixtureRequest, settings: Any) -> Iterator[Outside]:
    settings.KEY_KEEPERS = deepcopy(settings.KEY_KEEPERS)
    with standing(request.param) as found:
        settings.KEY_KEEPERS[found.kind] |= account_at(found)
        forget_keeper()
        yield found
    forget_keeper()


def kept_by(settings: Any, kind: str) -> None:
    settings.VAULT_KEYS_FROM = kind
    forget_keeper()


def put(world: World) -> None:
    put_secret(world.dev.actor, "ours", VALUE, folder=Folder(project=world.project))
    put_secret(world.stranger.actor, "theirs", VALUE, folder=Folder(project=world.other_project))


def is_open(world: World) -> bool:
    return read_secret(world.dev.actor, "ours").value == read_secret(world.stranger.actor, "theirs").value == VALUE


def masters(truth: psycopg.Connection) -> set[str]:
    return {master.partition(":")[0] for (master,) in truth.execute("select master from vault_vaultkey").fetchall()}


def test_an_installation_moves_to_a_keeper_and_back(
    committed_world: World, truth: psycopg.Connection, outside: Outside, settings: Any
) -> None:
    world = committed_world
    put(world)
    kept_by(settings, outside.kind)
    assert masters(truth) == {"local"}
    assert is_open(world)
    call_command("vault", "rewrap-keys")
    assert masters(truth) == {outside.kind}
    forget_keeper()
    assert is_open(world)
    kept_by(settings, "local")
    assert is_open(world)
    call_command("vault", "rewrap-keys")
    assert masters(truth) == {"local"}
    outside.deny()
    forget_keeper()
    assert is_open(world)


def test_secrets_are_shut_when_the_keeper_says_no_and_open_when_it_says_yes_again(
    committed_world: World, outside: Outside, settings: Any
) -> None:
    world = committed_world
    kept_by(settings, outside.kind)
    put(world)
    assert is_open(world)
    forget_keeper()
    outside.fake.fails = [503] * 4
    for _ in range(2):
        with pytest.raises(KeyUnavailable):
            read_secret(world.dev.actor, "ours")
    assert is_open(world)
    forget_keeper()
    outside.disable()
    with pytest.raises(KeyUnavailable):
        read_secret(world.dev.actor, "ours")
    with pytest.raises(KeyUnavailable):
        put_secret(world.dev.actor, "another", VALUE, folder=Folder(project=world.project))


def test_the_key_of_another_organization_does_not_open_under_ones_own_row(
    committed_world: World, truth: psycopg.Connection, outside: Outside, settings: Any
) -> None:
    world = committed_world
    kept_by(settings, outside.kind)
    put(world)
    truth.execute(
        "update vault_vaultkey set wrapped = (select wrapped from vault_vaultkey where organization_id = %s) "
        "where organization_id = %s",
        [world.acme.pk, world.other.pk],
    )
    forget_keeper()
    assert read_secret(world.dev.actor, "ours").value == VALUE
    with pytest.raises(SecretDamaged):
        read_secret(world.stranger.actor, "theirs")
    with tenant(world.other.pk):
        row = VaultKey.objects.for_organization(world.other.pk).get()
    with pytest.raises(SealBroken):
        open_row(row)


def test_nothing_of_what_is_secret_between_us_and_the_keeper_is_written_down(
    committed_world: World,
    truth: psycopg.Connection,
    outside: Outside,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = committed_world
    kept_by(settings, outside.kind)
    with caplog.at_level("DEBUG"):
        put(world)
        assert is_open(world)
        forget_keeper()
        outside.deny()
        with pytest.raises(KeyUnavailable):
            read_secret(world.dev.actor, "ours")
    rows = truth.execute("select e::text from accounts_auditevent e union select k::text from vault_vaultkey k")
    written = caplog.text + "".join(text for (text,) in rows.fetchall())
    assert outside.kind in written
    for secret in (*outside.secrets, VALUE.decode()):
        assert secret not in written
    assert key_provider().master in written
