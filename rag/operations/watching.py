# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Watching a folder of this machine, as its operator: it becomes a source, and is read whenever it changes."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from accounts.actor import Actor
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel.errors import Conflict
from rag.adapters.sources.folder import allow_root
from rag.adapters.sources.watching import changes_in
from rag.engine.source_specs import SourceSpec, usual_name
from rag.engine.watching import Watch
from rag.models import Ingestion, Source, SourceKind
from rag.operations.sources import SourceEdit, change_source, make_source, sync_source
from rag.queries.knowledge_bases import access_knowledge_base


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """Which folder is watched, and which of its files are read."""

    path: Path
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    @property
    def config(self) -> dict[str, object]:
        """How its source is set up."""
        chosen = {"include": list(self.include), "exclude": list(self.exclude)}
        return {"path": str(self.path), **{name: patterns for name, patterns in chosen.items() if patterns}}


@in_organization
def watch_folder(actor: Actor, base: UUID | str, folder: WatchedFolder) -> Source:
    """Make a folder a source of a base, or take up the source that it is; the operator lets it be read by this.

    Raises KnowledgeBaseNotFound kinds, NotAllowed, SourceInvalid, SourcesFull.
    """
    row = access_knowledge_base(actor, base, to=Permission.WRITE_FILES)
    allow_root(folder.path, organization_id=actor.organization_id)
    rows = Source.objects.for_organization(actor.organization_id).filter(base=row, kind=SourceKind.FOLDER)
    found = rows.filter(config__path=str(folder.path), deleted_at=None).first()
    if found is not None:
        return change_source(actor, found.pk, SourceEdit(config=folder.config))
    spec = SourceSpec(SourceKind.FOLDER, usual_name(SourceKind.FOLDER, folder.config), folder.config)
    return make_source(actor, row, spec)


def follow_folder(
    actor: Actor, source: UUID, changes: Iterable[bool], *, now: Callable[[], float] = time.monotonic
) -> Iterator[Ingestion]:
    """Have the source read whenever it is due by what ``changes`` tells, and yield each reading that was begun.

    Raises SourceNotFound once the source is deleted, NotAllowed.
    """
    watch = Watch()
    for changed in changes:
        if watch.is_due(changed=changed, now=now()):
            try:
                yield sync_source(actor, source)
            except Conflict:
                # Paused, or busy: its state is for people to change, and the next look comes.
                continue


def list_changes(folder: Path, *, stop: threading.Event, by_asking: bool = False) -> Iterator[bool]:
    """Yield True where something in a folder changed, and False now and then."""
    return changes_in(folder, stop=stop, by_asking=by_asking)
