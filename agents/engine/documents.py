# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flow documents: reading either dialect into a graph, or saying everything that is wrong at once."""

import json
from collections.abc import Mapping

from agents.engine.drawing import Box, check_shape, read_boxes
from agents.engine.errors import GraphInvalid, Problem
from agents.engine.graph import FlowGraph, Node, Way
from agents.engine.topology import check_topology
from agents.engine.wiring import check_references
from codexos.kernel.jsontypes import JsonObject, JsonValue

MAX_DOCUMENT_CHARACTERS = 2_000_000


def read_document(text: str | bytes) -> JsonObject:
    """Read a flow document from JSON text. Raises GraphInvalid, however broken or deeply nested the text is."""
    if len(text) > MAX_DOCUMENT_CHARACTERS:
        raise GraphInvalid(
            [Problem("$", f"The document is larger than {MAX_DOCUMENT_CHARACTERS:,} characters. Split the flow.")]
        )
    try:
        document = json.loads(text)
    except RecursionError:
        raise GraphInvalid([Problem("$", "The document is nested too deeply. Flatten it.")]) from None
    except ValueError as error:
        raise GraphInvalid([Problem("$", f"This is not JSON: {error}. Correct it there.")]) from None
    if not isinstance(document, dict):
        raise GraphInvalid([Problem("$", "A flow is an object with a list of 'nodes'. Write one.")])
    return document


def check_flow(document: JsonValue) -> list[Problem]:
    """List every problem of a flow document, each with its place and what to do; empty where it can run."""
    return _examine(document)[1]


def parse_flow(document: JsonValue) -> FlowGraph:
    """Read a flow document of either dialect. Raises GraphInvalid with every problem."""
    boxes, problems = _examine(document)
    if problems:
        raise GraphInvalid(problems)
    name = document.get("id") or document.get("name") if isinstance(document, Mapping) else None
    return FlowGraph.of(name if isinstance(name, str) else "flow", [_node(box) for box in boxes])


def _examine(document: JsonValue) -> tuple[list[Box], list[Problem]]:
    problems = check_shape(document)
    if problems or not isinstance(document, Mapping):
        return [], problems
    boxes = read_boxes(document, problems)
    if boxes:
        check_topology(boxes, problems)
        check_references(boxes, problems)
    return boxes, problems


def _node(box: Box) -> Node:
    own = {name: value for name, value in box.settings.items() if name not in {"retry", "timeout_seconds"}}
    retry = box.settings.get("retry")
    attempts = retry.get("attempts") if isinstance(retry, Mapping) else 1
    timeout = box.settings.get("timeout_seconds")
    return Node(
        id=box.id,
        kind=box.kind,
        settings=own,
        ways=tuple(Way(target.id) for target in box.targets),
        attempts=attempts if isinstance(attempts, int) else 1,
        timeout_seconds=float(timeout) if isinstance(timeout, int | float) else None,
    )
