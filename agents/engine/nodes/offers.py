# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which tools a model is offered by a node, under which names."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agents.engine.errors import FlowNotAtHand
from agents.engine.graph import Node
from agents.engine.ports import Ports
from agents.engine.tool_names import FLOW_PREFIX, all_matching, names_by_offer, tools_named
from agents.engine.tools import ToolSpec
from codexos.kernel.chat import ToolOffer
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject

MOST_OFFERED = 128
"""How many tools a model is offered; providers take no more."""
MOST_DESCRIBED = 2_000
"""How many characters a description may have that a model is told."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What a model is offered; ``names`` leads from the names that it is told to those of the tools."""

    tools: Sequence[ToolOffer]
    names: Mapping[str, str]
    notes: Sequence[JsonObject] = ()

    @property
    def size(self) -> int:
        """About how many characters a model reads of them."""
        return sum(len(tool.name) + len(tool.description) + len(_written(tool.schema)) for tool in self.tools)


def offers_of(node: Node, ports: Ports) -> Offers:
    """Return what a node offers. Raises ToolUnknown, FlowNotAtHand where a tool it names is not there."""
    specs, notes = _specs(node, ports)
    kept = specs[:MOST_OFFERED]
    names = names_by_offer(spec.name for spec in kept)
    by_name = {spec.name: spec for spec in kept}
    tools = [_offer(offered, by_name[name]) for offered, name in names.items()]
    if len(specs) > len(kept):
        notes.append(_note(f"{len(specs)} tools are named; a model is offered {MOST_OFFERED} of them, the first."))
    return Offers(tools, names, notes)


def _specs(node: Node, ports: Ports) -> tuple[list[ToolSpec], list[JsonObject]]:
    """Return what is known of the tools a node offers; one that is not ready is missed only where it is named."""
    named, specs, notes = frozenset(tools_named(node.settings)), list[ToolSpec](), list[JsonObject]()
    for name in names_of(node, ports):
        try:
            specs.append(spec_for(node, name, ports))
        except CodexosError as error:
            if name in named:
                raise
            notes.append(_note(f"Tool {name!r} is not offered: {error.message}"))
    return specs, notes


def _note(message: str) -> JsonObject:
    return {"message": message, "level": "warning"}


def names_of(node: Node, ports: Ports) -> list[str]:
    """Return the names of the tools that a node offers, ``server.*`` written out."""
    return all_matching(tools_named(node.settings), ports.toolbox.names())


def spec_for(node: Node, name: str, ports: Ports) -> ToolSpec:
    """Return what is known of one tool that a node offers. Raises ToolUnknown, FlowNotAtHand."""
    if not name.startswith(FLOW_PREFIX):
        return ports.toolbox.describe(name)
    if name not in node.flows:
        raise FlowNotAtHand(node_id=node.id, flow=name.removeprefix(FLOW_PREFIX))
    tool = node.flows[name]
    return ToolSpec(name, tool.description, tool.schema)


def _offer(offered: str, spec: ToolSpec) -> ToolOffer:
    return replace(ToolOffer(offered, "", spec.schema), description=spec.description[:MOST_DESCRIBED])


def _written(schema: JsonObject) -> str:
    return json.dumps(schema, default=dict)
