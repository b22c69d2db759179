# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""call, inside an agent: call a tool as the model asked for it. What is wrong with a call, the model is told."""

from collections.abc import Mapping

from agents.engine.errors import ToolCallInvalid
from agents.engine.lanes import Held
from agents.engine.nodes.conversation import calls_in
from agents.engine.nodes.offers import names_of, spec_for
from agents.engine.nodes.rounds import THINK
from agents.engine.nodes.tool import ToolCall
from agents.engine.ports import Ports
from agents.engine.sizes import nests_deeper
from agents.engine.steps import Effect, EffectKind, StepContext
from agents.engine.tools import check_arguments
from codexos.kernel.chat import ToolCall as AskedCall
from codexos.kernel.errors import Broken
from codexos.kernel.jsontypes import JsonObject
from codexos.kernel.tool_calls import read_arguments, told_unknown, told_unreadable

DEEPEST = 80
"""How deep arguments may nest: no deeper than a journal takes."""


def asked_call(step: StepContext) -> tuple[Held, AskedCall]:
    """Return the call that a step is to make, and the agent whose model asked for it."""
    held, index = step.lane.owner, step.node.settings.get("call")
    before = held.results.get(step.lane.index - 1) if held is not None else None
    calls = calls_in(before.get(THINK)) if isinstance(before, Mapping) else []
    if held is None or not isinstance(index, int) or index >= len(calls):
        raise Broken(f"Step {step.node_id!r} makes a call that nobody asked for.")
    return held, calls[index]


def read_call(asked: AskedCall) -> JsonObject:
    """Read the arguments of a call. Raises ToolCallInvalid, in words for the model."""
    arguments = read_arguments(asked.arguments)
    if isinstance(arguments, Mapping) and nests_deeper(arguments, DEEPEST):
        arguments = f"they nest deeper than {DEEPEST} levels"
    if isinstance(arguments, str):
        raise ToolCallInvalid(told_unreadable(asked.name, arguments), tool=asked.name)
    return arguments


def _prepare(step: StepContext, ports: Ports) -> Effect:
    held, asked = asked_call(step)
    name = step.setting_text("tool") or ""
    if name not in names_of(held.node, ports):
        raise ToolCallInvalid(told_unknown(asked.name, names_of(held.node, ports)), tool=asked.name)
    spec, arguments = spec_for(held.node, name, ports), read_call(asked)
    check_arguments(spec, arguments)
    return ToolCall(spec, arguments, step.key, step.node_id, chosen_by="model")


CALL = EffectKind("call", {}, _prepare)
