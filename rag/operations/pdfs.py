# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading PDFs: once for each content, by a process of its own, never while a transaction is open."""

from collections.abc import Sequence
from time import monotonic as _now

from accounts.actor import Actor
from accounts.tenancy import in_organization
from rag.adapters.blobs import read_whole
from rag.adapters.pdf_reader import read_pages
from rag.engine.pages import count_pages
from rag.engine.ports import BlobKey
from rag.errors import PdfReaderBusy
from rag.models import Blob, FileVersion, PdfText

MOST_SECONDS = 60.0
"""After so long no further PDF is begun: somebody waits. What was read is kept, so trying again gets further."""


def read_pdfs(actor: Actor, versions: Sequence[FileVersion]) -> None:
    """Read the PDFs that a query gave the actor, and keep their text.

    Raises PdfUnreadable, PdfReaderBusy, PdfReaderBroken, BlobMissing, StorageFull, StorageUnreachable.
    """
    until = _now() + MOST_SECONDS
    for number, version in enumerate(versions):
        if _now() > until:
            raise PdfReaderBusy(because=f"{number} of {len(versions)} took {MOST_SECONDS:.0f} seconds")
        read_pdf(actor, version)


def read_pdf(actor: Actor, version: FileVersion) -> str:
    """Read one PDF and keep its text; return its pages, parted by form feeds. Raises as read_pdfs."""
    pages = read_pages(read_whole(BlobKey(version.organization_id, version.sha256)), path=version.file.path)
    _keep(actor, version, pages)
    return pages


def text_of_pdf(content: bytes, *, name: str) -> str:
    """Read a PDF that is no file of a project and is not kept; its pages are parted by form feeds. Raises as above."""
    return read_pages([content], path=name)


@in_organization
def _keep(actor: Actor, version: FileVersion, pages: str) -> None:
    # Locked, so that the sweeper does not take the bytes away meanwhile; gone already, the text is of no use either.
    blob = Blob.objects.for_organization(actor.organization_id).select_for_update().filter(pk=version.blob_id).first()
    if blob is None:
        return
    text = PdfText(
        organization_id=actor.organization_id,
        blob=blob,
        pages=pages,
        page_count=count_pages(pages),
        size=len(pages.encode()),
    )
    # Somebody else may have read the same at the same time; the first to have done so is as good.
    PdfText.objects.bulk_create([text], ignore_conflicts=True)
