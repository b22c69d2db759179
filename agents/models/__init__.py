# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of agents."""

from agents.models.blobs import Blob, BlobUse
from agents.models.flows import Flow, FlowRevision, FlowVersion
from agents.models.runs import CLAIMABLE, UNFINISHED, InboxMessage, JournalEntry, Run, RunStatus, Snapshot
from agents.models.triggers import GRACE, Firing, HookStyle, Missed, Trigger, TriggerKind

__all__ = [
    "CLAIMABLE",
    "GRACE",
    "UNFINISHED",
    "Blob",
    "BlobUse",
    "Firing",
    "Flow",
    "FlowRevision",
    "FlowVersion",
    "HookStyle",
    "InboxMessage",
    "JournalEntry",
    "Missed",
    "Run",
    "RunStatus",
    "Snapshot",
    "Trigger",
    "TriggerKind",
]
