# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""recall, inside an agent: read what its node declares of memory, before the first question. A step like any call."""

from agents.engine.memories import READ
from agents.engine.nodes.tool import ToolCall
from agents.engine.ports import Ports
from agents.engine.steps import Effect, EffectKind, StepContext
from agents.engine.tools import check_arguments
from codexos.kernel.jsontypes import JsonObject


def _prepare(step: StepContext, ports: Ports) -> Effect:
    spec, said = ports.toolbox.describe(READ), step.node.settings
    arguments: JsonObject = {name: said[name] for name in ("scopes", "keys") if name in said}
    check_arguments(spec, arguments)
    return ToolCall(spec, arguments, step.key, step.node_id)


RECALL = EffectKind("recall", {}, _prepare)
