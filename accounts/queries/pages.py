# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of long lists: newest first by UUIDv7 or oldest first, walked by opaque cursors in both directions.

A cursor names the row it stands at, not a number of rows to skip, so rows that come meanwhile shift nothing.
"""

import base64
import binascii
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from accounts.actor import Actor
from accounts.queries.prepared import Prepared
from accounts.tenancy import OrganizationQuerySet
from codexos.kernel.errors import InvalidInput

PAGE_LIMIT = 50
LARGEST_PAGE = 200

T = TypeVar("T")
R = TypeVar("R")
M = TypeVar("M", bound=Model)
Q = TypeVar("Q", bound=QuerySet[Any])


class _Way(IntEnum):
    OLDER = 1
    NEWER = 2


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, and the cursors that lead on from it; None where the list ends."""

    rows: list[T]
    next_cursor: str | None = None
    previous_cursor: str | None = None

    def map(self, function: Callable[[T], R]) -> "Page[R]":
        """Return the same page with ``function`` applied to each row."""
        return Page([function(row) for row in self.rows], self.next_cursor, self.previous_cursor)


def page_of(
    queryset: QuerySet[M, Any], *, cursor: str | None = None, limit: int = PAGE_LIMIT, oldest_first: bool = False
) -> Page[M]:
    """Return the page of ``queryset`` that ``cursor`` leads to, read now. Raises InvalidInput on a bad cursor."""

    def read(way: _Way, at: UUID | None) -> list[M]:
        return list(_part(queryset, way=way, at=at, limit=limit))

    return _read_page(read, cursor=cursor, limit=limit, oldest_first=oldest_first)


def prepared_page(
    listing: Prepared[M], actor: Actor, *ids: UUID | None, cursor: str | None, limit: int, **choices: Hashable
) -> Page[M]:
    """Return the page, newest first, of a listing whose SQL is kept. Raises InvalidInput on a bad cursor."""

    def read(way: _Way, at: UUID | None) -> list[M]:
        return listing.rows(actor, *ids, at, way=way, limit=limit, **choices)

    return _read_page(read, cursor=cursor, limit=limit)


def listing(build: Callable[..., OrganizationQuerySet[M]]) -> Prepared[M]:
    """Return the pages of ``build(actor, *ids, **choices)`` as a query to be prepared, for ``prepared_page``."""

    def build_part(
        actor: Actor, *ids: UUID | None, way: _Way, limit: int, **choices: Hashable
    ) -> OrganizationQuerySet[M]:
        *others, at = ids
        return _part(build(actor, *others, **choices), way=way, at=at, limit=limit)

    return Prepared(build_part)


def _part(queryset: Q, *, way: _Way, at: UUID | None, limit: int) -> Q:
    there = queryset if at is None else queryset.filter(**{"pk__gt" if way is _Way.NEWER else "pk__lt": at})
    # One more than is shown tells whether there are others.
    return there.order_by("pk" if way is _Way.NEWER else "-pk")[: limit + 1]


def _read_page(
    read: Callable[[_Way, UUID | None], list[M]], *, cursor: str | None, limit: int, oldest_first: bool = False
) -> Page[M]:
    check_limit(limit)
    onward, back = (_Way.NEWER, _Way.OLDER) if oldest_first else (_Way.OLDER, _Way.NEWER)
    way, at = _opened(cursor) if cursor else (onward, None)
    found = read(way, at)
    rows, is_more = found[:limit], len(found) > limit
    if way is back:
        rows, has_next, has_previous = rows[::-1], True, is_more
    else:
        has_next, has_previous = is_more, at is not None
    return Page(
        rows,
        next_cursor=_sealed(onward, rows[-1].pk) if rows and has_next else None,
        previous_cursor=_sealed(back, rows[0].pk) if rows and has_previous else None,
    )


def check_limit(limit: int) -> int:
    """Return ``limit``. Raises InvalidInput where it is not within 1 and LARGEST_PAGE."""
    if 1 <= limit <= LARGEST_PAGE:
        return limit
    raise _invalid("limit", f"limit is {limit}; ask for 1 to {LARGEST_PAGE} rows.")


def _sealed(way: _Way, at: UUID) -> str:
    return base64.urlsafe_b64encode(bytes([way]) + at.bytes).decode().rstrip("=")


def _opened(cursor: str) -> tuple[_Way, UUID]:
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return _Way(raw[0]), UUID(bytes=raw[1:])
    except (binascii.Error, UnicodeEncodeError, ValueError, IndexError):
        raise _invalid("cursor", "This cursor is not one of ours. Take it from 'next' or 'previous'.") from None


def _invalid(place: str, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"place": place, "message": message}])
