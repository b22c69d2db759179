# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Telling the nodes of a draft that ask models what to do it with. All else that was written stays as it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.actor import Actor
from accounts.tenancy import in_organization
from agents.engine.asking_nodes import asking_nodes, change_of
from agents.engine.drafts import Draft, change_draft
from agents.engine.errors import GraphInvalid, Problem
from agents.errors import FlowChanged
from agents.models import Flow
from agents.operations.flows import FlowEdit, change_flow
from agents.operations.pinning import check_draft
from agents.queries.flows import access_changeable_flow
from codexos.kernel.jsontypes import JsonValue


@dataclass(frozen=True, slots=True)
class SettingEdit:
    """What a node is told from now on; None leaves the setting out. ``path`` is the asker's."""

    path: str
    setting: str
    value: JsonValue


@in_organization
def change_asking_nodes(actor: Actor, flow: UUID | str, *, edits: Sequence[SettingEdit], expected: int) -> Flow:
    """Save a flow's draft with other settings; ``expected`` is the revision they were read in.

    Raises FlowNotFound, FlowChanged, FlowArchived, NotAllowed; GraphInvalid with what would be wrong that was not.
    """
    row = access_changeable_flow(actor, flow)
    if row.revision != expected:
        by = str(row.edited_by) if row.edited_by else "somebody"
        raise FlowChanged(slug=row.slug, by=by, at=row.edited_at, revision=row.revision)
    before = row.as_written
    found = {asker.path: asker for asker in asking_nodes(before.document)}
    changes = [change_of(found[each.path], each.setting, each.value) for each in edits if each.path in found]
    draft = change_draft(before, changes)
    _insist_no_worse(actor, row, before=before, after=draft)
    return change_flow(actor, row.pk, edit=FlowEdit(draft=draft), expected={expected})


def _insist_no_worse(actor: Actor, row: Flow, *, before: Draft, after: Draft) -> None:
    """Raise GraphInvalid with the errors that a change brings: those that were there are for the editor to show."""
    known = {(each.place, each.message) for each in _errors(actor, row, draft=before)}
    worse = [each for each in _errors(actor, row, draft=after) if (each.place, each.message) not in known]
    if worse:
        raise GraphInvalid(worse)


def _errors(actor: Actor, row: Flow, *, draft: Draft) -> Sequence[Problem]:
    found = check_draft(actor, draft.source, format=draft.format, project=row.project, flow=row)
    return [each for each in found if each.is_error]
