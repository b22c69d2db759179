# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of agents."""

from agents.models.blobs import Blob, BlobUse
from agents.models.flows import Concurrency, ConcurrencyScope, Flow, FlowRevision, FlowVersion
from agents.models.memory import MemoryEntry, MemoryLabel, MemoryScope
from agents.models.policies import Policy, PolicyVersion
from agents.models.runs import UNFINISHED, InboxMessage, JournalEntry, Run, RunStatus, Snapshot
from agents.models.tools import ServerKind, ToolServer
from agents.models.triggers import GRACE, Firing, HookStyle, Missed, Trigger, TriggerKind
from agents.models.workspaces import WorkspaceSnapshot

__all__ = [
    "GRACE",
    "UNFINISHED",
    "Blob",
    "BlobUse",
    "Concurrency",
    "ConcurrencyScope",
    "Firing",
    "Flow",
    "FlowRevision",
    "FlowVersion",
    "HookStyle",
    "InboxMessage",
    "JournalEntry",
    "MemoryEntry",
    "MemoryLabel",
    "MemoryScope",
    "Missed",
    "Policy",
    "PolicyVersion",
    "Run",
    "RunStatus",
    "ServerKind",
    "Snapshot",
    "ToolServer",
    "Trigger",
    "TriggerKind",
    "WorkspaceSnapshot",
]
