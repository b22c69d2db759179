# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Is it a flow at all, and of a size that can be looked at? Asked before anything else, without ever recursing."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from agents.engine.errors import Problem
from agents.engine.findings import Findings
from agents.engine.places import Step, inside
from codexos.kernel.jsontypes import JsonValue

MAX_NODES = 1_000
# One is right; a few more are each told where they stand. Every one may bring a schema, which is dear to check.
MAX_ENTRIES = 10
MAX_EDGES = 20_000
MAX_NESTING = 40
MAX_VALUES = 100_000
MAX_TEXT_CHARACTERS = 2_000_000

# PostgreSQL keeps neither, and no model or tool could be sent them.
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")

# A way from a value up to the whole document: the step that led to it, and the way of what it stands in.
_Trail = tuple[Step, "_Trail"] | None


def check_shape(document: JsonValue) -> list[Problem]:
    """List what keeps a document from being looked at, or from being kept at all."""
    findings = Findings()
    has_shape(document, findings)
    return findings.listed()


def has_shape(document: JsonValue, findings: Findings) -> bool:
    """Tell whether the nodes of a document can be looked at one by one; add what speaks against it."""
    trouble = _size_trouble(document, findings)
    if trouble is not None:
        findings.error("$", trouble)
        return False
    if not isinstance(document, Mapping):
        findings.error("$", "A flow is an object with a list of 'nodes'. Write one.")
        return False
    trouble = nodes_trouble(document.get("nodes"))
    if trouble is not None:
        findings.error("$.nodes", trouble)
    edges = document.get("edges")
    if isinstance(edges, list | tuple) and len(edges) > MAX_EDGES:
        findings.error("$.edges", f"The flow has {len(edges):,} edges; at most {MAX_EDGES:,} are taken. Split it.")
        return False
    return trouble is None


def nodes_trouble(nodes: JsonValue) -> str | None:
    """Say why the nodes of a flow cannot be looked at one by one, or None."""
    if not isinstance(nodes, list | tuple):
        return "The flow has no list of 'nodes'. Give it one, from an entry to an exit."
    if len(nodes) > MAX_NODES:
        return f"The flow has {len(nodes):,} nodes; at most {MAX_NODES:,} run. Split it."
    entries = sum(isinstance(node, Mapping) and node.get("type") == "entry" for node in nodes)
    if entries > MAX_ENTRIES:
        return f"The flow has {entries} nodes of type 'entry'. Keep one of them."
    return None


def _size_trouble(document: JsonValue, findings: Findings) -> str | None:
    values = characters = 0
    waiting: list[tuple[JsonValue, int, _Trail]] = [(document, 1, None)]
    while waiting:
        value, depth, trail = waiting.pop()
        values += 1
        if depth > MAX_NESTING:
            return f"The document is nested deeper than {MAX_NESTING} levels. Flatten it."
        if isinstance(value, str | float):
            characters += len(value) if isinstance(value, str) else 0
            _check_leaf(value, trail, findings=findings)
        else:
            for step, part in _parts(value):
                if isinstance(step, str):
                    characters += len(step)
                    _check_leaf(step, trail, findings=findings)
                waiting.append((part, depth + 1, (step, trail)))
        if values + len(waiting) > MAX_VALUES or characters > MAX_TEXT_CHARACTERS:
            return f"The document is too large: at most {MAX_VALUES:,} values and {MAX_TEXT_CHARACTERS:,} characters."
    return None


def _parts(value: JsonValue) -> Iterator[tuple[Step, JsonValue]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from enumerate(value)


def _check_leaf(value: str | float, trail: _Trail, *, findings: Findings) -> None:
    if isinstance(value, float):
        if not math.isfinite(value):
            findings.error(_place(trail), "This is not a number that can be kept. Write a finite one.")
    elif (found := _UNKEEPABLE.search(value)) is not None:
        what = "NUL characters" if found.group() == "\x00" else "half of a character (a lone surrogate)"
        findings.error(_place(trail), f"The text holds {what}. Leave them out.")


def _place(trail: _Trail) -> str:
    steps: list[Step] = []
    while trail is not None:
        step, trail = trail
        steps.append(step)
    place = "$"
    for step in reversed(steps):
        place = inside(place, step)
    return place
