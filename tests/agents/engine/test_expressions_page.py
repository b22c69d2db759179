# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""docs/expressions.md tells the truth: every example on it is worked out here."""

import json
import re
from collections.abc import Iterator, Mapping

import pytest

from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions import FUNCTIONS, MAX_EXPRESSION_CHARACTERS, MAX_STEPS, evaluate_expression, render
from tests.architecture.sources import HOUSE

PAGE = (HOUSE / "docs" / "expressions.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
SCOPE = json.loads(next(body for kind, body in BLOCKS if kind == "json"))


def _rows(*columns: str) -> Iterator[Mapping[str, str]]:
    """Give the rows of every table that has these columns."""
    for table in re.findall(r"(?:^\|.*\|\n)+", PAGE, re.MULTILINE):
        head, _, *rows = (re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines())
        names = [name.strip() for name in head]
        if set(columns) <= set(names):
            for row in rows:
                yield dict(zip(names, (cell.strip().replace("\\|", "|").strip("`") for cell in row), strict=True))


EXAMPLES = [(row["written"], row["gives"]) for row in _rows("written", "gives")]
ERRORS = [(row["written"], row["says"]) for row in _rows("written", "says")]
EXPRESSIONS = [body for kind, body in BLOCKS if kind == "expression"]


def test_the_examples_are_found():
    assert len(EXAMPLES) > 60
    assert len(ERRORS) > 10
    assert len(EXPRESSIONS) >= 4


@pytest.mark.parametrize(("written", "gives"), EXAMPLES)
def test_an_example_gives_what_the_page_says(written: str, gives: str):
    found = evaluate_expression(written, SCOPE)
    assert json.dumps(found, ensure_ascii=False) == gives


@pytest.mark.parametrize(("written", "says"), ERRORS)
def test_an_error_says_what_the_page_says(written: str, says: str):
    with pytest.raises(ExpressionInvalid) as refused:
        evaluate_expression(written, SCOPE)
    assert refused.value.message.startswith(says)


@pytest.mark.parametrize("written", EXPRESSIONS)
def test_a_shown_expression_works(written: str):
    assert evaluate_expression(written, SCOPE) in (True, "Dear Ada", "The harbor lies north.", 5)
    assert render(f"Say {{{{ {written} }}}}.", SCOPE).endswith(".")


def test_every_function_is_on_the_page_and_no_other():
    signatures = {f"{name}({', '.join(one.takes)})" for name, one in FUNCTIONS.items()}
    assert {row["function"] for row in _rows("function", "gives")} == signatures | {"default(value, fallback)"}


def test_the_limits_are_those_of_the_code():
    assert f"{MAX_EXPRESSION_CHARACTERS:,} characters" in PAGE
    assert f"{MAX_STEPS:,} steps" in PAGE
