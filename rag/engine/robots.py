# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a site asks of programs that read it: robots.txt, by RFC 9309."""

import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

AGENT = "codexos"
MOST_BYTES = 512 * 1024
LONGEST_PAUSE = 10.0
_MOST_RULES = 5_000


@dataclass(frozen=True, slots=True)
class Robots:
    """What is asked of us: rules as (pattern, may be read), a pause between requests, and where maps are."""

    rules: tuple[tuple[str, bool], ...] = ()
    pause_seconds: float = 0.0
    sitemaps: tuple[str, ...] = ()

    def allows(self, url: str) -> bool:
        """Tell whether a page may be read: the longest rule that fits decides, and of two as long the kinder one."""
        parts = urlsplit(url)
        path = _spelled(parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fitting = [(len(pattern), may) for pattern, may in self.rules if _fits(pattern, path)]
        return max(fitting)[1] if fitting else True


@dataclass(slots=True)
class _Group:
    agents: list[str] = field(default_factory=list)
    rules: list[tuple[str, bool]] = field(default_factory=list)
    pause: float = 0.0
    is_begun: bool = False


def read_robots(text: str) -> Robots:
    """Read a robots.txt, as far as it can be read."""
    groups: list[_Group] = []
    sitemaps: list[str] = []
    for line in text.removeprefix("\ufeff").splitlines()[:_MOST_RULES]:
        name, _, value = line.partition("#")[0].partition(":")
        _note(name.strip().lower(), value.strip(), groups=groups, sitemaps=sitemaps)
    ours = [group for group in groups if AGENT in group.agents] or [group for group in groups if "*" in group.agents]
    rules = tuple(rule for group in ours for rule in group.rules)
    return Robots(rules, max((group.pause for group in ours), default=0.0), tuple(sitemaps))


def _note(name: str, value: str, *, groups: list[_Group], sitemaps: list[str]) -> None:
    if name == "sitemap":
        sitemaps.append(value)
    elif name == "user-agent":
        if not groups or groups[-1].is_begun:
            groups.append(_Group())
        groups[-1].agents.append(value.lower().partition("/")[0])
    elif groups:
        groups[-1].is_begun = True
        if name in ("allow", "disallow") and value:
            groups[-1].rules.append((_spelled(value), name == "allow"))
        elif name == "crawl-delay" and re.fullmatch(r"\d{1,4}(\.\d{1,3})?", value):
            groups[-1].pause = min(float(value), LONGEST_PAUSE)


def _fits(pattern: str, path: str) -> bool:
    """Match piece by piece rather than by a regular expression: what a site writes must not take hours to match."""
    is_whole = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    for piece in rest[:-1] if is_whole else rest:
        at = path.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    if not is_whole:
        return True
    return path.endswith(rest[-1]) and len(path) - len(rest[-1]) >= at if rest else len(path) == at


def _spelled(path: str) -> str:
    return quote(path, safe="/%*$?&=+,;:@!~'()[]-._")
