# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Making flows and changing them. Whatever was saved is kept: a later save never loses an earlier one."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts.actor import Actor
from accounts.errors import NameInvalid
from accounts.models import Project
from accounts.operations.audit import changes, record_event
from accounts.operations.names import RESERVED, clean_name, clean_slug, slug_from
from accounts.queries.access import SLUG, insist
from accounts.queries.projects import access_project
from accounts.roles import Permission
from accounts.tenancy import in_organization
from agents.engine.drafts import Draft, draft_of
from agents.errors import FlowArchived, FlowChanged, FlowNotFound, FlowSlugTaken
from agents.models import Flow, FlowRevision
from agents.operations.secrets import note_named_secrets
from agents.queries.flows import access_changeable_flow, access_flow
from codexos.kernel import clock
from codexos.kernel.ids import parse_id
from codexos.kernel.jsontypes import JsonObject

MOST_REVISIONS = 50
NAME_LENGTH = 200
_NOT_FOR_FLOWS = RESERVED | {"validate", "convert", "import"}


@dataclass(frozen=True, slots=True)
class FlowEdit:
    """What to change of a flow; None leaves it as it is."""

    name: str | None = None
    slug: str | None = None
    is_team_template: bool | None = None
    draft: Draft | None = None
    concurrency: str | None = None
    concurrency_scope: str | None = None


@in_organization
def create_flow(
    actor: Actor,
    *,
    project: Project,
    document: JsonObject | Draft,
    is_team_template: bool = False,
    name: str | None = None,
    slug: str | None = None,
) -> Flow:
    """Keep a flow document as a draft, unfinished or not. Raises GraphInvalid, NameInvalid, FlowSlugTaken, NotAllowed.

    Its name and short name come from the document where they are not given.
    """
    insist(actor, Permission.MODIFY_TEAM_TEMPLATES if is_team_template else Permission.CREATE_AGENTS, project)
    draft = document if isinstance(document, Draft) else draft_of(document)
    return _keep(
        actor,
        project,
        draft=draft,
        name=_name_of(draft.document) if name is None else clean_name(name, at_most=NAME_LENGTH),
        slug=_slug_of(draft.document) if slug is None else _clean_slug(slug),
        owner_id=None if is_team_template else actor.person_id,
    )


@in_organization
def change_flow(actor: Actor, flow: UUID | str, *, edit: FlowEdit, expected: Collection[int] | None = None) -> Flow:
    """Change a flow's draft, names or owner. ``expected`` are the revisions that the edit may have been made from.

    Raises FlowNotFound, FlowChanged, FlowArchived, GraphInvalid, NameInvalid, FlowSlugTaken, NotAllowed.
    """
    row = hold_flow(actor, flow, expected=expected)
    before = _described(row)
    if edit.name is not None:
        row.name = clean_name(edit.name, at_most=NAME_LENGTH)
    if edit.slug is not None and edit.slug != row.slug:
        row.slug = _clean_slug(edit.slug)
    if edit.is_team_template is not None and edit.is_team_template != row.is_team_template:
        insist(actor, Permission.MODIFY_TEAM_TEMPLATES, row)
        row.owner_id = None if edit.is_team_template else actor.person_id
    row.concurrency = edit.concurrency or row.concurrency
    row.concurrency_scope = edit.concurrency_scope or row.concurrency_scope
    after = _described(row)
    changed = changes(before, after)
    is_redrawn = edit.draft is not None and (edit.draft.source, edit.draft.format) != (row.source, row.format)
    if edit.draft is not None and is_redrawn:
        keep_draft(actor, row, draft=edit.draft)
    elif changed:
        row.revision += 1
    if changed or is_redrawn:
        _save_or_refuse(row)
        note_named_secrets(row)
        record_event(actor, "flow.changed", about=row, changed=changed, revision=row.revision, redrawn=is_redrawn)
    return row


@in_organization
def archive_flow(actor: Actor, flow: UUID | str) -> Flow:
    """Put a flow away: lists leave it out, nothing starts it. Raises FlowNotFound, NotAllowed."""
    return _put(actor, flow, away=True)


@in_organization
def unarchive_flow(actor: Actor, flow: UUID | str) -> Flow:
    """Take a flow out of the archive. Raises FlowNotFound, NotAllowed."""
    return _put(actor, flow, away=False)


@in_organization
def fork_flow(
    actor: Actor,
    flow: UUID | str,
    *,
    project: str | None = None,
    name: str | None = None,
    slug: str | None = None,
) -> Flow:
    """Copy a flow into one's own: its published version, else its draft. Raises FlowNotFound, NotAllowed kinds."""
    found = access_flow(actor, flow)
    place = access_project(actor, project) if project else found.project
    insist(actor, Permission.CREATE_AGENTS, place)
    name = found.name if name is None else clean_name(name, at_most=NAME_LENGTH)
    taken = Flow.objects.for_organization(actor.organization_id).filter(project=place)
    made = _keep(
        actor,
        place,
        draft=found.published.as_written if found.published else found.as_written,
        name=name,
        slug=slug_from(found.slug, otherwise="flow", is_taken=lambda it: taken.filter(slug=it).exists())
        if slug is None
        else _clean_slug(slug),
        owner_id=actor.person_id,
    )
    record_event(actor, "flow.forked", about=found, into=str(made.id))
    return made


def hold_flow(
    actor: Actor,
    flow: UUID | str,
    *,
    expected: Collection[int] | None = None,
    may_be_archived: bool = False,
) -> Flow:
    """Return a flow that is the actor's to change, held against others until the transaction ends.

    Raises FlowNotFound, FlowChanged, FlowArchived, NotAllowed.
    """
    found = access_changeable_flow(actor, flow)
    rows = Flow.objects.for_organization(actor.organization_id)
    rows = rows.select_related("project", "published", "owner", "edited_by").filter(pk=found.pk)
    row = rows.select_for_update(no_key=True, of=("self",)).first()
    if row is None:
        raise FlowNotFound(f"Flow {found.slug!r} was deleted just now.")
    if expected is not None and row.revision not in expected:
        by = str(row.edited_by) if row.edited_by else "somebody"
        raise FlowChanged(slug=row.slug, by=by, at=row.edited_at, revision=row.revision)
    if row.is_archived and not may_be_archived:
        raise FlowArchived(slug=row.slug)
    return row


def keep_draft(actor: Actor, row: Flow, *, draft: Draft) -> None:
    """Make ``draft`` the flow's next revision, beside those before it. The flow is the caller's to save."""
    row.revision += 1
    row.draft, row.draft_hash, row.source, row.format = draft.document, draft.hash, draft.source, draft.format
    row.edited_by_id, row.edited_at = actor.person_id, clock.now()
    _keep_revision(actor, row)


def _keep(actor: Actor, project: Project, *, draft: Draft, name: str, slug: str, owner_id: UUID | None) -> Flow:
    row = Flow(
        organization_id=actor.organization_id,
        project=project,
        owner_id=owner_id,
        slug=slug,
        name=name,
        draft=draft.document,
        draft_hash=draft.hash,
        source=draft.source,
        format=draft.format,
        edited_by_id=actor.person_id,
        edited_at=clock.now(),
    )
    _save_or_refuse(row)
    _keep_revision(actor, row)
    note_named_secrets(row)
    record_event(actor, "flow.created", about=row)
    return row


def _keep_revision(actor: Actor, row: Flow) -> None:
    kept = FlowRevision.objects.for_organization(actor.organization_id).filter(flow=row)
    FlowRevision.objects.create(
        organization_id=row.organization_id,
        flow=row,
        number=row.revision,
        source=row.source,
        format=row.format,
        saved_by_id=actor.person_id,
    )
    last = kept.order_by("-number").values_list("number", flat=True)[MOST_REVISIONS : MOST_REVISIONS + 1]
    for number in last:
        kept.filter(number__lte=number).delete()


def _put(actor: Actor, flow: UUID | str, *, away: bool) -> Flow:
    row = hold_flow(actor, flow, may_be_archived=True)
    if row.is_archived != away:
        row.archived_at = clock.now() if away else None
        row.save(update_fields=["archived_at", "updated_at"])
        note_named_secrets(row)
        record_event(actor, "flow.archived" if away else "flow.unarchived", about=row)
    return row


def _described(row: Flow) -> dict[str, str]:
    policy = {"concurrency": row.concurrency, "concurrency_scope": row.concurrency_scope}
    return {"name": row.name, "slug": row.slug, "owner": str(row.owner_id or "team"), **policy}


def _name_of(document: JsonObject) -> str:
    given = document.get("name") or document.get("id")
    if not isinstance(given, str) or parse_id(given):
        return "Flow"
    return clean_name(given[:NAME_LENGTH], place="document.name", at_most=NAME_LENGTH)


def _slug_of(document: JsonObject) -> str:
    for given in (document.get("id"), document.get("name")):
        slug = slugify(given)[:63].strip("-_").replace("_", "-") if isinstance(given, str) else ""
        if SLUG.fullmatch(slug) and slug not in _NOT_FOR_FLOWS and parse_id(slug) is None:
            return slug
    return "flow"


def _clean_slug(slug: str) -> str:
    if slug in _NOT_FOR_FLOWS:
        message = f"The short name {slug!r} is kept for the product itself. Choose another."
        raise NameInvalid(message, errors=[{"place": "slug", "message": message}])
    return clean_slug(slug)


def _save_or_refuse(row: Flow) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=row._state.adding)
    except IntegrityError:
        raise FlowSlugTaken(
            f"Project {row.project.slug!r} has a flow {row.slug!r} already. Give this another id or short name.",
            errors=[{"place": "slug", "message": f"{row.slug!r} is taken in this project. Choose another."}],
        ) from None
