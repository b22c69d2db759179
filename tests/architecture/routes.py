# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every route of the product, read from the URLconf itself."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.views.generic import RedirectView

METHODS = ("get", "post", "put", "patch", "delete")
_PLACEHOLDER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """One address pattern, and the methods its view has; none where a plain function decides."""

    pattern: str
    methods: frozenset[str]


def every_route(patterns: Sequence[URLPattern | URLResolver] | None = None, *, below: str = "") -> Iterator[Route]:
    """Yield every route of ``patterns``, by default of the whole product."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        pattern = f"{below}{entry.pattern}"
        if isinstance(entry, URLResolver):
            yield from every_route(entry.url_patterns, below=pattern)
        else:
            yield Route(pattern, frozenset(_methods(entry.callback)))


def _methods(view: Any) -> Iterator[str]:
    kind = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if kind is not None and issubclass(kind, RedirectView):
        return iter(["GET"])
    return (method.upper() for method in METHODS if kind is not None and hasattr(kind, method))


def names_in(pattern: str) -> frozenset[str]:
    """Return the names of the things in an address."""
    return frozenset(_PLACEHOLDER.findall(pattern))


def address(pattern: str, things: Mapping[str, str]) -> str:
    """Return the address of a pattern with things put in."""
    return "/" + _PLACEHOLDER.sub(lambda match: things[match[1]], pattern)
