# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading what was kept of a flow: its frozen versions, its earlier drafts, and what differs between them."""

from uuid import UUID

from accounts.actor import Actor
from accounts.queries.pages import Page, page_of
from accounts.tenancy import in_organization
from agents.engine.differences import FlowDiff, diff_documents
from agents.engine.drafts import Draft, DraftFormat, read_draft
from agents.errors import FlowRevisionNotFound, FlowVersionNotFound
from agents.models import Flow, FlowRevision, FlowVersion
from agents.queries.flows import access_flow

DRAFT = "draft"
"""What stands for a flow's draft where a version's number could stand."""


@in_organization
def list_versions(actor: Actor, flow: UUID | str, *, cursor: str | None = None, limit: int = 50) -> Page[FlowVersion]:
    """Return a flow's versions, newest first; their documents stay unread. Raises FlowNotFound."""
    rows = FlowVersion.objects.for_organization(actor.organization_id).filter(flow=access_flow(actor, flow))
    return page_of(rows.select_related("published_by").defer("document", "source"), cursor=cursor, limit=limit)


@in_organization
def access_version(actor: Actor, flow: UUID | str, *, number: int | str) -> FlowVersion:
    """Return one version of a flow. Raises FlowNotFound, FlowVersionNotFound."""
    found = access_flow(actor, flow)
    rows = FlowVersion.objects.for_organization(actor.organization_id).filter(flow=found, number=_whole(number))
    version = rows.select_related("published_by", "flow").first()
    if version is None:
        raise FlowVersionNotFound(f"Flow {found.slug!r} has no version {str(number)!r}. List its versions.")
    return version


@in_organization
def list_revisions(actor: Actor, flow: UUID | str, *, cursor: str | None = None, limit: int = 50) -> Page[FlowRevision]:
    """Return the drafts that were kept of a flow, newest first; their texts stay unread. Raises FlowNotFound."""
    rows = FlowRevision.objects.for_organization(actor.organization_id).filter(flow=access_flow(actor, flow))
    return page_of(rows.select_related("saved_by").defer("source"), cursor=cursor, limit=limit)


@in_organization
def access_revision(actor: Actor, flow: UUID | str, *, number: int | str) -> FlowRevision:
    """Return one kept draft of a flow. Raises FlowNotFound, FlowRevisionNotFound."""
    found = access_flow(actor, flow)
    rows = FlowRevision.objects.for_organization(actor.organization_id).filter(flow=found, number=_whole(number))
    revision = rows.select_related("saved_by", "flow").first()
    if revision is None:
        raise FlowRevisionNotFound(f"Flow {found.slug!r} has no kept draft {str(number)!r}. List its revisions.")
    return revision


@in_organization
def draft_at(actor: Actor, flow: UUID | str, *, revision: int) -> Draft | None:
    """Return the draft as it was at a revision; None where it is kept no more. Raises FlowNotFound."""
    found = access_flow(actor, flow)
    if revision == found.revision:
        return found.as_written
    rows = FlowRevision.objects.for_organization(actor.organization_id).filter(flow=found, number__lte=revision)
    kept = rows.order_by("-number").first()
    return None if kept is None else read_draft(kept.source, format=DraftFormat(kept.format))


@in_organization
def diff_versions(actor: Actor, flow: UUID | str, *, number: int | str, other: int | str = DRAFT) -> FlowDiff:
    """Return what reads otherwise in ``other``, a version or the draft. Raises FlowNotFound, FlowVersionNotFound."""
    found = access_flow(actor, flow)
    before = access_version(actor, found.id, number=number)
    after = found.draft if other == DRAFT else access_version(actor, found.id, number=other).document
    return diff_documents(before.document, after)


@in_organization
def diff_with_published(actor: Actor, flow: UUID | str) -> FlowDiff:
    """Return what publishing the draft would change; everything where nothing is published. Raises FlowNotFound."""
    found = access_flow(actor, flow)
    return diff_documents(found.published.document if found.published else {}, found.draft)


@in_organization
def text_of_flow(actor: Actor, flow: UUID | str, *, number: int | str | None = None) -> tuple[Flow, Draft]:
    """Return a flow, and its draft or one of its versions as it was written. Raises FlowNotFound kinds."""
    found = access_flow(actor, flow)
    if number in (None, "", DRAFT):
        return found, found.as_written
    return found, access_version(actor, found.id, number=str(number)).as_written


def _whole(number: int | str) -> int:
    text = str(number)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
