# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a claimed run needs from the database, read and settled as the run's own organization."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from accounts.actor import Actor, ActorKind
from accounts.operations.outbox import publish_event
from accounts.operations.usage import record_usage
from accounts.queries.grants import load_actor
from accounts.roles import Permission, Role
from accounts.tenancy import tenant
from agents.engine.documents import parse_flow
from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry
from agents.engine.ports import InboxMessage
from agents.models import InboxMessage as InboxRow
from agents.models import JournalEntry, Run
from agents.queries.runs import entry_of
from codexos.kernel import clock
from codexos.kernel.chat import ContextDocument
from codexos.kernel.errors import NotAllowed
from codexos.kernel.events import RunFinished
from codexos.kernel.ids import FlowId, OrganizationId, PersonId, ProjectId, RunId
from codexos.kernel.jsontypes import JsonValue
from rag.operations.contents import read_context


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A run as the engine takes it, but for its documents, which may be large."""

    graph: FlowGraph
    input: JsonValue
    actor: Actor
    project_id: UUID
    context: Sequence[dict[str, JsonValue]]
    allows_substitutes: bool

    @property
    def text_bytes(self) -> int:
        """How much text its documents hold."""
        sizes = (entry.get("text_bytes", entry.get("size")) for entry in self.context)
        return sum(size for size in sizes if isinstance(size, int))


def load_run(run_id: UUID, *, organization_id: UUID) -> LoadedRun:
    """Read what the engine needs. Raises NotAllowed where the run's person may no longer act, NotFound kinds."""
    with tenant(organization_id):
        run = Run.objects.for_organization(organization_id).select_related("person", "organization").get(pk=run_id)
        return LoadedRun(
            graph=parse_flow(run.document),
            input=run.input,
            actor=_actor_of(run),
            project_id=run.project_id,
            context=run.context,
            allows_substitutes=run.organization.allows_substitute_models,
        )


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


def read_inbox(run_id: UUID, *, organization_id: UUID) -> Sequence[InboxMessage]:
    """Read what was sent to a run, oldest first."""
    with tenant(organization_id):
        rows = InboxRow.objects.for_organization(organization_id).filter(run_id=run_id)
        return [
            InboxMessage(str(row.id), "cancel" if row.kind == InboxRow.Kind.CANCEL else "decide", str(row.by), row.data)
            for row in rows.select_related("by").order_by("id")
        ]


def settle_run(run_id: UUID, *, organization_id: UUID) -> None:
    """Meter a finished run and tell the floors above, exactly once however often it is called."""
    with tenant(organization_id):
        runs = Run.objects.for_organization(organization_id).filter(pk=run_id)
        if not runs.filter(settled_at=None, completed_at__isnull=False).update(settled_at=clock.now()):
            return
        run = runs.select_related("person").get()
        record_usage(
            _meter_of(run),
            "run.tokens",
            quantity=run.input_tokens + run.output_tokens,
            unit="tokens",
            cost_usd=run.cost_usd,
            run_id=run.id,
            project_id=run.project_id,
            input_tokens=run.input_tokens,
            output_tokens=run.output_tokens,
        )
        publish_event(
            RunFinished(
                organization_id=OrganizationId(organization_id),
                run_id=RunId(run.id),
                flow_id=FlowId(run.flow_id) if run.flow_id else None,
                status=run.status,
            )
        )


def _meter_of(run: Run) -> Actor:
    # Metering asks for nobody's permission, so it works for somebody who has left meanwhile.
    return Actor(
        kind=ActorKind.RUN,
        person_id=PersonId(run.person_id),
        organization_id=OrganizationId(run.organization_id),
        role=Role.VIEWER,
        label=run.person.email,
    )


def _actor_of(run: Run) -> Actor:
    actor = load_actor(run.person, organization_id=run.organization_id)
    if actor is None:
        raise NotAllowed(f"{run.person} is no longer a member of this organization, so the run cannot go on.")
    # What the token that started it could not do, its run cannot do either; and no run reaches beyond its project.
    limit = None if run.limit is None else frozenset(map(Permission, run.limit))
    return replace(actor, kind=ActorKind.RUN, project_id=ProjectId(run.project_id), limit=limit)
