# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The files of a project as one actor sees them: one, some, or a folder's."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from uuid import UUID

from django.db.models import Count, F, QuerySet, Sum, Value
from django.db.models.functions import StrIndex, Substr

from accounts.actor import Actor
from accounts.models import Project
from accounts.queries.pages import PAGE_LIMIT, Page, check_limit, page_of
from accounts.queries.prepared import Prepared
from accounts.queries.projects import access_project
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from codexos.kernel.errors import InvalidInput
from rag.engine.paths import LONGEST_PATH, read_folder, read_path
from rag.errors import FileNotFound, FileVersionNotFound
from rag.models import File, FileVersion

_MOST_NEAR = 3
_MOST_COMPARED = 2000
_LARGEST_NUMBER_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Folder:
    """What lies directly in a folder: names of folders with the number of files below each, then files."""

    prefix: str
    folders: Sequence[tuple[str, int]]
    files: Page[File]


@in_organization
def access_file(actor: Actor, project: UUID | str, path: str, *, to: Permission = Permission.SEE) -> File:
    """Return the file at a path, its current version with it.

    Raises ProjectNotFound, NotAllowed, PathInvalid, FileNotFound.
    """
    row = access_project(actor, project, to=to)
    wanted = read_path(path)
    file = files_of(row).filter(path=wanted).first()
    if file is None:
        raise FileNotFound(wanted, near=_near(row, [wanted]))
    return file


@in_organization
def access_version(actor: Actor, project: UUID | str, path: str, *, number: str | None = None) -> FileVersion:
    """Return one version of a file, the current one by default. Raises as access_file, and FileVersionNotFound."""
    file = access_file(actor, project, path)
    if number is None:
        return _current_of(file)
    is_number = number.isascii() and number.isdigit() and len(number) <= _LARGEST_NUMBER_DIGITS
    version = _versions_of(file).filter(number=int(number)).first() if is_number else None
    if version is None:
        raise FileVersionNotFound(file.path, number=number)
    return version


@in_organization
def list_versions(
    actor: Actor, project: UUID | str, path: str, *, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[FileVersion]:
    """Return the versions of a file, newest first. Raises as access_file."""
    return page_of(_versions_of(access_file(actor, project, path)), cursor=cursor, limit=limit)


@in_organization
def list_files(
    actor: Actor, project: UUID | str, *, prefix: str = "", cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[File]:
    """Return the files whose path begins with ``prefix``, by path. Raises ProjectNotFound, InvalidInput."""
    row = access_project(actor, project)
    if prefix or cursor:
        return _page_by_path(_below(row, _checked_prefix(prefix)), cursor=cursor, limit=limit)
    return _first_by_path(_FIRST_FILES.rows(actor, row.pk, limit=check_limit(limit)), limit=limit)


@in_organization
def list_folder(
    actor: Actor, project: UUID | str, *, folder: str = "", cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Folder:
    """Return what lies directly in a folder. Raises ProjectNotFound, PathInvalid, InvalidInput."""
    row = access_project(actor, project)
    prefix = read_folder(folder)
    rest = Substr("path", len(prefix) + 1)
    inside = _below(row, prefix).annotate(slash=StrIndex(rest, Value("/")))
    deeper = (
        inside.filter(slash__gt=0)
        .annotate(folder=Substr("path", len(prefix) + 1, F("slash") - 1))
        .order_by("folder")
        .values_list("folder")
        .annotate(files=Count("id"))
    )
    return Folder(prefix, list(deeper), _page_by_path(inside.filter(slash=0), cursor=cursor, limit=limit))


@in_organization
def find_current(actor: Actor, project: UUID | str, paths: Sequence[str]) -> list[FileVersion]:
    """Return the current version of every named file, in order. Raises ProjectNotFound, PathInvalid, FileNotFound."""
    row = access_project(actor, project)
    wanted = [read_path(path) for path in paths]
    found = {file.path: file for file in files_of(row).filter(path__in=wanted)}
    if missing := [path for path in dict.fromkeys(wanted) if path not in found]:
        raise FileNotFound(*missing, near=_near(row, missing))
    return [_current_of(found[path]) for path in wanted]


@in_organization
def find_versions(actor: Actor, project: UUID | str, version_ids: Sequence[UUID]) -> dict[UUID, FileVersion]:
    """Return those of the versions that still stand in the project. Raises ProjectNotFound."""
    place = access_project(actor, project)
    rows = FileVersion.objects.for_organization(actor.organization_id).filter(file__project=place, pk__in=version_ids)
    return {row.pk: row for row in rows.select_related("file")}


@in_organization
def count_bytes(actor: Actor, project: UUID | str) -> int:
    """Return the bytes that the project's files take, older versions included. Raises ProjectNotFound."""
    return bytes_of(access_project(actor, project))


def bytes_of(project: Project) -> int:
    """Return the bytes that the files of a project take; to be asked inside its organization."""
    versions = FileVersion.objects.for_organization(project.organization_id).filter(file__project=project)
    return versions.aggregate(total=Sum("size"))["total"] or 0


def files_of(project: Project) -> QuerySet[File]:
    """Return the query for a project's files; to be read inside its organization."""
    return File.objects.for_organization(project.organization_id).filter(project=project).select_related("current")


def _current_of(file: File) -> FileVersion:
    # The version would else look its file up again, outside of the organization's transaction.
    file.current.file = file
    return file.current


def _versions_of(file: File) -> QuerySet[FileVersion]:
    return FileVersion.objects.for_organization(file.organization_id).filter(file=file).select_related("file")


def _below(project: Project, prefix: str) -> QuerySet[File]:
    rows = files_of(project)
    return rows.filter(path__startswith=prefix) if prefix else rows


def _page_by_path(rows: QuerySet[File], *, cursor: str | None, limit: int) -> Page[File]:
    check_limit(limit)
    after = rows if cursor is None else rows.filter(path__gt=_opened(cursor))
    return _first_by_path(list(after.order_by("path")[: limit + 1]), limit=limit)


def _first_by_path(found: list[File], *, limit: int) -> Page[File]:
    is_more = len(found) > limit
    return Page(found[:limit], next_cursor=_sealed(found[limit - 1].path) if is_more else None)


def _sealed(path: str) -> str:
    return base64.urlsafe_b64encode(path.encode()).decode().rstrip("=")


def _opened(cursor: str) -> str:
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return read_path(raw.decode())
    except (binascii.Error, UnicodeError, InvalidInput):
        message = "This cursor is not one of ours. Take it from 'next'."
        raise InvalidInput(message, errors=[{"place": "cursor", "message": message}]) from None


def _checked_prefix(prefix: str) -> str:
    # A prefix may end in the middle of a name, so it need not be a path; nor may it upset the database.
    if len(prefix) <= LONGEST_PATH and prefix.isprintable():
        return prefix
    message = f"prefix is not the beginning of a path: give at most {LONGEST_PATH} printable characters."
    raise InvalidInput(message, errors=[{"place": "prefix", "message": message}])


def _near(project: Project, paths: Sequence[str]) -> list[str]:
    known = list(files_of(project).order_by("path").values_list("path", flat=True)[:_MOST_COMPARED])
    by_name = [path for path in known for wanted in paths if _name(path) == _name(wanted)]
    similar = [path for wanted in paths for path in get_close_matches(wanted, known, n=_MOST_NEAR)]
    return list(dict.fromkeys([*by_name, *similar]))[:_MOST_NEAR]


def _name(path: str) -> str:
    return path.rpartition("/")[2].casefold()


def _first_files(actor: Actor, project_id: UUID, *, limit: int) -> OrganizationQuerySet[File]:
    rows = File.objects.for_organization(actor.organization_id).filter(project_id=project_id).select_related("current")
    return rows.order_by("path")[: limit + 1]


_FIRST_FILES = Prepared(_first_files)
