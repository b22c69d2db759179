# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Golden questions: written, changed, deleted, and carried in and out as JSONL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel import clock
from codexos.kernel.jsontypes import JsonValue
from rag.engine.golden import MOST_QUESTIONS, Expected, read_expected, read_lines, read_question, written_lines
from rag.errors.golden import GoldenQuestionsFull, GoldenQuestionTaken
from rag.models import GoldenQuestion, KnowledgeBase
from rag.queries.golden import access_golden_question, golden_questions_of
from rag.queries.knowledge_bases import access_knowledge_base


@dataclass(frozen=True, slots=True)
class Imported:
    """How many questions were new, said otherwise by now, and there already."""

    made: int
    changed: int
    unchanged: int


@in_organization
def create_golden_question(
    actor: Actor, base: UUID | str, *, question: JsonValue, expected: JsonValue
) -> GoldenQuestion:
    """Write down a question and what is to be found for it.

    Raises KnowledgeBaseNotFound kinds, NotAllowed, GoldenQuestionInvalid, GoldenQuestionTaken, GoldenQuestionsFull.
    """
    held = _held(actor, base)
    text, places = read_question(question), read_expected(expected)
    _check_room(held, coming=1)
    row = _new(actor, held, text)
    _save(row, places)
    record_event(actor, "golden_question.created", about=held, golden_question=str(row.pk))
    return row


@in_organization
def change_golden_question(
    actor: Actor, base: UUID | str, question: str, *, text: JsonValue = None, expected: JsonValue = None
) -> GoldenQuestion:
    """Change a golden question; what is None stays. Raises as creating one does, and GoldenQuestionNotFound."""
    held = _held(actor, base)
    row = access_golden_question(actor, held, question)
    if text is not None:
        row.text = read_question(text)
    places = [Expected.from_json(each) for each in row.expected] if expected is None else read_expected(expected)
    _save(row, places)
    record_event(actor, "golden_question.changed", about=held, golden_question=str(row.pk))
    return row


@in_organization
def delete_golden_question(actor: Actor, base: UUID | str, question: str) -> None:
    """Delete a golden question; tests that asked it keep what became of it. Raises GoldenQuestionNotFound kinds."""
    held = _held(actor, base)
    row = access_golden_question(actor, held, question)
    record_event(actor, "golden_question.deleted", about=held, golden_question=str(row.pk))
    row.delete()


@in_organization
def import_golden_questions(actor: Actor, base: UUID | str, text: str) -> Imported:
    """Take in JSONL: a question that is there already gets the places that are said; none is deleted.

    All of it or nothing. Raises as creating one does.
    """
    held = _held(actor, base)
    said = dict(read_lines(text))
    there = {row.text: row for row in golden_questions_of(held)}
    new = [text for text in said if text not in there]
    _check_room(held, coming=len(new))
    otherwise = [row for row in there.values() if row.text in said and row.expected != _as_json(said[row.text])]
    for question in new:
        _save(_new(actor, held, question), said[question])
    for row in otherwise:
        _save(row, said[row.text])
    done = Imported(len(new), len(otherwise), len(said) - len(new) - len(otherwise))
    record_event(actor, "golden_question.imported", about=held, made=done.made, changed=done.changed)
    return done


@in_organization
def export_golden_questions(actor: Actor, base: UUID | str) -> str:
    """Return the golden questions of a base as JSONL, oldest first. Raises KnowledgeBaseNotFound kinds."""
    rows = golden_questions_of(access_knowledge_base(actor, base)).order_by("pk")
    return written_lines((row.text, row.expected) for row in rows)


def _held(actor: Actor, base: UUID | str) -> KnowledgeBase:
    return access_knowledge_base(actor, base, to=Permission.WRITE_FILES, holding=True)


def _new(actor: Actor, base: KnowledgeBase, text: str) -> GoldenQuestion:
    return GoldenQuestion(organization_id=actor.organization_id, base=base, text=text, made_by=actor.label[:254])


def _check_room(base: KnowledgeBase, *, coming: int) -> None:
    if coming and golden_questions_of(base).count() + coming > MOST_QUESTIONS:
        raise GoldenQuestionsFull(limit=MOST_QUESTIONS)


def _save(row: GoldenQuestion, places: Sequence[Expected]) -> None:
    row.expected, row.updated_at = _as_json(places), clock.now()
    try:
        with transaction.atomic():
            row.save(force_insert=row._state.adding)
    except IntegrityError:
        raise GoldenQuestionTaken(row.text) from None


def _as_json(places: Sequence[Expected]) -> list[dict[str, Any]]:
    return [each.as_json() for each in places]
