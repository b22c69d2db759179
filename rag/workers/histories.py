# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps how the paths of a source came to be what they are, commit by commit."""

import logging
from collections.abc import Iterable
from itertools import islice

from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError
from rag.adapters.recency_leg import history_of
from rag.adapters.sources.chosen import folder_of
from rag.adapters.sources.git_history import GitHistory
from rag.engine.history import History, add_change, as_json
from rag.engine.ports import HistoryReader, PastChange
from rag.models import PathHistory, Source, SourceHistory, SourceKind
from rag.models.documents import DOCUMENT_PATH_LENGTH

_AT_ONCE = 2_000
_REPOSITORIES = frozenset({SourceKind.GIT, SourceKind.GITHUB})

log = logging.getLogger(__name__)


def read_past(source: Source, *, commit: str) -> int:
    """Take up the past of a source that is a repository, up to a commit; return how many changes were new.

    What cannot be told is left out: the past is a help in ranking, and nothing that a reading may fail for.
    """
    history = GitHistory(folder_of(source))
    if source.kind not in _REPOSITORIES or not history.is_there():
        return 0
    try:
        return record_history(source, history, commit=commit)
    except CodexosError as error:
        log.info("The past of source %s cannot be told: %s", source.pk, error)
        return 0


def record_history(source: Source, reader: HistoryReader, *, commit: str) -> int:
    """Take up what changed up to a commit since it was done last; return how many changes those were.

    May die anywhere and be run again: each part is kept with the commit it leads to, and what is known is not counted
    again.
    Where the branch was written anew, so is what is known.
    """
    since = _since(source)
    if not commit or since == commit:
        return 0
    if since and not reader.leads(since=since, until=commit):
        _forget(source)
        since = ""
    count = 0
    changes = iter(reader.changes(since=since, until=commit))
    held: PastChange | None = None
    while True:
        some, held = _part(changes, held)
        if not some:
            break
        count += len(some)
        _record(source, some, commit=some[-1].commit)
    _record(source, (), commit=commit)
    return count


def _since(source: Source) -> str:
    with tenant(source.organization_id):
        rows = SourceHistory.objects.for_organization(source.organization_id).filter(source=source)
        return rows.values_list("commit", flat=True).first() or ""


def _forget(source: Source) -> None:
    with tenant(source.organization_id):
        PathHistory.objects.for_organization(source.organization_id).filter(source=source).delete()
        SourceHistory.objects.for_organization(source.organization_id).filter(source=source).delete()


def _part(changes: Iterable[PastChange], held: PastChange | None) -> tuple[list[PastChange], PastChange | None]:
    """Return the next changes, whole commits of them, and the first of the commit after."""
    some = ([held] if held else []) + list(islice(changes, _AT_ONCE))
    for change in changes if some else ():
        if change.commit != some[-1].commit:
            return some, change
        some.append(change)
    return some, None


def _record(source: Source, changes: Iterable[PastChange], *, commit: str) -> None:
    organization_id = source.organization_id
    changes = [change for change in changes if len(change.path) <= DOCUMENT_PATH_LENGTH]
    paths = {change.path for change in changes} | {change.moved_from for change in changes}
    with tenant(organization_id):
        rows = PathHistory.objects.for_organization(organization_id).filter(source=source, path__in=paths)
        # A source that goes meanwhile takes its histories with it, and gets no new ones.
        if not Source.objects.for_organization(organization_id).select_for_update().filter(pk=source.pk).exists():
            return
        known = {row.path: history_of(row) for row in rows}
        gone = _take(known, changes)
        PathHistory.objects.for_organization(organization_id).filter(source=source, path__in=gone).delete()
        PathHistory.objects.bulk_create(
            [_row(source, path, history) for path, history in known.items()],
            update_conflicts=True,
            unique_fields=["source", "path"],
            update_fields=["changed_at", "commit", "author", "subject", "commits", "authors", "recent"],
        )
        now = SourceHistory(organization_id=organization_id, source=source, commit=commit, read_at=clock.now())
        SourceHistory.objects.bulk_create(
            [now], update_conflicts=True, unique_fields=["source"], update_fields=["commit", "read_at"]
        )


def _take(known: dict[str, History], changes: Iterable[PastChange]) -> set[str]:
    gone: set[str] = set()
    for change in changes:
        before = known.pop(change.moved_from, None) if change.moved_from else known.get(change.path)
        gone |= {change.moved_from} if change.moved_from else set()
        if change.is_removed:
            known.pop(change.path, None)
            gone.add(change.path)
            continue
        known[change.path] = add_change(before, change)
        gone.discard(change.path)
    return gone


def _row(source: Source, path: str, history: History) -> PathHistory:
    last = history.last
    return PathHistory(
        organization_id=source.organization_id,
        source=source,
        path=path,
        changed_at=last.at,
        commit=last.commit,
        author=last.author,
        subject=last.subject,
        commits=history.commits,
        authors=dict(history.authors),
        recent=[as_json(change) for change in history.recent],
    )
