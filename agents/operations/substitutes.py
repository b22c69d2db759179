# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whether every model that a flow names answers itself, in an organization that allows no substitutes."""

from accounts.models import Organization
from agents.engine.graph import FlowGraph
from agents.errors import ModelsMissing
from llm.queries.deployments import refusal_of


def refuse_substitutes(organization: Organization, graph: FlowGraph) -> None:
    """Return where every step's model answers, or a substitute may, also in bodies and sub-flows. Raises ModelsMissing.

    The settings may change before a step is reached, so the gateway asks once more there.
    """
    if organization.allows_substitute_models:
        return
    named = {key: name for key, node in graph.walk() if isinstance(name := node.settings.get("model"), str)}
    refusals = {name: refusal_of(name) for name in set(named.values())}
    missing = {key: refusal.message for key, name in named.items() if (refusal := refusals.get(name))}
    if missing:
        raise ModelsMissing(missing)
