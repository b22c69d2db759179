# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Answering a question by its own name: one that is asked again, since something has changed, has another."""

from accounts.actor import Actor
from accounts.tenancy import in_organization
from agents.errors import CallChanged
from agents.models import Run
from agents.operations.interventions import decide_step
from agents.operations.verdicts import Verdict
from agents.queries.approvals import find_question


@in_organization
def answer_approval(actor: Actor, approval_id: str, *, verdict: Verdict) -> Run:
    """Answer a question. Raises ApprovalNotFound and what decide_step raises."""
    found = find_question(actor, approval_id)
    if found.is_asked_again:
        raise CallChanged(node_id=found.node_id)
    return decide_step(actor, found.run_id, node_id=found.node_id, verdict=verdict)
