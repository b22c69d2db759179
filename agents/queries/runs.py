# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading runs and their journals. Fetching is the check."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

from accounts.actor import Actor
from accounts.models import ApiToken
from accounts.queries.access import insist
from accounts.queries.pages import Page, listing, page_of, prepared_page
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from agents.engine.documents import read_accepted
from agents.engine.errors import JournalDiverged
from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry, decode_data
from agents.engine.logs import LogLine, log_line
from agents.engine.thinning import Thin, filled
from agents.errors import RunContentExpired, RunNotFound
from agents.models import Blob, JournalEntry, Run, RunStatus
from codexos.kernel.ids import parse_id
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_ENTRIES_READ = 10_000
# A list leaves out what only one run's own page shows: documents and inputs may be large.
_LISTED = (
    *("id", "label", "status", "project", "person__name", "person__email", "flow__slug", "last_seq", "parent"),
    *("created_at", "started_at", "completed_at", "input_tokens", "output_tokens", "cost_usd"),
    *("conversation_id", "line", "is_held_back"),
)


class RunFilter(StrEnum):
    """Which runs a list shows."""

    ALL = "all"
    MINE = "mine"
    FAILED = "failed"
    WAITING = "waiting"


_OF_STATUS = {RunFilter.FAILED: RunStatus.FAILED, RunFilter.WAITING: RunStatus.WAITING}


@in_organization
def access_run(actor: Actor, run_id: UUID | str, *, to: Permission = Permission.SEE) -> Run:
    """Return one run. Raises RunNotFound, NotAllowed."""
    wanted = parse_id(str(run_id))
    run = visible_runs(actor).filter(pk=wanted).first() if wanted else None
    if run is None:
        raise RunNotFound(f"No run {str(run_id)!r}. Check its id, or list /api/v1/runs/.")
    insist(actor, to, run)
    return run


@in_organization
def access_content(actor: Actor, run_id: UUID | str) -> Run:
    """Return one run that still has its document, input and journal. Raises RunNotFound, RunContentExpired."""
    run = access_run(actor, run_id)
    if run.content_expired_at is not None:
        raise RunContentExpired(run_id=run.id, days=run.content_days, gone_at=run.content_expired_at)
    return run


@in_organization
def list_runs(
    actor: Actor,
    *,
    which: RunFilter = RunFilter.ALL,
    flow_id: UUID | None = None,
    project_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Run]:
    """Return the runs the actor may see, newest first, as a list shows them: all or some, of all flows or of one."""
    if project_id is not None:
        rows = _listed_runs(actor, flow_id, which=which).filter(project_id=project_id)
        return page_of(rows, cursor=cursor, limit=limit)
    return prepared_page(_LISTED_RUNS, actor, flow_id, cursor=cursor, limit=limit, which=which)


@in_organization
def list_entries(actor: Actor, run_id: UUID, *, most: int = MOST_ENTRIES_READ) -> Sequence[Entry]:
    """Return the journal of a run the actor has access to; of one longer than ``most``, its beginning and its end."""
    rows = JournalEntry.objects.for_organization(actor.organization_id).filter(run_id=run_id)
    entries = [entry_of(row) for row in rows.order_by("seq")[:most]]
    if len(entries) == most:
        entries += [entry_of(row) for row in rows.filter(seq__gt=entries[-1].seq).order_by("-seq")[:1]]
    return entries


@in_organization
def list_entries_of(actor: Actor, run_id: UUID, key: str) -> Sequence[Entry]:
    """Return the entries about one step of a run the actor has access to."""
    rows = JournalEntry.objects.for_organization(actor.organization_id).filter(run_id=run_id, node_id=key)
    return [entry_of(row) for row in rows.order_by("seq")[:MOST_ENTRIES_READ]]


def read_journal(actor: Actor, run_id: UUID, *, after: int = 0) -> Iterator[Entry]:
    """Yield the journal of a run the actor has access to, a part at a time; read inside its organization."""
    rows = JournalEntry.objects.for_organization(actor.organization_id).filter(run_id=run_id, seq__gt=after)
    rows = rows.order_by("seq")
    return (entry_of(row) for row in rows.iterator(chunk_size=500))


def entry_of(row: JournalEntry) -> Entry:
    """Read a row of the journal as the engine's entry, with the large values that stand beside it."""
    data = decode_data(bytes(row.delta))
    return Entry(
        seq=row.seq,
        type=row.type,  # type: ignore[arg-type]
        at=row.at,
        node_id=row.node_id,
        attempt=row.attempt,
        epoch=row.epoch,
        data=_whole(data, organization_id=row.organization_id) if isinstance(data, Thin) else data,
    )


def _whole(data: Thin, *, organization_id: UUID) -> JsonObject:
    hashes = {bytes.fromhex(hole.sha256) for hole in data.holes}
    blobs = Blob.objects.for_organization(organization_id).filter(sha256__in=hashes)
    known = {bytes(sha256).hex(): bytes(content) for sha256, content in blobs.values_list("sha256", "content")}
    try:
        return filled(data, known)
    except KeyError as error:
        raise JournalDiverged("A large value of the journal is missing. Restore it from a backup.") from error


def graph_of(run: Run) -> FlowGraph:
    """Read the flow that a run does, with the sub-flows that were pinned for it. Raises GraphInvalid."""
    return read_accepted(run.document, library=documents_of(run.library))


def documents_of(library: Mapping[str, JsonObject]) -> Mapping[str, JsonValue]:
    """Return the documents of a run's library by the names that its nodes call them."""
    return {name: pinned["document"] for name, pinned in library.items()}


def log_of(entries: Sequence[Entry]) -> list[LogLine]:
    """Say a journal as lines for people."""
    return [log_line(entry) for entry in entries]


def token_of_run(run_id: UUID, *, organization_id: UUID) -> ApiToken | None:
    """Return the API token that started a run, as it is by now; None where a person or a trigger did."""
    runs = Run.objects.for_organization(organization_id).filter(pk=run_id)
    return ApiToken.objects.for_organization(organization_id).filter(pk__in=runs.values("token_id")).first()


def visible_runs(actor: Actor) -> OrganizationQuerySet[Run]:
    """Return the query for the runs an actor sees; to be read inside its organization."""
    runs = Run.objects.for_organization(actor.organization_id).select_related("project", "person", "version", "flow")
    if not actor.sees_every_team:
        runs = runs.filter(project__team_id__in=actor.team_ids)
    if actor.project_id is not None:
        runs = runs.filter(project_id=actor.project_id)
    return runs


def _listed_runs(actor: Actor, flow_id: UUID | None, *, which: RunFilter) -> OrganizationQuerySet[Run]:
    runs = visible_runs(actor).select_related(None).select_related("person", "flow").only(*_LISTED)
    if which is RunFilter.MINE:
        runs = runs.filter(person_id=actor.person_id)
    elif which in _OF_STATUS:
        runs = runs.filter(status=_OF_STATUS[which])
    return runs if flow_id is None else runs.filter(flow_id=flow_id)


_LISTED_RUNS = listing(_listed_runs)
