# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a source is set up, read strictly: a word that nobody knows is refused rather than passed over."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from rag.engine.path_filters import LONGEST_PATTERN, MOST_PATTERNS, PathFilter, ignore_spec
from rag.errors.sources import SourceInvalid

DEFAULT_DEPTH = 200
MOST_DEPTH = 10_000
DEFAULT_FILE_BYTES = 10 * 1024 * 1024
MOST_FILE_BYTES = 100 * 1024 * 1024
DEFAULT_PAGES = 500
MOST_PAGES = 20_000
LONGEST_URL = 2_000
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}")
_BRANCH = re.compile(r"(?![-/])[^\x00-\x20~^:?*\[\\\x7f]{1,200}")
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository: where, which branch ("" for the default one), which of its files, and how far back."""

    url: str
    branch: str = ""
    filter: PathFilter = field(default_factory=PathFilter)
    depth: int = DEFAULT_DEPTH
    file_bytes: int = DEFAULT_FILE_BYTES


@dataclass(frozen=True, slots=True)
class HubRepository:
    """A repository at GitHub, by its name; ``app_id`` where the secret is the private key of a GitHub App."""

    name: str
    repository: Repository
    app_id: str = ""
    installation_id: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """A web page, or a site by its map: which of its pages, and how many."""

    url: str
    filter: PathFilter = field(default_factory=PathFilter)
    pages: int = DEFAULT_PAGES


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder of this machine."""

    path: str
    filter: PathFilter = field(default_factory=PathFilter)
    file_bytes: int = DEFAULT_FILE_BYTES


SourceConfig = Repository | HubRepository | Site | LocalFolder | None


def check_source_config(kind: str, config: Config) -> None:
    """Refuse what a source of a kind cannot be set up with. Raises SourceInvalid."""
    read_source_config(kind, config)


def read_source_config(kind: str, config: Config) -> SourceConfig:
    """Return how a source is set up; None for kinds that are told nothing. Raises SourceInvalid."""
    reader = _READERS.get(kind)
    if reader is None:
        return None
    read, known = reader
    if strange := sorted(set(config) - known):
        named = ", ".join(sorted(known))
        raise SourceInvalid(strange[0], because=f"a source of kind {kind} knows {named}")
    return read(config)


def read_repository(config: Config) -> Repository:
    """Return a repository anywhere. Raises SourceInvalid."""
    return _repository(config, url=_repository_address(_text(config, "url")))


def read_hub_repository(config: Config) -> HubRepository:
    """Return a repository at GitHub, named as owner/name or by its address. Raises SourceInvalid."""
    name = _text(config, "repository") or _name_in(_text(config, "url"))
    if not _REPOSITORY.fullmatch(name):
        raise SourceInvalid("repository", because=f"{name[:100]!r} is no repository; write owner/name")
    app, installation = (_number_text(config, key) for key in ("app_id", "installation_id"))
    if installation and not app:
        raise SourceInvalid("app_id", because="an installation belongs to an App; say which")
    return HubRepository(name, _repository(config, url=""), app, installation)


def read_site(config: Config) -> Site:
    """Return a page, or a site. Raises SourceInvalid."""
    url = web_address(_text(config, "url"), place="url")
    return Site(url, _filter(config), _number(config, "pages", usual=DEFAULT_PAGES, most=MOST_PAGES))


def read_local_folder(config: Config) -> LocalFolder:
    """Return a folder of this machine. Raises SourceInvalid."""
    path = _text(config, "path")
    if not path.startswith("/") or "\0" in path or ".." in path.split("/"):
        raise SourceInvalid("path", because="it must be an absolute path without '..'")
    return LocalFolder(path, _filter(config), _file_bytes(config))


def web_address(text: str, *, place: str) -> str:
    """Return an address of the web that names nobody and keeps nothing secret. Raises SourceInvalid."""
    try:
        parts = urlsplit(text)
        has_port = parts.port != 0
    except ValueError:
        raise SourceInvalid(place, because="its address cannot be read") from None
    is_plain = text.isprintable() and "\\" not in text and " " not in text and len(text) <= LONGEST_URL and has_port
    if parts.scheme not in {"http", "https"} or not parts.hostname or not is_plain:
        raise SourceInvalid(place, because="write its http:// or https:// address")
    if parts.username is not None or parts.password is not None:
        raise SourceInvalid(place, because="a key does not belong in an address; put it into the vault and name it")
    return text


def branch_name(text: str) -> str:
    """Return the name of a branch or a tag; "" stands for the default one. Raises SourceInvalid."""
    is_name = _BRANCH.fullmatch(text) and ".." not in text and "@{" not in text and "//" not in text
    if text and (not is_name or text.endswith((".lock", "/", "."))):
        raise SourceInvalid("branch", because=f"{text[:100]!r} cannot be the name of a branch")
    return text


def _repository_address(text: str) -> str:
    if text.startswith("/"):
        if "\0" in text or ".." in text.split("/"):
            raise SourceInvalid("url", because="a local repository is an absolute path without '..'")
        return text
    parts = urlsplit(web_address(text, place="url"))
    if parts.query or parts.fragment:
        raise SourceInvalid("url", because="the address of a repository has no '?' and no '#'")
    return text.rstrip("/")


def _repository(config: Config, *, url: str) -> Repository:
    return Repository(
        url=url,
        branch=branch_name(_text(config, "branch")),
        filter=_filter_below(config),
        depth=_number(config, "depth", usual=DEFAULT_DEPTH, most=MOST_DEPTH),
        file_bytes=_file_bytes(config),
    )


def _name_in(url: str) -> str:
    if not url:
        raise SourceInvalid("repository", because="say which: owner/name")
    parts = urlsplit(web_address(url, place="url"))
    return "/".join(parts.path.strip("/").split("/")[:2]).removesuffix(".git")


def _filter(config: Config) -> PathFilter:
    return PathFilter(_patterns(config, "include"), _patterns(config, "exclude"))


def _filter_below(config: Config) -> PathFilter:
    """Return the filter of a repository of which one folder may be read: patterns then count from there."""
    found, below = _filter(config), _text(config, "path").strip("/")
    if not below:
        return found
    if ".." in below.split("/"):
        raise SourceInvalid("path", because="it is a folder of the repository")
    include = tuple(_below(below, each) for each in found.include)
    return PathFilter(include or (f"/{below}/",), found.exclude)


def _below(folder: str, pattern: str) -> str:
    # A pattern without a slash in it fits at any depth.
    return f"/{folder}/{pattern.lstrip('/')}" if "/" in pattern.rstrip("/") else f"/{folder}/**/{pattern}"


def _patterns(config: Config, name: str) -> tuple[str, ...]:
    said = config.get(name)
    patterns = [said] if isinstance(said, str) else said
    if patterns is None:
        return ()
    if not isinstance(patterns, list | tuple) or not all(isinstance(each, str) for each in patterns):
        raise SourceInvalid(name, because="it is a list of patterns, such as docs/ or *.md")
    if len(patterns) > MOST_PATTERNS or any(len(each) > LONGEST_PATTERN or "\0" in each for each in patterns):
        raise SourceInvalid(name, because=f"it has at most {MOST_PATTERNS} patterns of {LONGEST_PATTERN} characters")
    found = tuple(each for each in patterns if each.strip())
    ignore_spec(found)
    return found


def _text(config: Config, name: str) -> str:
    said = config.get(name)
    if said is None:
        return ""
    if not isinstance(said, str):
        raise SourceInvalid(name, because="it must be a text")
    return said.strip()


def _number_text(config: Config, name: str) -> str:
    said = config.get(name)
    text = "" if said is None else str(said).strip()
    if text and (isinstance(said, bool) or not _NUMBER.fullmatch(text)):
        raise SourceInvalid(name, because="it must be a number")
    return text


def _number(config: Config, name: str, *, usual: int, most: int) -> int:
    said = config.get(name)
    if said is None:
        return usual
    if isinstance(said, bool) or not isinstance(said, int) or not 1 <= said <= most:
        raise SourceInvalid(name, because=f"it must be a whole number from 1 to {most:,}")
    return said


def _file_bytes(config: Config) -> int:
    return _number(config, "file_bytes", usual=DEFAULT_FILE_BYTES, most=MOST_FILE_BYTES)


_CHOICE = frozenset({"include", "exclude"})
_OF_REPOSITORIES = _CHOICE | {"url", "branch", "path", "depth", "file_bytes"}
_READERS: Mapping[str, tuple[Callable[[Config], SourceConfig], frozenset[str]]] = {
    "git": (read_repository, _OF_REPOSITORIES),
    "github": (read_hub_repository, _OF_REPOSITORIES | {"repository", "app_id", "installation_id"}),
    "web": (read_site, frozenset({"url"})),
    "sitemap": (read_site, _CHOICE | {"url", "pages"}),
    "folder": (read_local_folder, _CHOICE | {"path", "file_bytes"}),
}
