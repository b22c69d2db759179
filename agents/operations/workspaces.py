# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Looking at the files of runs: what each step changed, what changed in all, and what stands where.

Operations rather than queries, because the bytes lie outside of the database.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from accounts.actor import Actor
from accounts.tenancy import tenant
from agents.adapters.workspaces.past import Point, RunPast
from agents.engine.workspaces.diffs import LARGEST_SHOWN, FileDiff, diff_file, patch_of
from agents.engine.workspaces.errors import WorkspaceFileNotFound, WorkspaceStepNotFound
from agents.engine.workspaces.manifests import FOLDER, Change, FileState, compare, visible
from agents.models import Run, WorkspaceSnapshot
from agents.queries.runs import access_content
from codexos.kernel.errors import CodexosError

logger = logging.getLogger(__name__)

MOST_DIFFS = 60
"""How many files are compared for a page; of more, the paths are told alone."""
MOST_LISTED = 5_000
LARGEST_PATCH_FILES = 2_000
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StepFiles:
    """What one step made of the files."""

    number: int
    node_id: str
    snapshot: str
    changed: Sequence[Sequence[str]]
    left_out: Sequence[Sequence[str]]
    file_count: int
    total_bytes: int
    is_base: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file as it stood behind a step."""

    path: str
    mode: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs: compared files, and the paths of those there were too many of to compare."""

    files: Sequence[FileDiff] = ()
    others: Sequence[Change] = ()

    @property
    def count(self) -> int:
        """How many files differ."""
        return len(self.files) + len(self.others)

    @property
    def patch(self) -> str:
        """What differs, as git applies it."""
        return patch_of(self.files)

    @property
    def added(self) -> int:
        """How many lines came."""
        return sum(each.added for each in self.files)

    @property
    def removed(self) -> int:
        """How many lines went."""
        return sum(each.removed for each in self.files)


@dataclass
class RunFiles:
    """The files of one run, for somebody who may look at it."""

    run: Run
    steps: Sequence[StepFiles]
    _past: RunPast
    _rows: Sequence[WorkspaceSnapshot]
    _points: dict[int, Point] = field(default_factory=dict)

    @property
    def has_any(self) -> bool:
        """Whether the run ever had files."""
        return bool(self.steps)

    @cached_property
    def paths(self) -> Mapping[str, str]:
        """The paths that changed since what the run began with, each with how its last step changed it."""
        return {path: kind for step in self.steps if not step.is_base for kind, path in step.changed}

    def changes(self, *, step: int | None = None, most: int = MOST_DIFFS) -> Changes:
        """Compare what one step changed, or what all have. Raises WorkspaceStepNotFound."""
        if not self._rows:
            return Changes()
        before, after, kept = self._ends(step)
        found = visible(compare(before, after))
        shown = [self._diff(change, kept) for change in found[:most]]
        return Changes(shown, found[most:])

    def glance(self, *, most: int) -> Changes:
        """Compare what changed in all, for a page that has more to show: where that cannot be read, nothing."""
        try:
            return self.changes(most=most)
        except CodexosError as error:
            logger.warning("the files of run %s cannot be read: %s", self.run.pk, error)
            return Changes()

    def list_files(self, *, step: int | None = None) -> Sequence[KeptFile]:
        """Return what stood where behind a step, or stands there now. Raises WorkspaceStepNotFound."""
        if not self._rows:
            return ()
        states = self._point(step).kept.states
        seen = [each for each in visible(compare({}, states)) if each.after is not None]
        return [_kept(each.path, each.after) for each in seen[:MOST_LISTED] if each.after is not None]

    def read(self, path: str, *, step: int | None = None) -> tuple[KeptFile, Iterator[bytes]]:
        """Return a file as it stood behind a step. Raises WorkspaceFileNotFound, WorkspaceStepNotFound, BlobMissing."""
        point = self._point(step) if self._rows else None
        state = point.kept.states.get(path) if point else None
        if point is None or state is None or state.mode == FOLDER:
            raise WorkspaceFileNotFound(path=path)
        return _kept(path, state), self._pieces(point, state)

    def patch(self, *, step: int | None = None) -> str:
        """Write what changed as a patch that git applies."""
        return self.changes(step=step, most=LARGEST_PATCH_FILES).patch

    def _ends(self, step: int | None) -> tuple[Mapping[str, FileState], Mapping[str, FileState], Sequence[Point]]:
        if step is not None:
            point = self._point(step)
            row = self._row(step)
            before = self._by_id(row.parent_id)
            return (before.kept.states if before else {}), point.kept.states, [each for each in (before, point) if each]
        last = self._point(None)
        base, points = self._base()
        return base, last.kept.states, [*points, last]

    def _base(self) -> tuple[dict[str, FileState], list[Point]]:
        """Return what the run began with and checked out, each as it came, with where that is kept."""
        base: dict[str, FileState] = {}
        points: list[Point] = []
        for row in self._rows:
            if not row.is_base:
                continue
            point, before = self._point(row.number), self._by_id(row.parent_id)
            for change in compare(before.kept.states if before else {}, point.kept.states):
                if change.after is not None:
                    base[change.path] = change.after
            points.append(point)
        return base, points

    def _diff(self, change: Change, kept: Sequence[Point]) -> FileDiff:
        return diff_file(change, *(self._bytes(state, kept) for state in (change.before, change.after)))

    def _bytes(self, state: FileState | None, kept: Sequence[Point]) -> bytes:
        if state is None or state.mode == FOLDER or not state.size:
            return b""
        if state.size > LARGEST_SHOWN:
            # Its beginning tells whether it is text, and its length that it is too long.
            return b"".join(self._pieces_of(state, kept, most=LARGEST_SHOWN + 1))
        return b"".join(self._pieces_of(state, kept, most=state.size))

    def _pieces_of(self, state: FileState, kept: Sequence[Point], *, most: int) -> Iterator[bytes]:
        place = next(point.kept.index[state.sha256] for point in kept if state.sha256 in point.kept.index)
        for begin in range(0, min(place.size, most), _PIECE):
            yield self._past.read(place.pack, start=place.start + begin, length=min(_PIECE, place.size - begin, most))

    def _pieces(self, point: Point, state: FileState) -> Iterator[bytes]:
        return self._pieces_of(state, [point], most=state.size) if state.size else iter(())

    def _row(self, step: int | None) -> WorkspaceSnapshot:
        if step is None:
            return self._rows[-1]
        row = next((each for each in self._rows if each.number == step), None)
        if row is None:
            raise WorkspaceStepNotFound(number=step, last=self._rows[-1].number)
        return row

    def _by_id(self, row_id: object) -> Point | None:
        row = next((each for each in self._rows if each.pk == row_id), None)
        return None if row is None else self._point(row.number)

    def _point(self, step: int | None) -> Point:
        row = self._row(step)
        if row.number not in self._points:
            self._points[row.number] = self._past.point(row.pk)
        return self._points[row.number]


def access_files(actor: Actor, run_id: str) -> RunFiles:
    """Return the files of a run the actor may see. Raises RunNotFound, RunContentExpired."""
    with tenant(actor.organization_id):
        run = access_content(actor, run_id)
        found = WorkspaceSnapshot.objects.for_organization(actor.organization_id).filter(run=run)
        rows = _told(list(found.order_by("number")))
    past = RunPast(actor.organization_id, run.pk)
    return RunFiles(run, [_step(row) for row in rows], past, rows)


def _told(rows: Sequence[WorkspaceSnapshot]) -> list[WorkspaceSnapshot]:
    """Leave out what was done and undone: a call that was cut, and made again."""
    known, chain = {row.pk: row for row in rows}, []
    row = rows[-1] if rows else None
    while row is not None:
        chain.append(row)
        row = known.get(row.parent_id) if row.parent_id else None
    return chain[::-1]


def _step(row: WorkspaceSnapshot) -> StepFiles:
    return StepFiles(
        row.number,
        row.node_id,
        row.tree,
        row.changed,
        row.left_out,
        row.file_count,
        row.total_bytes,
        row.is_base,
        row.created_at,
    )


def _kept(path: str, state: FileState) -> KeptFile:
    return KeptFile(path, state.mode, state.sha256, state.size)
