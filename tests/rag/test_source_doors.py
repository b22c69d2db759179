# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Trying sources, their keys, the webhooks of their hosts, and a folder that its operator watches."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from accounts.tenancy import tenant
from codexos.kernel.ids import new_id
from codexos.kernel.sealing import mac
from rag.adapters.sources.secrets import open_secret
from rag.errors.sources import SourceRefused
from rag.models import Ingestion, KnowledgeBase, Source, SourceKind, SourceState
from rag.operations.knowledge_bases import BaseEdit, create_knowledge_base
from rag.operations.sources import create_source, delete_source
from rag.operations.watching import follow_folder
from tests.factories import World
from tests.fakes.git_server import GitServer, make_repository, serve_git
from vault.operations.secrets import Folder, destroy_secret, put_secret

Api = Callable[..., Any]
KEY = "key-7f3a9c51e2d84b60"
BODY = json.dumps({"ref": "refs/heads/main", "repository": {"default_branch": "main"}}).encode()


@pytest.fixture
def host(tmp_path: Path, settings: Any) -> Iterator[GitServer]:
    with serve_git(tmp_path / "remote") as running:
        make_repository(tmp_path / "remote" / "acme" / "birds.git", {"a.md": "A"})
        settings.EGRESS_ALLOW = running.url.removeprefix("http://")
        yield running


@pytest.fixture
def base(world: World) -> KnowledgeBase:
    return create_knowledge_base(world.dev.actor, world.project.id, BaseEdit(name="Birds")).base


def connect(world: World, base: KnowledgeBase, host: GitServer, **said: Any) -> Source:
    return create_source(world.dev.actor, base.pk, {"type": "git", "url": f"{host.url}/acme/birds.git", **said})


def readings(world: World, source: Source) -> list[Ingestion]:
    with tenant(world.acme.id):
        return list(Ingestion.objects.for_organization(world.acme.id).filter(source=source))


def test_a_source_is_tried_before_it_is_connected(world: World, base: KnowledgeBase, host: GitServer, api: Api) -> None:
    host.keys["acme/birds"] = KEY
    put_secret(world.dev.actor, "birds", KEY.encode(), folder=Folder(project=world.project))
    said = {"type": "git", "url": f"{host.url}/acme/birds.git"}
    door = f"/api/v1/knowledge-bases/{base.slug}/try-source/"
    refused = api(world.dev).post(door, said, format="json").json()
    assert (refused["is_ok"], refused["error_code"]) == (False, "source_refused")
    assert "vault" in refused["error"]
    tried = api(world.dev).post(door, {**said, "secret": "birds"}, format="json")
    assert (tried.status_code, tried.json()["is_ok"], tried.json()["branches"]) == (200, True, ["main"])
    assert KEY not in tried.content.decode()
    wrong = api(world.dev).post(door, {**said, "secret": "nothing-of-the-kind"}, format="json").json()
    assert wrong["error_code"] == "secret_not_found"
    assert api(world.dev).post(door, {**said, "hooks": "on"}, format="json").status_code == 422
    assert api(world.dev).post(door, {"type": "folder", "path": "/etc"}, format="json").status_code == 422
    assert api(world.viewer).post(door, said, format="json").status_code == 403
    assert api(world.stranger).post(door, said, format="json").status_code == 404
    with tenant(world.acme.id):
        trail = AuditEvent.objects.for_organization(world.acme.id)
        assert trail.filter(action="source.tried").exists()
        assert trail.filter(action="secret.used").exists()
        assert not Source.objects.for_organization(world.acme.id).exists()


def test_a_connected_source_is_tried_again(world: World, base: KnowledgeBase, host: GitServer, api: Api) -> None:
    source = connect(world, base, host)
    door = f"/api/v1/sources/{source.pk}/try/"
    assert api(world.dev).post(door).json()["commit"]
    host.refusals = [(429, {"Retry-After": "30"})]
    assert "30 seconds" in api(world.dev).post(door).json()["error"]


def test_a_key_is_opened_as_who_connected_the_source(world: World, base: KnowledgeBase, host: GitServer) -> None:
    kept = put_secret(world.dev.actor, "birds", KEY.encode() + b"\n", folder=Folder(project=world.project))
    source = connect(world, base, host, secret="birds")
    assert open_secret(source) == KEY
    with tenant(world.acme.id):
        used = AuditEvent.objects.for_organization(world.acme.id).filter(action="secret.used").first()
        assert used is not None
        assert used.details["source"] == str(source.pk)
    destroy_secret(world.dev.actor, kept.pk, even_if_used=True)
    with pytest.raises(SourceRefused, match="birds"):
        open_secret(source)


def push(api: Api, source: Source, secret: str, body: bytes = BODY, **headers: str) -> Any:
    signature = f"sha256={mac(secret.encode(), body).hex()}"
    named = {"HTTP_X_GITHUB_EVENT": "push", "HTTP_X_GITHUB_DELIVERY": "d-1", "HTTP_X_HUB_SIGNATURE_256": signature}
    place = f"/hooks/sources/{source.pk}/"
    return api(None).generic("POST", place, body, content_type="application/json", **{**named, **headers})


def test_a_push_has_the_source_read_once(world: World, base: KnowledgeBase, host: GitServer, api: Api) -> None:
    source = connect(world, base, host)
    with tenant(world.acme.id):
        Ingestion.objects.for_organization(world.acme.id).delete()
    opened = api(world.dev).post(f"/api/v1/sources/{source.pk}/webhook/").json()
    secret = opened["secret"]
    assert opened["url"].endswith(f"/hooks/sources/{source.pk}/")
    with tenant(world.acme.id):
        row = Source.objects.for_organization(world.acme.id).get(pk=source.pk)
    assert row.webhook_key not in secret
    assert secret not in json.dumps([row.webhook_key, row.config])

    assert push(api, source, secret + "x").status_code == 401
    assert push(api, source, secret, HTTP_X_HUB_SIGNATURE_256="").status_code == 401
    assert readings(world, source) == []
    first = push(api, source, secret)
    assert (first.status_code, first.json()["is_replay"]) == (202, False)
    (reading,) = readings(world, source)
    assert first.json()["ingestion_id"] == str(reading.pk)
    assert reading.started_by == "Webhook"
    again = push(api, source, secret)
    assert (again.status_code, again.json()) == (200, {"ingestion_id": None, "is_replay": True})
    assert len(readings(world, source)) == 1

    ping = push(api, source, secret, HTTP_X_GITHUB_EVENT="ping", HTTP_X_GITHUB_DELIVERY="d-2")
    assert (ping.status_code, ping.json()["ingestion_id"]) == (202, None)
    renewed = api(world.dev).post(f"/api/v1/sources/{source.pk}/webhook/").json()["secret"]
    assert push(api, source, secret, HTTP_X_GITHUB_DELIVERY="d-3").status_code == 401
    assert push(api, source, renewed, HTTP_X_GITHUB_DELIVERY="d-3").status_code == 202
    assert api(world.dev).delete(f"/api/v1/sources/{source.pk}/webhook/").status_code == 204
    assert push(api, source, renewed, HTTP_X_GITHUB_DELIVERY="d-4").status_code == 401


def test_a_push_to_what_is_paused_or_deleted_begins_nothing(
    world: World, base: KnowledgeBase, host: GitServer, api: Api
) -> None:
    source = connect(world, base, host)
    secret = api(world.dev).post(f"/api/v1/sources/{source.pk}/webhook/").json()["secret"]
    with tenant(world.acme.id):
        rows = Source.objects.for_organization(world.acme.id).filter(pk=source.pk)
        rows.update(state=SourceState.PAUSED)
    assert push(api, source, secret).json()["ingestion_id"] is None
    delete_source(world.dev.actor, source.pk)
    assert push(api, source, secret, HTTP_X_GITHUB_DELIVERY="d-2").status_code == 401
    source.pk = new_id()
    assert push(api, source, secret).status_code == 401


def test_an_operator_watches_a_folder(
    world: World, base: KnowledgeBase, tmp_path: Path, settings: Any, api: Api
) -> None:
    settings.CODEXOS_HOME = tmp_path / "home"
    settings.CODEXOS_HOME.mkdir()
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("A")
    who = {"--base": base.slug, "--organization": world.acme.slug, "--as": world.dev.person.email}

    def watch(*words: str, **other: str) -> None:
        said = {**who, **{f"--{name}": word for name, word in other.items()}}
        before = [word for name in ("--organization", "--as") for word in (name, said[name])]
        call_command("rag", *before, "watch", str(folder), "--once", "--base", said["--base"], *words)

    watch()
    watch("--exclude", "*.tmp")
    with tenant(world.acme.id):
        (source,) = Source.objects.for_organization(world.acme.id).filter(kind=SourceKind.FOLDER)
    assert source.config == {"path": str(folder), "exclude": ["*.tmp"]}
    for wrong in ({"as": world.viewer.person.email}, {"as": "nobody@acme.example"}, {"base": "none"}):
        with pytest.raises(CommandError):
            watch(**wrong)
    said = {"knowledge_base_id": base.slug, "type": "folder", "path": str(folder)}
    assert api(world.dev).post("/api/v1/sources/", {**said, "path": str(tmp_path)}, format="json").status_code == 422

    moments = iter([0.0, 1.0, 2.0])
    begun = list(follow_folder(world.dev.actor, source.pk, [True, False, True], now=lambda: next(moments)))
    assert len(begun) == 2
