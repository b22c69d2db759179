# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writing to people that a run asks them something: once for each question, with what it is about and no value."""

import asyncio
import logging
from collections.abc import Iterable
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import Membership, Person
from accounts.queries.grants import load_actor, load_actors
from accounts.tenancy import tenant
from agents.adapters.claims import Claim
from agents.engine.post import APPROVAL
from agents.models import Run, RunStatus
from agents.queries.approvals import ApprovalView, questions_of
from agents.queries.interventions import deciders_of, may_decide
from codexos.kernel.jsontypes import JsonObject

logger = logging.getLogger(__name__)

MAIL_QUESTIONS = "agents.tasks.mail_questions"
MOST_PEOPLE = 1_000
"""How many are written to for one question."""
REMEMBERED_SECONDS = 30 * 86_400


async def call_people(claim: Claim, standing: JsonObject) -> None:
    """Have those written to whom a run asks something with which it waits. A mail that is lost is no loss."""
    if standing.get("reason") != APPROVAL:
        return
    try:
        given = [str(claim.organization_id), str(claim.run_id)]
        await asyncio.to_thread(current_app.send_task, MAIL_QUESTIONS, given, retry=False)
    except Exception:
        logger.warning("nobody is written to of what run %s asks", claim.run_id, exc_info=True)


def mail_questions(organization_id: UUID, run_id: UUID) -> int:
    """Write to whoever may decide about the calls that a run asks about; return how many mails that were."""
    with tenant(organization_id):
        rows = Run.objects.for_organization(organization_id).select_related("person", "project", "organization")
        run = rows.filter(pk=run_id, status=RunStatus.WAITING, content_expired_at=None).first()
        letters = [] if run is None else list(_letters(run))
    for person, question in letters:
        _write(person, question)
    return len(letters)


def _letters(run: Run) -> Iterable[tuple[Person, ApprovalView]]:
    """Say who is to be told of which question: those it names, else who started the run, else who may instead."""
    requester = load_actor(run.person, organization_id=run.organization_id)
    if requester is None:
        return
    for question in questions_of(requester, run):
        named = bool(deciders_of(question.wait.told))
        if question.wait.call is None and not named:
            # A flow that asks whoever runs it asks them on the page they look at.
            continue
        is_theirs = not named and question.may_decide and question.wait.people == 1
        people = [run.person] if is_theirs else _deciding(run, question)
        for person in [each for each in people if each.wants_question_mail][:MOST_PEOPLE]:
            if cache.add(f"question-mailed:{question.wait.id}:{person.pk}", 1, timeout=REMEMBERED_SECONDS):
                yield person, question


def _deciding(run: Run, question: ApprovalView) -> list[Person]:
    members = Membership.objects.for_organization(run.organization_id).select_related("person")
    people = {each.person_id: each.person for each in members.filter(person__is_active=True).order_by("id")}
    # All at once: an organization may have thousands.
    actors = load_actors(people.keys(), organization_id=run.organization_id)
    return [person for id, person in people.items() if id in actors and may_decide(actors[id], run, question.wait.told)]


def _write(person: Person, question: ApprovalView) -> None:
    call = question.wait.call
    context = {
        "question": question,
        "tool": call.get("tool") if call else None,
        "organization": question.run.organization,
        "link": f"{settings.CODEXOS_URL}/approvals/?open={question.wait.id}",
    }
    with translation.override(person.language or settings.LANGUAGE_CODE):
        # A subject of two lines would let a flow's name write headers.
        subject = " ".join(render_to_string("agents/mail/question_subject.txt", context).split())
        send_mail(subject, render_to_string("agents/mail/question.txt", context), None, [person.email])
