# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Connecting knowledge bases to where their documents come from."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.transaction import on_commit

from accounts.actor import Actor
from accounts.operations.audit import changes, record_event
from accounts.operations.names import clean_name
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError
from codexos.kernel.ids import new_id
from rag.adapters.sources.folder import allowed_roots
from rag.engine.base_settings import clean_tags
from rag.engine.source_configs import check_source_config
from rag.engine.source_specs import SourceSpec, identity_of, read_source
from rag.engine.timetable import next_reading
from rag.errors.knowledge import KnowledgeBaseInvalid, SourceChanged, SourceNameTaken, SourcesFull
from rag.models import Ingestion, IngestionKind, KnowledgeBase, Source, SourceKind, SourceState
from rag.models.knowledge_bases import NAME_LENGTH
from rag.operations.ingestions import start_ingestion
from rag.queries.knowledge_bases import access_knowledge_base
from rag.queries.sources import access_ingestion, access_source
from rag.tasks import remove_deleted
from vault.operations.references import forget_references, note_references
from vault.queries.secrets import find_secret

A_SOURCE = "knowledge_source"
MOST_SOURCES_SAID = 50

_RETAG = """
update rag_document set tags = array(
    select distinct tag from unnest(tags || %s::varchar[]) as tag where tag <> all(%s::varchar[]) order by tag
) where organization_id = %s and source_id = %s
"""


@dataclass(frozen=True, slots=True)
class SourceEdit:
    """What is said of a source; what is None stays as it was. ``config`` replaces what was, as a whole."""

    name: str | None = None
    config: Mapping[str, Any] | None = None
    secret: str | None = None
    tags: Collection[str] | None = None
    schedule: str | None = None
    is_paused: bool | None = None


@in_organization
def create_source(actor: Actor, base: UUID | str, said: Mapping[str, Any]) -> Source:
    """Connect a knowledge base to a source, and begin to read it.

    Raises KnowledgeBaseNotFound kinds, NotAllowed, KnowledgeBaseInvalid, SourceInvalid, SourceNameTaken, SourcesFull.
    """
    row = access_knowledge_base(actor, base, to=Permission.WRITE_FILES)
    return make_source(actor, row, read_source(said, place=""))


@in_organization
def change_source(
    actor: Actor, source: UUID | str, edit: SourceEdit, *, expected: Collection[int] | None = None
) -> Source:
    """Change a source; it is read anew where it reads something else now.

    Raises SourceNotFound, SourceChanged, NotAllowed, KnowledgeBaseInvalid, SourceInvalid, SourceNameTaken,
    SourceScheduleInvalid.
    """
    row = _held(actor, source, expected=expected)
    before = described(row)
    if edit.name is not None:
        row.name = clean_name(edit.name, at_most=NAME_LENGTH)
    _point(actor, row, config=edit.config, secret=edit.secret)
    if edit.tags is not None:
        row.tags = clean_tags(list(edit.tags))
    if edit.schedule is not None:
        _plan(row, edit.schedule)
    if edit.is_paused is not None:
        row.state = _paused(row, edit.is_paused)
    after = described(row)
    if after == before:
        return row
    row.edits += 1
    row.updated_at = clock.now()
    _save(row)
    record_event(actor, "source.changed", about=row, base=row.base.slug, changed=changes(before, after))
    if after["tags"] != before["tags"]:
        _tag_documents(row, before=before["tags"])
    if after["config"] != before["config"]:
        _begin(actor, row)
        row.refresh_from_db(fields=["state", "reason"])
    return row


@in_organization
def delete_source(actor: Actor, source: UUID | str, *, expected: Collection[int] | None = None) -> None:
    """Delete a source with everything read from it, for good. It is out of sight at once; rows go in a worker.

    Raises SourceNotFound, SourceChanged, NotAllowed.
    """
    row = _held(actor, source, expected=expected)
    row.deleted_at, row.next_at, row.webhook_key = clock.now(), None, ""
    row.save(update_fields=["deleted_at", "next_at", "webhook_key"])
    forget_references(row.organization_id, about_kind=A_SOURCE, about_id=row.pk)
    record_event(actor, "source.deleted", about=row, base=row.base.slug, type=row.kind)
    on_commit(lambda: remove_deleted.delay(str(actor.organization_id)), robust=True)


@in_organization
def sync_source(actor: Actor, source: UUID | str, *, confirmed: bool = False) -> Ingestion:
    """Read a source now. ``confirmed``: a person says that what it does not have is gone, at the first sight.

    Raises SourceNotFound, NotAllowed.
    """
    row = access_source(actor, source, to=Permission.WRITE_FILES)
    started = start_ingestion(actor, row, kind=IngestionKind.SYNC, confirmed=confirmed)
    name, ingestion = row.base.slug, str(started.pk)
    record_event(actor, "source.synced", about=row, base=name, ingestion=ingestion, confirmed=confirmed)
    return access_ingestion(actor, started.pk)


def read_sources(said: Any) -> Sequence[SourceSpec]:
    """Return the sources of the product's own JSON. Raises KnowledgeBaseInvalid."""
    if not isinstance(said, list | tuple) or len(said) > MOST_SOURCES_SAID:
        message = f"'sources' is a list of at most {MOST_SOURCES_SAID} objects with a 'type'."
        raise KnowledgeBaseInvalid("sources", message)
    specs = [read_source(each, place=f"sources[{number}]") for number, each in enumerate(said)]
    if len({spec.identity for spec in specs}) < len(specs):
        raise KnowledgeBaseInvalid("sources", "Two of these sources read the same place. Leave one out.")
    return specs


def apply_source(actor: Actor, base: KnowledgeBase, spec: SourceSpec) -> tuple[Source, bool]:
    """Return the base's source that reads what ``spec`` says, brought to it, or made; and whether it is new."""
    same = [row for row in _sources_of(base) if identity_of(row.kind, row.config) == spec.identity]
    if not same:
        return make_source(actor, base, spec), True
    row = same[0]
    edit = SourceEdit(
        config=spec.config, secret=spec.secret or None, tags=spec.tags or None, schedule=spec.schedule or None
    )
    return change_source(actor, row.pk, edit), False


def make_source(actor: Actor, base: KnowledgeBase, spec: SourceSpec) -> Source:
    """Make a source of a base that the actor may write in, and begin to read it."""
    if spec.kind not in SourceKind.values:
        message = f"{spec.kind[:40]!r} is no type of source. Use one of: {', '.join(SourceKind.values)}."
        raise KnowledgeBaseInvalid("type", message)
    if _sources_of(base).count() >= settings.KNOWLEDGE_SOURCES:
        raise SourcesFull(limit=settings.KNOWLEDGE_SOURCES)
    row = Source(organization_id=actor.organization_id, base=base, kind=spec.kind, made_by_id=actor.person_id)
    row.name = clean_name(spec.name, at_most=NAME_LENGTH)
    row.tags = list(spec.tags)
    _plan(row, spec.schedule)
    _point(actor, row, config=spec.config, secret=spec.secret)
    _save(row)
    record_event(actor, "source.created", about=row, base=base.slug, **described(row))
    _begin(actor, row)
    return row


def draft_source(actor: Actor, base: KnowledgeBase, spec: SourceSpec) -> Source:
    """Return a source as it would be made, checked and not kept. Raises as making one does."""
    row = Source(id=new_id(), organization_id=actor.organization_id, base=base, made_by_id=actor.person_id)
    row.kind, row.name, row.config, row.secret = spec.kind, spec.name, dict(spec.config), spec.secret
    check_source_config(row.kind, row.config)
    if row.kind == SourceKind.FOLDER:
        _insist_open(str(row.config.get("path") or ""), organization_id=row.organization_id)
    if row.secret:
        _insist_on_secret(actor, row)
    return row


def described(row: Source) -> dict[str, Any]:
    """Say a source as the audit trail does: no more of its key than its name."""
    return {
        "name": row.name,
        "type": row.kind,
        "config": dict(row.config),
        "secret": row.secret,
        "tags": list(row.tags),
        "schedule": row.schedule,
        "is_paused": row.state == SourceState.PAUSED,
    }


def _held(actor: Actor, source: UUID | str, *, expected: Collection[int] | None) -> Source:
    row = access_source(actor, source, to=Permission.WRITE_FILES, holding=True)
    if expected is not None and row.edits not in expected:
        raise SourceChanged(row.name, revision=row.edits)
    return row


def _point(actor: Actor, row: Source, *, config: Mapping[str, Any] | None, secret: str | None) -> None:
    before = dict(row.config), row.secret
    if config is not None:
        check_source_config(row.kind, config)
        if row.kind == SourceKind.FOLDER and config != row.config:
            _insist_open(str(config.get("path") or ""), organization_id=row.organization_id)
        row.config = dict(config)
    if secret is not None:
        row.secret = secret.strip()
    if row.secret and (dict(row.config), row.secret) != before:
        # Whoever has a key sent elsewhere could as well have it sent to themselves.
        _insist_on_secret(actor, row)
    if row.config != before[0]:
        # Another place is not read from where the last reading of this one ended.
        row.cursor = {}
    keys = [row.secret] if row.secret else []
    project = row.base.project
    note_references(project, about_kind=A_SOURCE, about_id=row.pk, about_label=row.name, keys=keys)


def _insist_on_secret(actor: Actor, row: Source) -> None:
    try:
        find_secret(actor, row.secret, project=row.base.project)
    except CodexosError:
        # Whether there is one that is closed to them is not told.
        message = (
            f"There is no secret {row.secret!r} that you may use from here. Put it into the vault first, or check its "
            "key. The value itself does not belong here."
        )
        raise KnowledgeBaseInvalid("secret", message) from None


def _insist_open(path: str, *, organization_id: UUID) -> None:
    place = Path(os.path.realpath(path)) if path else None
    if place is None or not any(place.is_relative_to(root) for root in allowed_roots(organization_id)):
        message = (
            f"The folder {path[:100]!r} is not open to knowledge bases. Who runs this installation opens it: "
            "bin/manage rag watch PATH, or the setting CODEXOS_SOURCE_FOLDERS."
        )
        raise KnowledgeBaseInvalid("path", message)


def _plan(row: Source, schedule: str) -> None:
    row.schedule = " ".join(schedule.split())
    row.next_at = next_reading(row.schedule, after=clock.now())


def _tag_documents(row: Source, *, before: Sequence[str]) -> None:
    """Give documents what their source is tagged with now in place of what it was."""
    gone = [tag for tag in before if tag not in row.tags]
    with connection.cursor() as cursor:
        cursor.execute(_RETAG, [list(row.tags), gone, row.organization_id, row.pk])


def _paused(row: Source, is_paused: bool) -> str:
    if is_paused:
        return SourceState.PAUSED
    return SourceState.IDLE if row.state == SourceState.PAUSED else row.state


def _begin(actor: Actor, row: Source) -> None:
    """Begin to read what can be read without anybody bringing it."""
    if row.kind != SourceKind.UPLOAD and row.state != SourceState.PAUSED:
        start_ingestion(actor, row, kind=IngestionKind.SYNC)


def _sources_of(base: KnowledgeBase) -> OrganizationQuerySet[Source]:
    rows = Source.objects.for_organization(base.organization_id).filter(base=base, deleted_at=None)
    return rows.select_related("base__project__team")


def _save(row: Source) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=row._state.adding)
    except IntegrityError:
        raise SourceNameTaken(row.name) from None
