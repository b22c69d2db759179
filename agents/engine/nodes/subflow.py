# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""subflow: do another flow, in the version that was pinned when the run was accepted. Its result is that flow's."""

from collections.abc import Mapping, Sequence

from agents.engine.errors import FlowNotAtHand
from agents.engine.lanes import Held
from agents.engine.nodes import settings
from agents.engine.nodes.rendering import filled_in
from agents.engine.steps import Collected, Holding, HoldingKind, Opening, Setting, StepContext
from codexos.kernel.jsontypes import JsonValue


def _begin(step: StepContext) -> Holding:
    if step.node.body is None:
        raise FlowNotAtHand(node_id=step.node_id, flow=str(step.node.settings.get("flow")))
    return Holding(said={name: step.node.settings[name] for name in ("flow", "version") if name in step.node.settings})


def _turn(step: StepContext, held: Held) -> Sequence[Opening] | Collected:
    if held.results:
        return Collected("last")
    given = step.node.settings.get("input")
    return [Opening(step.last_result if given is None else filled_in(given, step.scope))]


def library_name(settings: Mapping[str, JsonValue]) -> str:
    """Name the flow that a node wants, and its version where it says one: as the run's library has it."""
    flow, version = settings.get("flow"), settings.get("version")
    return f"{flow}@{version}" if isinstance(version, int) else str(flow)


SUBFLOW = HoldingKind(
    "subflow",
    {
        "flow": Setting(settings.text(longest=100), "The flow to do, by its name in this project.", is_required=True),
        "version": Setting(
            settings.whole_number(least=1, most=1_000_000),
            "Which version of it; without, the one that is published when the run is accepted.",
        ),
        "input": Setting(
            settings.ANYTHING,
            "What it begins with: a value with templates in it. Without it, the last result.",
            is_template=True,
        ),
    },
    _begin,
    _turn,
)
