# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The nodes that ask models: in a flow's draft as it is, and as it was when somebody read it."""

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.actor import Actor
from agents.engine.asking_nodes import AskingNode, asking_nodes
from agents.models import Flow
from agents.queries.versions import draft_at


def asking_nodes_of(flow: Flow) -> Sequence[AskingNode]:
    """Return those of the draft. The flow was fetched for whoever asks."""
    return asking_nodes(flow.draft)


def asking_nodes_at(actor: Actor, flow: Flow, *, revision: int) -> Sequence[AskingNode]:
    """Return those of the draft that was read at a revision; as it is now where that is kept no more."""
    draft = draft_at(actor, flow.pk, revision=revision)
    return asking_nodes(draft.document) if draft else asking_nodes_of(flow)


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
