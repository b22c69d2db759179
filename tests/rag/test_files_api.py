# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Project files over HTTP: stored, fetched, listed, deleted; by whom, and by whom not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from accounts.models import AuditEvent, OutboxEvent, UsageRecord
from accounts.operations.tokens import issue_token
from accounts.roles import Role, TokenScope
from accounts.tenancy import tenant
from tests.factories import Someone, World
from tests.rag.conftest import count_rows

Api = Callable[..., Any]
MARKDOWN = "text/markdown"


def address(world: World, path: str = "", project: object = None) -> str:
    return f"/api/v1/projects/{project or world.project.id}/files/{path}"


def upload(api: Api, who: Someone | str | None, url: str, content: bytes = b"# Hi\n", **headers: str) -> Any:
    return api(who).put(url, data=content, content_type=MARKDOWN, headers=headers)


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_a_file_is_stored_and_fetched_again(world: World, api: Api) -> None:
    answer = upload(api, world.dev, address(world, "docs/summary.md"), b"# Hi\n")
    assert answer.status_code == 201, answer.json()
    assert answer.json()["path"] == "docs/summary.md"
    assert answer.json()["version"] == 1
    assert answer.json()["stored_by"] == "dev@acme.example"

    fetched = api(world.viewer).get(address(world, "docs/summary.md", project="main"))
    assert fetched.status_code == 200
    assert body(fetched) == b"# Hi\n"
    assert fetched["ETag"] == answer["ETag"] == f'"{answer.json()["sha256"]}"'
    assert fetched["Content-Type"] == "text/markdown; charset=utf-8"
    assert fetched["Content-Length"] == "5"
    assert api(world.viewer).get(answer.json()["url"]).status_code == 200


def test_other_content_is_a_new_version_and_the_same_is_none(world: World, api: Api) -> None:
    url = address(world, "a.md")
    first, again, other = (upload(api, world.dev, url, text) for text in (b"one", b"one", b"two"))
    assert [answer.status_code for answer in (first, again, other)] == [201, 200, 200]
    assert first["ETag"] == again["ETag"] != other["ETag"]
    assert other.json()["version"] == 2
    versions = api(world.viewer).get(f"{url}?versions").json()["results"]
    assert [version["version"] for version in versions] == [2, 1]
    assert body(api(world.viewer).get(f"{url}?version=1")) == b"one"
    for number in ("3", "0", "-1", "x", "٣", "9" * 30):
        assert api(world.viewer).get(url, {"version": number}).status_code == 404


def test_an_empty_file_is_a_file(world: World, api: Api) -> None:
    assert upload(api, world.dev, address(world, "empty.txt"), b"").status_code == 201
    fetched = api(world.dev).get(address(world, "empty.txt"))
    assert (body(fetched), fetched["Content-Length"]) == (b"", "0")
    assert api(world.dev).get(f"{address(world, 'empty.txt')}?preview=text").json()["text"] == ""


def test_storing_is_audited_metered_and_told(world: World, api: Api) -> None:
    upload(api, world.dev, address(world, "a.md"), b"12345")
    api(world.dev).delete(address(world, "a.md"))
    with tenant(world.acme.id):
        actions = AuditEvent.objects.for_organization(world.acme.id).filter(action__startswith="file.").order_by("id")
        assert [event.action for event in actions] == ["file.stored", "file.deleted"]
        assert actions[0].about_label == "a.md"
        assert UsageRecord.objects.for_organization(world.acme.id).get(kind="file.bytes").quantity == 5
        assert OutboxEvent.objects.for_organization(world.acme.id).filter(name="file.stored").count() == 1


@pytest.mark.parametrize("role", list(Role))
def test_writing_is_for_those_who_may_and_seeing_for_all_members(world: World, api: Api, role: Role) -> None:
    upload(api, world.dev, address(world, "a.md"))
    who, allowed = world.members[role], role is not Role.VIEWER
    assert api(who).get(address(world)).status_code == 200
    assert api(who).get(address(world, "a.md")).status_code == 200
    assert upload(api, who, address(world, "b.md")).status_code == (201 if allowed else 403)
    assert api(who).delete(address(world, "a.md")).status_code == (204 if allowed else 403)


def test_strangers_find_nothing_and_nobody_is_asked_to_sign_in(world: World, api: Api, kept: Any) -> None:
    upload(api, world.dev, address(world, "a.md"))
    before = kept()
    for who, expected in ((world.stranger, 404), (None, 401), ("cos_pat_nonsense", 401)):
        client = api(who)
        assert client.get(address(world)).status_code == expected
        assert client.get(address(world, "a.md")).status_code == expected
        assert client.get(address(world, "nothing.md")).status_code == expected
        assert client.head(address(world, "a.md")).status_code == expected
        assert client.delete(address(world, "a.md")).status_code == expected
        assert upload(api, who, address(world, "b.md")).status_code == expected
    assert kept() == before


def test_the_same_bytes_in_two_organizations_are_kept_twice(world: World, api: Api, kept: Any) -> None:
    mine = upload(api, world.dev, address(world, "a.md"), b"the same")
    theirs = upload(api, world.stranger, address(world, "a.md", project=world.other_project.id), b"the same")
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert len({path.relative_to(path.parents[3]).parts[0] for path in kept()}) == 2


def test_a_token_for_another_project_or_without_the_scope_gets_nowhere(world: World, api: Api) -> None:
    from accounts.models import Project

    with tenant(world.acme.id):
        second = Project.objects.create(organization=world.acme, team=world.team, name="Second", slug="second")
    narrow = issue_token(world.dev.actor, name="narrow", project=second).value
    assert upload(api, narrow, address(world, "a.md")).status_code == 404
    assert api(narrow).get(address(world)).status_code == 404
    assert upload(api, narrow, address(world, "a.md", project="second")).status_code == 201
    reader = issue_token(world.dev.actor, name="reader", scopes=[TokenScope.READ]).value
    assert upload(api, reader, address(world, "a.md")).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "../../x",
        "%2e%2e/%2e%2e/x",
        "..%2f..%2fx",
        "%252e%252e%252fx",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "a%00b",
        "a%0ab.md",
        "%0a",
        "a%5c..%5cb",
        "a//b",
        "a/",
        "a.",
        "%20a",
        "a%0d%0aSet-Cookie:x",
        "%E2%80%AEexe",
        "x" * 401,
        "a/" * 20 + "b",
    ],
)
@pytest.mark.parametrize("method", ["put", "get", "delete"])
def test_a_hostile_path_is_refused_by_name(world: World, api: Api, kept: Any, path: str, method: str) -> None:
    answer = api(world.dev).generic(method.upper(), address(world, path), b"x", content_type=MARKDOWN)
    if "%00" in path:
        # The house refuses these in any address.
        assert answer.status_code in (400, 404)
    else:
        assert (answer.status_code, answer.json()["code"]) == (422, "path_invalid")
        assert answer.json()["errors"][0]["place"] == "path"
    assert kept() == []


@pytest.mark.parametrize("project", ["a%00b", "..", "%2e%2e", "no-such", "\u00fc", "0" * 300])
def test_a_project_that_cannot_be_is_not_found(world: World, api: Api, project: str) -> None:
    expected = 400 if "%00" in project else 404
    assert api(world.dev).get(f"/api/v1/projects/{project}/files/").status_code == expected
    assert upload(api, world.dev, f"/api/v1/projects/{project}/files/a.md").status_code == expected


@pytest.mark.parametrize(
    "name", ["Übersicht – final (2).md", "日本語.txt", 'say "hi";.txt', "👩‍👩‍👧.txt", "100%.md", "a;b=c.txt"]
)
def test_names_of_every_language_survive(world: World, api: Api, name: str) -> None:
    url = address(world, quote(name))
    assert upload(api, world.dev, url).json()["path"] == name
    disposition = api(world.dev).get(url)["Content-Disposition"]
    assert disposition.startswith("attachment; filename")
    assert "\n" not in disposition
    assert disposition.isascii()
    assert api(world.dev).get(address(world)).json()["results"][0]["path"] == name


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("evil.html", b"<script>alert(1)</script>"),
        ("evil.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("evil.xhtml", b"<html xmlns='http://www.w3.org/1999/xhtml'/>"),
        ("evil.js", b"alert(1)"),
        ("evil.xml", b"<?xml-stylesheet href='x'?><a/>"),
    ],
)
def test_nothing_stored_ever_runs_in_a_browser(world: World, api: Api, path: str, content: bytes) -> None:
    upload(api, world.dev, address(world, path), content)
    fetched = api(world.dev).get(address(world, path))
    assert fetched["Content-Type"].startswith("text/plain")
    assert fetched["Content-Disposition"].startswith("attachment")
    assert fetched["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in fetched["Content-Security-Policy"]
    assert "default-src 'none'" in fetched["Content-Security-Policy"]
    assert body(fetched) == content


def test_what_the_client_has_is_not_sent_again(world: World, api: Api) -> None:
    etag = upload(api, world.dev, address(world, "a.md"))["ETag"]
    for known in (etag, f"W/{etag}", "*", f'"x", {etag}'):
        answer = api(world.dev).get(address(world, "a.md"), headers={"If-None-Match": known})
        assert (answer.status_code, answer["ETag"]) == (304, etag)
    assert api(world.dev).get(address(world, "a.md"), headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "part", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=5-2", 200, b"0123456789", None),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
    ],
)
def test_a_part_is_sent_where_a_part_is_asked(
    world: World, api: Api, asked: str, status: int, part: bytes, content_range: str | None
) -> None:
    upload(api, world.dev, address(world, "a.txt"), b"0123456789")
    answer = api(world.dev).get(address(world, "a.txt"), headers={"Range": asked})
    assert (answer.status_code, body(answer), answer.get("Content-Range")) == (status, part, content_range)
    assert answer["Content-Length"] == str(len(part))


def test_a_part_outside_of_the_file_is_refused(world: World, api: Api) -> None:
    upload(api, world.dev, address(world, "a.txt"), b"0123456789")
    for asked in ("bytes=10-", "bytes=-0"):
        answer = api(world.dev).get(address(world, "a.txt"), headers={"Range": asked})
        assert (answer.status_code, answer["Content-Type"]) == (416, "application/problem+json")
    stale = api(world.dev).get(address(world, "a.txt"), headers={"Range": "bytes=0-1", "If-Range": '"old"'})
    assert stale.status_code == 200


def test_head_says_what_get_would_send(world: World, api: Api) -> None:
    etag = upload(api, world.dev, address(world, "a.txt"), b"0123456789")["ETag"]
    answer = api(world.viewer).head(address(world, "a.txt"))
    assert (answer.status_code, answer["Content-Length"], answer["ETag"]) == (200, "10", etag)
    assert answer.content == b""


def test_a_text_is_previewed_and_a_picture_is_not(world: World, api: Api) -> None:
    upload(api, world.dev, address(world, "long.txt"), "ä".encode() * 40_000)
    preview = api(world.viewer).get(address(world, "long.txt"), {"preview": "text"}).json()
    assert preview["text"] == "ä" * (32 * 1024)
    assert preview["is_truncated"] is True
    upload(api, world.dev, address(world, "odd.txt"), b"x" + "ä".encode() * 40_000)
    assert api(world.viewer).get(address(world, "odd.txt"), {"preview": "text"}).json()["text"].endswith("ä")
    upload(api, world.dev, address(world, "p.png"), b"\x89PNG\r\n\x1a\n\x00")
    refused = api(world.viewer).get(address(world, "p.png"), {"preview": "text"})
    assert (refused.status_code, refused.json()["code"]) == (422, "context_unreadable")


def test_files_are_listed_by_path_with_prefix_and_cursor(world: World, api: Api) -> None:
    for path in ("b.md", "a/2.md", "a/1.md", "a%25/x.md", "B.md"):
        upload(api, world.dev, address(world, path))
    listed = api(world.viewer).get(address(world), {"limit": 2}).json()
    assert [row["path"] for row in listed["results"]] == ["B.md", "a%/x.md"]
    rest = api(world.viewer).get(listed["next"]).json()
    assert [row["path"] for row in rest["results"]] == ["a/1.md", "a/2.md"]
    prefixed = api(world.viewer).get(address(world), {"prefix": "a/"}).json()["results"]
    assert [row["path"] for row in prefixed] == ["a/1.md", "a/2.md"]
    assert api(world.viewer).get(address(world), {"prefix": "a%"}).json()["results"][0]["path"] == "a%/x.md"
    for bad in ({"cursor": "!"}, {"cursor": "AAAA"}, {"prefix": "a\n"}, {"limit": "0"}, {"prefix": "x" * 500}):
        assert api(world.viewer).get(address(world), bad).status_code == 422


def test_nobody_overwrites_what_they_have_not_seen(world: World, api: Api) -> None:
    url = address(world, "a.md")
    etag = upload(api, world.dev, url, b"one", **{"If-None-Match": "*"})["ETag"]
    for headers in ({"If-None-Match": "*"}, {"If-Match": '"0000"'}, {"If-None-Match": etag}, {"If-Match": f"W/{etag}"}):
        refused = upload(api, world.lead, url, b"two", **headers)
        assert (refused.status_code, refused.json()["code"]) == (412, "file_changed")
    assert upload(api, world.lead, address(world, "new.md"), b"x", **{"If-Match": "*"}).status_code == 412
    assert upload(api, world.lead, url, b"two", **{"If-Match": etag}).status_code == 200
    assert api(world.dev).delete(url, headers={"If-Match": etag}).status_code == 412
    assert body(api(world.dev).get(url)) == b"two"


def test_a_name_is_a_file_or_a_folder(world: World, api: Api) -> None:
    upload(api, world.dev, address(world, "a/b"))
    for path in ("a", "a/b/c", "a/b/c/d"):
        refused = upload(api, world.dev, address(world, path))
        assert (refused.status_code, refused.json()["code"]) == (409, "path_taken")


def test_a_deleted_file_is_gone_with_its_versions_and_may_come_again(world: World, api: Api) -> None:
    url = address(world, "a.md")
    upload(api, world.dev, url, b"one")
    upload(api, world.dev, url, b"two")
    assert api(world.dev).delete(url).status_code == 204
    for suffix in ("", "?versions", "?version=1", "?preview=text"):
        assert api(world.dev).get(url + suffix).status_code == 404
    assert api(world.dev).delete(url).status_code == 404
    assert count_rows(world)[0] == 0
    assert upload(api, world.dev, url, b"one").json()["version"] == 1


def test_a_missing_file_names_what_is_near(world: World, api: Api) -> None:
    upload(api, world.dev, address(world, "docs/summary.md"))
    problem = api(world.dev).get(address(world, "sumary.md")).json()
    assert problem["code"] == "file_not_found"
    assert problem["near"] == ["docs/summary.md"]
    assert api(world.dev).get(address(world, "SUMMARY.md")).json()["near"] == ["docs/summary.md"]


def test_a_form_is_not_mistaken_for_a_file(world: World, api: Api, kept: Any) -> None:
    refused = api(world.dev).put(address(world, "a.md"), {"file": "x"}, format="multipart")
    assert refused.status_code == 415
    assert kept() == []


def test_the_storage_shows_nothing_to_others_of_the_machine(world: World, api: Api, kept: Any) -> None:
    upload(api, world.dev, address(world, "a.md"))
    (path,) = kept()
    assert path.stat().st_mode & 0o777 == 0o600
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in list(Path(path).parents)[:3])
