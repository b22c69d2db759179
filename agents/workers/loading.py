# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a claimed run needs from the database, read and settled as the run's own organization."""

import asyncio
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection

from accounts.actor import Actor
from accounts.tenancy import tenant, tenant_token
from agents.adapters.chat_model import GatewayModel
from agents.adapters.database_threads import DatabaseThreads
from agents.adapters.pictures import RunPictures
from agents.adapters.policies import Holding, gate_of, note_policies
from agents.adapters.secrets import RunSecrets
from agents.adapters.shelves.finding import find_shelved
from agents.adapters.standing import Standing
from agents.adapters.toolbox import BUILT_IN_NAMES
from agents.adapters.tools.room import Maker, ToolRoom, egress_of_settings
from agents.adapters.workspaces.opening import RunOfTalk, files_of_run
from agents.engine.documents import read_accepted
from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry
from agents.engine.policies.facts import Caller
from agents.engine.policies.gates import PolicyGate
from agents.engine.ports import InboxMessage
from agents.engine.tool_names import tools_named
from agents.models import InboxMessage as InboxRow
from agents.models import JournalEntry, Snapshot
from agents.queries.runs import documents_of, entry_of
from codexos.kernel.chat import ContextDocument
from codexos.kernel.errors import NotAllowed
from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.operations.askers import Asker
from llm.operations.chat import note_models
from rag.operations.contents import read_context

logger = logging.getLogger(__name__)

LONGEST_KEPT = 100_000
"""How long a flow's text may be for its graph to be kept for the next run of it."""


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A run as the engine takes it, but for its documents, which may be large."""

    graph: FlowGraph
    input: JsonValue
    standing: Standing
    context: Sequence[dict[str, JsonValue]]
    allows_substitutes: bool
    origin: JsonObject | None = None
    flow_id: UUID | None = None
    team_id: UUID | None = None
    conversation: str = ""
    shelved: Mapping[str, Maker] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    gate: PolicyGate = field(default_factory=PolicyGate.of_the_house)

    def asker(self, run_id: UUID) -> Asker:
        """Return for whom its models are asked."""
        standing = self.standing
        return Asker(
            organization_id=standing.organization_id,
            team_id=self.team_id,
            project_id=standing.project_id,
            person_id=standing.person_id,
            flow_id=self.flow_id,
            run_id=run_id,
        )

    def model(
        self, run_id: UUID, *, in_thread: DatabaseThreads, calls: asyncio.Semaphore, secrets: RunSecrets
    ) -> GatewayModel:
        """Return what its questions to models go through."""
        return GatewayModel(
            asker=self.asker(run_id),
            conversation=self.conversation or str(run_id),
            in_thread=in_thread,
            allows_substitutes=self.allows_substitutes,
            calls=calls,
            secrets=secrets,
        )

    def room(
        self,
        run_id: UUID,
        documents: Sequence[ContextDocument],
        *,
        in_thread: DatabaseThreads,
        secrets: RunSecrets | None = None,
        model: GatewayModel | None = None,
    ) -> ToolRoom:
        """Return where its tools work."""
        return ToolRoom(
            documents,
            egress=egress_of_settings().narrowed(self.gate.hosts),
            run_id=run_id,
            standing=self.standing,
            conversation=self.conversation,
            flow_id=self.flow_id,
            in_thread=in_thread,
            secrets=secrets,
            shelved=self.shelved,
            model=model,
            # A run that goes on from another one has files of its own, whatever its talk has.
            files=files_of_run(
                RunOfTalk(run_id, self.standing, self.flow_id, "" if self.origin else self.conversation),
                documents,
                in_thread=in_thread,
            ),
        )

    def pictures(self, in_thread: DatabaseThreads) -> RunPictures:
        """Return what shows models the pictures among its files."""
        return RunPictures(self.context, self.standing, in_thread)

    @property
    def shelved_names(self) -> frozenset[str]:
        """The tools its flow names that are not built in."""
        return frozenset(name for _, node in self.graph.walk() for name in tools_named(node.settings)) - BUILT_IN_NAMES

    @property
    def text_bytes(self) -> int:
        """How much text its documents hold."""
        sizes = (entry.get("text_bytes", entry.get("size")) for entry in self.context)
        return sum(size for size in sizes if isinstance(size, int))


class _Row(NamedTuple):
    """What ``app.runs_to_carry`` tells of a run; JSON as it is written."""

    id: UUID
    organization_id: UUID
    document: str
    library: str
    input: str
    person_id: UUID
    person: str
    is_member: bool
    project_id: UUID
    context: str
    limit: str | None
    origin: str | None
    allows_substitutes: bool
    flow_id: UUID | None
    team_id: UUID
    conversation: str
    role: str
    project: str
    team: str
    policy: UUID | None
    labels: str | None

    @property
    def holding(self) -> Holding:
        """Whose policy decides about its tools, and which state of it."""
        return Holding(self.organization_id, self.policy)


def load_runs(run_ids: Mapping[UUID, Collection[UUID]]) -> dict[UUID, LoadedRun | Exception]:
    """Read what the engine needs of several runs, by organization; for one that cannot be carried, why not."""
    try:
        note_models(run_ids)
        rows = _rows_of(run_ids)
        note_policies(row.holding for row in rows)
        return {row.id: _loaded(row) for row in rows}
    except Exception as error:
        if len(run_ids) == 1:
            return dict.fromkeys(next(iter(run_ids.values())), error)
    # Whatever it is, it may be one organization's alone.
    loaded: dict[UUID, LoadedRun | Exception] = {}
    for organization_id, ids in run_ids.items():
        loaded |= load_runs({organization_id: ids})
    return loaded


def _rows_of(run_ids: Mapping[UUID, Collection[UUID]]) -> list[_Row]:
    """Read runs, those of each organization by its token, in one question: see sql/small_runs.sql."""
    tokens = {organization_id: tenant_token(organization_id) for organization_id in run_ids}
    wanted = [(tokens[organization_id], run_id) for organization_id, ids in run_ids.items() for run_id in ids]
    with connection.cursor() as cursor:
        cursor.execute(
            "select * from app.runs_to_carry(%s, %s::uuid[])", [list(each) for each in zip(*wanted, strict=True)]
        )
        return [_Row(*row) for row in cursor.fetchall()]


def _loaded(row: _Row) -> LoadedRun | Exception:
    try:
        standing = _standing_of(row)
        role = row.role if row.is_member else _insist_on_actor(standing).role.value
        return LoadedRun(
            graph=_graph_of(row.document, row.library),
            input=json.loads(row.input),
            standing=standing,
            context=json.loads(row.context),
            allows_substitutes=row.allows_substitutes,
            origin=None if row.origin is None else json.loads(row.origin),
            flow_id=row.flow_id,
            team_id=row.team_id,
            conversation=row.conversation,
            labels=frozenset(json.loads(row.labels or "[]")),
            gate=gate_of(row.holding, _caller_of(row, role)),
        )
    except DatabaseError:
        raise
    except Exception as error:
        # A run that cannot be read holds up none that was claimed with it.
        return error


def _caller_of(row: _Row, role: str) -> Caller:
    return Caller(
        role=role, project=row.project, project_id=str(row.project_id), team=row.team, team_id=str(row.team_id)
    )


def _standing_of(row: _Row) -> Standing:
    limit = None if row.limit is None else json.loads(row.limit)
    return Standing(row.organization_id, row.person_id, row.project_id, limit=limit, name=row.person)


def _graph_of(document: str, library: str) -> FlowGraph:
    if library != "{}" or len(document) > LONGEST_KEPT:
        return read_accepted(json.loads(document), library=documents_of(json.loads(library)))
    return _kept_graph(document)


@lru_cache(maxsize=256)
def _kept_graph(document: str) -> FlowGraph:
    return read_accepted(json.loads(document), library={})


def _insist_on_actor(standing: Standing) -> Actor:
    """Return who a run acts as, members and those let in for an emergency. Raises NotAllowed."""
    actor = standing.load_actor()
    if actor is None:
        raise NotAllowed(f"{standing.name} is no longer a member of this organization, so the run cannot go on.")
    return actor


def with_shelved(loaded: LoadedRun) -> LoadedRun:
    """Return a run with those of its tools that are not built in; of one that names none, nothing is asked."""
    standing = loaded.standing
    found = find_shelved(loaded.shelved_names, organization_id=standing.organization_id, project_id=standing.project_id)
    return replace(loaded, shelved=found)


def read_documents(loaded: LoadedRun) -> Sequence[ContextDocument]:
    """Read the texts named for a run. Raises NotAllowed, NotFound kinds, Unavailable kinds."""
    standing = loaded.standing
    return read_context(_insist_on_actor(standing), project=standing.project_id, context=loaded.context)


def read_entries(run_id: UUID, *, organization_id: UUID, after: int = 0) -> Sequence[Entry]:
    """Read the journal of a run, in order."""
    with tenant(organization_id):
        rows = JournalEntry.objects.for_organization(organization_id).filter(run_id=run_id, seq__gt=after)
        return [entry_of(row) for row in rows.order_by("seq")]


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
