# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking knowledge bases: which, with what settings, what it found, and what it is counted as."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Project
from accounts.operations.usage import record_usage
from accounts.queries.access import id_in
from accounts.queries.projects import access_project
from accounts.tenancy import in_organization
from rag.engine.base_settings import MOST_NEIGHBORS, BaseSettings
from rag.engine.passages import LONGEST_QUESTION, MOST_PASSAGES, Filters, Found, Mode, Question
from rag.errors.knowledge import QuestionInvalid
from rag.models import KnowledgeBase, SourceKind
from rag.operations.searching import search
from rag.queries.knowledge_bases import bases_to_ask

NO_KNOWLEDGE = (
    "This project has no knowledge base that you see. Make one (POST /api/v1/knowledge-bases/) and bring it documents."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question as it is asked: what is None is as the knowledge base's settings say."""

    text: str
    top_k: int | None = None
    filters: Filters = field(default_factory=Filters)
    mode: str | None = None
    rerank: bool | None = None
    mmr: float | None = None
    neighbors: int | None = None
    temporal: bool | None = None
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was found, where it was looked for, and how long it took."""

    found: Found
    bases: Sequence[KnowledgeBase]
    took_ms: float


def retrieve(
    actor: Actor,
    asked: Asked,
    *,
    project: UUID | str | None = None,
    knowledge: Collection[UUID | str] = (),
    run_id: UUID | None = None,
) -> Retrieved:
    """Return the passages that answer a question best: of the named knowledge bases, or of all of a project's.

    Raises ProjectNotFound, KnowledgeBaseNotFound kinds, QuestionInvalid, and what embedding a question raises.
    """
    began = time.perf_counter()
    place, bases = _bases(actor, project=project, knowledge=knowledge)
    question = question_of(asked, [BaseSettings.from_json(base.settings) for base in bases])
    found = search(actor, bases, question) if bases else Found(notes=(NO_KNOWLEDGE,))
    took_ms = round((time.perf_counter() - began) * 1000, 1)
    project_id = place.pk if place is not None else bases[0].project_id if bases else None
    _meter(actor, bases, found, project_id=project_id, run_id=run_id)
    return Retrieved(found, bases, took_ms)


def question_of(asked: Asked, settings: Sequence[BaseSettings]) -> Question:
    """Return a question with what was not said filled in: as the settings say, where all of them say the same.

    Raises QuestionInvalid.
    """
    same = len({each.search for each in settings}) == 1
    usual = settings[0].search if same else BaseSettings().search
    question = Question(
        text=" ".join(asked.text.replace("\x00", " ").encode(errors="replace").decode().split()),
        top_k=usual.top_k if asked.top_k is None else asked.top_k,
        filters=_checked(asked.filters),
        mode=usual.mode if asked.mode is None else _mode(asked.mode),
        rerank=asked.rerank,
        mmr=usual.mmr if asked.mmr is None else asked.mmr,
        neighbors=usual.neighbors if asked.neighbors is None else asked.neighbors,
        # Where neither says so, a question that asks for what is new says it itself.
        temporal=usual.temporal if asked.temporal is None else asked.temporal,
        explain=asked.explain,
    )
    _check(question)
    reranks = {each.rerank for each in settings}
    return replace(question, rerank=reranks == {True}) if question.rerank is None else question


@in_organization
def _bases(
    actor: Actor, *, project: UUID | str | None, knowledge: Collection[UUID | str]
) -> tuple[Project | None, Sequence[KnowledgeBase]]:
    place = access_project(actor, project) if project is not None else None
    return place, bases_to_ask(actor, project=place, names=knowledge)


@in_organization
def _meter(
    actor: Actor, bases: Sequence[KnowledgeBase], found: Found, *, project_id: UUID | None, run_id: UUID | None
) -> None:
    # What was asked is not written down: questions may hold what nobody else should read.
    record_usage(
        actor,
        "knowledge.question",
        quantity=1,
        unit="question",
        project_id=project_id,
        run_id=run_id,
        knowledge=[str(base.pk) for base in bases[:20]],
        passages=len(found.passages),
    )


def _check(question: Question) -> None:
    if not question.text:
        raise QuestionInvalid("query", "The question is empty. Ask something.")
    if len(question.text) > LONGEST_QUESTION:
        message = (
            f"A question has at most {LONGEST_QUESTION} characters, this one has {len(question.text)}. Shorten it."
        )
        raise QuestionInvalid("query", message)
    if not 1 <= question.top_k <= MOST_PASSAGES:
        raise QuestionInvalid("top_k", f"top_k is {question.top_k}; ask for 1 to {MOST_PASSAGES} passages.")
    if not 0 <= question.mmr <= 1:
        raise QuestionInvalid("mmr", f"mmr is {question.mmr}; it goes from 0 (nearest) to 1 (most various).")
    if not 0 <= question.neighbors <= MOST_NEIGHBORS:
        message = f"neighbors is {question.neighbors}; ask for 0 to {MOST_NEIGHBORS} chunks on each side."
        raise QuestionInvalid("neighbors", message)


def _mode(said: str) -> Mode:
    if said not in set(Mode):
        raise QuestionInvalid("mode", f"{said[:40]!r} is none of {', '.join(Mode)}.")
    return Mode(said)


def _checked(filters: Filters) -> Filters:
    kinds = SourceKind.values
    if strange := next((kind for kind in filters.source_type if kind not in kinds), None):
        message = f"{strange[:40]!r} is no type of source. Use some of: {', '.join(kinds)}."
        raise QuestionInvalid("filters.source_type", message)
    said = (filters.path, filters.commit, *filters.tags, *filters.language)
    if any("\x00" in each or each != each.encode(errors="replace").decode() for each in said):
        raise QuestionInvalid(
            "filters", "A filter holds characters that no text has. Leave out NUL and halves of pairs."
        )
    if filters.since and filters.until and filters.since > filters.until:
        raise QuestionInvalid("filters.until", "'until' is before 'since': nothing lies between them.")
    return filters


def filters_of(
    *,
    source_type: Collection[str] = (),
    tags: Collection[str] = (),
    path: str = "",
    language: Collection[str] = (),
    commit: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    source: str = "",
    document: str = "",
) -> Filters:
    """Return filters as they are said in words. Raises QuestionInvalid."""
    return Filters(
        source_type=tuple(source_type),
        tags=tuple(tags),
        path=path,
        language=tuple(each.lower() for each in language),
        commit=commit,
        since=since,
        until=until,
        source=_id(source, "filters.source_id"),
        document=_id(document, "filters.document_id"),
    )


def _id(said: str, place: str) -> UUID | None:
    if not said:
        return None
    found = id_in(said)
    if found is None:
        raise QuestionInvalid(place, f"{said[:60]!r} is no id. Take it from the list.")
    return found
