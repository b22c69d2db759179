# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where in a body something is wrong: a serializer's nested errors as a flat list of places."""

from collections.abc import Iterator, Mapping
from typing import Any

_WHOLE = {"non_field_errors", "__all__"}


def listed_places(detail: Any) -> list[dict[str, str]]:
    """Return ``{"place": "items[0].name", "message": …}`` for every message; the place of the whole is empty."""
    return [{"place": place, "message": message} for place, message in _walk(detail, "")]


def _walk(detail: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _walk(inner, place if name in _WHOLE else _inside(place, str(name)))
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            yield from _walk(inner, f"{place}[{index}]" if isinstance(inner, Mapping) else place)
    else:
        yield place, str(detail)


def _inside(place: str, name: str) -> str:
    if name.isdigit():
        return f"{place}[{name}]"
    return f"{place}.{name}" if place else name
