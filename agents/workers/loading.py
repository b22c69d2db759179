# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a claimed run needs from the database, read and settled as the run's own organization."""

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseError
from django.db.models import TextField
from django.db.models.functions import Cast

from accounts.actor import Actor, ActorKind
from accounts.models import Person
from accounts.operations.outbox import publish_events
from accounts.operations.usage import Metered, record_all_usage
from accounts.queries.grants import load_actor
from accounts.roles import Permission
from accounts.tenancy import tenant
from agents.engine.documents import parse_flow
from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry
from agents.engine.ports import InboxMessage
from agents.engine.snapshots import FIRST_AT
from agents.models import InboxMessage as InboxRow
from agents.models import JournalEntry, Run, Snapshot
from agents.queries.runs import documents_of, entry_of
from codexos.kernel import clock
from codexos.kernel.chat import ContextDocument
from codexos.kernel.errors import NotAllowed
from codexos.kernel.events import RunFinished
from codexos.kernel.ids import FlowId, OrganizationId, ProjectId, RunId
from codexos.kernel.jsontypes import JsonObject, JsonValue
from rag.operations.contents import read_context

logger = logging.getLogger(__name__)

LONGEST_KEPT = 100_000
"""How long a flow's text may be for its graph to be kept for the next run of it."""


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A run as the engine takes it, but for its documents, which may be large."""

    graph: FlowGraph
    input: JsonValue
    actor: Actor
    project_id: UUID
    context: Sequence[dict[str, JsonValue]]
    allows_substitutes: bool
    origin: JsonObject | None = None

    @property
    def text_bytes(self) -> int:
        """How much text its documents hold."""
        sizes = (entry.get("text_bytes", entry.get("size")) for entry in self.context)
        return sum(size for size in sizes if isinstance(size, int))


def load_run(run_id: UUID, *, organization_id: UUID) -> LoadedRun:
    """Read what the engine needs. Raises NotAllowed where the run's person may no longer act, NotFound kinds."""
    loaded = load_runs({organization_id: [run_id]})[run_id]
    if isinstance(loaded, Exception):
        raise loaded
    return loaded


def load_runs(run_ids: Mapping[UUID, Collection[UUID]]) -> dict[UUID, LoadedRun | Exception]:
    """Read what the engine needs of several runs, by organization; for one that cannot be carried, why not."""
    loaded: dict[UUID, LoadedRun | Exception] = {}
    for organization_id, ids in run_ids.items():
        try:
            loaded |= _load_those(ids, organization_id=organization_id)
        except Exception as error:
            # Whatever it is, it is this organization's alone.
            loaded |= dict.fromkeys(ids, error)
    return loaded


def _load_those(run_ids: Collection[UUID], *, organization_id: UUID) -> dict[UUID, LoadedRun | Exception]:
    with tenant(organization_id):
        runs = Run.objects.for_organization(organization_id).filter(pk__in=run_ids)
        # Only what is needed, and the flow as text: most runs are of a flow that was read before.
        rows = runs.annotate(flow_text=Cast("document", TextField())).values_list(*_LOADED, named=True)
        people: dict[UUID, Actor | None] = {}
        return {row.id: _loaded(row, people, organization_id=organization_id) for row in rows}


_LOADED = (
    *(
        "id",
        "flow_text",
        "library",
        "input",
        "person_id",
        "person__name",
        "person__email",
        "project_id",
        "context",
        "limit",
        "origin",
    ),
    "organization__allows_substitute_models",
)


def _loaded(row: Any, people: dict[UUID, Actor | None], *, organization_id: UUID) -> LoadedRun | Exception:
    try:
        return LoadedRun(
            graph=_graph_of(row.flow_text, row.library),
            input=row.input,
            actor=_actor_of(row, people, organization_id=organization_id),
            project_id=row.project_id,
            context=row.context,
            allows_substitutes=row.organization__allows_substitute_models,
            origin=row.origin,
        )
    except DatabaseError:
        raise
    except Exception as error:
        # A run that cannot be read holds up none that was claimed with it.
        return error


def _graph_of(written: str, library: Mapping[str, JsonObject]) -> FlowGraph:
    if library or len(written) > LONGEST_KEPT:
        return parse_flow(json.loads(written), library=documents_of(library))
    return _kept_graph(written)


@lru_cache(maxsize=256)
def _kept_graph(written: str) -> FlowGraph:
    return parse_flow(json.loads(written))


def read_documents(loaded: LoadedRun) -> Sequence[ContextDocument]:
    """Read the texts named for a run. Raises NotFound kinds, Unavailable kinds."""
    return read_context(loaded.actor, project=loaded.project_id, context=loaded.context)


def read_entries(run_id: UUID, *, organization_id: UUID, after: int = 0) -> Sequence[Entry]:
    """Read the journal of a run, in order."""
    with tenant(organization_id):
        rows = (
            JournalEntry.objects.for_organization(organization_id).filter(run_id=run_id, seq__gt=after).order_by("seq")
        )
        return [entry_of(row) for row in rows]


def read_snapshot(run_id: UUID, *, organization_id: UUID) -> bytes | None:
    """Read what a long journal came to; None where no snapshot was taken."""
    with tenant(organization_id):
        rows = Snapshot.objects.for_organization(organization_id).filter(run_id=run_id)
        state = rows.values_list("state", flat=True).first()
        return None if state is None else bytes(state)


def read_inbox(run_id: UUID, *, organization_id: UUID) -> Sequence[InboxMessage]:
    """Read what was sent to a run, oldest first."""
    with tenant(organization_id):
        rows = InboxRow.objects.for_organization(organization_id).filter(run_id=run_id)
        return [
            InboxMessage(str(row.id), row.kind, str(row.by), row.data)  # type: ignore[arg-type]
            for row in rows.select_related("by").order_by("id")
        ]


def settle_runs(run_ids: Mapping[UUID, Collection[UUID]]) -> None:
    """Meter finished runs, by organization, and tell the floors above, exactly once however often it is called."""
    for organization_id, ids in run_ids.items():
        try:
            _settle_those(ids, organization_id=organization_id)
        except Exception:
            logger.exception("%s ended runs could not be settled; the sweep tries them again", len(ids))


def _settle_those(run_ids: Collection[UUID], *, organization_id: UUID) -> None:
    with tenant(organization_id):
        runs = Run.objects.for_organization(organization_id)
        unsettled = runs.filter(pk__in=run_ids, settled_at=None, completed_at__isnull=False)
        # Locked: who comes at the same time waits here, and then finds them settled.
        ended = list(unsettled.order_by("id").select_for_update().only(*_SETTLED))
        if ended:
            runs.filter(pk__in=[run.id for run in ended]).update(settled_at=clock.now())
            record_all_usage(organization_id, [_metered(run) for run in ended])
            publish_events([_news_of(run) for run in ended], organization_id=organization_id)
        if long := [run.id for run in ended if run.last_seq >= FIRST_AT]:
            Snapshot.objects.for_organization(organization_id).filter(run_id__in=long).delete()


_SETTLED = (
    *("id", "organization", "person", "project", "flow", "status", "last_seq"),
    *("input_tokens", "output_tokens", "cost_usd"),
)


def _metered(run: Run) -> Metered:
    # Metering asks for nobody's permission, so it works for somebody who has left meanwhile.
    return Metered(
        kind="run.tokens",
        quantity=run.tokens,
        unit="tokens",
        cost_usd=run.cost_usd,
        person_id=run.person_id,
        project_id=run.project_id,
        run_id=run.id,
        details={"input_tokens": run.input_tokens, "output_tokens": run.output_tokens},
    )


def _news_of(run: Run) -> RunFinished:
    return RunFinished(
        organization_id=OrganizationId(run.organization_id),
        run_id=RunId(run.id),
        flow_id=FlowId(run.flow_id) if run.flow_id else None,
        status=run.status,
    )


def _actor_of(row: Any, people: dict[UUID, Actor | None], *, organization_id: UUID) -> Actor:
    if row.person_id not in people:
        people[row.person_id] = load_actor(Person(pk=row.person_id), organization_id=organization_id)
    actor = people[row.person_id]
    if actor is None:
        who = row.person__name or row.person__email
        raise NotAllowed(f"{who} is no longer a member of this organization, so the run cannot go on.")
    # What the token that started it could not do, its run cannot do either; and no run reaches beyond its project.
    limit = None if row.limit is None else frozenset(map(Permission, row.limit))
    return replace(actor, kind=ActorKind.RUN, project_id=ProjectId(row.project_id), limit=limit)
