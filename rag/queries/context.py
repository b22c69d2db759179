# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The context of a run: files named by path, pinned to what they held when the run was accepted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Project
from accounts.tenancy import in_organization
from codexos.kernel.jsontypes import JsonValue
from rag.errors import ContextTooLarge, ContextUnreadable, PictureUnfit
from rag.models import FileVersion, PdfText
from rag.queries.files import find_current

MOST_CONTEXT_BYTES = 8 * 1024 * 1024
MOST_PICTURE_BYTES = 3_750_000
"""What every provider takes of one picture: the strictest is Bedrock."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Files as a run pins them: JSON that read_context (rag.operations.contents) takes.

    ``unread`` are the PDFs among them whose text nobody has read yet; until read_pdfs (rag.operations.pdfs) has, the
    context is not to be used.
    """

    context: list[dict[str, JsonValue]]
    unread: Sequence[FileVersion]


@in_organization
def resolve_context(actor: Actor, *, project: Project | UUID | str, names: Sequence[str]) -> Resolved:
    """Return which versions the named files have now.

    Raises ProjectNotFound, PathInvalid, FileNotFound with near matches, ContextUnreadable, ContextTooLarge,
    PictureUnfit.
    """
    if not names and isinstance(project, Project):
        return Resolved([], unread=[])
    place = project.pk if isinstance(project, Project) else project
    versions = find_current(actor, place, list(dict.fromkeys(names)))
    check_pictures([version for version in versions if version.is_picture])
    check_kinds([version for version in versions if not version.is_picture])
    sizes = text_sizes(actor, versions)
    check_size(sizes.values())
    return Resolved(
        [_pinned(version, text_bytes=sizes.get(version.pk)) for version in versions],
        unread=[version for version in versions if version.pk not in sizes],
    )


@in_organization
def text_sizes(actor: Actor, versions: Sequence[FileVersion]) -> Mapping[UUID, int]:
    """Return how many bytes of text each version holds; a PDF that nobody has read is left out."""
    blobs = [version.blob_id for version in versions if version.is_pdf]
    rows = PdfText.objects.for_organization(actor.organization_id).filter(blob_id__in=blobs)
    read = dict(rows.values_list("blob_id", "size")) if blobs else {}
    whole = {version.pk: 0 if version.is_picture else version.size for version in versions if not version.is_pdf}
    sizes = {**whole, **{version.pk: read.get(version.blob_id) for version in versions if version.is_pdf}}
    return {key: size for key, size in sizes.items() if size is not None}


@in_organization
def find_pdf_text(actor: Actor, version: FileVersion) -> PdfText | None:
    """Return what was read from a PDF that the actor was given by a query, if anybody has."""
    return PdfText.objects.for_organization(actor.organization_id).filter(blob_id=version.blob_id).first()


def check_kinds(versions: Sequence[FileVersion]) -> None:
    """Check that every version is text or pages of it. Raises ContextUnreadable."""
    if binary := [version.file.path for version in versions if not (version.is_text or version.is_pdf)]:
        raise ContextUnreadable(*binary)


def check_pictures(versions: Sequence[FileVersion]) -> None:
    """Check that every picture is of a size that models take. Raises PictureUnfit."""
    for version in versions:
        if version.size > MOST_PICTURE_BYTES:
            because = f"it has {version.size:,} bytes, and a model is shown {MOST_PICTURE_BYTES:,} at most"
            raise PictureUnfit(version.file.path, because=because)


def check_size(sizes: Iterable[int]) -> None:
    """Check that all together are not too much. Raises ContextTooLarge."""
    size = sum(sizes)
    if size > MOST_CONTEXT_BYTES:
        raise ContextTooLarge(limit_bytes=MOST_CONTEXT_BYTES, size_bytes=size)


def _pinned(version: FileVersion, *, text_bytes: int | None) -> dict[str, JsonValue]:
    entry: dict[str, JsonValue] = {
        "path": version.file.path,
        "version_id": str(version.pk),
        "sha256": version.sha256,
        "size": version.size,
    }
    if version.is_picture:
        return {**entry, "text_bytes": 0, "media_type": version.media_type}
    return {**entry, "text_bytes": text_bytes} if version.is_pdf else entry
