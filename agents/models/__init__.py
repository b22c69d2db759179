# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of agents."""

from agents.models.blobs import Blob, BlobUse
from agents.models.flows import Flow, FlowRevision, FlowVersion
from agents.models.runs import CLAIMABLE, UNFINISHED, InboxMessage, JournalEntry, Run, RunStatus

__all__ = [
    "CLAIMABLE",
    "UNFINISHED",
    "Blob",
    "BlobUse",
    "Flow",
    "FlowRevision",
    "FlowVersion",
    "InboxMessage",
    "JournalEntry",
    "Run",
    "RunStatus",
]
