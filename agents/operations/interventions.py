# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Stepping into a run: cancelling or pausing it, deciding about a step that waits. Its holder carries it out."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.queries.access import insist
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from agents.engine.answers import listed, people_of
from agents.engine.journal import Entry
from agents.engine.nodes.approval import form_of
from agents.engine.post import APPROVAL
from agents.engine.sizes import is_too_large
from agents.errors import ApprovedAlready, DecisionMade, DecisionMisfit, FormInvalid, RunFinished, StepNotWaiting
from agents.models import InboxMessage, Run
from agents.operations.verdicts import Decision, Verdict, insist_on_call
from agents.operations.waking import wake_workers
from agents.queries.interventions import deciders_of, may_decide, may_step_in
from agents.queries.runs import access_run, read_journal
from agents.queries.timeline import fold_run
from codexos.kernel.errors import Conflict, NotAllowed
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.misfits import Misfit, place_text
from codexos.kernel.schemas import misfits

MOST_TROUBLES = 100
"""How much of what is wrong with a form is told at once."""
TIMEOUT = "timeout"
"""What became of a question that nobody answered in time."""


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
def pause_run(actor: Actor, run_id: UUID | str) -> Run:
    """Ask a run to begin nothing more: what is under way ends, then it waits. Asking twice is asking once.

    Raises RunNotFound, NotAllowed, RunFinished.
    """
    run = _access(actor, run_id, verb="pause")
    _lock(run)
    if _last_of_pauses(run) != InboxMessage.Kind.PAUSE:
        _send(actor, run, kind=InboxMessage.Kind.PAUSE)
        record_event(actor, "run.pause_requested", about=run)
    return run


@in_organization
def resume_run(actor: Actor, run_id: UUID | str) -> Run:
    """Let a run that was paused go on. Where it is not paused nothing happens.

    Raises RunNotFound, NotAllowed, RunFinished.
    """
    run = _access(actor, run_id, verb="resume")
    # Before the row is locked, as above: a run that goes on from another's journal may have been paused in that.
    is_paused = _last_of_pauses(run) is None and fold_run(run, read_journal(actor, run.id)).paused_by is not None
    _lock(run)
    if is_paused or _last_of_pauses(run) == InboxMessage.Kind.PAUSE:
        _send(actor, run, kind=InboxMessage.Kind.RESUME)
        record_event(actor, "run.resumed", about=run)
    return run


def _last_of_pauses(run: Run) -> str | None:
    kinds = (InboxMessage.Kind.PAUSE, InboxMessage.Kind.RESUME)
    return _messages(run).filter(kind__in=kinds).order_by("-id").values_list("kind", flat=True).first()


@in_organization
def decide_step(actor: Actor, run_id: UUID | str, *, node_id: str, verdict: Verdict) -> Run:
    """Decide about a step that waits for people.

    A question is answered by ``approve``, with what its form asks for, or ``reject``; a call that waits to be made as
    well by ``approve_for_run``. Of an effect that may have happened ``again`` makes it once more, ``done`` goes on with
    ``result`` as what it gave, ``fail`` fails the step. Raises RunNotFound, NotAllowed, RunFinished, StepNotWaiting,
    DecisionMade, DecisionMisfit, FormInvalid; of calls CallChanged, CallMisfit, ApprovedAlready.
    """
    run = access_run(actor, run_id)
    if run.content_expired_at is not None:
        raise RunFinished(run_id=str(run.id), status=run.status)
    heard: list[Entry] = []
    # Before the row is locked: the worker that writes everybody's entries would wait for as long as this takes.
    view = fold_run(run, _overheard(read_journal(actor, run.id), node_id, heard))
    told = view.waiting.get(node_id, {})
    _insist_decider(actor, run, told, node_id=node_id)
    if not told:
        raise _nothing_to_decide(run, node_id, heard)
    is_call = "call" in told
    if is_call:
        insist_on_call(run, told, node_id=node_id, verdict=verdict)
    else:
        _insist_fitting(verdict, told, node_id=node_id)
    _lock(run)
    messages = _messages(run).filter(kind=InboxMessage.Kind.DECIDE, data__node_id=node_id).select_related("by")
    _insist_undecided([each for each in messages if str(each.id) not in view.taken], told, node_id=node_id)
    if is_call and verdict.decision.is_approval:
        _insist_new(actor, messages, told, heard=view.answers.get(node_id), node_id=node_id)
    said = verdict.about(told, by=actor.person_id) if is_call else verdict.data
    _send(actor, run, kind=InboxMessage.Kind.DECIDE, node_id=node_id, **said)
    more = {"hash": told.get("hash"), "edited": verdict.arguments is not None} if is_call else {}
    record_event(actor, "run.step_decided", about=run, node_id=node_id, decision=verdict.decision.value, **more)
    return run


def _insist_undecided(untaken: Sequence[InboxMessage], told: JsonObject, *, node_id: str) -> None:
    """Refuse a second answer, but where several people have to approve and so far one has."""
    approving = [each for each in untaken if each.data.get("decision") != Decision.REJECT]
    is_partial = people_of(told) > 1 and len(approving) == len(untaken) < people_of(told)
    for message in [] if is_partial else untaken:
        raise DecisionMade(node_id=node_id, decision=str(message.data.get("decision")), by=str(message.by))


def _insist_new(
    actor: Actor, messages: Iterable[InboxMessage], told: JsonObject, *, heard: JsonObject | None, node_id: str
) -> None:
    """Refuse who has approved of this call before, where another person has to."""
    by = listed(heard.get("by_ids")) if heard is not None and heard.get("is_partial") else []
    sent = [each.by_id for each in messages if each.data.get("hash") == told.get("hash")]
    if people_of(told) > 1 and (str(actor.person_id) in by or actor.person_id in sent):
        raise ApprovedAlready(node_id=node_id, people=people_of(told))


def _overheard(entries: Iterable[Entry], node_id: str, heard: list[Entry]) -> Iterator[Entry]:
    for entry in entries:
        if entry.node_id == node_id:
            heard.append(entry)
        yield entry


def _insist_decider(actor: Actor, run: Run, told: JsonObject, *, node_id: str) -> None:
    if may_decide(actor, run, told):
        return
    if told.get("not_requester") is True and actor.person_id == run.person_id:
        raise NotAllowed(
            f"You started this run, so somebody else decides about step {node_id!r}. Ask a lead of the team."
        )
    if named := deciders_of(told):
        raise NotAllowed(f"{' or '.join(named)} decides about step {node_id!r}. Ask them.")
    _insist_may_step_in(actor, run, verb="decide about")


def _nothing_to_decide(run: Run, node_id: str, heard: Sequence[Entry]) -> Conflict:
    """Say why there is nothing to decide: somebody has, the time was up, the run has ended, nothing ever waited."""
    last = next((entry for entry in reversed(heard) if entry.type == "approval.decided"), None)
    if last is not None:
        decision = str(last.data.get("decision"))
        # Of what nobody decided the engine says that nobody did.
        by = None if decision == TIMEOUT else str(last.data.get("by"))
        return DecisionMade(node_id=node_id, decision=decision, by=by)
    is_over = bool(heard) and heard[-1].type in {"step.done", "step.failed"}
    if is_over and any(entry.data.get("reason") == APPROVAL for entry in heard):
        return DecisionMade(node_id=node_id, decision=TIMEOUT)
    if run.is_finished:
        return RunFinished(run_id=str(run.id), status=run.status)
    return StepNotWaiting(run_id=str(run.id), node_id=node_id)


def _insist_fitting(verdict: Verdict, told: JsonObject, *, node_id: str) -> None:
    is_question = told.get("reason") == APPROVAL
    if verdict.decision.is_answer != is_question or verdict.decision is Decision.APPROVE_FOR_RUN:
        known = [each.value for each in Decision if each.is_answer == is_question]
        known = [each for each in known if each != Decision.APPROVE_FOR_RUN]
        raise DecisionMisfit(node_id=node_id, decision=verdict.decision.value, known=known)
    if wrong := _form_troubles(verdict, form_of(told)):
        errors = [{"place": place_text(("form", *each.place)), "message": each.message} for each in wrong]
        raise FormInvalid(node_id=node_id, wrong=list(map(str, wrong)), errors=errors)


def _form_troubles(verdict: Verdict, schema: JsonObject | None) -> Sequence[Misfit]:
    if is_too_large({"form": verdict.form}):
        return [Misfit((), "is too large, or too deep")]
    if schema is None:
        return [] if verdict.form is None else [Misfit((), "is not asked for")]
    # Who rejects need not fill it in.
    if verdict.form is None and verdict.decision is Decision.REJECT:
        return []
    return misfits({} if verdict.form is None else verdict.form, schema, most=MOST_TROUBLES)


def _access(actor: Actor, run_id: UUID | str, *, verb: str) -> Run:
    run = access_run(actor, run_id)
    _insist_may_step_in(actor, run, verb=verb)
    _insist_unfinished(run)
    return run


def _insist_may_step_in(actor: Actor, run: Run, *, verb: str) -> None:
    insist(actor, Permission.RUN_FLOWS, run)
    if not may_step_in(actor, run):
        raise NotAllowed(f"{run.person} started this run. Ask them, or a lead of the team, to {verb} it.")


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
