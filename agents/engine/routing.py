# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which ways out of a node are taken, once it has its result."""

from collections import ChainMap
from collections.abc import Mapping, Sequence

from agents.engine.errors import NoWayOut
from agents.engine.expressions import Budget, Scope, evaluate_expression, is_true
from agents.engine.graph import CHOOSING, ELSE, Node, Way
from codexos.kernel.jsontypes import JsonValue


def choose_targets(node: Node, result: JsonValue, scope: Scope) -> Sequence[str] | None:
    """Return the nodes that follow; None where all that are not for errors do.

    Raises NoWayOut where no way is taken, ExpressionInvalid where one cannot be told.
    """
    if not node.has_choice:
        return None
    chosen = _by_outcome(node, result) if node.kind in CHOOSING else _by_expression(node, result, scope)
    if not chosen:
        raise NoWayOut(node_id=node.id)
    return list(dict.fromkeys(way.target for way in chosen))


def _by_outcome(node: Node, result: JsonValue) -> list[Way]:
    branch = result.get("branch", result.get("decision")) if isinstance(result, Mapping) else None
    named = [way for way in node.ways if way.outcome == branch]
    return named or [way for way in node.ways if way.outcome == ELSE]


def _by_expression(node: Node, result: JsonValue, scope: Scope) -> list[Way]:
    seen: Scope = ChainMap({node.id: result}, dict(scope))
    # One for all ways: a node may have a thousand of them.
    budget = Budget()
    held = [
        way.when is not None and way.when != ELSE and is_true(evaluate_expression(way.when, seen, budget=budget))
        for way in node.ways
    ]
    is_else = not any(held)
    return [
        way
        for way, holds in zip(node.ways, held, strict=True)
        if way.when is None or holds or (way.when == ELSE and is_else)
    ]
