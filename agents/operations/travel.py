# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Going on from a run that has ended: what failed, from one step on, with something changed, or in another drawing."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.queries.access import insist
from accounts.queries.organizations import access_organization
from accounts.roles import Permission
from accounts.tenancy import in_organization
from agents.adapters.chat_model import GatewayModel
from agents.adapters.shelves.finding import find_shelved
from agents.adapters.toolbox import BUILT_IN_NAMES, BuiltInToolbox
from agents.adapters.tools.room import ToolRoom
from agents.engine.assembly import read_graph
from agents.engine.documents import parse_flow
from agents.engine.errors import JourneyImpossible
from agents.engine.journeys import Journey
from agents.engine.replay import Replay, replay
from agents.engine.steps import RunContext
from agents.engine.travel import keep
from agents.engine.wanted import wanted_tools
from agents.errors import FlowArchived, RunUnfinished
from agents.models import Run
from agents.operations.pinning import pin_flows
from agents.operations.runs import insert_run
from agents.operations.secrets import recipients_in
from agents.operations.substitutes import refuse_substitutes
from agents.operations.tools import known_tools_for
from agents.queries.runs import access_content, documents_of
from agents.queries.travel import past_of
from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.operations.askers import Asker
from llm.operations.chat import note_models
from rag.operations.contents import read_context


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be otherwise in a fork: results of steps by their keys, variables, the input.

    With ``start`` that step is done again as well, and it is there that variables have their new values.
    """

    steps: Mapping[str, JsonValue] = field(default_factory=dict)
    state: Mapping[str, JsonValue] = field(default_factory=dict)
    input: JsonValue = None
    has_input: bool = False
    start: str | None = None

    def as_journey(self) -> Journey:
        """Say it as the engine takes it. Raises JourneyImpossible where nothing is changed."""
        if not (self.steps or self.state or self.has_input):
            raise JourneyImpossible("Nothing is changed. Give 'steps', 'state' or 'input'.")
        return Journey("fork", self.start, self.steps, self.state, self.has_input)


@in_organization
def retry_run(actor: Actor, run_id: UUID | str) -> Run:
    """Do what failed in a run, and what follows from it, in a run that keeps the rest.

    Raises RunNotFound, NotAllowed, RunUnfinished, RunContentExpired, NothingToRetry and what start_run raises.
    """
    return _go_on(actor, _access(actor, run_id), journey=Journey("retry"))


@in_organization
def rerun_from(actor: Actor, run_id: UUID | str, *, start: str) -> Run:
    """Do one step of a run again, with all that depends on it. Raises JourneyImpossible and what retry_run raises."""
    return _go_on(actor, _access(actor, run_id), journey=Journey("rerun", start))


@in_organization
def fork_run(actor: Actor, run_id: UUID | str, *, change: Change) -> Run:
    """Go on from a run with something changed. Raises JourneyImpossible and what retry_run raises."""
    parent = _access(actor, run_id)
    return _go_on(actor, parent, journey=change.as_journey(), run_input=change.input)


@in_organization
def try_draft(actor: Actor, run_id: UUID | str, *, document: JsonObject | None = None) -> Run:
    """Do another drawing of a run's flow with what the run came to: only what changed, and what depends on it, is done.

    Without a document it is the flow's draft. Raises GraphInvalid, JourneyImpossible and what retry_run raises.
    """
    parent = _access(actor, run_id)
    if document is None:
        if parent.flow is None:
            raise JourneyImpossible("The run is of no flow that has a draft. Send the drawing as 'document'.")
        document = parent.flow.draft
    return _go_on(actor, parent, journey=Journey("draft"), document=document)


@in_organization
def replay_run(actor: Actor, run_id: UUID | str) -> Replay:
    """Do a run once more from its record, with no call to the outside, and compare every entry byte for byte.

    Raises RunNotFound, NotAllowed, RunUnfinished, RunContentExpired, NotFound kinds where a file is gone.
    """
    run = _access(actor, run_id)
    past = past_of(run)
    documents = read_context(actor, project=run.project_id, context=run.context) if run.context else ()
    context = RunContext(run.id, run.input, documents=documents)
    named = wanted_tools(run.document) - BUILT_IN_NAMES
    shelved = find_shelved(named, organization_id=run.organization_id, project_id=run.project_id)
    toolbox = BuiltInToolbox(ToolRoom(documents, shelved=shelved))
    # No model is asked; what is known of them says how much of the documents they were given.
    note_models([run.organization_id])
    model = GatewayModel(asker=Asker(run.organization_id, project_id=run.project_id))
    return asyncio.run(replay(past.graph, context, record=past.entries, model=model, toolbox=toolbox))


def _access(actor: Actor, run_id: UUID | str) -> Run:
    run = access_content(actor, run_id)
    insist(actor, Permission.RUN_FLOWS, run)
    if not run.is_finished:
        raise RunUnfinished(run_id=str(run.id), status=run.status)
    return run


def _go_on(
    actor: Actor,
    parent: Run,
    *,
    journey: Journey,
    run_input: JsonValue = None,
    document: JsonObject | None = None,
) -> Run:
    if parent.flow is not None and parent.flow.is_archived:
        raise FlowArchived(slug=parent.flow.slug)
    organization = access_organization(actor)
    given = run_input if journey.has_input else parent.input
    if document is None:
        document, library = parent.document, parent.library
    else:
        place = {"organization_id": parent.organization_id, "project_id": parent.project_id}
        parse_flow(document, tools=known_tools_for(document, **place), secrets_to=recipients_in(organization))
        library = pin_flows(actor, document, project=parent.project)
    graph = read_graph(document, library=documents_of(library))
    refuse_substitutes(organization, graph, project=parent.project)
    # What cannot be is refused here; the worker that takes the run up works it out again.
    keep(journey, past_of(parent), graph=graph, input=given)
    run = insert_run(
        actor,
        organization=organization,
        conversation_id=parent.conversation_id,
        project=parent.project,
        flow=parent.flow,
        version=None if journey.kind == "draft" else parent.version,
        label=parent.label,
        document=document,
        library=library,
        input=given,
        input_labels=None if journey.has_input else parent.input_labels,
        context=parent.context,
        parent=parent,
        origin=journey.as_data(),
    )
    record_event(
        actor, "run.started", about=run, project=str(parent.project_id), parent=str(parent.id), origin=journey.kind
    )
    return run
