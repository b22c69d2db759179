# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a question's filters leave, as conditions on documents and chunks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from rag.engine.globs import glob_regex
from rag.engine.passages import Filters
from rag.models import Revision, Source

SHORTEST_COMMIT = 4
LIVE = "c.since is not null and c.until is null"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on documents ``d``, and which chunks ``c`` of theirs count. ``is_about_now`` unless at a commit."""

    documents: str = ""
    chunks: str = LIVE
    document_values: tuple[Any, ...] = ()
    chunk_values: tuple[Any, ...] = ()
    is_about_now: bool = True


def condition_of(organization_id: UUID, base_ids: Sequence[UUID], filters: Filters) -> Condition | None:
    """Return what filters leave; None where a commit is named that no source has had."""
    parts = [*_parts(filters), *_not_deleted(organization_id, base_ids)]
    documents = "".join(f" and {text}" for text, _ in parts)
    values = tuple(value for _, value in parts)
    if not filters.commit:
        return Condition(documents, document_values=values)
    at = _revisions(organization_id, base_ids, filters.commit)
    if not at:
        return None
    stood = "(d.source_id = %s and c.since <= %s and (c.until is null or c.until > %s))"
    chunks = "(" + " or ".join([stood] * len(at)) + ")"
    chunk_values = tuple(value for source, number in at for value in (source, number, number))
    return Condition(documents, chunks, values, chunk_values, is_about_now=False)


def document_filter(filters: Filters) -> Q:
    """Return the same condition on documents in Django's words."""
    allowed = Q()
    named: dict[str, Any] = {
        "source_type__in": list(filters.source_type),
        "tags__contains": list(filters.tags),
        "language__in": list(filters.language),
        "path__regex": glob_regex(filters.path) if filters.path else "",
        "changed_at__gte": filters.since,
        "changed_at__lte": filters.until,
        "source_id": filters.source,
        "pk": filters.document,
    }
    for name, value in named.items():
        if value:
            allowed &= Q(**{name: value})
    return allowed


def _parts(filters: Filters) -> Iterator[tuple[str, Any]]:
    every: tuple[tuple[str, Any], ...] = (
        ("d.source_type = any(%s)", list(filters.source_type)),
        ("d.tags @> %s::varchar[]", list(filters.tags)),
        ("d.path ~ %s", glob_regex(filters.path) if filters.path else ""),
        ("d.language = any(%s)", list(filters.language)),
        ("d.changed_at >= %s", filters.since),
        ("d.changed_at <= %s", filters.until),
        ("d.source_id = %s", filters.source),
        ("d.id = %s", filters.document),
    )
    return (each for each in every if each[1])


def _not_deleted(organization_id: UUID, base_ids: Sequence[UUID]) -> Iterator[tuple[str, Any]]:
    """Leave out what somebody deleted and no worker has come to yet; nearly always there is no such thing."""
    rows = Source.objects.for_organization(organization_id).filter(base_id__in=base_ids, deleted_at__isnull=False)
    if gone := list(rows.values_list("pk", flat=True)):
        yield "d.source_id <> all(%s)", gone


def _revisions(organization_id: UUID, base_ids: Sequence[UUID], commit: str) -> list[tuple[UUID, int]]:
    if len(commit) < SHORTEST_COMMIT:
        return []
    rows = Revision.objects.for_organization(organization_id).filter(source__base_id__in=base_ids)
    newest: dict[UUID, int] = {}
    for source, number in rows.filter(commit__startswith=commit.lower()).values_list("source_id", "number"):
        newest[source] = max(number, newest.get(source, 0))
    return list(newest.items())
