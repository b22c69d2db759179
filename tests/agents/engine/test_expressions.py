# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The template language: what it reads, and that it reads nothing else."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions import evaluate, references, render
from agents.engine.nodes.rendering import filled_in

SCOPE = {
    "input": "Where?",
    "planner": {"text": "Look north", "usage": {"input_tokens": 3}},
    "search": {"results": [{"url": "file:a.md"}, {"url": "file:b.md"}]},
    "my-tool": [1, 2],
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
    ],
)
def test_templates_are_filled_in(template: str, said: str):
    assert render(template, SCOPE) == said


def test_a_lone_expression_keeps_its_type():
    assert evaluate(" {{ search.results }} ", SCOPE) == SCOPE["search"]["results"]
    assert filled_in({"n": ["{{ my-tool[0] }}", "n={{ my-tool[0] }}", 5]}, SCOPE) == {"n": [1, "n=1", 5]}


@pytest.mark.parametrize(
    ("template", "position", "said"),
    [
        ("{{ input", 1, "not closed"),
        ("{{ }}", 1, "empty"),
        ("ab {{ 1 + 1 }}", 9, "'+'"),
        ("{{ planner..text }}", 12, "'.'"),
        ("{{ planner.text() }}", 16, "'('"),
        ("{{ __import__('os') }}", 14, "'('"),
        ("{{ search[ }}", 10, "'['"),
        ("{{ nobody }}", 4, "Nothing called 'nobody'"),
        ("{{ planner.words }}", 4, "it has text, usage"),
        ("{{ search.results[9] }}", 4, "has 2 items"),
        ("{{ input.text }}", 4, "is text"),
        ("{{ input.__class__.__mro__ }}", 4, "is text"),
        ("{{ my-tool.append }}", 4, "is a list"),
        ("{{ " + "x" * 10_000 + " }}", 1, "not closed within"),
        ("{{ a" + ".a" * 400 + " }}", 0, "deeper than 32"),
        ("{{ " + "[" * 900 + " }}", 4, "'['"),
        ("{{ 'x' 5 }}", 8, "'5'"),
    ],
)
def test_what_cannot_be_read_says_where(template: str, position: int, said: str):
    with pytest.raises(ExpressionInvalid) as refused:
        render(template, SCOPE)
    assert said in refused.value.message
    assert position in {0, refused.value.position}


def test_references_name_the_steps_they_read():
    assert [path.node_id for path in references("{{ a.text }} {{ input }} {{ steps['b c'].d }} {{ steps }}")] == [
        "a",
        None,
        "b c",
        None,
    ]


def test_a_small_setting_cannot_blow_up():
    scope = {"big": "x" * 1_000_000}
    with pytest.raises(ExpressionInvalid, match="longer than"):
        render("{{ big }}" * 400, scope)
    with pytest.raises(ExpressionInvalid, match="larger than"):
        filled_in(["{{ big }}"] * 5_000, scope)


@given(st.text(alphabet="{}[].'\" ab0-\\\n\x00é", max_size=60))
def test_any_text_is_filled_in_or_refused(template: str):
    with contextlib.suppress(ExpressionInvalid):
        assert isinstance(render(template, {"a": {"b": [1]}, "input": "x"}), str)
