# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Maps of sites (sitemaps.org): pages with the day they changed, or further maps; in XML, or one address a line."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from rag.errors.sources import SourceBroken

LONGEST_ADDRESS = 800
_LONGEST_MOMENT = 40
# Pictures and films have addresses of their own inside of a page's.
_EXTENSION = "/schemas/sitemap-"


@dataclass(frozen=True, slots=True)
class MapEntry:
    """A page, or a further map, and what is said of when it changed."""

    url: str
    is_map: bool = False
    changed: str = ""

    @property
    def changed_at(self) -> datetime | None:
        """The moment, where one can be read."""
        try:
            moment = datetime.fromisoformat(self.changed)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_sitemap(content: bytes, *, where: str) -> Iterator[MapEntry]:
    """Yield what a map names. Raises SourceBroken where it is none."""
    head = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    return _of_xml(content, where=where) if head.startswith(b"<") else _of_lines(content, where=where)


def is_page_of(site: str, url: str) -> bool:
    """Tell whether a map of a site may name an address: one of the same host, that can be kept."""
    try:
        one, other = urlsplit(site), urlsplit(url)
        return (
            other.scheme in ("http", "https")
            and other.hostname == one.hostname
            and other.port == one.port
            and other.username is None
            and len(url) <= LONGEST_ADDRESS
            and url.isprintable()
            and " " not in url
        )
    except ValueError:
        return False


def _of_xml(content: bytes, *, where: str) -> Iterator[MapEntry]:
    # Not at the top: only who reads sites pays for it. It refuses entities, by which a small map becomes a huge one.
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    said: dict[str, str] = {}
    try:
        for _, element in iterparse(io.BytesIO(content), events=("end",), forbid_dtd=True):
            name = "" if _EXTENSION in element.tag else element.tag.rpartition("}")[2]
            if name in ("loc", "lastmod"):
                said.setdefault(name, (element.text or "").strip())
            elif name in ("url", "sitemap"):
                if said.get("loc"):
                    yield MapEntry(said["loc"], name == "sitemap", said.get("lastmod", "")[:_LONGEST_MOMENT])
                said = {}
                element.clear()
            elif name in ("html", "rss", "feed"):
                raise SourceBroken(because=f"{where!r} is no map of a site")
    except (ParseError, DefusedXmlException, ValueError):
        raise SourceBroken(because=f"{where!r} is no map of a site that can be read") from None


def _of_lines(content: bytes, *, where: str) -> Iterator[MapEntry]:
    for line in content.decode("utf-8-sig", "replace").splitlines():
        if not line.strip():
            continue
        if not line.strip().startswith(("http://", "https://")):
            raise SourceBroken(because=f"{where!r} is no map of a site")
        yield MapEntry(line.strip())
