# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which flows a flow does as sub-flows, also in the bodies of its nodes, how large it is with these, and its tools."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from agents.engine.boxes import Box
from agents.engine.drawing import read_boxes
from agents.engine.findings import Findings
from agents.engine.nodes.subflow import library_name
from agents.engine.tool_names import FLOW_PREFIX, tools_named
from codexos.kernel.jsontypes import JsonValue


class WantedFlow(NamedTuple):
    """A flow that a node does: as the run's library names it, which version where one is said, and where."""

    name: str
    flow: str
    version: int | None
    place: str


def wanted_flows(document: JsonValue) -> list[WantedFlow]:
    """List the flows that a document wants, in its order. What cannot be read wants none."""
    return [wanted for box, place in _boxes(document) for wanted in _wanted_by(box, place)]


def wanted_tools(document: JsonValue) -> frozenset[str]:
    """Return the names of the tools that a document's nodes may call."""
    return frozenset(name for box, _ in _boxes(document) for name in tools_named(box.settings))


def count_nodes(document: JsonValue) -> int:
    """Count the nodes of a document, those in bodies included."""
    return sum(1 for _ in _boxes(document))


def _wanted_by(box: Box, place: str) -> Iterator[WantedFlow]:
    if box.kind == "subflow":
        yield _wanted(box, place)
    if box.kind == "tool":
        yield from _wanted_tool(box.settings.get("tool"), f"{place}{box.place_of('tool')[1:]}")
    tools = box.settings.get("tools")
    if box.kind == "llm" and isinstance(tools, list | tuple):
        for index, name in enumerate(tools):
            yield from _wanted_tool(name, f"{place}{box.place_of('tools')[1:]}[{index}]")


def _wanted_tool(name: JsonValue, place: str) -> Iterator[WantedFlow]:
    """A flow that is called as a tool: ``flow.NAME``, or ``flow.NAME@3`` for a version of it."""
    if not isinstance(name, str) or not name.startswith(FLOW_PREFIX):
        return
    flow, _, version = name.removeprefix(FLOW_PREFIX).partition("@")
    yield WantedFlow(name.removeprefix(FLOW_PREFIX), flow, int(version) if version.isdecimal() else None, place)


def _wanted(box: Box, place: str) -> WantedFlow:
    version = box.settings.get("version")
    name, flow = library_name(box.settings), str(box.settings.get("flow"))
    return WantedFlow(name, flow, version if isinstance(version, int) else None, f"{place}{box.place_of('flow')[1:]}")


def _boxes(document: JsonValue, place: str = "$") -> Iterator[tuple[Box, str]]:
    """Walk over the boxes of a document and of the bodies in it, each with the place of the flow it stands in."""
    if not isinstance(document, Mapping) or not isinstance(document.get("nodes"), list | tuple):
        return
    for box in read_boxes(document, Findings()):
        yield box, place
        yield from _boxes(box.settings.get("body"), f"{place}{box.place_of('body')[1:]}")
