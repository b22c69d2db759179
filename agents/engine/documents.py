# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flow documents: reading either dialect into a graph, or saying everything that is wrong at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeGuard

from agents.engine.assembly import read_graph
from agents.engine.choices import check_choices
from agents.engine.drawing import read_boxes
from agents.engine.errors import GraphInvalid, Problem
from agents.engine.findings import Findings
from agents.engine.fittings import check_fittings
from agents.engine.graph import FlowGraph
from agents.engine.handing import ANYBODY, NOBODY, TOOLS_ALONE
from agents.engine.reading import Format, locate_all, read_document
from agents.engine.secrets import Recipient
from agents.engine.shape import has_shape, nodes_trouble
from agents.engine.topology import check_topology
from agents.engine.wiring import Around, check_references
from agents.engine.writers import around_flow, check_variables, check_writers
from codexos.kernel.jsontypes import JsonObject, JsonValue

__all__ = ["check_flow", "check_text", "parse_flow", "parse_plan", "read_accepted", "read_document"]


def check_flow(
    document: JsonValue, *, tools: Iterable[str] | None = None, secrets_to: Collection[Recipient] = TOOLS_ALONE
) -> list[Problem]:
    """List every problem of a flow document, each with its place and what to do; warnings hold nothing up.

    Where the names of ``tools`` are given, others are problems too; so are secrets handed on to anybody else than
    ``secrets_to``.
    """
    return _examine(document, tools=tools, secrets_to=secrets_to)


def check_text(
    text: str | bytes,
    *,
    format: Format | None = None,
    tools: Iterable[str] | None = None,
    secrets_to: Collection[Recipient] = TOOLS_ALONE,
) -> list[Problem]:
    """List every problem of a flow written as text, with the line and column of each."""
    try:
        document = read_document(text, format=format)
    except GraphInvalid as error:
        return list(error.problems)
    problems = check_flow(document, tools=tools, secrets_to=secrets_to)
    spots = locate_all(text, [problem.place for problem in problems])
    return [
        replace(problem, line=spots[problem.place][0], column=spots[problem.place][1])
        if problem.place in spots
        else problem
        for problem in problems
    ]


def parse_flow(
    document: JsonValue,
    *,
    tools: Iterable[str] | None = None,
    library: Mapping[str, JsonValue] | None = None,
    secrets_to: Collection[Recipient] = ANYBODY,
) -> FlowGraph:
    """Read a flow document of either dialect. Raises GraphInvalid with every problem but the warnings.

    Where the names of ``tools`` are given, others are problems too. ``library`` holds the documents of the flows that
    its nodes do as sub-flows, see ``nodes.subflow.library_name``; none of them does itself again. Whether an
    organization lets prompts hold secrets is asked again when a model is, so by itself this lets them.
    """
    errors = [problem for problem in check_flow(document, tools=tools, secrets_to=secrets_to) if problem.is_error]
    if errors:
        raise GraphInvalid(errors)
    return read_graph(document, library=library or {})


def read_accepted(document: JsonValue, *, library: Mapping[str, JsonValue]) -> FlowGraph:
    """Read the flow of a run that was accepted: it was sound then, and what has become wrong since holds up none.

    Raises GraphInvalid where it is no flow at all.
    """
    findings = Findings()
    if not has_shape(document, findings):
        raise GraphInvalid(findings.listed())
    return read_graph(document, library=library)


def parse_plan(document: JsonValue) -> FlowGraph:
    """Read a flow that a run wrote for itself: as any other, but that it names no secrets. Raises GraphInvalid."""
    return parse_flow(document, secrets_to=NOBODY)


def _examine(document: JsonValue, *, tools: Iterable[str] | None, secrets_to: Collection[Recipient]) -> list[Problem]:
    findings = Findings()
    if has_shape(document, findings) and isinstance(document, Mapping):
        check_variables(document, findings)
        around = replace(around_flow(document), secrets_to=secrets_to)
        _examine_nodes(document, findings, tools=None if tools is None else sorted(tools), around=around)
    return findings.listed()


def _examine_nodes(document: JsonObject, findings: Findings, *, tools: Sequence[str] | None, around: Around) -> None:
    """Add every problem of the nodes of a flow, or of the body of a node that stands in it."""
    boxes = read_boxes(document, findings)
    check_fittings(document, boxes, tools=tools, findings=findings)
    if not document["nodes"]:
        findings.error("$.nodes", "The flow has no nodes. Begin with an entry and end with an exit.")
    if not boxes:
        return
    check_topology(boxes, findings)
    check_choices(boxes, findings)
    check_writers(boxes, around, findings=findings)
    for box, seen in check_references(boxes, findings, around=around):
        inside = Findings()
        body = box.settings["body"]
        if _nodes_can_be_read(body, inside):
            _examine_nodes(body, inside, tools=tools, around=seen)
        findings.take_over(inside, box.place_of("body"))


def _nodes_can_be_read(body: JsonValue, findings: Findings) -> TypeGuard[JsonObject]:
    trouble = nodes_trouble(body.get("nodes")) if isinstance(body, Mapping) else "A body is a flow. Write one."
    if trouble is not None:
        findings.error("$.nodes", trouble)
    return trouble is None
