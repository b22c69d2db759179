# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What every page's shell shows: who, where, which theme, which way. Nothing is asked before it is shown."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from accounts.queries.break_glass import Entered, active_break_glass
from accounts.roles import Permission

_THEMES = ("system", "light", "dark")
_NAV = (
    ("home", "home", _("Home"), ()),
    ("runs", "runs", _("Runs"), ("/runs/",)),
    ("approvals", "approvals", _("Approvals"), ("/approvals/",)),
    ("flows", "flows", _("Flows"), ("/flows/", "/memory/")),
    ("files", "files", _("Files"), ("/files/",)),
    ("knowledge", "knowledge", _("Knowledge"), ("/knowledge/",)),
    ("tools", "tools", _("Tools"), ("/tools/",)),
    ("vault", "vault", _("Vault"), ("/vault/",)),
    ("models", "models", _("Models"), ("/models/", "/usage/")),
    ("settings", "members", _("Settings"), ("/settings/", "/account/")),
)

_ICONS = {"tools": "wrench"}
_NEAR = frozenset({"home", "runs", "approvals", "flows", "knowledge"})
"""What the bar of a telephone has room for; the rest is one step further."""

# Entries that only lead somewhere for who holds this somewhere.
_NEEDS = {"vault": Permission.ACCESS_VAULT}


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the context of base.html."""
    return {
        "actor": getattr(request, "actor", None),
        "person": SimpleLazyObject(lambda: _person(request)),
        "organization": getattr(request, "organization", None),
        "organizations": SimpleLazyObject(lambda: _organizations(request)),
        "active_break_glass": SimpleLazyObject(lambda: _entered(request)),
        "theme": SimpleLazyObject(lambda: _theme(request)),
        "nav": SimpleLazyObject(lambda: _nav(request)),
    }


def _person(request: HttpRequest) -> Any:
    user = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None


def _theme(request: HttpRequest) -> str:
    person = _person(request)
    theme = person.theme if person else request.COOKIES.get("theme")
    return theme if theme in _THEMES else "system"


def _organizations(request: HttpRequest) -> list[dict[str, Any]]:
    organization = getattr(request, "organization", None)
    current = organization.organization_id if organization else None
    return [
        {
            "id": belonging.organization_id,
            "name": belonging.name,
            "slug": belonging.slug,
            "current": belonging.organization_id == current,
        }
        for belonging in getattr(request, "organizations", None) or []
    ]


def _entered(request: HttpRequest) -> list[Entered]:
    actor = getattr(request, "actor", None)
    return active_break_glass(actor) if actor else []


def _nav(request: HttpRequest) -> list[dict[str, Any]]:
    if not _person(request):
        return []
    return [
        {
            "key": key,
            "url": url,
            "label": label,
            "icon": _ICONS.get(key, key),
            "current": _is_current(request.path, url, below),
            "count": _count(request, key),
            "is_near": key in _NEAR,
        }
        for key, route, label, below in _NAV
        if (url := _address(route)) and _leads_somewhere(request, key)
    ]


def _count(request: HttpRequest, key: str) -> int:
    """Ask whoever counts what waits behind an entry; see NAV_COUNTS in the settings."""
    actor, counter = getattr(request, "actor", None), settings.NAV_COUNTS.get(key)
    return import_string(counter)(actor) if actor and counter else 0


def _leads_somewhere(request: HttpRequest, key: str) -> bool:
    actor, needed = getattr(request, "actor", None), _NEEDS.get(key)
    return needed is None or bool(actor and actor.may_somewhere(needed))


def _is_current(path: str, url: str, below: tuple[str, ...]) -> bool:
    return path == url or path.startswith(below)


def _address(route: str) -> str | None:
    try:
        return reverse(route)
    except NoReverseMatch:
        return None
