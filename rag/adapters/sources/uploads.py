# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What people uploaded: the documents are rows with their bytes already, so there is nothing to list."""

from accounts.tenancy import tenant
from codexos.kernel.jsontypes import JsonObject
from rag.engine.ports import Content, Delta, Revision, SourcePlace, SourceReader
from rag.errors import DocumentGone
from rag.models import Document


def open_source(place: SourcePlace) -> SourceReader:
    """Return the reader of an upload source."""
    return Uploads(place)


class Uploads:
    """Keeps the port SourceReader."""

    keeps_history = False

    def __init__(self, place: SourcePlace) -> None:
        self._place = place

    def look(self, cursor: JsonObject) -> Delta:
        """See the port."""
        return Delta(Revision(), entries=(), cursor={}, is_whole=False, is_sure=True)

    def read(self, path: str, *, revision: Revision, mark: str) -> Content | None:
        """See the port."""
        with tenant(self._place.organization_id):
            rows = Document.objects.for_organization(self._place.organization_id).select_related("blob")
            row = rows.filter(source_id=self._place.source_id, path=path).first()
        if row is None or row.blob is None:
            raise DocumentGone(path)
        return Content(kept=row.blob.sha256, mark=mark)

    def close(self) -> None:
        """See the port."""
