# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A web page as a source, and what reads pages: given again only where it changed, and only where the site lets us."""

import gzip
import hashlib
import io
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from codexos.kernel import clock
from codexos.kernel.http import HttpAnswer, HttpLimits, ResponseTooLarge
from codexos.kernel.jsontypes import JsonObject
from rag.adapters.sources.outside import client, plain_outside
from rag.engine.ports import Content, Delta, Entry, Revision, SourcePlace
from rag.engine.refusals import Refusal, error_of
from rag.engine.robots import MOST_BYTES as MOST_ROBOTS_BYTES
from rag.engine.robots import Robots, read_robots
from rag.engine.source_configs import Site, read_site, web_address
from rag.errors import DocumentGone
from rag.errors.sources import SourceBroken, SourceInvalid, SourceOverLimit, SourceRefused, SourceUnreachable

PAGE_BYTES = 10 * 1024 * 1024
MOST_REDIRECTS = 5
LONGEST_MARK = 280
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SEEN, _CHANGED, _HASH = "etag ", "since ", "sha256 "


def open_source(place: SourcePlace) -> "WebReader":
    """Return the reader of one page. Raises SourceInvalid."""
    return WebReader(place, read_site(place.config))


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was fetched. ``mark`` is what it is known by: its ETag, the day it changed, or its hash."""

    url: str
    body: bytes
    media_type: str
    mark: str
    changed_at: datetime | None


class WebReader:
    """Keeps the port SourceReader for one page."""

    keeps_history = False

    def __init__(self, place: SourcePlace, site: Site) -> None:
        self._site = site
        self._pages = Pages(site.url, secret=place.secret)

    def look(self, _cursor: JsonObject) -> Delta:
        """See the port: there is the page, and reading it tells whether it changed."""
        self._pages.insist_allowed(self._site.url)
        return Delta(Revision(), [Entry(self._site.url)], {})

    def read(self, path: str, *, revision: Revision, mark: str) -> Content | None:
        """See the port."""
        page = self._pages.fetch(path, mark=mark)
        return content_of(page) if page else None

    def close(self) -> None:
        """See the port."""
        self._pages.close()


def content_of(page: Page, *, mark: str | None = None) -> Content:
    """Return a page as the port gives it."""
    kept = page.mark if mark is None else mark
    return Content([page.body], mark=kept, media_type=page.media_type, changed_at=page.changed_at)


class Pages:
    """Fetches pages, one after another, of a site and where it leads; a key goes to the site alone."""

    def __init__(self, site: str, *, secret: str = "") -> None:
        self._site = _origin(site)
        self._secret = secret.strip()
        limits = HttpLimits(total_seconds=60, idle_seconds=30, body_bytes=PAGE_BYTES, redirects=0)
        self._client = client(carries_key=bool(secret), limits=limits)
        self._robots: dict[str, Robots] = {}
        self._last = 0.0

    def fetch(self, url: str, *, mark: str = "") -> Page | None:
        """Return a page; None where it is still what ``mark`` stands for.

        Raises DocumentGone, SourceRefused, SourceUnreachable, SourceOverLimit, SourceBroken, EgressRefused.
        """
        answer, found = self._follow(url, _conditions(mark))
        if answer.status == 304:
            return None
        if answer.status in (404, 410):
            raise DocumentGone(url)
        self._insist(answer, url)
        page = _page(answer, url=found)
        return None if mark.startswith(_HASH) and mark == page.mark else page

    def robots(self, url: str) -> Robots:
        """Return what the host of an address asks of programs. Raises SourceUnreachable where it cannot be known."""
        origin = _origin(url)
        if origin not in self._robots:
            self._robots[origin] = self._ask_robots(origin)
        return self._robots[origin]

    def insist_allowed(self, url: str) -> None:
        """Raise SourceRefused where the site asks that a page be not read by programs."""
        if not self.robots(url).allows(url):
            advice = "Ask its owner to let CodexOS in, or read another page."
            raise SourceRefused(url, because="its robots.txt asks programs not to", advice=advice)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _follow(self, url: str, conditions: Mapping[str, str]) -> tuple[HttpAnswer, str]:
        here = url
        for _ in range(MOST_REDIRECTS + 1):
            # Wherever it leads, that host is asked first as well.
            self.insist_allowed(here)
            self._pause(here)
            answer = self._get(here, conditions)
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer, here
            here = _next(here, answer.headers["location"])
        raise SourceBroken(because=f"{url!r} redirects more than {MOST_REDIRECTS} times")

    def _get(self, url: str, headers: Mapping[str, str]) -> HttpAnswer:
        headers = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", **headers}
        if self._secret and _origin(url) == self._site:
            headers["Authorization"] = f"Bearer {self._secret}"
        with plain_outside(url), _bounded(url):
            return self._client.request("GET", url, headers=headers)

    def _insist(self, answer: HttpAnswer, url: str) -> None:
        if not answer.is_success:
            refusal = Refusal(url, answer.status, answer.headers, has_key=bool(self._secret))
            raise error_of(refusal, now=clock.now())

    def _ask_robots(self, origin: str) -> Robots:
        url = f"{origin}/robots.txt"
        answer = self._get(url, {})
        for _ in range(MOST_REDIRECTS):
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                break
            url = _next(url, answer.headers["location"])
            answer = self._get(url, {})
        if answer.status == 429 or answer.status >= 500:
            # What cannot be asked is taken for a no (RFC 9309, 2.3.1.4), for now.
            raise SourceUnreachable(origin, because=f"its robots.txt answers {answer.status}")
        return (
            read_robots(answer.body[:MOST_ROBOTS_BYTES].decode("utf-8", "replace")) if answer.is_success else Robots()
        )

    def _pause(self, url: str) -> None:
        left = self._last + self.robots(url).pause_seconds - time.monotonic()
        if self._last and left > 0:
            time.sleep(left)
        self._last = time.monotonic()


def unpacked(body: bytes, *, where: str) -> bytes:
    """Return a file that may be packed with gzip, as maps of sites are. Raises SourceOverLimit, SourceBroken."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            found = file.read(5 * PAGE_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise SourceBroken(because=f"{where!r} cannot be unpacked") from None
    if len(found) > 5 * PAGE_BYTES:
        raise SourceOverLimit(where, because=f"it unpacks to more than {5 * PAGE_BYTES:,} bytes")
    return found


@contextmanager
def _bounded(url: str) -> Iterator[None]:
    try:
        yield
    except ResponseTooLarge:
        raise SourceOverLimit(url, because=f"a page may have {PAGE_BYTES:,} bytes") from None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _next(here: str, location: str) -> str:
    try:
        there = web_address(urljoin(here, location).partition("#")[0], place="url")
    except SourceInvalid:
        raise SourceBroken(because=f"{here!r} redirects to what is no address of the web") from None
    if here.startswith("https:") and there.startswith("http:"):
        raise SourceBroken(because=f"{here!r} redirects from https to plain http")
    return there


def _page(answer: HttpAnswer, *, url: str) -> Page:
    seen, changed = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
    marks = (f"{_SEEN}{seen}" if seen else "", f"{_CHANGED}{changed}" if changed else "")
    fallback = f"{_HASH}{hashlib.sha256(answer.body).hexdigest()}"
    mark = next((each for each in marks if each and len(each) <= LONGEST_MARK), fallback)
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()[:100]
    return Page(url, answer.body, media_type, mark, _moment(changed))


def _conditions(mark: str) -> dict[str, str]:
    if mark.startswith(_SEEN):
        return {"If-None-Match": mark.removeprefix(_SEEN)}
    return {"If-Modified-Since": mark.removeprefix(_CHANGED)} if mark.startswith(_CHANGED) else {}


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else None
