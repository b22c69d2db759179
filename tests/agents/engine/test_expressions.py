# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The expression language: what it reads and works out, and what it says of what it cannot."""

import json
from collections import ChainMap

import pytest

from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions import (
    evaluate,
    evaluate_expression,
    expression_references,
    is_true,
    parse_expression,
    references,
    render,
)
from agents.engine.nodes.rendering import filled_in

SCOPE = {
    "input": "Where?",
    "planner": {"text": "Look north", "usage": {"input_tokens": 3}, "score": 0.5, "none": None, "in": "kept"},
    "search": {"results": [{"url": "file:a.md", "text": "A"}, {"url": "file:b.md", "text": "B"}]},
    "my-tool": [1, 2],
    "my": 5,
    "n": 1,
    "answer": {"text": '```json\n{"score": 7, "tags": ["x"]}\n```'},
    "deep": {"a": [1, {"b": 2.0}]},
    "steps": {"odd id!": {"text": "odd"}},
}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("no braces", "no braces"),
        ("", ""),
        ("Q: {{ input }}!", "Q: Where?!"),
        ("{{planner.text}}", "Look north"),
        ("{{ planner }}", "Look north"),
        ("{{ search.results[0].url }} {{ search.results[-1]['url'] }}", "file:a.md file:b.md"),
        ("{{ my-tool[1] }}", "2"),
        ('{{ steps["odd id!"].text }}', "odd"),
        ("{{ planner.usage }}", '{"input_tokens":3}'),
        ('{{ "{{ }}" }}', "{{ }}"),
        ("a } b }} c", "a } b }} c"),
        ('{{ {"a": {"b": {}}} }} and {{{"a":{"b":1}}}}', '{"a":{"b":{}}} and {"a":{"b":1}}'),
        ("{{ '}}' + \"'}}\" }}", "}}'}}"),
        ("{{ 'it\\'s }}' }}", "it's }}"),
        ("{{ true }} {{ null }} {{ 1.50 }}", "true null 1.5"),
        ("{{ 'Dear ' + (planner.name ?? 'friend') }}", "Dear friend"),
    ],
)
def test_templates_are_filled_in(template: str, said: str):
    assert render(template, SCOPE) == said


def test_a_lone_expression_keeps_its_type():
    assert evaluate(" {{ search.results }} ", SCOPE) == SCOPE["search"]["results"]
    assert evaluate("{{ my }}{{ my }}", SCOPE) == "55"
    assert filled_in({"n": ["{{ my-tool[0] }}", "n={{ my-tool[0] }}", 5]}, SCOPE) == {"n": [1, "n=1", 5]}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # Literals.
        (r"'a\n\t\"\'\\\u00e9\ud83d\ude00'", "a\n\t\"'\\é😀"),
        ('"it\'s"', "it's"),
        ("12", 12),
        ("9007199254740992", 2**53),
        ("1.5e3", 1500.0),
        ("[1, 'a', [null], {}]", [1, "a", [None], {}]),
        ('{"k": {"l": true}, "m": []}', {"k": {"l": True}, "m": []}),
        # Paths.
        ("search.results[n].url", "file:b.md"),
        ("search.results[my-tool[0]].text", "B"),
        ("search.results[len(search.results) - 1].url", "file:b.md"),
        ("planner['te' + 'xt']", "Look north"),
        ("planner.in", "kept"),
        ("(planner).text", "Look north"),
        ("json(answer.text).score", 7),
        ("[1, 2][1]", 2),
        ("my -1", 4),
        ("my - 1", 4),
        ("my-tool[0]-1", 0),
        # Arithmetic, and who comes first.
        ("1 + 2 * 3 - 4", 3),
        ("(1 + 2) * 3", 9),
        ("10 - 3 - 2", 5),
        ("6 / 2", 3),
        ("7 / 2", 3.5),
        ("2.5 + 2.5", 5),
        ("0.1 + 0.2", 0.30000000000000004),
        ("7 % 3", 1),
        ("-7 % 3", 2),
        ("-my * 2", -10),
        ("- -my", 5),
        ("2 - -2", 4),
        ("-0.0", 0),
        ("'a' + 'b' + \"c\"", "abc"),
        # Comparisons.
        ("1 == 1.0", True),
        ("1 == true", False),
        ("0 == false", False),
        ("'1' == 1", False),
        ("null == false", False),
        ("deep.a == [1, {'b': 2}]", True),
        ("deep.a == [1, {'c': 2}]", False),
        ("deep.a == [true, {'b': 2}]", False),
        ("[1] != [1, 2]", True),
        ("{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", True),
        ("1 < 2.5", True),
        ("'abc' < 'abd' and 'Z' < 'a'", True),
        ("2 >= 2 and 2 <= 2 and not 2 > 2", True),
        ("'north' in planner.text", True),
        ("2 in my-tool", True),
        ("true in my-tool", False),
        ("'usage' in planner", True),
        ("'x' not in planner", True),
        # Logic gives one of its sides.
        ("'' or 'b'", "b"),
        ("'a' || 'b'", "a"),
        ("0 and nobody", 0),
        ("1 && 2 && 3", 3),
        ("true or nobody", True),
        ("not my == 5", False),
        ("!my == 5", False),
        ("!(my == 4)", True),
        ("not not 1", True),
        ("true or true and false", True),
        # What is missing.
        ("planner.name ?? 'friend'", "friend"),
        ("nobody.text ?? planner.text", "Look north"),
        ("nobody ?? input.name ?? planner.none ?? 4", 4),
        ("nobody ?? null", None),
        ("planner.score ?? 0 > 0.4", True),
        ("planner.none ?? 2 + 3", 5),
        ("'' ?? 'x'", ""),
        ("upper(nobody.text) ?? 'x'", "x"),
        ("default(planner.none, 5)", 5),
        ("default(nobody.a.b, nobody ?? 6)", 6),
        ("default(0, 5)", 0),
        ("nobody == null", True),
        ("null != planner.name", False),
        ("planner != null ? planner.text : 'none'", "Look north"),
        ("search.results[9] == null", True),
        # Choices.
        ("true ? 1 : nobody", 1),
        ("my > 9 ? 'big' : my > 4 ? 'medium' : 'small'", "medium"),
        ("true ? false ? 1 : 2 : 3", 2),
        ("my > 3 ? {'a': 1} : {}", {"a": 1}),
        # Functions.
        ("len('äö') + len(my-tool) + len(planner.usage)", 5),
        ("lower('ÄB') + upper('äb') + trim('  c\n')", "äbÄBc"),
        ("replace('a-b-c', '-', '+')", "a+b+c"),
        ("contains(planner.text, 'north')", True),
        ("contains(my-tool, 2) and not contains(my-tool, '2')", True),
        ("starts_with('abc', 'ab') and ends_with('abc', 'bc')", True),
        ("split('a, b,c', ',')", ["a", " b", "c"]),
        ("split('', ',')", [""]),
        ("join(['a', 1, null, true], '-')", "a-1-null-true"),
        ("join(search.results, '+')", "A+B"),
        ("join([], ', ')", ""),
        ("slice('abcdef', 1, 3) + slice('abc', -1, 9)", "bcc"),
        ("slice([1, 2, 3], 0, 2)", [1, 2]),
        ("first(my-tool) + last(my-tool)", 3),
        ("first([]) ?? 'none'", "none"),
        ("last([]).url ?? 'none'", "none"),
        ("keys(planner.usage)", ["input_tokens"]),
        ("text(5) + text(1.0) + text(true) + text(null) + text(planner)", "51.0truenullLook north"),
        ("number(' 12 ') + number('-1.5') + number(2) + number('1e2')", 112.5),
        ("json('[1, 2.5, {\"a\": null}]')", [1, 2.5, {"a": None}]),
        ("to_json({'a': ['é', 1]})", '{"a":["é",1]}'),
        ("json(to_json(planner)) == planner", True),
        ("round(2.5, 0)", 3),
        ("round(1.005, 2)", 1.01),
        ("round(-2.5, 0)", -3),
        ("round(7, 2)", 7),
    ],
)
def test_an_expression_has_a_value(expression: str, value: object):
    for written in (expression, f" {{{{ {expression} }}}}\n", f"{{{{{expression}}}}}"):
        found = evaluate_expression(written, SCOPE)
        assert (found, type(found)) == (value, type(value))
    assert evaluate(f"{{{{ {expression} }}}}", SCOPE) == value


def test_a_name_of_a_function_is_no_reserved_word():
    assert evaluate_expression("text.first + first(list)", {"text": {"first": 1}, "list": [2]}) == 3


def test_scopes_of_a_run_are_read_like_others():
    results = {"a": {"text": "b"}}
    assert render("{{ a.text }}{{ steps.a.text }}", ChainMap({"input": 1, "steps": results}, results)) == "bb"


@pytest.mark.parametrize(
    ("template", "position", "said"),
    [
        ("{{ input", 1, "not closed"),
        ("{{ }}", 1, "empty"),
        ("ab {{ 1 + + 1 }}", 11, "'+'"),
        ("{{ 1 + }}", 8, "ends too early"),
        ("{{ planner..text }}", 12, "'.'"),
        ("{{ planner.text() }}", 16, "'('"),
        ("{{ __import__('os') }}", 4, "no function '__import__'"),
        ("{{ search[ }}", 12, "ends too early"),
        ("{{ search[0 }}", 13, "ends too early"),
        ("{{ (1 }}", 7, "Close the bracket"),
        ("{{ (1] }}", 6, "']'"),
        ("{{ {'a' 1} }}", 9, "'1'"),
        ("{{ {a: 1} }}", 5, "in quotes"),
        ("{{ {'a': 1, 'a': 2} }}", 13, "once"),
        ("{{ [1,] }}", 7, "']'"),
        ("{{ 'x' 5 }}", 8, "'5'"),
        ("{{ 1 < 2 < 3 }}", 10, "joined with 'and'"),
        ("{{ 1 == not 2 }}", 9, "'not'"),
        ("{{ a ? b }}", 10, "condition ? this : that"),
        ("{{ a = b }}", 6, "write =="),
        ("{{ a | upper }}", 6, "Unexpected '|'"),
        ("{{ “a” }}", 4, "straight quotes"),
        ("{{ 'abc }}", 4, "no closing '"),
        (r"{{ 'a\q' }}", 6, r"'\\q'"),
        (r"{{ 'a\u12' }}", 6, "'\\\\u'"),
        (r"{{ '\ud800' }}", 4, "half a character"),
        (r"{{ '\u0000' }}", 5, "u0000"),
        ("{{ 10px }}", 4, "'10px'"),
        ("{{ 9007199254740993 }}", 4, "too large"),
        ("{{ 1e999 }}", 4, "too large"),
        ("{{ uper('a') }}", 4, "Did you mean 'upper'?"),
        ("{{ qqqqqq('a') }}", 4, "Use one of: contains, default"),
        ("{{ upper('a', 'b') }}", 4, "Write upper(text)"),
        ("{{ default(1) }}", 4, "Write default(value, fallback)"),
        ("{{ " + "x" * 10_000 + " }}", 1, "not closed within"),
        ("{{ a" + ".a" * 400 + " }}", 69, "deeper than 32 steps"),
        ("{{ " + "[" * 900 + " }}", 37, "nested deeper than 32"),
    ],
)
def test_what_cannot_be_read_says_where(template: str, position: int, said: str):
    with pytest.raises(ExpressionInvalid) as refused:
        references(template)
    assert said in refused.value.message
    assert position == refused.value.position
    assert str(position) in refused.value.message


@pytest.mark.parametrize(
    ("template", "position", "said"),
    [
        ("{{ nobody }}", 4, "Nothing called 'nobody'"),
        ("{{ my-n }}", 4, "spaces around the minus"),
        ("{{ planner.words }}", 4, "it has in, none, score, text, usage"),
        ("{{ search.results[9] }}", 4, "has 2 items"),
        ("{{ input.text }}", 4, "is text"),
        ("{{ input.__class__.__mro__ }}", 4, "is text"),
        ("{{ my-tool.append }}", 4, "is a list"),
        ("{{ first([]).url }}", 4, "'first(…)' is empty (null)"),
        ("{{ my-tool[true] }}", 4, "not true or false"),
        ("{{ my-tool[0.5] }}", 4, "not a number"),
        ("{{ 1 + nobody.a }}", 8, "Nothing called 'nobody'"),
        ("{{ planner.words or 1 }}", 4, "has no 'words'"),
        ("{{ 1 + 'a' }}", 6, "not a number and text"),
        ("{{ [1] + [2] }}", 8, "not a list and a list"),
        ("{{ 2 * 'a' }}", 6, "'*' takes numbers, not text"),
        ("{{ true - 1 }}", 9, "'-' takes numbers, not true or false"),
        ("{{ -'a' }}", 4, "'-' takes numbers, not text"),
        ("{{ 5 / (3 - 3) }}", 6, "divided by zero"),
        ("{{ 5 % 0.0 }}", 6, "divided by zero"),
        ("{{ 1e308 * 10 }}", 10, "too large"),
        ("{{ 9007199254740992 + 1 }}", 21, "beyond 9,007,199,254,740,992"),
        ("{{ 1 < 'a' }}", 6, "a number with text"),
        ("{{ null < 1 }}", 9, "empty (null) with a number"),
        ("{{ true < false }}", 9, "true or false with true or false"),
        ("{{ 1 in 'abc' }}", 6, "A number cannot be looked for in text"),
        ("{{ 1 in 5 }}", 6, "in a number"),
        ("{{ upper(5) }}", 4, "upper() takes text, not a number"),
        ("{{ join('a', ',') }}", 4, "a list as its value 1, not text"),
        ("{{ split('a', '') }}", 4, "no empty text"),
        ("{{ number('five') }}", 4, "'five' cannot be read as a number"),
        ("{{ number('١') }}", 4, "cannot be read as a number"),
        ("{{ number(true) }}", 4, "not true or false"),
        ("{{ json('{') }}", 4, "json() cannot read the text"),
        ("{{ json('NaN') }}", 4, "NaN is no number"),
        ("{{ json('1e999') }}", 4, "too large"),
        ("{{ json('9007199254740993') }}", 4, "beyond"),
        (r"{{ json('\"\\ud800\"') }}", 4, "half a character"),
        ("{{ round(1.5, 99) }}", 4, "0 to 15 digits"),
        ("{{ round(1.5, 0.5) }}", 4, "whole number"),
        ("{{ len(null) }}", 4, "not empty (null)"),
        ("{{ (1 + 'a') ?? 2 }}", 7, "not a number and text"),
    ],
)
def test_what_cannot_be_worked_out_says_where(template: str, position: int, said: str):
    with pytest.raises(ExpressionInvalid) as refused:
        render(template, SCOPE)
    assert said in refused.value.message
    assert position == refused.value.position
    assert f"(position {position})" in refused.value.message


def test_an_expression_stands_alone():
    with pytest.raises(ExpressionInvalid, match="one expression, not a text") as refused:
        parse_expression("{{ input }} and {{ input }}")
    assert refused.value.position == 12
    with pytest.raises(ExpressionInvalid, match="empty"):
        parse_expression("  ")
    with pytest.raises(ExpressionInvalid, match="has 5,001 characters"):
        parse_expression("1" * 5_001)


@pytest.mark.parametrize("value", [False, None, 0, 0.0, "", [], {}])
def test_what_is_empty_is_not_true(value: object):
    assert is_true(value) is False
    assert evaluate_expression("v ? 1 : 2", {"v": value}) == 2


@pytest.mark.parametrize("value", [True, 1, -0.5, " ", "false", "0", [None], {"a": None}])
def test_everything_else_is_true(value: object):
    assert is_true(value) is True
    assert evaluate_expression("not v", {"v": value}) is False


def test_references_name_the_steps_they_read():
    assert [path.node_id for path in references("{{ a.text }} {{ input }} {{ steps['b c'].d }} {{ steps }}")] == [
        "a",
        None,
        "b c",
        None,
    ]


def test_references_tell_what_may_be_missing():
    paths = expression_references("a.x ?? b.y == null and default(c[d], e) or f[g.h] + first([i ?? j]).k")
    assert {str(path): path.is_optional for path in paths} == {
        "a.x": True,
        "b.y": True,
        "c": True,
        "d": True,
        "e": False,
        "f": False,
        "g.h": False,
        "i": True,
        "j": False,
    }
    assert [path.position for path in paths] == sorted(path.position for path in paths)


def test_references_are_seen_wherever_they_stand():
    written = "a ? [b, {'k': c}] : -d and !e and not f ? upper(g.text) : h in i[j][0] or steps[k].x == steps['l'].y"
    paths = expression_references(written)
    assert [path.node_id for path in paths] == [*"abcdefghij", None, "k", "l"]
    assert not any(path.is_optional for path in paths)
    assert all(written[path.position - 1 :].startswith(path.root) for path in paths)


def test_numbers_read_back_the_same():
    for number in (0.1, 1e300, 5e-324, 123456.789, 2**53, -1):
        assert evaluate_expression("json(text(n)) == n and number(text(n)) == n", {"n": number}) is True
        assert render("{{ n }}", {"n": number}) == json.dumps(number)
