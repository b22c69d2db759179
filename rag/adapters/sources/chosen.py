# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who reads a source: one module for each kind, loaded when the first of it is read."""

import shutil
from importlib import import_module
from pathlib import Path
from uuid import UUID

from django.conf import settings

from rag.engine.ports import SourcePlace, SourceReader
from rag.errors.ingestions import ReaderMissing
from rag.models import Source, SourceKind

_OPENERS = {
    SourceKind.UPLOAD: "rag.adapters.sources.uploads",
    SourceKind.FILES: "rag.adapters.sources.files",
    SourceKind.GIT: "rag.adapters.sources.git",
    SourceKind.GITHUB: "rag.adapters.sources.github",
    SourceKind.WEB: "rag.adapters.sources.web",
    SourceKind.SITEMAP: "rag.adapters.sources.sitemap",
    SourceKind.FOLDER: "rag.adapters.sources.folder",
}


def open_reader(source: Source) -> SourceReader:
    """Return who reads a source, its secret opened. Raises ReaderMissing, and what opening raises."""
    return open_place(_place_of(source))


def open_place(place: SourcePlace) -> SourceReader:
    """Return who reads a place, be it no source yet. Raises ReaderMissing, and what opening raises."""
    kind = SourceKind(place.kind)
    try:
        module = import_module(_OPENERS[kind])
    except ModuleNotFoundError:
        raise ReaderMissing(kind) from None
    reader: SourceReader = module.open_source(place)
    return reader


def _place_of(source: Source) -> SourcePlace:
    return SourcePlace(
        organization_id=source.organization_id,
        source_id=source.pk,
        kind=source.kind,
        folder=folder_of(source),
        config=source.config,
        secret=_secret_of(source),
    )


def folder_of(source: Source) -> Path:
    """Return the folder on this machine that a source's reader may keep things in."""
    return _folder(source.organization_id, source.pk)


def forget_folder(organization_id: UUID, source_id: UUID) -> None:
    """Remove what a source's reader kept on this machine."""
    shutil.rmtree(_folder(organization_id, source_id), ignore_errors=True)


def _folder(organization_id: UUID, source_id: UUID) -> Path:
    home: Path = settings.CODEXOS_HOME
    return home / "sources" / str(organization_id) / str(source_id)


def _secret_of(source: Source) -> str:
    if not source.secret:
        return ""
    from rag.adapters.sources.secrets import open_secret

    return open_secret(source)
