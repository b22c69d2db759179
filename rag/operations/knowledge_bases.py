# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Making, changing and deleting knowledge bases, also by the product's own JSON."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.transaction import on_commit

from accounts.actor import Actor
from accounts.models import Project
from accounts.operations.audit import changes, record_event
from accounts.operations.names import clean_name, clean_slug, clean_text, slug_from
from accounts.queries.projects import access_project
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel import clock
from codexos.kernel.ids import new_id
from rag.engine.base_settings import BaseSettings, clean_tags
from rag.errors.knowledge import (
    KnowledgeBaseChanged,
    KnowledgeBaseInvalid,
    KnowledgeBasesFull,
    KnowledgeBaseSlugTaken,
)
from rag.models import Access, Chunk, IndexState, Ingestion, KnowledgeBase, KnowledgeIndex, KnowledgeTestCause, Source
from rag.models.knowledge_bases import NAME_LENGTH
from rag.operations.ingestions import rebuild_index
from rag.operations.question_vectors import check_embedder
from rag.operations.sources import apply_source, read_sources
from rag.queries.knowledge_bases import access_knowledge_base
from rag.queries.sources import access_ingestion
from rag.tasks import remove_deleted
from rag.workers.testing import is_testable, queue_test


@dataclass(frozen=True, slots=True)
class BaseEdit:
    """What is said of a knowledge base; what is None stays as it was.

    ``settings`` holds the parts of the product's own JSON that are said: ``chunking``, ``embedding``, ``search``.
    """

    name: str | None = None
    slug: str | None = None
    description: str | None = None
    tags: Collection[str] | None = None
    access: str | None = None
    settings: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Configured:
    """A knowledge base as it stands after it was configured: what of its sources was made, and what was there."""

    base: KnowledgeBase
    made: Sequence[Source] = ()
    kept: Sequence[Source] = ()


@in_organization
def create_knowledge_base(
    actor: Actor, project: UUID | str, edit: BaseEdit, *, sources: Sequence[Any] = ()
) -> Configured:
    """Make a knowledge base in a project, with the sources that are said.

    Raises ProjectNotFound, NotAllowed, NameInvalid, KnowledgeBaseInvalid, ChunkingInvalid, KnowledgeBaseSlugTaken,
    KnowledgeBasesFull, what making sources raises and, of a model that embeds nothing here, ModelUnknown,
    ModelSwitchedOff, EmbeddingsNotOffered.
    """
    place = access_project(actor, project, to=Permission.WRITE_FILES)
    _check_room(place)
    name = clean_name(edit.name or "", at_most=NAME_LENGTH)
    row = KnowledgeBase(
        id=new_id(),
        organization_id=actor.organization_id,
        project=place,
        name=name,
        slug=clean_slug(edit.slug) if edit.slug else _free_slug(place, name),
        made_by_id=actor.person_id,
    )
    _apply(row, edit)
    _insert(row)
    record_event(actor, "knowledge_base.created", about=row, project=place.slug, **_described(row))
    return Configured(row, made=[apply_source(actor, row, spec)[0] for spec in read_sources(sources)])


@in_organization
def change_knowledge_base(
    actor: Actor, base: UUID | str, edit: BaseEdit, *, expected: Collection[int] | None = None
) -> KnowledgeBase:
    """Change a knowledge base. ``expected`` are the revisions the edit may have been made from.

    Where chunks have to be made anew, an index is built beside the one in use, which answers until the other is done.
    Raises as creating one does, and KnowledgeBaseNotFound kinds, KnowledgeBaseChanged.
    """
    row = _held(actor, base, expected=expected)
    before, settings_before = _described(row), BaseSettings.from_json(row.settings)
    if edit.name is not None:
        row.name = clean_name(edit.name, at_most=NAME_LENGTH)
    if edit.slug is not None and edit.slug != row.slug:
        row.slug = clean_slug(edit.slug)
    _apply(row, edit)
    after = _described(row)
    if after == before:
        return row
    row.revision += 1
    row.updated_at = clock.now()
    is_otherwise = BaseSettings.from_json(row.settings).makes_other_chunks_than(settings_before)
    row.settings_revision += is_otherwise
    _save(row)
    record_event(actor, "knowledge_base.changed", about=row, changed=changes(before, after))
    if is_otherwise:
        _make_otherwise(actor, row)
    elif BaseSettings.from_json(row.settings).searches_otherwise_than(settings_before):
        _test(actor, row)
    return row


@in_organization
def configure_knowledge_base(
    actor: Actor, base: UUID | str, said: Mapping[str, Any], *, expected: Collection[int] | None = None
) -> Configured:
    """Bring a knowledge base to what the product's own JSON says. Doing it again changes nothing.

    Sources that are said and not there are made; those that read the same place are brought to what is said. What is
    not said stays: nothing is deleted by leaving it out. Raises as changing and making sources do.
    """
    parts = {name: value for name, value in said.items() if name != "sources"}
    specs = read_sources(said.get("sources") or ())
    row = change_knowledge_base(actor, base, BaseEdit(settings=parts), expected=expected)
    done = [apply_source(actor, row, spec) for spec in specs]
    made, kept = [each for each, is_new in done if is_new], [each for each, is_new in done if not is_new]
    return Configured(row, made, kept)


@in_organization
def rebuild_knowledge_base(actor: Actor, base: UUID | str) -> Ingestion:
    """Make all chunks of a knowledge base anew, in an index beside the one in use. Raises KnowledgeBaseNotFound kinds.

    Raises NotAllowed, too.
    """
    begun = rebuild_index(actor, access_knowledge_base(actor, base, to=Permission.WRITE_FILES))
    return access_ingestion(actor, begun.pk)


@in_organization
def delete_knowledge_base(actor: Actor, base: UUID | str, *, expected: Collection[int] | None = None) -> None:
    """Delete a knowledge base with everything in it, for good. It is out of sight at once; its rows go in a worker.

    Raises KnowledgeBaseNotFound kinds, KnowledgeBaseChanged, NotAllowed.
    """
    row = _held(actor, base, expected=expected)
    row.deleted_at = clock.now()
    row.save(update_fields=["deleted_at"])
    record_event(actor, "knowledge_base.deleted", about=row, project=row.project.slug)
    # Robust: it is deleted by now, and the clock takes away what a lost message left.
    on_commit(lambda: remove_deleted.delay(str(actor.organization_id)), robust=True)


def _held(actor: Actor, base: UUID | str, *, expected: Collection[int] | None) -> KnowledgeBase:
    row = access_knowledge_base(actor, base, to=Permission.WRITE_FILES, holding=True)
    if expected is not None and row.revision not in expected:
        raise KnowledgeBaseChanged(row.slug, revision=row.revision)
    return row


def _apply(row: KnowledgeBase, edit: BaseEdit) -> None:
    if edit.description is not None:
        row.description = clean_text(edit.description, place="description")
    if edit.tags is not None:
        row.tags = clean_tags(list(edit.tags))
    if edit.access is not None:
        if edit.access not in Access.values:
            raise KnowledgeBaseInvalid("access", f"{edit.access[:40]!r} is none of {', '.join(Access.values)}.")
        row.access = edit.access
    before = BaseSettings.from_json(row.settings)
    said = before.changed(edit.settings or {})
    if said.model and said.model != before.model:
        check_embedder(row.project, said.model)
    row.settings = said.as_json()


def _insert(row: KnowledgeBase) -> None:
    _save(row)
    index = KnowledgeIndex.objects.create(
        organization_id=row.organization_id,
        base=row,
        number=1,
        state=IndexState.ACTIVE,
        made_at=clock.now(),
        **_made_by(row),
    )
    row.active_index = index
    row.save(update_fields=["active_index"])


def _make_otherwise(actor: Actor, row: KnowledgeBase) -> None:
    index = row.active_index
    chunks = Chunk.objects.for_organization(row.organization_id).filter(index_id=row.active_index_id)
    if index is None or chunks.exists():
        rebuild_index(actor, row)
        return
    # Nothing was cut or embedded yet: the index is simply another one from now on.
    index.model, index.chunking = _made_by(row)["model"], _made_by(row)["chunking"]
    index.identity, index.dimensions = "", 0
    index.save(update_fields=["model", "chunking", "identity", "dimensions"])


def _test(actor: Actor, row: KnowledgeBase) -> None:
    """Have it tested what asking otherwise comes to."""
    if row.active_index is not None and is_testable(row):
        queue_test(row, row.active_index, cause=KnowledgeTestCause.SETTINGS, started_by=actor.label)


def _made_by(row: KnowledgeBase) -> dict[str, Any]:
    said = BaseSettings.from_json(row.settings)
    return {"model": said.model, "chunking": said.chunking.as_json()}


def _check_room(project: Project) -> None:
    rows = KnowledgeBase.objects.for_organization(project.organization_id).filter(project=project, deleted_at=None)
    if rows.count() >= settings.KNOWLEDGE_BASES:
        raise KnowledgeBasesFull(limit=settings.KNOWLEDGE_BASES)


def _free_slug(project: Project, name: str) -> str:
    rows = KnowledgeBase.objects.for_organization(project.organization_id).filter(project=project, deleted_at=None)
    return slug_from(name, otherwise="knowledge", is_taken=lambda slug: rows.filter(slug=slug).exists())


def _save(row: KnowledgeBase) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=row._state.adding)
    except IntegrityError:
        raise KnowledgeBaseSlugTaken(row.slug) from None


def _described(row: KnowledgeBase) -> dict[str, Any]:
    return {
        "name": row.name,
        "slug": row.slug,
        "description": row.description,
        "tags": list(row.tags),
        "access": row.access,
        "settings": row.settings,
    }
