# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Freezing versions of a flow, and going back to one."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.operations.names import clean_name
from accounts.tenancy import in_organization
from agents.engine.documents import parse_flow
from agents.engine.errors import GraphInvalid
from agents.engine.graph import logic_hash
from agents.models import Flow, FlowVersion
from agents.operations.flows import hold_flow, keep_draft
from agents.operations.pinning import check_publishable
from agents.operations.secrets import note_named_secrets
from agents.queries.versions import access_version

NOTE_LENGTH = 500


class Publication(NamedTuple):
    """The version that runs from now on, and whether it had to be made."""

    version: FlowVersion
    is_new: bool


@in_organization
def publish_flow(
    actor: Actor, *, flow: UUID | str, note: str = "", expected: Collection[int] | None = None
) -> Publication:
    """Freeze the draft as the next version and make it the one that runs.

    A draft that says and draws what the published version does makes no new one. Raises GraphInvalid with every
    problem, FlowNotFound, FlowChanged, FlowArchived, NameInvalid, NotAllowed.
    """
    row = hold_flow(actor, flow, expected=expected)
    if problems := check_publishable(actor, row):
        raise GraphInvalid(problems)
    if row.published is not None and not row.has_unpublished_changes:
        return Publication(row.published, is_new=False)
    last = FlowVersion.objects.for_organization(actor.organization_id).filter(flow=row).order_by("-number").first()
    version = FlowVersion.objects.create(
        organization_id=actor.organization_id,
        flow=row,
        number=last.number + 1 if last else 1,
        document=row.draft,
        document_hash=row.draft_hash,
        source=row.source,
        format=row.format,
        logic_hash=logic_hash(parse_flow(row.draft)),
        note=clean_name(note, place="note", may_be_blank=True, at_most=NOTE_LENGTH),
        published_by_id=actor.person_id,
    )
    row.published = version
    row.save(update_fields=["published", "updated_at"])
    note_named_secrets(row)
    record_event(actor, "flow.published", about=row, version=version.number, note=version.note)
    return Publication(version, is_new=True)


@in_organization
def restore_version(
    actor: Actor, *, flow: UUID | str, number: int | str, expected: Collection[int] | None = None
) -> Flow:
    """Make a version the draft again; the draft it takes the place of stays among the revisions.

    Raises FlowNotFound, FlowVersionNotFound, FlowChanged, FlowArchived, NotAllowed.
    """
    version = access_version(actor, flow, number=number)
    row = hold_flow(actor, version.flow_id, expected=expected)
    draft = version.as_written
    if (draft.source, draft.format) != (row.source, row.format):
        keep_draft(actor, row, draft=draft)
        row.save()
        note_named_secrets(row)
        record_event(actor, "flow.restored", about=row, version=version.number, revision=row.revision)
    return row
