# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What people, organizations, teams, projects and tokens may be called."""

import unicodedata
from collections.abc import Callable
from typing import Protocol

from django.utils.text import slugify

from accounts.errors import NameInvalid
from accounts.queries.access import SLUG
from codexos.kernel.ids import new_id, parse_id

NAME_LENGTH = 120
TEXT_LENGTH = 2000
# fmt: off
RESERVED = frozenset(
    {
        "account", "accounts", "admin", "agent", "agents", "api", "app", "assets", "audit", "auth", "billing",
        "codexos", "demo", "docs", "files", "flows", "healthz", "help", "home", "invitations", "login",
        "logout", "marketplace", "mcp", "me", "members", "models", "new", "none", "null", "organization",
        "organizations", "personal", "preferences", "projects", "rag", "readyz", "root", "runs", "sessions", "settings",
        "signin", "signup", "static", "support", "system", "teams", "tokens", "undefined", "usage", "vault",
        "ws",
    }
)
# fmt: on
"""Short names that would be taken for a page of the product."""

_SUFFIX_LENGTH = 6
# Letters that turn the reading direction can make one name look like another.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# Letters and marks that are drawn as nothing, though their categories tell of no such thing.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Mn", "Me", "Zs", "Zl", "Zp"})


class Named(Protocol):
    """Anything with a name and a short name."""

    name: str
    slug: str


def clean_name(text: str, *, place: str = "name", may_be_blank: bool = False, at_most: int = NAME_LENGTH) -> str:
    """Return a name trimmed and in one form of Unicode. Raises NameInvalid."""
    name = " ".join(_checked(text, place=place, allowed="").split())
    if not name and not may_be_blank:
        raise _invalid(place, "A name is needed; it is empty.")
    if name and not any(_is_seen(letter) for letter in name):
        raise _invalid(place, "Nothing in this name can be seen. Give one that people can read.")
    if len(name) > at_most:
        raise _invalid(place, f"A name has at most {at_most} letters, this one has {len(name)}.")
    return name


def clean_text(text: str, *, place: str) -> str:
    """Return a longer text of several lines. Raises NameInvalid."""
    cleaned = _checked(text, place=place, allowed="\n\r\t").strip()
    if len(cleaned) > TEXT_LENGTH:
        raise _invalid(place, f"This text has at most {TEXT_LENGTH} letters, this one has {len(cleaned)}.")
    return cleaned


def clean_slug(text: str, *, place: str = "slug") -> str:
    """Return a short name. Raises NameInvalid."""
    if not SLUG.fullmatch(text):
        raise _invalid(
            place,
            "A short name has 1 to 63 of the letters a to z, digits and hyphens, and begins and ends with none of the "
            "hyphens.",
        )
    if text in RESERVED:
        raise _invalid(place, f"The short name {text!r} is kept for the product itself. Choose another.")
    if parse_id(text) is not None:
        raise _invalid(place, "A short name may not look like an id. Choose another.")
    return text


def rename(row: Named, *, name: str | None, slug: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """Give a row the names that were asked for; return its names before and after. Raises NameInvalid."""
    before = {"name": row.name, "slug": row.slug}
    row.name, row.slug = (
        row.name if name is None else clean_name(name),
        row.slug if slug in (None, row.slug) else clean_slug(str(slug)),
    )
    return before, {"name": row.name, "slug": row.slug}


def slug_from(name: str, *, otherwise: str, is_taken: Callable[[str], bool]) -> str:
    """Return a free short name made from ``name``, from ``otherwise`` where no Latin letter is in it."""
    base = slugify(name)[:50].strip("-_").replace("_", "-") or otherwise
    if SLUG.fullmatch(base) and base not in RESERVED and parse_id(base) is None and not is_taken(base):
        return base
    return f"{base}-{str(new_id())[-_SUFFIX_LENGTH:]}"


def _checked(text: str, *, place: str, allowed: str) -> str:
    for letter in text:
        if letter not in allowed and (letter in _TURNING or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")):
            raise _invalid(place, f"The letter U+{ord(letter):04X} cannot be used here. Take it out.")
    return unicodedata.normalize("NFC", text)


def _is_seen(letter: str) -> bool:
    return letter not in _BLANK and unicodedata.category(letter) not in _UNSEEN


def _invalid(place: str, message: str) -> NameInvalid:
    return NameInvalid(message, errors=[{"place": place, "message": message}])
