# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets are taken out and put in elsewhere: sealed on the way, all or none, and audited on both sides."""

import stat
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from accounts.tenancy import current_tenant, tenant
from codexos.kernel.sealing import new_key
from tests.factories import World
from vault.models import Origin, SecretScope
from vault.operations import moving
from vault.operations.secrets import Folder, NewValue, SecretEdit, add_version, destroy_secret, put_secret
from vault.operations.shredding import shred_vault
from vault.operations.values import read_secret, roll_back
from vault.queries.secrets import access_secret, list_secrets

CANARY = b"canary-51f0-value"


@pytest.fixture
def filled(committed_world: World) -> World:
    """Acme with a secret in each kind of folder."""
    world = committed_world
    edit = SecretEdit(description="for pushing", tags=["ci"])
    put_secret(world.dev.actor, "github", b"old", folder=Folder(project=world.project), edit=edit)
    add_version(world.dev.actor, "github", NewValue(CANARY, Origin.ROTATED))
    put_secret(world.admin.actor, "everyones", bytes(range(256)), folder=Folder(SecretScope.ORGANIZATION))
    put_secret(world.dev.actor, "mine", b"personal", folder=Folder(SecretScope.PERSONAL))
    put_secret(world.dev.actor, "gone", b"x", folder=Folder(project=world.project))
    destroy_secret(world.dev.actor, "gone")
    return world


def export(folder: Path, *words: str) -> Path:
    file = folder / "acme.vault"
    call_command("vault", "export", "acme", "--to", str(file), "--key-file", str(folder / "key"), *words)
    return file


def import_(folder: Path, organization: str, email: str, *words: str) -> None:
    given = ("--from", str(folder / "acme.vault"), "--key-file", str(folder / "key"), "--as", email)
    call_command("vault", "import", organization, *given, *words)


def told(world: World, action: str, *, of_other: bool = False) -> list[AuditEvent]:
    place = world.other if of_other else world.acme
    with tenant(place.pk):
        return list(AuditEvent.objects.for_organization(place.pk).filter(action=action).order_by("id"))


def test_secrets_move_to_another_organization(
    filled: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = filled
    destroy_secret(world.dev.actor, "mine")  # its person is no member over there
    file = export(tmp_path)
    assert "2 value(s), sealed" in capsys.readouterr().out
    import_(tmp_path, "other", "mallory@other.example", "--into-project", world.other_project.slug)
    assert "2 secret(s) made, 0 given a new version, 0 skipped" in capsys.readouterr().out
    moved = access_secret(world.stranger.actor, "github")
    assert (moved.project_id, moved.description, moved.tags) == (world.other_project.pk, "for pushing", ["ci"])
    assert read_secret(world.stranger.actor, "github").value == CANARY
    assert read_secret(world.stranger.actor, "everyones").value == bytes(range(256))
    assert len(list_secrets(world.stranger.actor).rows) == 2
    for path in (file, tmp_path / "key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for form in (CANARY, b"github", b"for pushing"):
        assert form not in file.read_bytes()
    (exported,) = told(world, "vault.exported")
    (imported,) = told(world, "vault.imported", of_other=True)
    assert exported.details["file"] == imported.details["file"]
    assert [event.about_label for event in told(world, "secret.exported")] == ["github", "everyones"]
    assert len(told(world, "secret.imported", of_other=True)) == 2
    assert "mallory@other.example" in imported.actor_label


def test_a_backup_is_put_back_where_it_was(filled: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = filled
    export(tmp_path, "--every-version")
    add_version(world.dev.actor, "github", NewValue(b"newer", Origin.ROTATED))
    destroy_secret(world.admin.actor, "everyones")
    import_(tmp_path, "acme", "admin@acme.example", "--skip-existing")
    assert "1 secret(s) made, 0 given a new version, 2 skipped" in capsys.readouterr().out
    assert read_secret(world.dev.actor, "github").value == b"newer"
    assert read_secret(world.dev.actor, "everyones").value == bytes(range(256))
    import_(tmp_path, "acme", "admin@acme.example")
    assert "0 secret(s) made, 3 given a new version, 0 skipped" in capsys.readouterr().out
    assert read_secret(world.dev.actor, "github").value == CANARY
    assert access_secret(world.dev.actor, "github").current_number == 5
    assert read_secret(world.dev.actor, "mine").value == b"personal"
    roll_back(world.dev.actor, "github", to=4)
    assert read_secret(world.dev.actor, "github").value == b"old"


def test_all_of_them_or_none(filled: World, tmp_path: Path) -> None:
    world = filled
    export(tmp_path)
    with pytest.raises(CommandError, match=r"1 secret\(s\) cannot be: 'mine' of dev@acme.example: there is no such"):
        import_(tmp_path, "other", "mallory@other.example", "--into-project", world.other_project.slug)
    assert list_secrets(world.stranger.actor).rows == []
    assert told(world, "vault.imported", of_other=True) == []


def test_an_import_may_take_longer_than_a_token_of_its_organization_lasts(
    filled: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(tmp_path, "--every-version")
    monkeypatch.setattr(moving, "BATCH", 2)
    renewed = []
    monkeypatch.setattr(moving, "stay", lambda: renewed.append(current_tenant()))
    import_(tmp_path, "acme", "admin@acme.example")
    # Four values: the token is renewed before the first and the third.
    assert renewed == [filled.acme.pk] * 2


@pytest.mark.parametrize("harm", ["cut", "flip", "key"])
def test_a_file_that_is_not_whole_changes_nothing(filled: World, tmp_path: Path, harm: str) -> None:
    file = export(tmp_path)
    whole = file.read_bytes()
    if harm == "key":
        (tmp_path / "key").write_text(new_key().hex())
    else:
        file.write_bytes(whole[:-3] if harm == "cut" else whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:])
    with pytest.raises(CommandError, match="Nothing was imported"):
        import_(tmp_path, "acme", "admin@acme.example")
    assert access_secret(filled.dev.actor, "github").current_number == 2
    assert told(filled, "secret.imported") == []


def test_what_does_not_open_is_named_and_the_rest_goes(
    filled: World, tmp_path: Path, truth: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    shred_vault(filled.admin.actor, confirm="acme")
    put_secret(filled.dev.actor, "github", b"after", folder=Folder(project=filled.project))
    with pytest.raises(CommandError, match=r"2 value\(s\) do not open"):
        export(tmp_path)
    assert "left out: 'everyones' of the organization" in capsys.readouterr().err
    import_(tmp_path, "acme", "admin@acme.example")
    said = capsys.readouterr()
    assert "1 given a new version" in said.out
    assert "left out: 'mine'" in said.err
    assert read_secret(filled.dev.actor, "github").value == b"after"


def test_no_value_and_no_key_is_said_but_the_key_once_on_stderr(
    filled: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "acme.vault"
    call_command("vault", "export", "acme", "--to", str(file))
    said = capsys.readouterr()
    key = said.err.partition("told once: ")[2].strip()
    assert key
    assert key not in said.out
    assert CANARY.decode() not in said.out + said.err
    (tmp_path / "key").write_text(key)
    (tmp_path / "key").chmod(0o600)
    import_(tmp_path, "acme", "admin@acme.example")
    assert read_secret(filled.dev.actor, "github").value == CANARY


def test_what_is_wrong_with_files_and_people_is_told(filled: World, tmp_path: Path) -> None:
    export(tmp_path)
    with pytest.raises(CommandError, match="is there already"):
        export(tmp_path)
    with pytest.raises(CommandError, match="no member of this organization"):
        import_(tmp_path, "acme", "mallory@other.example")
    with pytest.raises(CommandError, match="does not include"):
        import_(tmp_path, "acme", "dev@acme.example")
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(CommandError, match="chmod 400"):
        import_(tmp_path, "acme", "admin@acme.example")
    assert not list(tmp_path.glob(".*"))
