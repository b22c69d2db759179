# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Looks whether a source can be read before it is connected: what it holds, or the error that reading would end in."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.actor import Actor
from accounts.roles import Permission
from accounts.tenancy import in_organization
from rag.adapters.sources.chosen import open_place
from rag.engine.ports import Revision, SourcePlace
from rag.engine.source_specs import read_source
from rag.models import Source
from rag.operations.sources import draft_source
from rag.queries.knowledge_bases import access_knowledge_base

MOST_SHOWN = 8
MOST_COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class Tried:
    """What a source holds: its state, the first of its documents, and how many; ``is_more``: more than were counted."""

    revision: Revision
    paths: Sequence[str]
    count: int
    is_more: bool


def try_source(actor: Actor, base: UUID | str, said: Mapping[str, Any]) -> Tried:
    """Look at a source without connecting it. Raises as making one does, and what reading it raises."""
    row = _drafted(actor, base, said)
    with _folder() as folder:
        place = SourcePlace(row.organization_id, row.pk, row.kind, folder, dict(row.config), _secret(row))
        reader = open_place(place)
        try:
            delta = reader.look({})
            entries = iter(delta.entries)
            seen = list(islice(entries, MOST_COUNTED))
            is_more = next(entries, None) is not None
            paths = [each.path for each in seen if not each.skipped]
            return Tried(delta.revision, paths[:MOST_SHOWN], len(paths), is_more)
        finally:
            reader.close()


@in_organization
def _drafted(actor: Actor, base: UUID | str, said: Mapping[str, Any]) -> Source:
    row = access_knowledge_base(actor, base, to=Permission.WRITE_FILES)
    return draft_source(actor, row, read_source(said, place=""))


def _secret(row: Source) -> str:
    if not row.secret:
        return ""
    from rag.adapters.sources.secrets import open_secret

    return open_secret(row)


@contextmanager
def _folder() -> Iterator[Path]:
    """Lend a folder of this machine for as long as it is looked."""
    home: Path = settings.CODEXOS_HOME
    home.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="trying-", dir=home))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
