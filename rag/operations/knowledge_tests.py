# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Knowledge tests: golden questions are asked of an index, and what is found is measured by what was to be found.

The clock has each run by a worker. One that another index waits for has it switched to, unless the gate keeps it back.
"""

import copy
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from accounts.actor import Actor, ActorKind
from accounts.operations.audit import record_event
from accounts.roles import Permission, Role
from accounts.tenancy import in_organization, tenant
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError
from codexos.kernel.ids import OrganizationId, PersonId
from rag.engine.base_settings import BaseSettings
from rag.engine.golden import Expected
from rag.engine.measures import DEPTH, Measured, difference, mean_of, measure
from rag.errors.golden import NothingToTest
from rag.models import (
    GoldenQuestion,
    IndexState,
    KnowledgeBase,
    KnowledgeIndex,
    KnowledgeTest,
    KnowledgeTestCause,
    KnowledgeTestState,
)
from rag.operations.index_switches import switch_held
from rag.operations.retrieval import Asked, question_of
from rag.operations.searching import search
from rag.queries.golden import golden_questions_of, knowledge_tests_of
from rag.queries.knowledge_bases import access_knowledge_base
from rag.workers.testing import is_testable, queue_test, search_of

CLAIM = timedelta(minutes=15)
AGAIN_AFTER = timedelta(seconds=30)
MOST_ATTEMPTS = 3
_SEARCHED = (IndexState.ACTIVE, IndexState.READY)

log = logging.getLogger(__name__)


@in_organization
def start_knowledge_test(
    actor: Actor,
    base: UUID | str,
    *,
    number: int | None = None,
    k: int,
    said: Mapping[str, Any] | None = None,
    rerank: bool | None = None,
) -> KnowledgeTest:
    """Have an index tested, the one in use unless another is said, perhaps with other settings of searching.

    Raises KnowledgeBaseNotFound kinds, NotAllowed, KnowledgeBaseInvalid, NothingToTest.
    """
    held = access_knowledge_base(actor, base, to=Permission.WRITE_FILES)
    if not is_testable(held):
        raise NothingToTest(because="the knowledge base has no golden questions. Write some.")
    indexes = KnowledgeIndex.objects.for_organization(actor.organization_id).filter(base=held, state__in=_SEARCHED)
    index = indexes.filter(state=IndexState.ACTIVE).first() if number is None else indexes.filter(number=number).first()
    if index is None:
        raise NothingToTest(because=f"no index {number} is in use or ready. List the indexes of the base.")
    other = {"search": said or {}, "embedding": {} if rerank is None else {"rerank": rerank}}
    asked = search_of(BaseSettings.from_json(held.settings).changed(other))
    test = queue_test(held, index, cause=KnowledgeTestCause.ASKED, started_by=actor.label, k=k, search=asked)
    record_event(actor, "knowledge_base.tested", about=held, index=index.number, test=str(test.pk))
    return test


def run_knowledge_test(organization_id: UUID, test_id: UUID) -> None:
    """Run a test that nobody else runs. What is away is asked again later; then it has failed."""
    test = _claim(organization_id, test_id)
    if test is None:
        return
    try:
        results, before = _ask_all(test)
    except CodexosError as error:
        _stop(test, error.message, is_final=not error.retryable or test.attempt >= MOST_ATTEMPTS)
    except Exception:
        log.exception("Knowledge test %s broke off", test_id)
        _stop(test, "Something went wrong here that is not your doing.", is_final=test.attempt >= MOST_ATTEMPTS)
    else:
        _finish(test, results, before)


def _claim(organization_id: UUID, test_id: UUID) -> KnowledgeTest | None:
    now = clock.now()
    with tenant(organization_id):
        rows = KnowledgeTest.objects.for_organization(organization_id).select_for_update(of=("self",), skip_locked=True)
        test = rows.filter(pk=test_id, state__in=[KnowledgeTestState.QUEUED, KnowledgeTestState.RUNNING]).first()
        if test is None or (test.claimed_until is not None and test.claimed_until > now):
            return None
        test.state, test.attempt, test.claimed_until = KnowledgeTestState.RUNNING, test.attempt + 1, now + CLAIM
        test.save(update_fields=["state", "attempt", "claimed_until"])
        return test


def _ask_all(test: KnowledgeTest) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return how each question did, and the means of what it is compared with."""
    with tenant(test.organization_id):
        bases = KnowledgeBase.objects.for_organization(test.organization_id)
        base = bases.select_related("project", "active_index").get(pk=test.base_id)
        index = KnowledgeIndex.objects.for_organization(test.organization_id).filter(tests=test.pk).first()
        questions = list(golden_questions_of(base).order_by("pk"))
        plain = knowledge_tests_of(base).filter(is_plain=True, state=KnowledgeTestState.SUCCEEDED)
        last = plain.order_by("-id").first()
    if index is None or base.deleted_at is not None:
        raise NothingToTest(because="the index is gone.")
    now = _asked_of(test, base, index=index, asked=test.search, questions=questions)
    before: dict[str, Mapping[str, Any]] = {}
    measures: dict[str, float] = {}
    if test.is_plain:
        if last is not None:
            before, measures = {row["id"]: row for row in last.results}, last.measures
    elif base.active_index is not None:
        # What is in use is asked the same today: questions, and documents, are others than at its last test.
        usual = search_of(BaseSettings.from_json(base.settings))
        beside = _asked_of(test, base, index=base.active_index, asked=usual, questions=questions)
        before, measures = {str(pk): each.as_json() for pk, each in beside.items()}, mean_of(list(beside.values()))
    results = [_result(row, now[row.pk], before.get(str(row.pk))) for row in questions]
    return results, measures


def _asked_of(
    test: KnowledgeTest,
    base: KnowledgeBase,
    *,
    index: KnowledgeIndex,
    asked: Mapping[str, Any],
    questions: Sequence[GoldenQuestion],
) -> dict[UUID, Measured]:
    actor = _actor_of(base)
    # Nobody else's: a search asks the index that the base it is given says is in use.
    other = copy.copy(base)
    other.active_index = index
    how = {name: value for name, value in asked.items() if name != "rerank"}
    settings = BaseSettings.from_json(base.settings).changed({"search": how, "embedding": {"rerank": asked["rerank"]}})
    depth = max(test.k, DEPTH)
    measured: dict[UUID, Measured] = {}
    for row in questions:
        question = question_of(Asked(text=row.text, top_k=depth, explain=False), [settings])
        found = search(actor, [other], question)
        expected = [Expected.from_json(each) for each in row.expected]
        measured[row.pk] = measure(expected, [each.citation for each in found.passages], k=test.k)
    return measured


def _actor_of(base: KnowledgeBase) -> Actor:
    """Return who asks: nobody who may do anything; what it costs is counted for the base's maker."""
    return Actor(
        kind=ActorKind.SCHEDULE,
        person_id=PersonId(base.made_by_id),
        organization_id=OrganizationId(base.organization_id),
        role=Role.VIEWER,
        label="Knowledge test",
    )


def _result(row: GoldenQuestion, now: Measured, before: Mapping[str, Any] | None) -> dict[str, Any]:
    said = now.as_json()
    change = difference(said, before)
    return {
        "id": str(row.pk),
        "question": row.text,
        **said,
        "change": change.change,
        "rank_before": change.rank_before,
        "ndcg_before": change.ndcg_before,
    }


def _finish(test: KnowledgeTest, results: list[dict[str, Any]], before: dict[str, Any]) -> None:
    means = mean_of([Measured(each["recall"], each["mrr"], each["ndcg"], each["rank"]) for each in results])
    with tenant(test.organization_id):
        base, held = _held(test)
        if held is None:
            return
        held.results, held.measures, held.before = results, means if results else {}, before
        gate = BaseSettings.from_json(base.settings).gate
        if gate is not None and results and held.switches:
            held.refusal = gate.refusal(means, before=before or None)
        _end(held, KnowledgeTestState.SUCCEEDED)
        _switch(base, held)


def _stop(test: KnowledgeTest, because: str, *, is_final: bool) -> None:
    with tenant(test.organization_id):
        base, held = _held(test)
        if held is None:
            return
        held.reason = because[:500]
        if not is_final:
            held.state, held.claimed_until = KnowledgeTestState.QUEUED, clock.now() + AGAIN_AFTER
            held.save(update_fields=["state", "claimed_until", "reason"])
            return
        if held.switches and BaseSettings.from_json(base.settings).gate is not None:
            held.refusal = f"It could not be tested: {because}"[:500]
        _end(held, KnowledgeTestState.FAILED)
        _switch(base, held)


def _held(test: KnowledgeTest) -> tuple[KnowledgeBase, KnowledgeTest | None]:
    """Hold the base and the test; None where another worker has the test by now."""
    bases = KnowledgeBase.objects.for_organization(test.organization_id).select_related("active_index")
    base = bases.select_for_update(no_key=True, of=("self",)).get(pk=test.base_id)
    rows = KnowledgeTest.objects.for_organization(test.organization_id).select_for_update(of=("self",))
    return base, rows.filter(pk=test.pk, attempt=test.attempt, state=KnowledgeTestState.RUNNING).first()


def _end(test: KnowledgeTest, state: KnowledgeTestState) -> None:
    test.state, test.ended_at, test.claimed_until = state, clock.now(), None
    test.save()


def _switch(base: KnowledgeBase, test: KnowledgeTest) -> None:
    """Switch to the index that was tested where it waited for that, or say why it is kept back."""
    rows = KnowledgeIndex.objects.for_organization(test.organization_id).filter(tests=test.pk)
    index = rows.filter(state=IndexState.READY).first()
    if not test.switches or index is None:
        return
    if test.refusal:
        rows.update(reason=test.refusal)
        return
    switch_held(base, index, by="Knowledge test")
    if test.state == KnowledgeTestState.SUCCEEDED:
        knowledge_tests_of(base).filter(pk=test.pk).update(is_plain=True)
