# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of agents."""

from agents.models.flows import Flow, FlowVersion
from agents.models.runs import CLAIMABLE, UNFINISHED, JournalEntry, Run, RunStatus

__all__ = ["CLAIMABLE", "UNFINISHED", "Flow", "FlowVersion", "JournalEntry", "Run", "RunStatus"]
