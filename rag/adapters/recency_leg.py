# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is known of the past of chunks: when they changed last, by whom, and how often of late.

To be called inside of the organization's transaction.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from rag.engine.history import History, from_json, hot_since
from rag.engine.recency import Freshness
from rag.models import Chunk, PathHistory


def find_freshness(organization_id: UUID, chunk_ids: Collection[UUID], *, now: datetime) -> dict[UUID, Freshness]:
    """Return what is known of the past of each chunk; those whose source tells no history are left out."""
    chunks = Chunk.objects.for_organization(organization_id).filter(pk__in=chunk_ids)
    rows = list(chunks.values_list("pk", "document__source_id", "document__path", "place"))
    wanted: dict[UUID, set[str]] = {}
    for _, source, path, _ in rows:
        wanted.setdefault(source, set()).add(path)
    histories = _histories(organization_id, wanted)
    found: dict[UUID, Freshness] = {}
    for pk, source, path, place in rows:
        if history := histories.get((source, path)):
            found[pk] = _freshness(history, place.get("lines"), now=now)
    return found


def _histories(organization_id: UUID, wanted: dict[UUID, set[str]]) -> dict[tuple[UUID, str], History]:
    if not wanted:
        return {}
    any_of = Q()
    for source, paths in wanted.items():
        any_of |= Q(source_id=source, path__in=paths)
    rows = PathHistory.objects.for_organization(organization_id).filter(any_of)
    return {(row.source_id, row.path): history_of(row) for row in rows}


def history_of(row: PathHistory) -> History:
    """Return a row as the history it keeps."""
    return History(tuple(from_json(change) for change in row.recent), row.commits, row.authors)


def _freshness(history: History, lines: list[int] | None, *, now: datetime) -> Freshness:
    commits = history.count_since(hot_since(now))
    on_lines = history.last_on(lines[0], lines[1]) if lines else None
    return Freshness(history.last, commits, on_lines)
