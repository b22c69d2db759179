# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A web site as a source, by its map: every page of the same host that the map names and that is wanted."""

from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from codexos.kernel.jsontypes import JsonObject
from rag.adapters.sources.web import Page, Pages, content_of, unpacked
from rag.engine.ports import Content, Delta, Entry, Revision, SourcePlace
from rag.engine.sitemaps import MapEntry, is_page_of, read_sitemap
from rag.engine.source_configs import Site, read_site
from rag.errors import DocumentGone
from rag.errors.sources import SourceOverLimit, SourceVanished

MOST_MAPS = 100
DEEPEST_MAP = 3
_ENDINGS = (".xml", ".xml.gz", ".txt", ".txt.gz")


def open_source(place: SourcePlace) -> "SitemapReader":
    """Return the reader of a site. Raises SourceInvalid."""
    return SitemapReader(place, read_site(place.config))


class SitemapReader:
    """Keeps the port SourceReader for a site. A page without a day in the map is asked whether it changed."""

    keeps_history = False

    def __init__(self, place: SourcePlace, site: Site) -> None:
        self._site = site
        self._pages = Pages(site.url, secret=place.secret)
        self._named: dict[str, MapEntry] | None = None

    def look(self, _cursor: JsonObject) -> Delta:
        """See the port. All of the map is read before anything is listed, so half a map lists nothing."""
        entries = [_entry(each) for each in self._read_maps().values()]
        allowed = [each for each in entries if self._pages.robots(each.path).allows(each.path)]
        return Delta(Revision(), allowed, {})

    def read(self, path: str, *, revision: Revision, mark: str) -> Content | None:
        """See the port."""
        page = self._pages.fetch(path, mark=mark)
        if page is None:
            return None
        named = self._read_maps().get(path)
        # What the map's day says is the mark of such a page, and its own headers are not.
        return content_of(page, mark="" if named and named.changed else None)

    def close(self) -> None:
        """See the port."""
        self._pages.close()

    def _read_maps(self) -> dict[str, MapEntry]:
        if self._named is None:
            self._named = {}
            for url in self._maps():
                self._named.update((page.url, page) for page in self._pages_in(url, left=[MOST_MAPS]))
        return self._named

    def _maps(self) -> list[str]:
        """Return where the maps are: the one that was named, else those that robots.txt names, else the usual place."""
        url = self._site.url
        if urlsplit(url).path.lower().endswith(_ENDINGS):
            return [url]
        named = [each for each in self._pages.robots(url).sitemaps if is_page_of(url, each)]
        return named or [urljoin(url, "/sitemap.xml")]

    def _pages_in(self, url: str, *, left: list[int], depth: int = 0) -> Iterator[MapEntry]:
        left[0] -= 1
        if left[0] < 0 or depth > DEEPEST_MAP:
            raise SourceOverLimit(self._site.url, because=f"its map consists of more than {MOST_MAPS} maps")
        count = 0
        for entry in read_sitemap(unpacked(self._fetch(url).body, where=url), where=url):
            if not is_page_of(self._site.url, entry.url):
                continue
            if entry.is_map:
                yield from self._pages_in(entry.url, left=left, depth=depth + 1)
            elif self._is_wanted(entry.url):
                count += 1
                self._insist_few(count)
                yield entry

    def _fetch(self, url: str) -> Page:
        try:
            page = self._pages.fetch(url)
        except DocumentGone:
            raise SourceVanished(url, because="there is no map of the site") from None
        assert page is not None  # noqa: S101 - it was asked without a mark
        return page

    def _is_wanted(self, url: str) -> bool:
        return self._site.filter.takes(urlsplit(url).path.strip("/") or "index")

    def _insist_few(self, count: int) -> None:
        if count > self._site.pages or len(self._named or ()) > self._site.pages:
            raise SourceOverLimit(self._site.url, because=f"its map names more than {self._site.pages:,} pages")


def _entry(page: MapEntry) -> Entry:
    return Entry(page.url, f"day {page.changed}" if page.changed else "", changed_at=page.changed_at)
