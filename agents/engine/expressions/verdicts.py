# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which expressions come to true or false, whatever they read?"""

from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions.operators import COMPARISONS
from agents.engine.expressions.templates import parse_expression
from agents.engine.expressions.tree import Chain, Either, Expression, Literal, Not


def is_verdict(text: str) -> bool:
    """Whether an expression comes to true or false and nothing else; no where it cannot be read."""
    try:
        return _is_verdict(parse_expression(text))
    except ExpressionInvalid:
        return False


def _is_verdict(expression: Expression) -> bool:
    if isinstance(expression, Either):
        return all(_is_verdict(option) for option in expression.options)
    if isinstance(expression, Chain):
        return expression.links[-1].operator in COMPARISONS.values()
    return isinstance(expression, Not) or (isinstance(expression, Literal) and isinstance(expression.written, bool))
