# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Storing and deleting files."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.transaction import on_commit

from accounts.actor import Actor
from accounts.models import Project
from accounts.operations.audit import record_event
from accounts.operations.outbox import publish_event
from accounts.operations.usage import record_usage
from accounts.queries.projects import access_project
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel import clock
from codexos.kernel.events import FileStored
from codexos.kernel.ids import FileId, ProjectId, new_id
from rag.adapters.blobs import blob_store
from rag.adapters.incoming import Received, receive
from rag.engine.expectations import Expectation
from rag.engine.paths import folders_above, read_path
from rag.engine.ports import BlobKey
from rag.errors import FileTooLarge, PathTaken, ProjectFull, UploadIncomplete
from rag.models import Blob, File, FileVersion
from rag.operations.attending import follow_files
from rag.queries.files import access_file, bytes_of, files_of
from rag.tasks import sweep_blobs

__all__ = ["Expectation", "Stored", "delete_file", "store_file"]

_NO_EXPECTATION = Expectation()


@dataclass(frozen=True, slots=True)
class Stored:
    """What came of storing: the file, whether its path is new, and whether there is a new version."""

    file: File
    is_new: bool
    is_changed: bool


def store_file(
    actor: Actor,
    project: UUID | str,
    *,
    path: str,
    chunks: Iterable[bytes],
    expected_bytes: int | None = None,
    expectation: Expectation = _NO_EXPECTATION,
) -> Stored:
    """Store content under a path, as a new version unless it is what stands there already.

    ``chunks`` is read once and never held whole; ``expected_bytes`` is how much the sender announced.
    Raises ProjectNotFound, NotAllowed, PathInvalid, PathTaken, FileChanged, FileTooLarge, ProjectFull,
    UploadIncomplete, StorageFull, StorageUnreachable. Whatever is raised, nothing was stored.
    """
    path = read_path(path)
    place = _admit(actor, project, path=path, announced=expected_bytes or 0, expectation=expectation)
    with receive(chunks, path=path, limit_bytes=settings.FILE_SIZE_LIMIT) as received:
        if expected_bytes is not None and received.size != expected_bytes:
            raise UploadIncomplete(path, expected_bytes=expected_bytes, got_bytes=received.size)
        _want_blob(actor, received)
        blob_store().keep(BlobKey(actor.organization_id, received.sha256), received.place)
        return _write_version(actor, place.pk, path=path, received=received, expectation=expectation)


@in_organization
def delete_file(actor: Actor, project: UUID | str, *, path: str, expectation: Expectation = _NO_EXPECTATION) -> None:
    """Delete a file with all its versions, for good. Raises ProjectNotFound, NotAllowed, FileNotFound, FileChanged."""
    place = access_project(actor, project, to=Permission.WRITE_FILES)
    _lock(place)
    file = access_file(actor, place.pk, path, to=Permission.WRITE_FILES)
    expectation.check(file.path, sha256=file.current.sha256)
    record_event(
        actor,
        "file.deleted",
        about=file,
        project_id=str(place.pk),
        versions=file.current.number,
        sha256=file.current.sha256,
    )
    FileVersion.objects.for_organization(actor.organization_id).filter(file=file).delete()
    file.delete()
    follow_files(actor.organization_id, place.pk)
    # Robust: the file is deleted by now, and the clock sweeps what a lost message left.
    on_commit(lambda: sweep_blobs.delay(str(actor.organization_id)), robust=True)


@in_organization
def _admit(actor: Actor, project: UUID | str, *, path: str, announced: int, expectation: Expectation) -> Project:
    """Refuse what can be refused before a byte is read."""
    place = access_project(actor, project, to=Permission.WRITE_FILES)
    if announced > settings.FILE_SIZE_LIMIT:
        raise FileTooLarge(path, limit_bytes=settings.FILE_SIZE_LIMIT)
    current = files_of(place).filter(path=path).first()
    expectation.check(path, sha256=current.current.sha256 if current else None)
    _check_room(place, announced)
    _check_free(place, path)
    return place


@in_organization
def _want_blob(actor: Actor, received: Received) -> None:
    # Written down and committed before the bytes are kept: should this process die in between, the sweeper knows of
    # them. The new time keeps the sweeper away while the version is not yet there.
    blob = Blob(organization_id=actor.organization_id, sha256=received.sha256, size=received.size)
    Blob.objects.bulk_create(
        [blob],
        update_conflicts=True,
        unique_fields=["organization", "sha256"],
        update_fields=["wanted_at"],
    )


@in_organization
def _write_version(
    actor: Actor, project_id: UUID, *, path: str, received: Received, expectation: Expectation
) -> Stored:
    place = access_project(actor, project_id, to=Permission.WRITE_FILES)
    _lock(place)
    before = files_of(place).filter(path=path).first()
    expectation.check(path, sha256=before.current.sha256 if before else None)
    if before is not None and before.current.sha256 == received.sha256:
        return Stored(before, is_new=False, is_changed=False)
    _check_room(place, received.size)
    _check_free(place, path)
    file = _add_version(actor, place, path=path, received=received, before=before)
    _tell(actor, file)
    return Stored(file, is_new=before is None, is_changed=True)


def _add_version(actor: Actor, project: Project, *, path: str, received: Received, before: File | None) -> File:
    file = before or File(organization_id=actor.organization_id, project=project, path=path)
    version = FileVersion(
        id=new_id(),
        organization_id=actor.organization_id,
        file=file,
        blob=Blob.objects.for_organization(actor.organization_id).get(sha256=received.sha256),
        number=before.current.number + 1 if before else 1,
        sha256=received.sha256,
        size=received.size,
        media_type=received.media_type,
        encoding=received.encoding,
        stored_by_id=actor.person_id,
        stored_by=actor.label,
    )
    file.current_id, file.updated_at = version.pk, clock.now()
    file.save()
    version.save(force_insert=True)
    file.current = version
    return file


def _tell(actor: Actor, file: File) -> None:
    version = file.current
    record_event(
        actor,
        "file.stored",
        about=file,
        project_id=str(file.project_id),
        version=version.number,
        size=version.size,
        sha256=version.sha256,
    )
    record_usage(
        actor,
        "file.bytes",
        quantity=version.size,
        unit="byte",
        project_id=file.project_id,
        file_id=str(file.pk),
        version=version.number,
    )
    publish_event(
        FileStored(
            organization_id=actor.organization_id, file_id=FileId(file.pk), project_id=ProjectId(file.project_id)
        )
    )


def _lock(project: Project) -> None:
    # One writer per project at a time, for the milliseconds of writing rows: numbers stay dense, the limit is exact.
    rows = Project.objects.for_organization(project.organization_id).filter(pk=project.pk)
    rows.select_for_update(no_key=True).values_list("pk").first()


def _check_room(project: Project, size: int) -> None:
    used = bytes_of(project)
    if used + size > settings.PROJECT_SIZE_LIMIT:
        raise ProjectFull(limit_bytes=settings.PROJECT_SIZE_LIMIT, used_bytes=used)


def _check_free(project: Project, path: str) -> None:
    rows = files_of(project)
    above = rows.filter(path__in=folders_above(path)).first()
    below = rows.filter(path__startswith=f"{path}/").first()
    if taken := above or below:
        raise PathTaken(path, by=taken.path)
