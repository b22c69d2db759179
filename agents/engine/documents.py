# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flow documents: reading either dialect into a graph, or saying everything that is wrong at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from agents.engine.boxes import FAIL, Box
from agents.engine.choices import check_choices
from agents.engine.drawing import read_boxes
from agents.engine.errors import GraphInvalid, Problem
from agents.engine.findings import Findings
from agents.engine.fittings import check_fittings
from agents.engine.graph import FlowGraph, Join, Node, OnError, Way
from agents.engine.nodes.every import EVERY_KIND
from agents.engine.reading import Format, locate_all, read_document
from agents.engine.shape import has_shape
from agents.engine.topology import check_topology
from agents.engine.wiring import check_references
from codexos.kernel.jsontypes import JsonValue

__all__ = ["check_flow", "check_text", "parse_flow", "read_document"]

T = TypeVar("T")


def check_flow(document: JsonValue, *, tools: Iterable[str] | None = None) -> list[Problem]:
    """List every problem of a flow document, each with its place and what to do; warnings hold nothing up.

    Where the names of ``tools`` are given, others are problems too.
    """
    return _examine(document, tools=tools)[1]


def check_text(text: str | bytes, *, format: Format | None = None, tools: Iterable[str] | None = None) -> list[Problem]:
    """List every problem of a flow written as text, with the line and column of each."""
    try:
        document = read_document(text, format=format)
    except GraphInvalid as error:
        return list(error.problems)
    problems = check_flow(document, tools=tools)
    spots = locate_all(text, [problem.place for problem in problems])
    return [
        replace(problem, line=spots[problem.place][0], column=spots[problem.place][1])
        if problem.place in spots
        else problem
        for problem in problems
    ]


def parse_flow(document: JsonValue, *, tools: Iterable[str] | None = None) -> FlowGraph:
    """Read a flow document of either dialect. Raises GraphInvalid with every problem but the warnings.

    Where the names of ``tools`` are given, others are problems too.
    """
    boxes, problems = _examine(document, tools=tools)
    errors = [problem for problem in problems if problem.is_error]
    if errors:
        raise GraphInvalid(errors)
    name = document.get("id") or document.get("name") if isinstance(document, Mapping) else None
    return FlowGraph.of(name if isinstance(name, str) else "flow", [_node(box) for box in boxes])


def _examine(document: JsonValue, *, tools: Iterable[str] | None = None) -> tuple[Sequence[Box], list[Problem]]:
    findings = Findings()
    boxes: Sequence[Box] = ()
    if has_shape(document, findings) and isinstance(document, Mapping):
        boxes = read_boxes(document, findings)
        check_fittings(document, boxes, tools=tools, findings=findings)
        if not document["nodes"]:
            findings.error("$.nodes", "The flow has no nodes. Begin with an entry and end with an exit.")
        if boxes:
            check_topology(boxes, findings)
            check_choices(boxes, findings)
            check_references(boxes, findings)
    return boxes, findings.listed()


def _node(box: Box) -> Node:
    said = box.settings.get("retry")
    retry = said if isinstance(said, Mapping) else {}
    attempts = retry.get("attempts")
    return Node(
        id=box.id,
        kind=box.kind,
        settings={name: value for name, value in box.settings.items() if name not in EVERY_KIND},
        ways=tuple(Way(arrow.id, arrow.outcome, arrow.when) for arrow in box.arrows if not arrow.is_for_errors),
        attempts=attempts if isinstance(attempts, int) else 1,
        timeout_seconds=_seconds(box.settings.get("timeout_seconds"), None),
        join=_join(box.settings.get("join")),
        on_error=_on_error(box.settings.get("on_error")),
        backoff_seconds=_seconds(retry.get("backoff_seconds"), 1.0),
        max_backoff_seconds=_seconds(retry.get("max_backoff_seconds"), 60.0),
    )


def _seconds(said: JsonValue, otherwise: T) -> float | T:
    return float(said) if isinstance(said, int | float) else otherwise


def _join(said: JsonValue) -> Join:
    return said if isinstance(said, int) else "any" if said == "any" else "all"


def _on_error(said: JsonValue) -> OnError | None:
    if isinstance(said, Mapping):
        return OnError(default=said.get("default"))
    return OnError(target=said) if isinstance(said, str) and said != FAIL else None
