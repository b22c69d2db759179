# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Nobody can make an expression run deep, long or large: what is written has a value or an error with a place."""

import contextlib
import json
import sys
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions import (
    FUNCTIONS,
    MAX_EXPRESSION_CHARACTERS,
    MAX_NESTING,
    MAX_STEPS,
    Budget,
    evaluate_expression,
    expression_references,
    references,
    render,
)
from agents.engine.expressions.templates import MAX_KEPT_CHARACTERS, _kept_template
from agents.engine.nodes.rendering import filled_in

SCOPE = {
    "input": "x",
    "a": {"b": [1, "two", {"c": None}], "text": "said"},
    "n": 3,
    "f": 2.5,
    "t": 'a,b {"k": 1}',
    "l": [3, 1, 2],
}

NESTED = {
    "brackets": lambda deep: "(" * deep + "1" + ")" * deep,
    "lists": lambda deep: "[" * deep + "1" + "]" * deep,
    "objects": lambda deep: '{"a":' * deep + "1" + "}" * deep,
    "indexes": lambda deep: "a[" * deep + "0" + "]" * deep,
    "calls": lambda deep: "len(" * deep + "'a'" + ")" * deep,
    "defaults": lambda deep: "default(" * deep + "1" + ",1)" * deep,
    "nots": lambda deep: "not " * deep + "1",
    "exclamations": lambda deep: "!" * deep + "1",
    "minuses": lambda deep: "- " * deep + "n",
    "choices": lambda deep: "1 ? " * deep + "1" + " : 2" * deep,
    "open brackets": lambda deep: "(" * deep,
    "open lists": lambda deep: "[" * deep,
    "closing brackets": lambda deep: "1" + ")" * deep,
}

CHAINS = {
    "or": "0" + " or 0" * 600,
    "and": "1" + "&&1" * 1_000,
    "sums": "1" + "+1" * 1_500,
    "products": "1" + "*1" * 1_500,
    "fallbacks": "null" + "??1" * 1_000,
    "choices": "0?1:" * 900 + "2",
    "items": "[" + "1," * 1_500 + "1]",
}


@pytest.mark.parametrize("nest", NESTED.values(), ids=NESTED.keys())
@pytest.mark.parametrize("place", ["{}", "{{{{ {} }}}}", "Say {{{{ {} }}}}"])
def test_nothing_nests_ten_thousand_deep(nest: Callable[[int], str], place: str):
    read = references if place.startswith("Say") else expression_references
    for deep in (MAX_NESTING + 1, 300, 10_000):
        with pytest.raises(ExpressionInvalid) as refused:
            read(place.format(nest(deep)))
        assert refused.value.position > 0
        assert str(refused.value.position) in refused.value.message or "characters" in refused.value.message
        assert len(refused.value.message) < 300


def test_as_deep_as_promised_is_read():
    for name in ("brackets", "lists", "objects", "nots", "exclamations", "minuses", "defaults"):
        evaluate_expression(NESTED[name](MAX_NESTING), SCOPE)


@pytest.mark.parametrize("written", CHAINS.values(), ids=CHAINS.keys())
def test_long_chains_are_not_deep(written: str):
    assert len(written) <= MAX_EXPRESSION_CHARACTERS
    with _few_frames(150):
        evaluate_expression(written, SCOPE)


def test_the_deepest_expression_needs_few_frames():
    level = "1 or 0 and 1 == 1 ?? 1 + 1 * ("
    with _few_frames(450):
        assert evaluate_expression(level * MAX_NESTING + "1" + ")" * MAX_NESTING, SCOPE) == 1


@contextlib.contextmanager
def _few_frames(count: int):
    """Let Python go only so much deeper than here."""
    here, frame = 0, sys._getframe()
    while frame is not None:
        here, frame = here + 1, frame.f_back
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(here + count)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


BIG = "x" * 1_000_000
MANY = list(range(200_000))


@pytest.mark.parametrize(
    "written",
    [
        "big + big + big",
        "replace(big, 'x', 'xxxxxxxxxxxxxxxx')",
        "replace(big, 'x', big)",
        "join(split(big, 'x'), big)",
        "join(many, '" + "-" * 3_000 + "')",
        "[big, big, big]",
        '{"a": big, "b": {"c": big, "d": big}}',
        "[[[big], [big]], [big]]",
        "upper(big) + lower(big)",
        "text([big]) + to_json(big)",
        "to_json(to_json(to_json(quotes)))",
        "[many, many, many]",
        "many == copied and many == copied",
        "[many, 1] == [copied, 2] and [many, 1] == [copied, 2]",
        "-1 in many and -1 in many or -2 in many or -3 in many",
        "split(big, 'x')",
        "json(commas)",
        " or ".join(["big == other"] * 100),
        " or ".join(["contains(other, 'xxxxxxxxz')"] * 100),
        "text(steps)",
        "join([first(split(big, 'y')), first(split(big, 'y'))], '')",
    ],
)
def test_a_small_expression_stays_small(written: str):
    scope = {
        "big": BIG,
        "other": BIG[:-1] + "y",
        "quotes": '"' * 500_000,
        "many": MANY,
        "copied": list(MANY),
        "commas": "[" + "0," * 400_000 + "0]",
        "steps": {str(number): BIG for number in range(1_000)},
    }
    with pytest.raises(ExpressionInvalid, match=r"makes more than|takes more than") as refused:
        evaluate_expression(written, scope)
    assert f"(position {refused.value.position})" in refused.value.message


def test_what_is_honest_fits():
    scope = {"big": BIG, "same": "".join(BIG), "many": MANY, "copied": list(MANY[:50_000])}
    assert evaluate_expression("len(upper(big)) + len(many)", scope) == 1_200_000
    assert evaluate_expression("big == same and 'y' not in big", scope) is True
    assert evaluate_expression("slice(many, 0, 50000) == copied", scope) is True


def test_doubling_goes_nowhere():
    written = "a"
    for _ in range(9):
        written = f"[{written},{written}]" if len(written) < 1_500 else written
    with pytest.raises(ExpressionInvalid, match="makes more than"):
        evaluate_expression(written, {"a": "x" * 10_000})


def test_a_template_has_one_budget():
    with pytest.raises(ExpressionInvalid, match="takes more than"):
        render("{{ -1 in many }}" * 3, {"many": MANY})


def test_a_budget_is_shared_by_those_who_ask():
    budget = Budget(steps_left=MAX_STEPS)
    evaluate_expression("-1 in many", {"many": MANY}, budget=budget)
    with pytest.raises(ExpressionInvalid, match="takes more than"):
        evaluate_expression("-1 in many", {"many": MANY}, budget=budget)


def test_a_small_setting_cannot_blow_up():
    scope = {"big": BIG}
    with pytest.raises(ExpressionInvalid, match="longer than"):
        render("{{ big }}" * 400, scope)
    with pytest.raises(ExpressionInvalid, match="larger than"):
        filled_in(["{{ big }}"] * 5_000, scope)
    with pytest.raises(ExpressionInvalid, match="makes more than"):
        filled_in("{{ steps }}", {"steps": [BIG] * 1_000})


def test_deep_values_are_walked_without_going_deep():
    deep: list[object] = []
    other: list[object] = []
    for _ in range(50_000):
        deep, other = [deep], [other]
    with _few_frames(150):
        assert evaluate_expression("a == b", {"a": deep, "b": other}) is True
        for written in ("text(a)", "to_json(a)", "join([a], '')"):
            with pytest.raises(ExpressionInvalid, match="nested too deep"):
                evaluate_expression(written, {"a": deep})
    for text in ("[" * 101 + "]" * 101, "[" * 100_000 + "]" * 100_000, '{"a":' * 101 + "1" + "}" * 101):
        with pytest.raises(ExpressionInvalid, match="nested deeper than 100 levels"):
            evaluate_expression("json(t)", {"t": text})


def test_messages_about_large_things_are_short():
    scope = {"a": {"k" * 100_000 + str(number): 1 for number in range(20)}, "t": "z" * 1_000_000}
    for written in ("a.b", "number(t)", "json(t)", "b" * 3_000, "a." + "b" * 3_000, "q" * 3_000 + "(1)"):
        with pytest.raises(ExpressionInvalid) as refused:
            evaluate_expression(written, scope)
        assert len(refused.value.message) < 1_000


def test_no_text_waits_on_a_pattern():
    hostile = "```\n" + "\n" * 500_000 + "x"
    with pytest.raises(ExpressionInvalid, match="cannot read"):
        evaluate_expression("json(t)", {"t": hostile})
    with pytest.raises(ExpressionInvalid):
        references("{{ " + "a-" * 1_900 + "! }}")
    with pytest.raises(ExpressionInvalid):
        references("{{ '" + "\\" * 3_001 + "' }}")


def test_only_short_templates_are_kept():
    _kept_template.cache_clear()
    short, long = "{{ input }}", "{{ input }}" + " " * MAX_KEPT_CHARACTERS
    assert (render(short, SCOPE), render(long, SCOPE)) == ("x", "x" + " " * MAX_KEPT_CHARACTERS)
    assert render("plain", SCOPE) == "plain"
    assert _kept_template.cache_info().currsize == 1


def test_a_value_made_twice_is_not_shared():
    first = evaluate_expression("[1, [2]]", {})
    assert isinstance(first, list)
    first.append(3)
    assert evaluate_expression("[1, [2]]", {}) == [1, [2]]


SIGNS = [*["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "or", "and", "??"], "not in"]
VALUES = [
    "a",
    "n",
    "f",
    "t",
    "l",
    "input",
    "nobody",
    "a.b",
    "a.b[1]",
    "a.text",
    "0",
    "1",
    "-1",
    "2.5",
    "'x'",
    "'a,b'",
    '""',
    "true",
    "false",
    "null",
    "[]",
    "{}",
]
PIECES = [
    *SIGNS,
    *VALUES,
    *["[", "]", "{", "}", "(", ")", ",", ":", "?", "!", ".", "{{", "}}", "'k':"],
    *(f"{name}(" for name in FUNCTIONS),
]


def _grown(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(SIGNS)
    calls = st.sampled_from([*((name, len(one.takes)) for name, one in FUNCTIONS.items()), ("default", 2)])
    return st.one_of(
        st.tuples(inside, signs, inside).map(lambda three: f"({three[0]} {three[1]} {three[2]})"),
        st.tuples(inside, inside, inside).map(lambda three: f"({three[0]} ? {three[1]} : {three[2]})"),
        st.tuples(inside, inside).map(lambda two: f"({two[0]})[{two[1]}]"),
        st.lists(inside, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        inside.map(lambda one: f'{{"k": {one}}}'),
        inside.map(lambda one: f"(not -{one})"),
        calls.flatmap(
            lambda call: st.lists(inside, min_size=call[1], max_size=call[1]).map(
                lambda given: f"{call[0]}({', '.join(given)})"
            )
        ),
    )


@given(st.text(alphabet="{}[]().'\" ab0-+*/%?!=<>&|,:\\u\n\x00é", max_size=80))
@example("{{ a ?? }}")
@settings(max_examples=300)
def test_any_text_is_filled_in_or_refused(template: str):
    with contextlib.suppress(ExpressionInvalid):
        assert isinstance(render(template, {"a": {"b": [1]}, "input": "x"}), str)


@given(st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
@settings(max_examples=300)
def test_any_words_have_a_value_or_an_error_with_a_place(written: str):
    _has_a_value_or_an_error(written)


@given(st.recursive(st.sampled_from(VALUES), _grown, max_leaves=15))
@settings(max_examples=400)
def test_any_expression_has_a_json_value_or_an_error_with_a_place(written: str):
    _has_a_value_or_an_error(written)
    with contextlib.suppress(ExpressionInvalid):
        assert len(expression_references(written)) <= len(written)


def _has_a_value_or_an_error(written: str) -> None:
    budget = Budget()
    try:
        value = evaluate_expression(written, SCOPE, budget=budget)
    except ExpressionInvalid as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert 1 <= refused.position <= len(written) + 1
        assert len(refused.message) < 1_000
        return
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert evaluate_expression(written, SCOPE) == value
    # Small things cost little, whatever is done with them.
    assert budget.steps_left > MAX_STEPS - 10_000
