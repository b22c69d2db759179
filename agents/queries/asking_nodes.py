# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The nodes that ask models: in a flow's draft as it is, and as it was when somebody read it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from accounts.actor import Actor
from accounts.tenancy import in_organization
from agents.engine.asking_nodes import AskingNode, asking_nodes
from agents.models import Flow
from agents.queries.flows import MOST_NAMES
from agents.queries.versions import draft_at


def asking_nodes_of(flow: Flow) -> Sequence[AskingNode]:
    """Return those of the draft. The flow was fetched for whoever asks."""
    return asking_nodes(flow.draft)


def asking_nodes_at(actor: Actor, flow: Flow, *, revision: int) -> Sequence[AskingNode]:
    """Return those of the draft that was read at a revision; as it is now where that is kept no more."""
    draft = draft_at(actor, flow.pk, revision=revision)
    return asking_nodes(draft.document) if draft else asking_nodes_of(flow)


@in_organization
def flows_naming_model(actor: Actor, name: str, *, project_id: UUID | None = None) -> Mapping[UUID, str]:
    """Return the flows in use that name a model or route, as drafted or published: for who takes it away."""
    rows = Flow.objects.for_organization(actor.organization_id).filter(archived_at=None).select_related("published")
    if project_id is not None:
        rows = rows.filter(project_id=project_id)
    # Only those that hold the name at all are read.
    texts = {"drafted": Cast("draft", TextField()), "out": Cast("published__document", TextField())}
    quoted = json.dumps(name)
    rows = rows.annotate(**texts).filter(Q(drafted__contains=quoted) | Q(out__contains=quoted))
    found = rows.order_by("name")[:MOST_NAMES]
    return {row.pk: row.name for row in found if _names(row, name)}


def _names(flow: Flow, name: str) -> bool:
    documents = [flow.draft, *([flow.published.document] if flow.published else ())]
    nodes = [node for document in documents for node in asking_nodes(document)]
    return any(node.settings.get(setting) == name for node in nodes for setting in ("model", "critic"))


def said_otherwise(nodes: Sequence[AskingNode], edits: Mapping[tuple[str, str], Any]) -> Mapping[str, Any]:
    """Return what nodes say where ``edits`` (by path and setting) say something else."""
    found = {node.path: node for node in nodes}
    return {
        f"{path}: {name}": found[path].settings.get(name)
        for (path, name), value in edits.items()
        if path in found and found[path].settings.get(name) != value
    }


def without_a_node(nodes: Sequence[AskingNode], edits: Mapping[tuple[str, str], Any]) -> Mapping[str, Any]:
    """Return those of the edits whose node is no more."""
    paths = {node.path for node in nodes}
    return {f"{path}: {name}": value for (path, name), value in edits.items() if path not in paths}
