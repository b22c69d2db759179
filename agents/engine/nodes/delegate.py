# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""delegate: call a flow as a tool. Its steps are those of a sub-flow; its result is what the flow gives."""

from collections.abc import Mapping, Sequence

from agents.engine.errors import FlowNotAtHand, ToolCallInvalid
from agents.engine.graph import FlowTool
from agents.engine.lanes import Held
from agents.engine.nodes.call import asked_call, read_call
from agents.engine.nodes.rendering import filled_in
from agents.engine.steps import Collected, Holding, HoldingKind, Opening, StepContext
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.schemas import mismatches
from codexos.kernel.tool_calls import told_misfit

TEXT = "input"
"""The one argument of a flow that does not say what it takes."""


def _begin(step: StepContext) -> Holding:
    tool, arguments = _tool(step), _arguments(step)
    if wrong := mismatches(arguments, tool.schema):
        name = step.setting_text("tool") or ""
        raise ToolCallInvalid(told_misfit(name, wrong), tool=name)
    given = arguments.get(TEXT) if tool.takes_text else arguments
    return Holding(said={"tool": step.setting_text("tool"), "input": given})


def _turn(step: StepContext, held: Held) -> Sequence[Opening] | Collected:
    return Collected("last") if held.results else [Opening(held.data.get("input"))]


def _tool(step: StepContext) -> FlowTool:
    name = step.setting_text("tool") or ""
    if name not in step.node.flows:
        raise FlowNotAtHand(node_id=step.node_id, flow=name)
    return step.node.flows[name]


def _arguments(step: StepContext) -> JsonObject:
    owner = step.lane.owner
    if "call" in step.node.settings and owner is not None and owner.node.rounds is not None:
        return read_call(asked_call(step)[1])
    given = step.node.settings.get("arguments")
    if given is None:
        return {TEXT: step.last_text} if _tool(step).takes_text else _as_object(step.last_result, step)
    return _as_object(filled_in(given, step.scope), step)


def _as_object(value: JsonValue, step: StepContext) -> JsonObject:
    if not isinstance(value, Mapping):
        name = step.setting_text("tool") or ""
        raise ToolCallInvalid(f"The arguments of tool {name!r} must be an object. Say them in 'arguments'.", tool=name)
    return value


DELEGATE = HoldingKind("delegate", {}, _begin, _turn)
