# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading what files hold. Operations rather than queries, because the bytes lie outside of the database."""

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Project
from codexos.kernel.chat import ContextDocument, Image
from codexos.kernel.jsontypes import JsonValue
from rag.adapters.blobs import blob_store, read_whole
from rag.engine.media import picture_type
from rag.engine.pages import unfold
from rag.engine.ports import BlobKey
from rag.errors import ContextUnreadable, FileNotFound, PictureUnfit
from rag.models import FileVersion
from rag.operations.pdfs import read_pdf, read_pdfs
from rag.queries.context import check_kinds, check_pictures, check_size, find_pdf_text, text_sizes
from rag.queries.files import access_version, find_current, find_versions

PREVIEW_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a text."""

    version: FileVersion
    text: str
    is_truncated: bool


def read_content(version: FileVersion, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    """Yield the bytes of a version that the actor was given by a query. Raises BlobMissing, StorageUnreachable."""
    return blob_store().read(_key_of(version), start=start, length=length)


def preview_text(actor: Actor, project: UUID | str, path: str, *, number: str | None = None) -> Preview:
    """Return the first 64 KB of a text file. Raises as access_version, and ContextUnreadable for a binary one."""
    version = access_version(actor, project, path, number=number)
    if not version.is_text:
        raise ContextUnreadable(path)
    head = b"".join(read_content(version, length=min(PREVIEW_BYTES, version.size)))
    is_truncated = version.size > PREVIEW_BYTES
    # Not final where it was cut, so that half a character at the end is left out.
    decoder = codecs.getincrementaldecoder(version.encoding)(errors="replace")
    return Preview(version, decoder.decode(head, final=not is_truncated), is_truncated)


def read_text(actor: Actor, project: UUID | str, paths: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return path, text and SHA-256 of every named file.

    Raises ProjectNotFound, PathInvalid, FileNotFound with near matches, ContextUnreadable, ContextTooLarge and what
    read_pdfs raises.
    """
    versions = find_current(actor, project, paths)
    check_kinds(versions)
    sizes = text_sizes(actor, versions)
    check_size(sizes.values())
    read_pdfs(actor, [version for version in versions if version.pk not in sizes])
    check_size(text_sizes(actor, versions).values())
    return [(version.file.path, _document(actor, version).text, version.sha256) for version in versions]


def read_context(
    actor: Actor, *, project: Project | UUID | str, context: Sequence[dict[str, JsonValue]]
) -> list[ContextDocument]:
    """Return the texts that resolve_context (rag.queries.context) pinned, whatever stands at their paths now.

    Pictures are read by read_pictures, when a model is to be shown them.

    Raises FileNotFound where a file was deleted meanwhile, and what read_pdfs raises.
    """
    place = project.pk if isinstance(project, Project) else project
    ids = [UUID(str(entry["version_id"])) for entry in context]
    found = find_versions(actor, place, ids)
    if missing := [str(entry["path"]) for entry, id_ in zip(context, ids, strict=True) if id_ not in found]:
        raise FileNotFound(*missing)
    return [_document(actor, found[id_]) for id_ in ids if not found[id_].is_picture]


def read_pictures(
    actor: Actor, *, project: Project | UUID | str, context: Sequence[dict[str, JsonValue]]
) -> list[Image]:
    """Return the pictures among what resolve_context pinned. Raises FileNotFound, PictureUnfit."""
    place = project.pk if isinstance(project, Project) else project
    found = find_versions(actor, place, [UUID(str(entry["version_id"])) for entry in context])
    if missing := [str(entry["path"]) for entry in context if UUID(str(entry["version_id"])) not in found]:
        raise FileNotFound(*missing)
    versions = [found[UUID(str(entry["version_id"]))] for entry in context]
    check_pictures(versions)
    return [_picture(version) for version in versions]


def _picture(version: FileVersion) -> Image:
    content = b"".join(read_whole(_key_of(version)))
    if picture_type(content) != version.media_type:
        raise PictureUnfit(version.file.path, because=f"what is in it is not {version.media_type}")
    return Image(version.media_type, content)


def _document(actor: Actor, version: FileVersion) -> ContextDocument:
    if not version.is_pdf:
        content = b"".join(read_whole(_key_of(version)))
        return ContextDocument(version.file.path, content.decode(version.encoding, errors="replace"))
    kept = find_pdf_text(actor, version)
    text, starts = unfold(kept.pages if kept else read_pdf(actor, version))
    return ContextDocument(version.file.path, text, page_starts=starts)


def _key_of(version: FileVersion) -> BlobKey:
    return BlobKey(version.organization_id, version.sha256)
