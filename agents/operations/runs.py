# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Starting and settling runs."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Organization, Project
from accounts.operations.audit import record_event
from accounts.operations.names import clean_name
from accounts.queries.access import insist
from accounts.queries.organizations import access_organization
from accounts.queries.projects import access_project, only_project
from accounts.roles import Permission
from accounts.tenancy import in_organization
from agents.engine.assembly import read_graph
from agents.engine.documents import parse_flow
from agents.engine.graph import FlowGraph
from agents.engine.secrets import Recipient
from agents.engine.wanted import wanted_tools
from agents.errors import ContextChanging, RunRequestInvalid, TooManyRunsQueued
from agents.models import Flow, FlowVersion, Run
from agents.operations.lines import stand_in_line
from agents.operations.pinning import insist_runnable, pin_flows
from agents.operations.secrets import recipients_in
from agents.operations.substitutes import refuse_substitutes
from agents.operations.tools import known_tools, known_tools_for
from agents.operations.waking import wake_workers
from agents.queries.flows import access_flow
from agents.queries.places import count_queued
from agents.queries.runs import documents_of
from codexos.kernel.ids import new_id
from codexos.kernel.jsontypes import JsonObject, JsonValue
from rag.operations.pdfs import read_pdfs
from rag.queries.context import Resolved, resolve_context

MOST_CONTEXT_FILES = 50
MOST_READINGS = 3
LONGEST_KEPT = 100_000
"""How long a flow's text may be for its graph to be kept for the next run of it."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a person asks for: a flow by name, or an inline draft which ``agent_id`` only labels.

    ``draft_of`` is the flow whose draft that is, where it is one's.
    """

    agent_id: str
    input: JsonValue
    document: JsonObject | None = None
    context: Sequence[str] = ()
    project: str | None = None
    conversation_id: str = ""
    draft_of: Flow | None = None
    labels: Sequence[str] = ()


def start_run(actor: Actor, *, request: RunRequest) -> Run:
    """Accept a run: when this returns it is durable and will be done.

    PDFs that nobody has read yet are read first, with no transaction open, which takes seconds.
    Raises GraphInvalid, FlowNotFound, FlowArchived, FlowNotPublished, ProjectNotFound, FileNotFound, NotAllowed,
    NameInvalid, RunRequestInvalid, ModelsMissing, TooManyRunsQueued, RunUnderWay, ContextUnreadable, ContextTooLarge,
    ContextChanging and what read_pdfs (rag.operations.pdfs) raises.
    """
    unread: Sequence[str] = ()
    for _ in range(MOST_READINGS):
        accepted = _accept(actor, request=request)
        if isinstance(accepted, Run):
            return accepted
        read_pdfs(actor, accepted.unread)
        unread = [version.file.path for version in accepted.unread]
    raise ContextChanging(*unread)


@in_organization
def accept_run(actor: Actor, *, request: RunRequest) -> Run:
    """Accept a run inside the caller's transaction: both stand or neither does. It names no context.

    Where it is refused, nothing of it is left and the caller's transaction goes on. Raises what start_run raises.
    """
    with transaction.atomic():
        accepted = _accept(actor, request=replace(request, context=()))
    if not isinstance(accepted, Run):
        raise ContextChanging(*request.context)
    return accepted


@in_organization
def _accept(actor: Actor, *, request: RunRequest) -> Run | Resolved:
    """Accept the run, or write nothing and return a context with PDFs that are to be read before."""
    project = _project_of(actor, request)
    version = None if request.document is not None else _published(actor, request, project=project)
    document = request.document if version is None else version.document
    organization = access_organization(actor)
    graph = _checked(document, project=project, secrets_to=recipients_in(organization))
    library = pin_flows(actor, document, project=project, version=version)
    whole = read_graph(document, library=documents_of(library)) if library else graph
    refuse_substitutes(organization, whole, project=project)
    if len(request.context) > MOST_CONTEXT_FILES:
        raise RunRequestInvalid(
            f"A run takes at most {MOST_CONTEXT_FILES} context files; {len(request.context)} were named. Name fewer."
        )
    resolved = resolve_context(actor, project=project, names=request.context)
    if resolved.unread:
        return resolved
    run = insert_run(
        actor,
        organization=organization,
        conversation_id=request.conversation_id,
        project=project,
        flow=version.flow if version else request.draft_of,
        version=version,
        label=version.flow.name if version else clean_name(request.agent_id, place="agent_id", at_most=200),
        document=document,
        library=library,
        input=request.input,
        input_labels=list(request.labels) or None,
        context=resolved.context,
    )
    record_event(actor, "run.started", about=run, project=str(project.id))
    return run


def _checked(document: JsonValue, *, project: Project, secrets_to: Collection[Recipient]) -> FlowGraph:
    """Return the graph of a flow without errors; most runs are of one that was checked a moment ago."""
    place = {"organization_id": project.organization_id, "project_id": project.pk}
    try:
        written = json.dumps(document)
    except (RecursionError, TypeError, ValueError):
        # What cannot even be written is for the check to tell.
        written = ""
    if not 0 < len(written) <= LONGEST_KEPT:
        return parse_flow(document, tools=known_tools_for(document, **place), secrets_to=secrets_to)
    return _kept_graph(written, known_tools(_kept_names(written), **place), frozenset(secrets_to))


@lru_cache(maxsize=256)
def _kept_names(written: str) -> frozenset[str]:
    return wanted_tools(json.loads(written))


@lru_cache(maxsize=256)
def _kept_graph(written: str, tools: frozenset[str], secrets_to: frozenset[Recipient]) -> FlowGraph:
    return parse_flow(json.loads(written), tools=tools, secrets_to=secrets_to)


def insert_run(
    actor: Actor, *, organization: Organization, flow: Flow | None, conversation_id: str, **particulars: Any
) -> Run:
    """Write an accepted run, in its place behind others of its line, and wake the workers when that is durable.

    Raises TooManyRunsQueued, RunUnderWay.
    """
    _refuse_flood(actor)
    run_id = new_id()
    # Runs of a draft stand in nobody's way.
    policed = flow if particulars.get("version") is not None else None
    standing = stand_in_line(actor, policed, run_id=run_id, conversation_id=conversation_id)
    run = Run.objects.create(
        id=run_id,
        organization=organization,
        flow=flow,
        conversation_id=conversation_id,
        line=standing.line,
        place=standing.place,
        is_held_back=standing.is_held_back,
        content_days=organization.content_days,
        person_id=actor.person_id,
        token_id=actor.token_id,
        limit=None if actor.limit is None else sorted(actor.limit),
        **particulars,
    )
    wake_workers()
    return run


def _refuse_flood(actor: Actor) -> None:
    """Accept no more than can be come to: what is refused may be tried again, what piles up helps nobody."""
    most = settings.QUEUED_RUNS_PER_ORGANIZATION
    if count_queued(actor, most=most) >= most:
        raise TooManyRunsQueued(most=most)


def _project_of(actor: Actor, request: RunRequest) -> Project:
    if request.project:
        return access_project(actor, request.project, to=Permission.RUN_FLOWS)
    project = only_project(actor)
    insist(actor, Permission.RUN_FLOWS, project)
    return project


def _published(actor: Actor, request: RunRequest, *, project: Project) -> FlowVersion:
    return insist_runnable(access_flow(actor, request.agent_id, to=Permission.RUN_FLOWS, project=project))
