# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which tools a model is offered by a node, under which names."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agents.engine.errors import FlowNotAtHand
from agents.engine.graph import Node
from agents.engine.memories import READ, SEARCH, WRITE, declared_by
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
    named = all_matching(tools_named(node.settings), ports.toolbox.names())
    return list(dict.fromkeys([*named, *_of_memory(node, has_tools=bool(named))]))


def _of_memory(node: Node, *, has_tools: bool) -> list[str]:
    """Return the tools that come with what a node declares of memory."""
    declared = declared_by(node.settings)
    writing = [WRITE] if declared.write else []
    return [*([SEARCH] if declared.whole and (has_tools or writing) else []), *writing]


def spec_for(node: Node, name: str, ports: Ports) -> ToolSpec:
    """Return what is known of one tool that a node offers. Raises ToolUnknown, FlowNotAtHand."""
    if not name.startswith(FLOW_PREFIX):
        return _narrowed(ports.toolbox.describe(name), node)
    if name not in node.flows:
        raise FlowNotAtHand(node_id=node.id, flow=name.removeprefix(FLOW_PREFIX))
    tool = node.flows[name]
    return ToolSpec(name, tool.description, tool.schema)


def _narrowed(spec: ToolSpec, node: Node) -> ToolSpec:
    """Hold the tools of memory to the scopes that a node declares, where it declares some."""
    if spec.name not in (READ, SEARCH, WRITE) or "memory" not in node.settings:
        return spec
    declared = declared_by(node.settings)
    name, scopes = ("scope", declared.write) if spec.name == WRITE else ("scopes", declared.whole)
    shape: JsonObject = {"enum": list(scopes)}
    if spec.name != WRITE:
        shape = {"type": "array", "items": shape, "minItems": 1, "uniqueItems": True}
    known, needed = spec.schema.get("properties"), spec.schema.get("required")
    properties = {**(known if isinstance(known, Mapping) else {}), name: shape}
    required = list(dict.fromkeys([name, *(needed if isinstance(needed, list | tuple) else [])]))
    return replace(spec, schema={**spec.schema, "properties": properties, "required": required})


def _offer(offered: str, spec: ToolSpec) -> ToolOffer:
    return replace(ToolOffer(offered, "", spec.schema), description=spec.description[:MOST_DESCRIBED])


def _written(schema: JsonObject) -> str:
    return json.dumps(schema, default=dict)
