# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Do the templates read what is there by then? Every reference is to the input or to an earlier node."""

from collections.abc import Iterator, Mapping, Sequence

from agents.engine.drawing import Box, shown
from agents.engine.errors import ExpressionInvalid, Problem
from agents.engine.expressions import Path, references
from agents.engine.nodes.rendering import texts_of
from agents.engine.registry import KINDS


def check_references(boxes: Sequence[Box], problems: list[Problem]) -> None:
    """Add every template that cannot be read and every reference that could never be filled in."""
    by_id = {box.id: box for box in boxes}
    earlier = _earlier(boxes, by_id)
    for box in boxes:
        for place, text in _templates(box):
            try:
                paths = references(text)
            except ExpressionInvalid as error:
                problems.append(Problem(place, error.message))
                continue
            problems.extend(Problem(place, trouble) for trouble in _troubles(paths, box, by_id=by_id, order=earlier))


def _templates(box: Box) -> Iterator[tuple[str, str]]:
    kind = KINDS.get(box.kind)
    for name, setting in kind.settings.items() if kind else ():
        if setting.is_template and name in box.settings:
            yield from texts_of(box.settings[name], f"{box.settings_place}.{name}")


def _earlier(boxes: Sequence[Box], by_id: Mapping[str, Box]) -> Mapping[str, int]:
    """Number the nodes in the order of the chain; those it never reaches have no number."""
    order: dict[str, int] = {}
    current = next((box for box in boxes if box.kind == "entry"), None)
    while current is not None and current.id not in order:
        order[current.id] = len(order)
        current = by_id.get(current.targets[0].id) if current.targets else None
    return order


def _troubles(paths: Sequence[Path], box: Box, *, by_id: Mapping[str, Box], order: Mapping[str, int]) -> Iterator[str]:
    for path in paths:
        node_id = path.node_id
        if node_id is None:
            continue
        if node_id not in by_id:
            yield (
                f"{shown(node_id)} (position {path.position}) is neither 'input' nor a node of this flow. "
                "Name one that is there."
            )
        elif box.id in order and order.get(node_id, len(order)) >= order[box.id]:
            yield (
                f"{shown(node_id)} (position {path.position}) has no result yet when {shown(box.id)} runs. "
                "Read from the input or an earlier node."
            )
