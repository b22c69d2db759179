# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The expression language: ``{{ planner.text }}``, ``search.results[0].score > 0.5 and len(input) < 200``.

Small and total: paths into earlier results, literals, operators, a fixed list of functions. It has a tokenizer and a
parser of its own, calls nothing in Python, has no loops, and every error says where. Brackets stand at most 32 deep,
and what an evaluation may look at and make is counted, so that no expression runs long or grows large.
"""

from agents.engine.expressions.functions import FUNCTIONS
from agents.engine.expressions.limits import (
    MAX_ACCESSORS,
    MAX_EXPRESSION_CHARACTERS,
    MAX_EXPRESSIONS,
    MAX_NESTING,
    MAX_RENDERED_CHARACTERS,
    MAX_STEPS,
    MAX_TEMPLATE_CHARACTERS,
    MAX_WHOLE_NUMBER,
    RESERVED_NAMES,
    WORDS,
)
from agents.engine.expressions.references import Path
from agents.engine.expressions.templates import (
    SecretIn,
    Template,
    evaluate,
    evaluate_expression,
    expression_references,
    parse_expression,
    parse_template,
    references,
    render,
    secret_text,
)
from agents.engine.expressions.tree import Expression, Literal, Name, Reach, SecretName
from agents.engine.expressions.values import is_true, kind_of, text_of
from agents.engine.expressions.verdicts import is_verdict
from agents.engine.expressions.work import Budget, Scope

__all__ = [
    "FUNCTIONS",
    "MAX_ACCESSORS",
    "MAX_EXPRESSIONS",
    "MAX_EXPRESSION_CHARACTERS",
    "MAX_NESTING",
    "MAX_RENDERED_CHARACTERS",
    "MAX_STEPS",
    "MAX_TEMPLATE_CHARACTERS",
    "MAX_WHOLE_NUMBER",
    "RESERVED_NAMES",
    "WORDS",
    "Budget",
    "Expression",
    "Literal",
    "Name",
    "Path",
    "Reach",
    "Scope",
    "SecretIn",
    "SecretName",
    "Template",
    "evaluate",
    "evaluate_expression",
    "expression_references",
    "is_true",
    "is_verdict",
    "kind_of",
    "parse_expression",
    "parse_template",
    "references",
    "render",
    "secret_text",
    "text_of",
]
