# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What sources are told and tell: configurations, filters, robots.txt, maps, refusals, and git on the wire."""

import json
from datetime import UTC, datetime

import pytest

from codexos.kernel.errors import CodexosError
from codexos.kernel.sealing import mac
from rag.engine.git_wire import Advertisement, PackAnswer, Wanted, ask_pack, packet, packets, read_advertisement
from rag.engine.path_filters import PathFilter, holds_no_text
from rag.engine.push_hooks import is_signed, read_push
from rag.engine.refusals import LONGEST_WAIT, Refusal, error_of
from rag.engine.robots import read_robots
from rag.engine.sitemaps import is_page_of, read_sitemap
from rag.engine.source_configs import HubRepository, Repository, read_source_config
from rag.engine.watching import Watch
from rag.errors.sources import SourceBroken, SourceInvalid, SourceRefused, SourceUnreachable, SourceVanished

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)
OID = "a" * 40


def test_a_repository_at_github_is_named_or_addressed() -> None:
    for said in ({"repository": "acme/birds"}, {"url": "https://github.com/acme/birds.git/"}):
        found = read_source_config("github", said)
        assert isinstance(found, HubRepository)
        assert found.name == "acme/birds"


def test_a_folder_of_a_repository_is_read_and_nothing_beside_it() -> None:
    said = {"url": "https://git.example/x", "path": "/docs/", "include": ["*.md", "api/*.json"]}
    found = read_source_config("git", said)
    assert isinstance(found, Repository)
    taken = ["docs/a.md", "docs/deep/b.md", "docs/api/c.json", "c.md", "docs/c.py", "x/docs/a.md"]
    assert [path for path in taken if found.filter.takes(path)] == ["docs/a.md", "docs/deep/b.md", "docs/api/c.json"]


@pytest.mark.parametrize(
    ("kind", "said", "place"),
    [
        ("git", {}, "url"),
        ("git", {"url": "ssh://git.example/x"}, "url"),
        ("git", {"url": "https://ada:key@git.example/x"}, "url"),
        ("git", {"url": "file:///etc"}, "url"),
        ("git", {"url": "/srv/../etc"}, "url"),
        ("git", {"url": "https://git.example/x?y"}, "url"),
        ("git", {"url": "https://git.example/x", "branch": "--upload-pack=x"}, "branch"),
        ("git", {"url": "https://git.example/x", "branch": "a..b"}, "branch"),
        ("git", {"url": "https://git.example/x", "depth": 0}, "depth"),
        ("git", {"url": "https://git.example/x", "depth": True}, "depth"),
        ("git", {"url": "https://git.example/x", "include": [1]}, "include"),
        ("git", {"url": "https://git.example/x", "path": "../x"}, "path"),
        ("git", {"url": "https://git.example/x", "hooks": "on"}, "hooks"),
        ("github", {"repository": "acme"}, "repository"),
        ("github", {"repository": "acme/.."}, "repository"),
        ("github", {"repository": "acme/birds", "installation_id": 7}, "app_id"),
        ("github", {"repository": "acme/birds", "app_id": "7/../.."}, "app_id"),
        ("web", {"url": "javascript:alert(1)"}, "url"),
        ("sitemap", {"url": "https://x.example", "pages": 10**9}, "pages"),
        ("folder", {"path": "notes"}, "path"),
    ],
)
def test_what_cannot_be_set_up_is_refused_by_its_name(kind: str, said: dict[str, object], place: str) -> None:
    with pytest.raises(SourceInvalid) as refused:
        read_source_config(kind, said)
    assert refused.value.details["errors"][0]["place"] == f"config.{place}"
    assert "key" not in refused.value.message or "vault" in refused.value.message


def test_patterns_mean_what_they_mean_in_gitignore() -> None:
    found = PathFilter(include=["docs/", "*.py", "!test_*.py"], exclude=["docs/old/"])
    paths = ["docs/a.txt", "docs/old/b.txt", "src/x.py", "src/test_x.py", "src/x.js"]
    assert [path for path in paths if found.takes(path)] == ["docs/a.txt", "src/x.py"]
    assert found.fingerprint != PathFilter(include=["docs/"]).fingerprint
    assert [path for path in ("a.PNG", "lib.so", "so", "a.ts", "LICENSE", "x.d/y") if holds_no_text(path)] == [
        "a.PNG",
        "lib.so",
    ]


ROBOTS = """
User-agent: *
Disallow: /

User-agent: CodexOS/1.0
User-agent: other
Disallow: /private/
Allow: /private/open$
Disallow: /*.pdf$   # not these
Crawl-delay: 2.5

Sitemap: https://x.example/map.xml
"""


def test_robots_are_heeded_by_the_group_that_names_us_and_the_longest_rule() -> None:
    robots = read_robots(ROBOTS)
    may = {path: robots.allows(f"https://x.example{path}") for path in ("/", "/private/a", "/private/open", "/a.pdf")}
    assert may == {"/": True, "/private/a": False, "/private/open": True, "/a.pdf": False}
    assert robots.allows("https://x.example/a.pdf?x=1")
    assert (robots.pause_seconds, robots.sitemaps) == (2.5, ("https://x.example/map.xml",))
    assert not read_robots("user-agent: *\ndisallow: /").allows("https://x.example/")
    assert read_robots("<html>nothing of the kind</html>").allows("https://x.example/")


def test_a_robots_file_cannot_take_hours_to_match() -> None:
    robots = read_robots(f"User-agent: *\nDisallow: /{'*a' * 2000}$")
    assert robots.allows(f"https://x.example/{'a' * 5000}b")


def test_maps_name_pages_and_maps_of_their_own_site() -> None:
    content = b"""<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
        xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
        <url><image:image><image:loc>https://x.example/a.png</image:loc></image:image>
        <loc> https://x.example/a </loc><lastmod>2026-01-30</lastmod></url></urlset>"""
    (page,) = read_sitemap(content, where="x")
    assert (page.url, page.changed_at) == ("https://x.example/a", datetime(2026, 1, 30, tzinfo=UTC))
    index = b"<sitemapindex><sitemap><loc>https://x.example/2.xml</loc></sitemap></sitemapindex>"
    assert [each.is_map for each in read_sitemap(index, where="x")] == [True]
    assert [each.url for each in read_sitemap(b"https://x.example/1\n\nhttps://x.example/2", where="x")][1:] == [
        "https://x.example/2"
    ]
    others = ["http://10.0.0.1/", "https://y.example/a", "https://ada@x.example/", "file:///etc/passwd"]
    assert not any(is_page_of("https://x.example/", url) for url in others)


@pytest.mark.parametrize(
    "content",
    [
        b"<html><body>hello</body></html>",
        b"<urlset><url><loc>https://x.example/",
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>',
        b"once upon a time",
    ],
)
def test_what_is_no_map_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(SourceBroken):
        list(read_sitemap(content, where="https://x.example/map.xml"))


@pytest.mark.parametrize(
    ("status", "headers", "kind", "seconds"),
    [
        (401, {}, SourceRefused, None),
        (403, {}, SourceRefused, None),
        (403, {"retry-after": "30"}, SourceUnreachable, 30),
        (
            403,
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 90)},
            SourceUnreachable,
            90,
        ),
        (429, {}, SourceUnreachable, 60),
        (429, {"retry-after": "999999999999999999999"}, SourceUnreachable, LONGEST_WAIT),
        (503, {"retry-after": "Sat, 31 Jan 2026 09:02:00 GMT"}, SourceUnreachable, 120),
        (503, {"retry-after": "soon"}, SourceUnreachable, None),
        (404, {}, SourceVanished, None),
        (410, {}, SourceVanished, None),
        (500, {}, SourceUnreachable, None),
        (418, {}, SourceBroken, None),
    ],
)
def test_a_refusal_says_what_to_do(
    status: int, headers: dict[str, str], kind: type[CodexosError], seconds: int | None
) -> None:
    error = error_of(Refusal("acme/birds", status, headers, has_key=True), now=NOW)
    assert type(error) is kind
    assert error.details.get("retry_after_seconds") == seconds
    assert error.retryable == (kind in (SourceUnreachable, SourceBroken))


def test_packets_are_taken_apart_however_they_are_cut() -> None:
    stream = packet("one") + b"0000" + packet("two") + b"0001"
    for size in (1, 3, len(stream)):
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert list(packets(pieces)) == [b"one\n", None, b"two\n", None]


@pytest.mark.parametrize("stream", [b"<!doctype html>", b"00", b"0009ab", b"ffff" + b"x" * 70_000])
def test_what_is_not_git_is_said_to_be_none(stream: bytes) -> None:
    with pytest.raises(SourceBroken):
        list(packets([stream]))


def test_both_dialects_are_understood() -> None:
    old = packet("# service=git-upload-pack") + b"0000"
    old += packet(f"{OID} HEAD\0thin-pack symref=HEAD:refs/heads/trunk shallow agent=git/2")
    old += packet(f"{OID} refs/heads/trunk") + b"0000"
    said = read_advertisement([old])
    assert (said.version, said.head, said.can_be_shallow, said.can_filter) == (0, "refs/heads/trunk", True, False)
    asked = ask_pack(said, Wanted(OID, had=["b" * 40], depth=3, blob_bytes=9))
    assert b"deepen 3" in asked
    assert b"filter" not in asked
    new = packet("version 2") + packet("fetch=shallow filter") + b"0000"
    said = read_advertisement([new])
    assert b"filter blob:limit=9" in ask_pack(said, Wanted(OID, blob_bytes=9))


@pytest.mark.parametrize(
    "stream",
    [
        packet("ERR upload-pack: not our ref"),
        packet("NAK") + b"0000",
        packet("packfile") + b"\x30\x30\x30\x39\x03oops",
        packet("shallow ../../etc/passwd"),
    ],
)
def test_an_answer_without_a_pack_is_an_error(stream: bytes) -> None:
    with pytest.raises(SourceBroken):
        list(PackAnswer([stream]).pack())


def test_an_advertisement_does_not_name_files_of_ours() -> None:
    for line in (f"../../etc refs/heads/x\0{OID}", "ERR access denied"):
        with pytest.raises(SourceBroken):
            read_advertisement([packet(line)])
    assert Advertisement(2, {}).object_format == "sha1"


BODY = json.dumps({"ref": "refs/heads/main", "repository": {"default_branch": "main"}}).encode()


def signed(body: bytes, by: str = "s3cret") -> str:
    return mac(by.encode(), body).hex()


@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({"X-Hub-Signature-256": f"sha256={signed(BODY)}"}, True),
        ({"X-Hub-Signature": f"sha256={signed(BODY)}"}, True),
        ({"X-Gitea-Signature": signed(BODY)}, True),
        ({"X-Gitlab-Token": "s3cret"}, True),
        ({"X-Hub-Signature-256": f"sha256={signed(BODY, 'other')}"}, False),
        ({"X-Hub-Signature-256": f"sha256={signed(BODY + b' ')}"}, False),
        ({"X-Hub-Signature-256": "sha256="}, False),
        ({"X-Hub-Signature": f"sha1={'a' * 40}"}, False),
        ({"X-Gitlab-Token": ""}, False),
        ({"X-Gitlab-Token": "s3cret "}, False),
        ({}, False),
    ],
)
def test_only_who_knows_the_secret_tells_of_pushes(headers: dict[str, str], is_let_in: bool) -> None:
    assert is_signed(headers, BODY, secret="s3cret") is is_let_in


def test_a_push_is_read_where_it_concerns_the_branch() -> None:
    push = read_push({"X-GitHub-Delivery": "d-1", "X-GitHub-Event": "push"}, BODY)
    assert push.delivery == "d-1"
    assert [push.concerns(branch) for branch in ("", "main", "next")] == [True, True, False]
    other = read_push({}, json.dumps({"ref": "refs/heads/next", "repository": {"default_branch": "main"}}).encode())
    assert [other.concerns(branch) for branch in ("", "main", "next")] == [False, False, True]
    assert not read_push({"X-GitHub-Event": "ping"}, BODY).concerns("")
    bare = read_push({"X-GitHub-Delivery": "x\n" * 200}, b"[" * 100_000)
    assert (len(bare.delivery), bare.concerns("main")) == (64, True), "who says nothing may mean anything"


def test_a_watched_folder_is_read_when_it_changed_once_more_and_now_and_then() -> None:
    watch = Watch()
    moments = [(True, 0.0), (False, 2.0), (True, 4.0), (False, 60.0), (False, 79.5), (False, 90.0), (False, 680.0)]
    assert [watch.is_due(changed=changed, now=now) for changed, now in moments] == [
        *(True, False, True, False),
        *(True, False, True),
    ]
