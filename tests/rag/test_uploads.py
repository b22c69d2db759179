# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Files that are brought to a knowledge base: folders of them, each taken or refused alone, and gone for good."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import AuditEvent, UsageRecord
from accounts.roles import Role
from accounts.tenancy import tenant
from rag.models import Blob, BlobHold, Document, Ingestion, Source
from rag.workers.sweeping import sweep
from tests.factories import Someone, World

Api = Callable[..., Any]
FILES = "/api/v1/knowledge-bases/handbook/files/"


@pytest.fixture(autouse=True)
def base(world: World, api: Api) -> dict[str, Any]:
    """A knowledge base without anything in it."""
    made: dict[str, Any] = api(world.dev).post("/api/v1/knowledge-bases/", {"name": "Handbook"}, format="json").json()
    return made


def bring(api: Api, who: Someone | None, files: dict[str, bytes], *, to: str = FILES) -> Any:
    sent = [SimpleUploadedFile(path.rpartition("/")[2] or "x", content) for path, content in files.items()]
    return api(who).post(to, {"file": sent, "path": list(files)}, format="multipart")


def states(answer: Any) -> dict[str, str]:
    return {each["path"]: each["state"] for each in answer.json()["results"]}


def count(model: Any, world: World) -> int:
    with tenant(world.acme.id):
        return int(model.objects.for_organization(world.acme.id).count())


def test_a_folder_becomes_documents_and_one_bad_file_stops_no_other(world: World, api: Api) -> None:
    answer = bring(api, world.dev, {"docs/a.md": b"# Kea", "docs/deep/b.txt": b"Kakapo", "../c.md": b"x"})
    assert answer.status_code == 201, answer.json()
    assert states(answer) == {"docs/a.md": "new", "docs/deep/b.txt": "new", "../c.md": "refused"}
    refused = answer.json()["results"][2]
    assert (refused["code"], refused["document_id"]) == ("path_invalid", None)
    assert "leave its folder" in refused["detail"]
    assert answer.json()["ingestion"]["kind"] == "upload"

    listed = api(world.viewer).get("/api/v1/documents/", {"knowledge_base_id": "handbook"}).json()["results"]
    assert [(each["path"], each["state"], each["source"], each["source_type"]) for each in listed] == [
        ("docs/deep/b.txt", "waiting", "Uploads", "upload"),
        ("docs/a.md", "waiting", "Uploads", "upload"),
    ]
    below = api(world.viewer).get("/api/v1/documents/", {"prefix": "docs/deep/"}).json()["results"]
    assert [each["path"] for each in below] == ["docs/deep/b.txt"]
    content = api(world.viewer).get(f"/api/v1/documents/{listed[1]['id']}/content/")
    assert b"".join(content.streaming_content) == b"# Kea"
    assert content["Content-Type"] == "application/octet-stream"


def test_sent_again_it_changes_nothing_and_new_content_is_another_version(world: World, api: Api) -> None:
    first = bring(api, world.dev, {"a.md": b"one", "b.md": b"two"})
    again = bring(api, world.dev, {"a.md": b"one", "b.md": b"other"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert states(again) == {"a.md": "unchanged", "b.md": "changed"}
    assert [each["document_id"] for each in again.json()["results"]] == [
        each["document_id"] for each in first.json()["results"]
    ]
    nothing = bring(api, world.dev, {"a.md": b"one"})
    assert nothing.json()["ingestion"] is None
    changed = api(world.dev).get(f"/api/v1/documents/{again.json()['results'][1]['document_id']}/").json()
    assert (changed["version"], changed["size"], changed["state"]) == (2, 5, "waiting")
    # One reading takes in what came meanwhile, and what was replaced is held by nobody.
    assert (count(Ingestion, world), count(Source, world)) == (1, 1)
    assert (count(BlobHold, world), count(Blob, world)) == (2, 3)


def test_one_file_is_put_as_it_is(world: World, api: Api) -> None:
    put = api(world.dev).put(f"{FILES}docs/a.md?tag=birds", data=b"# Kea", content_type="text/markdown")
    assert put.status_code == 201, put.json()
    document = api(world.dev).get(f"/api/v1/documents/{put.json()['results'][0]['document_id']}/").json()
    assert (document["path"], document["tags"], document["media_type"]) == ("docs/a.md", ["birds"], "text/markdown")
    evil = api(world.dev).put(f"{FILES}docs%2F..%2F..%2Fa.md", data=b"x", content_type="text/plain")
    assert (evil.status_code, evil.json()["code"]) == (422, "path_invalid")


def test_what_cannot_be_taken_says_which_and_why(world: World, api: Api, settings: Any) -> None:
    settings.FILE_SIZE_LIMIT = 10
    large = bring(api, world.dev, {"large.md": b"x" * 11})
    assert (large.status_code, large.json()["code"]) == (413, "file_too_large")
    assert "large.md" in large.json()["detail"]
    both = bring(api, world.dev, {"large.md": b"x" * 11, "../x": b"x"})
    assert (both.status_code, both.json()["code"]) == (422, "nothing_taken")
    assert [each["place"] for each in both.json()["errors"]] == ["large.md", "../x"]
    settings.KNOWLEDGE_SIZE_LIMIT = 15
    assert bring(api, world.dev, {"a.md": b"12345678"}).status_code == 201
    full = bring(api, world.dev, {"b.md": b"12345678"})
    assert (full.status_code, full.json()["code"]) == (429, "knowledge_full")
    settings.KNOWLEDGE_DOCUMENTS = 1
    assert bring(api, world.dev, {"b.md": b"1"}).json()["code"] == "documents_full"
    assert bring(api, world.dev, {"a.md": b"1234567"}).status_code == 200
    empty = api(world.dev).post(FILES, {}, format="multipart")
    assert (empty.status_code, empty.json()["code"]) == (422, "upload_empty")
    torn = {"file": [SimpleUploadedFile("a", b"a"), SimpleUploadedFile("b", b"b")], "path": ["a"]}
    assert api(world.dev).post(FILES, torn, format="multipart").status_code == 422


def test_uploads_go_into_upload_sources_only(world: World, api: Api) -> None:
    said = {"knowledge_base_id": "handbook", "type": "web", "url": "https://x.example/"}
    web = api(world.dev).post("/api/v1/sources/", said, format="json").json()["id"]
    wrong = bring(api, world.dev, {"a.md": b"x"}, to=f"{FILES}?source_id={web}")
    assert (wrong.status_code, wrong.json()["errors"][0]["place"]) == (422, "source_id")
    said = {"knowledge_base_id": "handbook", "type": "upload", "name": "Manuals", "path": "manuals"}
    manuals = api(world.dev).post("/api/v1/sources/", said, format="json").json()["id"]
    right = bring(api, world.dev, {"a.md": b"x"}, to=f"{FILES}?source_id={manuals}")
    document = api(world.dev).get(f"/api/v1/documents/{right.json()['results'][0]['document_id']}/").json()
    assert (document["path"], document["source"]) == ("manuals/a.md", "Manuals")


@pytest.mark.parametrize("role", list(Role))
def test_those_who_write_files_bring_tag_and_delete_them(world: World, api: Api, role: Role) -> None:
    document = bring(api, world.dev, {"a.md": b"x"}).json()["results"][0]["document_id"]
    client, may, url = api(world.members[role]), role is not Role.VIEWER, f"/api/v1/documents/{document}/"
    assert bring(api, world.members[role], {"b.md": b"x"}).status_code == (201 if may else 403)
    assert client.get(url).status_code == 200
    assert client.get(f"{url}chunks/").json()["results"] == []
    assert client.patch(url, {"tags": ["x"]}, format="json").status_code == (200 if may else 403)
    assert client.post(f"{url}retry/").status_code == (202 if may else 403)
    assert client.delete(url).status_code == (204 if may else 403)


def test_strangers_find_nothing_and_nobody_is_asked_to_sign_in(world: World, api: Api) -> None:
    document = bring(api, world.dev, {"a.md": b"x"}).json()["results"][0]["document_id"]
    url, held = f"/api/v1/documents/{document}/", count(BlobHold, world)
    for who, expected in ((world.stranger, 404), (None, 401)):
        assert bring(api, who, {"b.md": b"x"}).status_code == expected
        for path in (url, f"{url}content/", f"{url}chunks/"):
            assert api(who).get(path).status_code == expected
        assert api(who).delete(url).status_code == expected
        assert api(who).post(f"{url}retry/").status_code == expected
    assert api(world.stranger).get("/api/v1/documents/").json()["results"] == []
    assert (count(Document, world), count(BlobHold, world)) == (1, held)


def test_what_is_deleted_leaves_no_bytes_behind(world: World, api: Api, kept: Callable[[], list[Any]]) -> None:
    document = bring(api, world.dev, {"a.md": b"unique to this"}).json()["results"][0]["document_id"]
    assert len(kept()) == 1
    assert api(world.dev).delete(f"/api/v1/documents/{document}/").status_code == 204
    assert (count(Document, world), count(BlobHold, world)) == (0, 0)
    with tenant(world.acme.id):
        Blob.objects.for_organization(world.acme.id).update(wanted_at="2026-01-01T00:00:00Z")
    assert sweep(world.acme.id) == 1
    assert kept() == []
    with tenant(world.acme.id):
        told = AuditEvent.objects.for_organization(world.acme.id).filter(action__startswith="document.")
        assert [event.action for event in told.order_by("id")] == ["document.uploaded", "document.deleted"]
        assert UsageRecord.objects.for_organization(world.acme.id).get(kind="document.bytes").quantity == 14
