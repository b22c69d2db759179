# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The files of a project as a source: all of them, or those below a folder. What is listed is the truth itself."""

from collections.abc import Iterator

from django.db.models import QuerySet

from accounts.tenancy import tenant
from codexos.kernel.jsontypes import JsonObject
from rag.engine.paths import read_folder
from rag.engine.ports import Content, Delta, Entry, Revision, SourcePlace, SourceReader
from rag.errors import DocumentGone
from rag.models import File, Source

_AT_ONCE = 1_000


def open_source(place: SourcePlace) -> SourceReader:
    """Return the reader of a project's files."""
    return ProjectFiles(place)


class ProjectFiles:
    """Keeps the port SourceReader."""

    keeps_history = False

    def __init__(self, place: SourcePlace) -> None:
        self._organization_id = place.organization_id
        self._source_id = place.source_id
        self._prefix = read_folder(str(place.config.get("path") or ""))

    def look(self, cursor: JsonObject) -> Delta:
        """See the port."""
        return Delta(Revision(), entries=self._entries(), cursor={}, is_sure=True)

    def read(self, path: str, *, revision: Revision, mark: str) -> Content | None:
        """See the port."""
        with tenant(self._organization_id):
            file = self._files().filter(path=path).first()
        if file is None:
            raise DocumentGone(path)
        return Content(kept=file.current.sha256, mark=file.current.sha256, changed_at=file.updated_at)

    def close(self) -> None:
        """See the port."""

    def _entries(self) -> Iterator[Entry]:
        after = ""
        while True:
            with tenant(self._organization_id):
                some = list(self._files().filter(path__gt=after).order_by("path")[:_AT_ONCE])
            if not some:
                return
            after = some[-1].path
            yield from (
                Entry(file.path, mark=file.current.sha256, size=file.current.size, changed_at=file.updated_at)
                for file in some
            )

    def _files(self) -> QuerySet[File]:
        sources = Source.objects.for_organization(self._organization_id).filter(pk=self._source_id)
        rows = File.objects.for_organization(self._organization_id).select_related("current")
        rows = rows.filter(project__in=sources.values("base__project"))
        return rows.filter(path__startswith=self._prefix) if self._prefix else rows
