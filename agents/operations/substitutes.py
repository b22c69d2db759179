# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whether every model that a flow names answers itself, in an organization that allows no substitutes."""

from accounts.models import Organization
from agents.engine.graph import FlowGraph
from agents.errors import ModelsMissing
from llm.queries.deployments import refusal_of


def refuse_substitutes(organization: Organization, graph: FlowGraph) -> None:
    """Return where every step's model answers, or a substitute may. Raises ModelsMissing.

    The settings may change before a step is reached, so the gateway asks once more there.
    """
    if organization.allows_substitute_models:
        return
    named = {node.id: node.settings.get("model") for node in graph.nodes.values() if node.kind == "llm"}
    refusals = {node_id: refusal_of(name) for node_id, name in named.items() if isinstance(name, str)}
    missing = {node_id: refusal.message for node_id, refusal in refusals.items() if refusal is not None}
    if missing:
        raise ModelsMissing(missing)
