# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the workspace of a run held: rows that say what stood where, bytes kept by rag. For a database's thread."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.tenancy import OrganizationQuerySet, tenant
from agents.engine.workspaces.contents import Kept, read_kept_state, write_kept
from agents.engine.workspaces.errors import WorkspaceGone, WorkspaceMoved
from agents.engine.workspaces.manifests import compare, total_bytes, tree_hash, visible
from agents.models import JournalEntry, Run, WorkspaceSnapshot
from agents.queries.runs import entry_of
from codexos.kernel.ids import new_id
from codexos.kernel.jsontypes import JsonValue
from rag.operations.keeping import hold_bytes, keep_bytes, read_bytes

MOST_CHANGES_KEPT = 500
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Point:
    """A state in a run's past: its row, and what is needed to have it again."""

    id: UUID
    tree: str
    kept: Kept
    number: int = 0
    key: str = ""
    parent_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Doing:
    """By what a state came about."""

    key: str = ""
    step: str = ""
    is_base: bool = False
    left_out: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class RunPast:
    """The past of one run's files. ``line`` is the talk whose next run goes on with them; empty where none does."""

    organization_id: UUID
    run_id: UUID
    line: str = ""

    def newest(self) -> Point | None:
        """Return the state to go on from; None where nothing is known of any.

        What the journal says last was so, unless the step behind it was cut before it could say. Raises WorkspaceGone.
        """
        told = self._told_last()
        with tenant(self.organization_id):
            last = self._rows().order_by("-number").first()
            if last is not None and (told is None or told in self._trees_near(last)):
                return self._point(last)
            if told is None:
                row = self._newest_of_line()
                return None if row is None else self._adopt(row)
            row = self._rows().filter(tree=told).order_by("-number").first()
            return self._point(row) if row is not None else self._adopt(self._by_tree(told))

    def point(self, snapshot_id: UUID) -> Point:
        """Return a state by its row's id. Raises WorkspaceGone."""
        with tenant(self.organization_id):
            row = self._rows().filter(pk=snapshot_id).first()
            if row is None:
                raise WorkspaceGone
            return self._point(row)

    def keep(self, kept: Kept, *, before: Point | None, by: Doing) -> Point:
        """Keep a state as the newest one. Raises WorkspaceMoved, StorageFull, StorageUnreachable."""
        content = keep_bytes(
            self.organization_id,
            holder=self.run_id,
            chunks=[write_kept(kept)],
            limit_bytes=settings.WORKSPACE_BYTES,
        )
        with tenant(self.organization_id):
            self._insist_on_line()
            row = self._row(kept, before=before, by=by)
            row.content = content.sha256
            row.save(force_insert=True)
            return self._point(row, kept)

    def keep_pack(self, pack: IO[bytes]) -> str:
        """Keep the bytes of files, held by the run; return the pack's name. Raises StorageFull, StorageUnreachable."""
        pieces = iter(lambda: pack.read(_PIECE), b"")
        limit = settings.WORKSPACE_BYTES + settings.FILE_SIZE_LIMIT
        return keep_bytes(self.organization_id, holder=self.run_id, chunks=pieces, limit_bytes=limit).sha256

    def read(self, pack: str, *, start: int, length: int) -> bytes:
        """Return a part of a pack. Raises BlobMissing, StorageUnreachable."""
        return b"".join(read_bytes(self.organization_id, pack, start=start, length=length))

    def _rows(self) -> OrganizationQuerySet[WorkspaceSnapshot]:
        return WorkspaceSnapshot.objects.for_organization(self.organization_id).filter(run_id=self.run_id)

    def _trees_near(self, row: WorkspaceSnapshot) -> set[str]:
        parents = self._rows().filter(pk=row.parent_id or row.pk).values_list("tree", flat=True)
        return {row.tree, *parents}

    def _newest_of_line(self) -> WorkspaceSnapshot | None:
        if not self.line:
            return None
        rows = WorkspaceSnapshot.objects.for_organization(self.organization_id).filter(line=self.line)
        return rows.order_by("-id").first()

    def _by_tree(self, tree: str) -> WorkspaceSnapshot:
        # A journal that goes on from another does so within its project; whoever names another's files is given none.
        projects = Run.objects.for_organization(self.organization_id).filter(pk=self.run_id).values("project_id")
        rows = WorkspaceSnapshot.objects.for_organization(self.organization_id)
        row = rows.filter(tree=tree, run__project_id__in=projects).order_by("-id").first()
        if row is None:
            raise WorkspaceGone
        return row

    def _adopt(self, row: WorkspaceSnapshot) -> Point:
        """Begin with what another run came to, and hold its bytes from now on."""
        kept = read_kept_state(b"".join(read_bytes(self.organization_id, row.content)))
        if not hold_bytes(self.organization_id, holder=self.run_id, hashes=[row.content, *kept.packs]):
            raise WorkspaceGone
        made = self._row(kept, before=None, by=Doing(is_base=True))
        made.content = row.content
        made.save(force_insert=True)
        return self._point(made, kept)

    def _row(self, kept: Kept, *, before: Point | None, by: Doing) -> WorkspaceSnapshot:
        changes = compare(before.kept.states if before else {}, kept.states)
        seen: list[JsonValue] = [[change.kind, change.path] for change in visible(changes)]
        last = self._rows().order_by("-number").values_list("number", flat=True).first()
        return WorkspaceSnapshot(
            id=new_id(),
            organization_id=self.organization_id,
            run_id=self.run_id,
            line=self.line,
            number=0 if last is None else last + 1,
            parent_id=before.id if before else None,
            node_id=by.step,
            key=by.key,
            tree=tree_hash(kept.states),
            file_count=len(kept.states),
            total_bytes=total_bytes(kept.states),
            changed=seen[:MOST_CHANGES_KEPT],
            left_out=[list(each) for each in by.left_out],
            is_base=by.is_base,
        )

    def _insist_on_line(self) -> None:
        """See that no other run of the talk came between. Raises WorkspaceMoved."""
        if not self.line:
            return
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"workspace {self.line}"])
        newest = self._newest_of_line()
        # Whoever goes on with the talk's files has a row of its own there since it began.
        if newest is not None and newest.run_id != self.run_id:
            raise WorkspaceMoved

    def _point(self, row: WorkspaceSnapshot, kept: Kept | None = None) -> Point:
        kept = kept or read_kept_state(b"".join(read_bytes(self.organization_id, row.content)))
        return Point(row.pk, row.tree, kept, row.number, row.key, row.parent_id)

    def _told_last(self) -> str | None:
        """Return the hash of the files that the run's journal speaks of last."""
        with tenant(self.organization_id):
            rows = JournalEntry.objects.for_organization(self.organization_id)
            rows = rows.filter(run_id=self.run_id, type="step.done").order_by("-seq")
            return _told_in(row for row in rows.iterator(chunk_size=50))


def _told_in(rows: Iterable[JournalEntry]) -> str | None:
    return next((told for told in _all_told(rows) if told), None)


def _all_told(rows: Iterable[JournalEntry]) -> Iterator[str | None]:
    for row in rows:
        # Only a tool that works on the files says so; what else stands in a result by this name is anybody's.
        if "file_labels" in (data := entry_of(row).data):
            yield told_tree(data.get("result"))


def told_tree(result: JsonValue) -> str | None:
    """Return the hash of the files that a tool's result speaks of."""
    told = result.get("workspace") if isinstance(result, Mapping) else None
    tree = told.get("snapshot") if isinstance(told, Mapping) else None
    return tree if isinstance(tree, str) else None
