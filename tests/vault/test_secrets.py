# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets are put away, found by those whose they are, opened with a word in the audit trail, and hard to lose."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import ProgrammingError, connections
from psycopg import sql

from accounts.models import AuditEvent
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError, InvalidInput, NotAllowed, NotFound
from tests.factories import Someone, World
from vault.errors import (
    SecretDamaged,
    SecretDestroyed,
    SecretExpired,
    SecretInvalid,
    SecretKeyTaken,
    SecretNotFound,
    SecretTooLarge,
    SecretVersionClosed,
)
from vault.models import Origin, Secret, SecretKind, SecretScope, SecretVersion, VaultKey
from vault.operations.secrets import (
    Folder,
    NewValue,
    SecretEdit,
    add_version,
    change_secret,
    destroy_secret,
    put_secret,
    restore_secret,
)
from vault.operations.values import read_secret, roll_back, use_secret
from vault.queries.secrets import access_secret, list_secrets

VALUE = b"canary-7f3a9c51-value"


def put(who: Someone, world: World, key: str = "github", value: bytes = VALUE, **edit: Any) -> Secret:
    return put_secret(who.actor, key, value, folder=Folder(project=world.project), edit=SecretEdit(**edit))


def told(world: World, action: str) -> list[AuditEvent]:
    with tenant(world.acme.pk):
        rows = AuditEvent.objects.for_organization(world.acme.pk).filter(action=action)
        return list(rows.order_by("id"))


def test_what_is_put_is_read_by_the_team_and_by_nobody_else(world: World) -> None:
    secret = put(world.dev, world, tags=["Prod", "prod", "ci"])
    assert (secret.current_number, secret.tags) == (1, ["ci", "prod"])
    for who in (world.dev, world.lead, world.admin, world.system_admin):
        assert read_secret(who.actor, "github").value == VALUE
    with pytest.raises(NotAllowed, match="role viewer does not include the vault"):
        read_secret(world.viewer.actor, "github")
    for named in ("github", secret.pk):
        with pytest.raises(NotFound):
            read_secret(world.stranger.actor, named)
    assert list_secrets(world.stranger.actor).rows == []


def test_no_value_is_written_anywhere_in_the_clear(committed_world: World, truth: psycopg.Connection) -> None:
    put(committed_world.dev, committed_world, description="for pushing")
    read_secret(committed_world.dev.actor, "github")
    tables = [row[0] for row in truth.execute("select tablename from pg_tables where schemaname = 'public'")]
    reading = sql.SQL("select t::text from {} t")
    whole = "".join(str(truth.execute(reading.format(sql.Identifier(table))).fetchall()) for table in tables)
    assert "for pushing" in whole
    for form in (VALUE.decode(), VALUE.hex()):
        assert form not in whole


def test_a_read_that_cannot_be_written_down_does_not_happen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world.dev, world)

    def fails(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(AuditEvent.objects, "create", fails)
    with pytest.raises(OSError, match="no space left"):
        read_secret(world.dev.actor, "github")
    monkeypatch.undo()
    assert told(world, "secret.read") == []
    assert read_secret(world.dev.actor, "github").value == VALUE
    (event,) = told(world, "secret.read")
    assert (event.actor_id, event.about_label, event.details) == (world.dev.person.pk, "github", {"version": 1})


def test_a_read_inside_of_a_transaction_is_refused_since_that_could_be_undone(committed_world: World) -> None:
    put(committed_world.dev, committed_world)
    with tenant(committed_world.acme.pk), pytest.raises(RuntimeError, match="durable"):
        read_secret(committed_world.dev.actor, "github")


@pytest.mark.parametrize(
    ("key", "value", "error", "says"),
    [
        ("github", b"", SecretInvalid, "empty"),
        ("github", b"x" * 65 * 1024, SecretTooLarge, "at most 65,536 bytes, this one has 66,560"),
        ("../etc/passwd", VALUE, SecretInvalid, "no blank, slash"),
        ("a/b", VALUE, SecretInvalid, "no blank, slash"),
        (".hidden", VALUE, SecretInvalid, "letters"),
        ("two words", VALUE, SecretInvalid, "no blank"),
        ("", VALUE, SecretInvalid, "1 to 100"),
        ("k" * 101, VALUE, SecretInvalid, "1 to 100"),
        ("a\x00b", VALUE, SecretInvalid, "letters"),
        ("01890a5d-ac96-774b-bcce-b302099a8057", VALUE, SecretInvalid, "look like an id"),
    ],
)
def test_what_cannot_be_a_secret_is_refused_by_name_and_told(
    world: World, key: str, value: bytes, error: type[CodexosError], says: str
) -> None:
    with pytest.raises(error, match=says):
        put(world.dev, world, key, value)
    assert list_secrets(world.dev.actor).rows == []
    (event,) = told(world, "secret.refused")
    assert event.details["tried"] == "put"
    assert event.details["code"] == error.code


@pytest.mark.parametrize(
    "pasted", ["ghp_Zm9v/YmFy+g==", "-----BEGIN KEY-----\nMIIE\n", "correct horse battery", "k" * 101]
)
def test_a_value_that_was_pasted_as_a_key_is_not_kept_by_the_trail(world: World, pasted: str) -> None:
    with pytest.raises(SecretInvalid):
        put(world.dev, world, pasted, VALUE)
    with pytest.raises(SecretNotFound):
        read_secret(world.dev.actor, pasted)
    with pytest.raises(SecretNotFound):
        read_secret(world.dev.actor, "github")
    assert [event.details["key"] for event in told(world, "secret.refused")] == ["", "", "github"]


def test_a_secret_becomes_an_oauth_token_with_a_value_alone(world: World) -> None:
    put(world.dev, world, "forge", VALUE)
    with pytest.raises(SecretInvalid, match="with a value that is one"):
        change_secret(world.dev.actor, "forge", edit=SecretEdit(kind=SecretKind.OAUTH_TOKEN))
    token = b'{"access_token": "shown-to-nobody"}'
    edit = SecretEdit(kind=SecretKind.OAUTH_TOKEN)
    put_secret(world.dev.actor, "forge", token, folder=Folder(project=world.project), edit=edit)
    change_secret(world.dev.actor, "forge", edit=SecretEdit(kind=SecretKind.OAUTH_TOKEN, description="Of the forge"))
    change_secret(world.dev.actor, "forge", edit=SecretEdit(kind=SecretKind.GENERIC))
    assert read_secret(world.dev.actor, "forge").value == token


@pytest.mark.parametrize(
    ("key", "value"),
    [("big", b"x" * 64 * 1024), ("binary", bytes(range(256))), ("schlüssel_日本", VALUE), ("a-b.c_d", "ключ".encode())],
)
def test_what_may_be_a_secret_is_kept_as_it_is(world: World, key: str, value: bytes) -> None:
    put(world.dev, world, key, value)
    assert read_secret(world.dev.actor, key).value == value


def test_a_key_is_the_same_in_both_forms_of_unicode(world: World) -> None:
    put(world.dev, world, "schlu\u0308ssel")
    assert put(world.dev, world, "schl\u00fcssel", b"second").current_number == 2


def test_twenty_who_put_the_same_key_at_once_lose_nothing(committed_world: World) -> None:
    world = committed_world
    values = [f"value-{number}".encode() for number in range(20)]

    def one(value: bytes) -> int:
        try:
            return put(world.dev, world, "shared", value).current_number
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        numbers = list(pool.map(one, values))
    assert sorted(numbers) == list(range(1, 21))
    with tenant(world.acme.pk):
        assert Secret.objects.for_organization(world.acme.pk).filter(key="shared").count() == 1
        assert VaultKey.objects.for_organization(world.acme.pk).count() == 1
    kept = dict(zip(numbers, values, strict=True))
    assert read_secret(world.dev.actor, "shared").value == kept[20]
    assert all(roll_back(world.dev.actor, "shared", to=number) for number in (1, 13))
    assert read_secret(world.dev.actor, "shared").value == kept[13]


def test_the_value_before_is_read_for_a_while_and_rolled_back_to_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world.dev, world)
    add_version(world.dev.actor, "github", NewValue(b"second", Origin.ROTATED, timedelta(hours=1)))
    assert read_secret(world.dev.actor, "github").value == b"second"
    assert read_secret(world.dev.actor, "github", number=1).value == VALUE
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=1))
    with pytest.raises(SecretVersionClosed, match="roll back"):
        read_secret(world.dev.actor, "github", number=1)
    assert roll_back(world.dev.actor, "github", to=1).current_number == 3
    assert read_secret(world.dev.actor, "github").value == VALUE
    with pytest.raises(NotFound, match="no version 9"):
        roll_back(world.dev.actor, "github", to=9)


def test_what_expired_is_not_read_until_it_has_a_later_end(world: World) -> None:
    put(world.dev, world, expires_at=(clock.now() - timedelta(seconds=1),))
    with pytest.raises(SecretExpired, match="Put a new value, or give it a later end"):
        read_secret(world.dev.actor, "github")
    change_secret(world.dev.actor, "github", edit=SecretEdit(expires_at=(None,)))
    assert read_secret(world.dev.actor, "github").value == VALUE


def test_what_is_destroyed_is_read_by_nobody_and_can_be_taken_back(world: World) -> None:
    secret = put(world.dev, world)
    destroy_secret(world.dev.actor, "github")
    with pytest.raises(NotFound):
        read_secret(world.dev.actor, "github")
    with pytest.raises(SecretDestroyed, match="restored until"):
        read_secret(world.dev.actor, secret.pk)
    put(world.dev, world, value=b"another with the same key")
    with pytest.raises(SecretKeyTaken):
        restore_secret(world.dev.actor, secret.pk)
    destroy_secret(world.dev.actor, "github")
    restore_secret(world.dev.actor, secret.pk)
    assert read_secret(world.dev.actor, "github").value == VALUE


def test_a_folder_is_its_owners_own(world: World) -> None:
    put_secret(world.dev.actor, "mine", VALUE, folder=Folder(SecretScope.PERSONAL))
    for who in (world.admin, world.lead):
        with pytest.raises(NotFound):
            read_secret(who.actor, "mine")
    put_secret(world.admin.actor, "everyones", VALUE, folder=Folder(SecretScope.ORGANIZATION))
    assert read_secret(world.dev.actor, "everyones").value == VALUE
    for write in (
        lambda: put_secret(world.dev.actor, "everyones", b"mine now", folder=Folder(SecretScope.ORGANIZATION)),
        lambda: destroy_secret(world.dev.actor, "everyones"),
        lambda: roll_back(world.dev.actor, "everyones", to=1),
    ):
        with pytest.raises(NotAllowed):
            write()
    assert access_secret(world.admin.actor, "everyones").current_number == 1
    for folder in (Folder(), Folder(SecretScope.TEAM), Folder(SecretScope.PERSONAL, project=world.project)):
        with pytest.raises(InvalidInput):
            put_secret(world.dev.actor, "lost", VALUE, folder=folder)
    for folder in (Folder(project=world.other_project), Folder(SecretScope.TEAM, team=world.other_team)):
        with pytest.raises(NotAllowed):
            put_secret(world.dev.actor, "lost", VALUE, folder=folder)


def test_a_key_means_what_is_nearest_to_the_project(world: World) -> None:
    folders = [
        Folder(project=world.project),
        Folder(SecretScope.TEAM, team=world.team),
        Folder(SecretScope.ORGANIZATION),
        Folder(SecretScope.PERSONAL),
    ]
    secrets = [put_secret(world.admin.actor, "api", b"of %d" % rank, folder=at) for rank, at in enumerate(folders)]
    for rank, secret in enumerate(secrets):
        used = use_secret(world.admin.actor, "api", project=world.project, by={"run": "r1"})
        assert used.value == b"of %d" % rank
        destroy_secret(world.admin.actor, secret.pk)
    with pytest.raises(NotFound, match="may be used in project"):
        use_secret(world.admin.actor, "api", project=world.project, by={"run": "r1"})
    assert [event.details["run"] for event in told(world, "secret.used")] == ["r1"] * 4


def test_a_stolen_row_opens_in_no_other_organization(committed_world: World, truth: psycopg.Connection) -> None:
    world = committed_world
    put(world.dev, world)
    put_secret(world.stranger.actor, "bait", b"x", folder=Folder(project=world.other_project))
    assert read_secret(world.stranger.actor, "bait").value == b"x"
    truth.execute(
        "update vault_secretversion theirs set sealed = ours.sealed, wrapped_key = ours.wrapped_key "
        "from vault_secretversion ours where ours.organization_id = %s and theirs.organization_id = %s",
        [world.acme.pk, world.other.pk],
    )
    with pytest.raises(SecretDamaged, match="not what was sealed here"):
        read_secret(world.stranger.actor, "bait")
    # not with the stolen key either: it is bound to its organization
    truth.execute(
        "update vault_vaultkey theirs set wrapped = ours.wrapped from vault_vaultkey ours "
        "where ours.organization_id = %s and theirs.organization_id = %s",
        [world.acme.pk, world.other.pk],
    )
    with pytest.raises(SecretDamaged):
        read_secret(world.stranger.actor, "bait")
    with tenant(world.other.pk):
        events = AuditEvent.objects.for_organization(world.other.pk).filter(action="secret.refused")
        assert [event.details["code"] for event in events] == ["secret_damaged"] * 2
    assert read_secret(world.dev.actor, "github").value == VALUE


def test_the_app_cannot_write_over_what_was_sealed(world: World) -> None:
    put(world.dev, world)
    with pytest.raises(ProgrammingError, match="permission denied"), tenant(world.acme.pk):
        SecretVersion.objects.for_organization(world.acme.pk).update(sealed=b"")


def test_a_row_of_another_organization_is_not_even_there(world: World) -> None:
    secret_id: UUID = put(world.dev, world).pk
    with tenant(world.other.pk):
        assert not Secret.objects.across_organizations(because="proving the second wall").filter(pk=secret_id).exists()
