# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whether every model that a flow names answers itself, in an organization that allows no substitutes."""

from accounts.models import Organization, Project
from agents.engine.graph import FlowGraph
from agents.errors import ModelsMissing
from llm.queries.models import refusals_in


def refuse_substitutes(organization: Organization, graph: FlowGraph, *, project: Project) -> None:
    """Return where every step's model answers, or a substitute may, also in bodies and sub-flows. Raises ModelsMissing.

    The settings may change before a step is reached, so the gateway asks once more there.
    """
    if organization.allows_substitute_models:
        return
    named = {key: name for key, node in graph.walk() if isinstance(name := node.settings.get("model"), str)}
    refusals = refusals_in(organization.pk, set(named.values()), project_id=project.pk)
    missing = {key: refusals[name].message for key, name in named.items() if name in refusals}
    if missing:
        raise ModelsMissing(missing)
