# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Web pages and sites as sources, at a real server: what is asked again, what is let alone, what is named."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codexos.kernel.http import EgressRefused
from codexos.kernel.ids import new_id
from rag.adapters.sources import sitemap, web
from rag.engine.ports import Revision, SourcePlace, SourceReader
from rag.errors import DocumentGone
from rag.errors.sources import SourceBroken, SourceOverLimit, SourceRefused, SourceUnreachable, SourceVanished
from tests.kernel.local_server import Asked, LocalServer, answer, redirect

NOW = Revision()


class Site(LocalServer):
    """Pages by their paths; one with an ETag is not said again to who brings it."""

    def __init__(self) -> None:
        super().__init__(self._say)
        self.pages: dict[str, bytes] = {}

    def _say(self, asked: Asked) -> list[bytes]:
        page = self.pages.get(asked.path, answer(b"", status="404 Not Found"))
        etag = asked.headers.get("if-none-match")
        if etag and f"ETag: {etag}\r\n".encode() in page:
            return [answer(b"", status="304 Not Modified")]
        return [page]

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


@pytest.fixture
def site(settings: Any) -> Iterator[Site]:
    with Site() as running:
        settings.EGRESS_ALLOW = f"127.0.0.1:{running.port}"
        yield running


def place(kind: str, *, secret: str = "", **config: Any) -> SourcePlace:
    return SourcePlace(new_id(), new_id(), kind, Path("/nowhere"), config, secret)


def read(reader: SourceReader, path: str, mark: str = "") -> tuple[bytes, str] | None:
    content = reader.read(path, revision=NOW, mark=mark)
    return (b"".join(content.pieces), content.mark) if content else None


def test_a_page_is_given_again_only_where_it_changed(site: Site) -> None:
    site.pages["/a"] = answer(b"<h1>One</h1>", ETag='"1"', Content_Type="text/html; charset=utf-8")
    reader = web.open_source(place("web", url=site.url("/a")))
    (entry,) = reader.look({}).entries
    content = reader.read(entry.path, revision=NOW, mark=entry.mark)
    assert content is not None
    assert (b"".join(content.pieces), content.media_type) == (b"<h1>One</h1>", "text/html")
    assert read(reader, entry.path, content.mark) is None
    site.pages["/a"] = answer(b"<h1>Two</h1>", ETag='"2"')
    assert read(reader, entry.path, content.mark) == (b"<h1>Two</h1>", 'etag "2"')
    del site.pages["/a"]
    with pytest.raises(DocumentGone):
        read(reader, entry.path, content.mark)
    assert site.paths().count("/robots.txt") == 1


def test_a_page_without_an_etag_is_known_by_its_day_or_its_content(site: Site) -> None:
    site.pages["/a"] = answer(b"A", Last_Modified="Sat, 31 Jan 2026 09:00:00 GMT")
    site.pages["/b"] = answer(b"B")
    reader = web.open_source(place("web", url=site.url("/a")))
    assert read(reader, site.url("/a")) == (b"A", "since Sat, 31 Jan 2026 09:00:00 GMT")
    told = read(reader, site.url("/b"))
    assert told is not None
    assert read(reader, site.url("/b"), told[1]) is None


def test_robots_are_asked_first_also_where_a_page_leads(site: Site) -> None:
    with Site() as other:
        other.pages |= {"/robots.txt": answer(b"User-agent: codexos\nDisallow: /"), "/b": answer(b"secret")}
        site.pages |= {"/robots.txt": answer(b"User-agent: *\nDisallow: /no"), "/a": redirect(other.url("/b"))}
        from django.conf import settings

        settings.EGRESS_ALLOW += f",127.0.0.1:{other.port}"
        with pytest.raises(SourceRefused, match=r"robots\.txt"):
            web.open_source(place("web", url=site.url("/no"))).look({})
        with pytest.raises(SourceRefused, match=r"robots\.txt"):
            read(web.open_source(place("web", url=site.url("/a"))), site.url("/a"))
        assert other.paths() == ["/robots.txt"]
    assert "/no" not in site.paths()


@pytest.mark.parametrize(
    ("page", "error"),
    [
        (redirect("http://169.254.169.254/latest/meta-data"), EgressRefused),
        (redirect("file:///etc/passwd"), SourceBroken),
        (redirect("/a"), SourceBroken),
        (answer(b"", status="429 Slow down", Retry_After="7"), SourceUnreachable),
        (answer(b"", status="403 Forbidden"), SourceRefused),
        (answer(b"x" * (web.PAGE_BYTES + 1)), SourceOverLimit),
        (b"nothing of the kind\r\n\r\n", SourceUnreachable),
    ],
)
def test_trouble_of_a_page_is_named(site: Site, page: bytes, error: type[Exception]) -> None:
    site.pages |= {"/a": page, "/robots.txt": answer(b"")}
    with pytest.raises(error):
        read(web.open_source(place("web", url=site.url("/a"))), site.url("/a"))


def test_a_site_that_cannot_say_what_it_asks_is_left_alone(site: Site) -> None:
    site.pages |= {"/robots.txt": answer(b"", status="503 Away"), "/a": answer(b"A")}
    with pytest.raises(SourceUnreachable, match=r"robots\.txt"):
        web.open_source(place("web", url=site.url("/a"))).look({})
    assert "/a" not in site.paths()


def test_a_key_goes_to_its_own_site_alone(site: Site) -> None:
    with Site() as other:
        other.pages["/b"] = answer(b"B")
        site.pages["/a"] = redirect(other.url("/b"))
        from django.conf import settings

        settings.EGRESS_ALLOW += f",127.0.0.1:{other.port}"
        assert read(web.open_source(place("web", secret="s3cret", url=site.url("/a"))), site.url("/a"))
        assert site.asked[-1].headers["authorization"] == "Bearer s3cret"
        assert not any("authorization" in asked.headers for asked in other.asked)


def map_of(*pages: str, days: dict[str, str] | None = None) -> bytes:
    days = days or {}
    named = [f"<url><loc>{page}</loc><lastmod>{days.get(page, '')}</lastmod></url>" for page in pages]
    return f"<urlset>{''.join(named)}</urlset>".encode()


@pytest.fixture
def mapped(site: Site) -> Callable[..., SourceReader]:
    def make(**config: Any) -> SourceReader:
        return sitemap.open_source(place("sitemap", **{"url": site.url("/"), **config}))

    return make


def test_a_site_is_read_by_its_map(site: Site, mapped: Callable[..., SourceReader]) -> None:
    pages = [site.url(path) for path in ("/", "/docs/a", "/docs/b", "/private/c")]
    inner = map_of(*pages, "https://elsewhere.example/d", days={pages[1]: "2026-01-30"})
    index = f"<sitemapindex><sitemap><loc>{site.url('/1.xml.gz')}</loc></sitemap></sitemapindex>"
    robots = f"User-agent: *\nDisallow: /private\nSitemap: {site.url('/map.xml')}"
    site.pages |= {
        "/robots.txt": answer(robots.encode()),
        "/map.xml": answer(index.encode()),
        "/1.xml.gz": answer(gzip.compress(inner)),
        "/docs/a": answer(b"A", ETag='"1"'),
        "/docs/b": answer(b"B", ETag='"2"'),
    }
    found = mapped().look({})
    assert [(entry.path, entry.mark) for entry in found.entries] == [
        (pages[0], ""),
        (pages[1], "day 2026-01-30"),
        (pages[2], ""),
    ]
    assert [entry.path for entry in mapped(include=["docs/"], exclude=["*b"]).look({}).entries] == [pages[1]]
    # By another process than the one that listed them.
    assert read(mapped(), pages[1]) == (b"A", "")
    assert read(mapped(), pages[2]) == (b"B", 'etag "2"')
    assert read(mapped(), pages[2], 'etag "2"') is None


def test_a_map_that_names_too_much_or_nothing_lists_nothing(site: Site, mapped: Callable[..., SourceReader]) -> None:
    with pytest.raises(SourceVanished, match="map"):
        mapped().look({})
    site.pages["/sitemap.xml"] = answer(map_of(*(site.url(f"/{number}") for number in range(4))))
    assert len(list(mapped(pages=4).look({}).entries)) == 4
    with pytest.raises(SourceOverLimit):
        mapped(pages=3).look({})
    endless = f"<sitemapindex><sitemap><loc>{site.url('/sitemap.xml')}</loc></sitemap></sitemapindex>"
    site.pages["/sitemap.xml"] = answer(endless.encode())
    with pytest.raises(SourceOverLimit):
        mapped().look({})
    site.pages["/sitemap.xml"] = answer(gzip.compress(b"x" * (6 * web.PAGE_BYTES)))
    with pytest.raises(SourceOverLimit):
        mapped().look({})
    site.pages["/sitemap.xml"] = answer(gzip.compress(map_of("a"))[:-9])
    with pytest.raises(SourceBroken):
        mapped().look({})
