# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Stepping into a run: cancelling it, or deciding about a step that waits. The run's holder carries it out."""

from enum import StrEnum
from uuid import UUID

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from agents.errors import DecisionMade, RunFinished, StepNotWaiting
from agents.models import InboxMessage, Run
from agents.operations.waking import wake_workers
from agents.queries.interventions import may_step_in
from agents.queries.runs import access_run, read_journal
from agents.queries.timeline import fold_run
from codexos.kernel.errors import NotAllowed
from codexos.kernel.jsontypes import JsonValue


class Decision(StrEnum):
    """What may become of a step whose effect may have happened."""

    AGAIN = "again"
    DONE = "done"
    FAIL = "fail"


@in_organization
def cancel_run(actor: Actor, run_id: UUID | str) -> Run:
    """Ask for a run's end. Effects under way that may not be cut off are let end. Asking twice is asking once.

    Raises RunNotFound, NotAllowed, RunFinished.
    """
    run = _access(actor, run_id, verb="cancel")
    _lock(run)
    if not _messages(run).filter(kind=InboxMessage.Kind.CANCEL).exists():
        _send(actor, run, kind=InboxMessage.Kind.CANCEL)
        record_event(actor, "run.cancel_requested", about=run)
    return run


@in_organization
def decide_step(actor: Actor, run_id: UUID | str, *, node_id: str, decision: Decision, result: JsonValue = None) -> Run:
    """Decide about a step that waits because its effect may have happened.

    ``again`` makes it once more, ``done`` goes on with ``result`` as what it gave, ``fail`` fails the step. Raises
    RunNotFound, NotAllowed, RunFinished, StepNotWaiting, DecisionMade.
    """
    run = _access(actor, run_id, verb="decide about")
    # Before the row is locked: the worker that writes everybody's entries would wait for as long as this takes.
    view = fold_run(run, read_journal(actor, run.id))
    if node_id not in view.waiting:
        raise StepNotWaiting(run_id=str(run.id), node_id=node_id)
    _lock(run)
    sent = _messages(run).filter(kind=InboxMessage.Kind.DECIDE, data__node_id=node_id)
    if any(str(message.id) not in view.taken for message in sent):
        raise DecisionMade(node_id=node_id)
    _send(actor, run, kind=InboxMessage.Kind.DECIDE, node_id=node_id, decision=decision.value, result=result)
    record_event(actor, "run.step_decided", about=run, node_id=node_id, decision=decision.value)
    return run


def _access(actor: Actor, run_id: UUID | str, *, verb: str) -> Run:
    run = access_run(actor, run_id, to=Permission.RUN_FLOWS)
    if not may_step_in(actor, run):
        raise NotAllowed(f"{run.person} started this run. Ask them, or a lead of the team, to {verb} it.")
    _insist_unfinished(run)
    return run


def _lock(run: Run) -> None:
    # One at a time for one run, so that two windows cannot both decide.
    rows = Run.objects.for_organization(run.organization_id).select_for_update(no_key=True, of=("self",))
    run.status = rows.values_list("status", flat=True).get(pk=run.pk)
    _insist_unfinished(run)


def _insist_unfinished(run: Run) -> None:
    if run.is_finished:
        raise RunFinished(run_id=str(run.id), status=run.status)


def _messages(run: Run) -> OrganizationQuerySet[InboxMessage]:
    return InboxMessage.objects.for_organization(run.organization_id).filter(run=run)


def _send(actor: Actor, run: Run, *, kind: InboxMessage.Kind, **data: JsonValue) -> None:
    InboxMessage.objects.create(
        organization_id=actor.organization_id, run=run, kind=kind, by_id=actor.person_id, data=data
    )
    mark = {"is_cancelling": True} if kind is InboxMessage.Kind.CANCEL else {}
    Run.objects.for_organization(actor.organization_id).filter(pk=run.pk).update(has_post=True, **mark)
    wake_workers(run.id)
