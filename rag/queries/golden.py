# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Golden questions and knowledge tests as one actor sees them: whoever sees the base sees its tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from accounts.actor import Actor
from accounts.queries.access import id_in
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.tenancy import OrganizationQuerySet, in_organization
from rag.errors.golden import GoldenQuestionNotFound, KnowledgeTestNotFound
from rag.models import GoldenQuestion, KnowledgeBase, KnowledgeIndex, KnowledgeTest, KnowledgeTestState
from rag.queries.knowledge_bases import access_knowledge_base


@dataclass(frozen=True, slots=True)
class DueTest:
    """A test that nobody runs, and whose it is."""

    organization_id: UUID
    id: UUID


@in_organization
def list_golden_questions(
    actor: Actor, base: UUID | str, *, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[GoldenQuestion]:
    """Return the golden questions of a knowledge base, newest first. Raises KnowledgeBaseNotFound kinds."""
    return page_of(golden_questions_of(access_knowledge_base(actor, base)), cursor=cursor, limit=limit)


@in_organization
def access_golden_question(actor: Actor, base: KnowledgeBase, question: str) -> GoldenQuestion:
    """Return a golden question of a base that the actor may do this with. Raises GoldenQuestionNotFound."""
    found = golden_questions_of(base).filter(pk__in=_id(question)).first()
    if found is None:
        raise GoldenQuestionNotFound(question)
    return found


@in_organization
def list_knowledge_tests(
    actor: Actor, base: UUID | str, *, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[KnowledgeTest]:
    """Return the tests of a knowledge base, newest first. Raises KnowledgeBaseNotFound kinds."""
    rows = knowledge_tests_of(access_knowledge_base(actor, base)).defer("results")
    return page_of(rows, cursor=cursor, limit=limit)


@in_organization
def access_knowledge_test(actor: Actor, base: UUID | str, test: str) -> KnowledgeTest:
    """Return one test with what became of each question. Raises KnowledgeBaseNotFound kinds, KnowledgeTestNotFound."""
    found = knowledge_tests_of(access_knowledge_base(actor, base)).filter(pk__in=_id(test)).first()
    if found is None:
        raise KnowledgeTestNotFound(test)
    return found


def golden_questions_of(base: KnowledgeBase) -> OrganizationQuerySet[GoldenQuestion]:
    """Return the query for a base's golden questions; to be read inside the organization."""
    return GoldenQuestion.objects.for_organization(base.organization_id).filter(base=base)


def knowledge_tests_of(base: KnowledgeBase) -> OrganizationQuerySet[KnowledgeTest]:
    """Return the query for a base's tests; to be read inside the organization."""
    return KnowledgeTest.objects.for_organization(base.organization_id).filter(base=base)


def refusal_of(index: KnowledgeIndex) -> str:
    """Return why the gate keeps an index back, by its last test; nothing where it does not."""
    rows = KnowledgeTest.objects.for_organization(index.organization_id).filter(index=index, switches=True)
    done = rows.filter(state__in=[KnowledgeTestState.SUCCEEDED, KnowledgeTestState.FAILED]).order_by("-id")
    return done.values_list("refusal", flat=True).first() or ""


def _id(said: str) -> list[UUID]:
    found = id_in(said)
    return [] if found is None else [found]


def list_tests_due(at: datetime) -> Sequence[DueTest]:
    """Return the tests that nobody runs, of every organization, by the function of rag/sql/knowledge_tests.sql."""
    with connection.cursor() as cursor:
        cursor.execute("select organization_id, id from app.knowledge_tests_due(%s)", [at])
        return [DueTest(*row) for row in cursor.fetchall()]
