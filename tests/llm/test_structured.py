# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Answers that are to fit a schema: found in what a model says, put right once, refused in words."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta, Message, Usage
from llm.engine.structured import read_answer
from llm.errors import ModelAnswerUnfit, ModelOverloaded
from llm.operations.structuring import Structured
from tests.llm.line import QUESTION, Line

SKY: Any = {
    "type": "object",
    "properties": {"sky": {"enum": ["blue", "gray"]}, "degrees": {"type": "integer"}},
    "required": ["sky"],
    "additionalProperties": False,
}


@pytest.fixture
def asked(line: Line) -> Line:
    return Line(line.provider, Structured)


@pytest.mark.parametrize(
    "text",
    [
        '{"sky": "blue"}',
        '  {"sky": "blue"}\n',
        '```json\n{"sky": "blue"}\n```',
        '```\n{"sky": "blue"}\n```',
        'Here it is:\n```json\n{"sky": "blue"}\n```\nAnything else?',
        'The answer is {"sky": "blue"}. Not {"sky": "green"}.',
        'First I thought {"sky": "green"}, but it is {"sky": "blue"}.',
        'A set {a, b} and a list [1, 2: {"sky": "blue"}',
    ],
)
def test_json_is_found_wherever_it_stands(text: str):
    reading = read_answer(ChatAnswer(text, "m"), SKY)
    assert (reading.value, reading.wrong) == ({"sky": "blue"}, ())


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "it is empty"),
        ("Blue, I think.", "it is not JSON: Expecting value at line 1, column 1"),
        ('{"sky": "blue",}', "it is not JSON: "),
        ('{"sky": "green"}', '\'sky\' must be one of "blue", "gray"'),
        ("{}", "'sky' is missing"),
        ('{"sky": "blue", "degrees": "ten"}', "'degrees' must be a whole number, not text"),
        ('{"sky": "blue", "wind": 3}', "'wind' is not asked for"),
        ("[]", "it must be an object, not a list"),
        ('{"sky": NaN}', "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("9" * 10_000, "it is not JSON"),
    ],
)
def test_what_is_wrong_is_said_in_words(text: str, wrong: str):
    (said, *_) = read_answer(ChatAnswer(text, "m"), SKY).wrong
    assert said.startswith(wrong)


def test_an_answer_that_was_cut_off_is_said_to_be():
    cut = ChatAnswer('{"sky": "bl', "m", finish_reason="length")
    assert read_answer(cut, SKY).wrong == ["it was cut off at the limit of tokens, so keep it shorter"]


@given(st.text() | st.text(alphabet='{}[]",:`\n1a\\ '))
def test_nothing_a_model_says_is_too_much_for_it(text: str):
    reading = read_answer(ChatAnswer(text, "m"), SKY)
    assert reading.wrong or reading.value in ({"sky": "blue"}, {"sky": "gray"})


async def test_an_answer_that_fits_is_read(asked: Line):
    asked.provider.will(words=('{"sky": ', '"blue"}'))
    deltas, answer = await asked.ask(schema=SKY)
    assert answer.value == {"sky": "blue"}
    assert "".join(delta.text for delta in deltas) == answer.text
    (told,) = asked.provider.asked
    assert told["messages"][0]["role"] == "system"
    assert '"enum": ["blue", "gray"]' in told["messages"][0]["content"]
    assert told["response_format"]["json_schema"]["schema"] == SKY


async def test_the_systems_words_stay_before_the_form(asked: Line):
    asked.provider.will(words=('{"sky": "blue"}',))
    await asked.ask(Message("system", "Be brief."), Message("user", "Sky?"), schema=SKY)
    assert asked.provider.asked[0]["messages"][0]["content"].startswith("Be brief.\n\nAnswer with JSON alone")


async def test_an_answer_that_does_not_fit_is_put_right_once(asked: Line):
    asked.provider.will(words=('{"sky": "green"}',), usage=(10, 2)).will(words=('{"sky": "gray"}',), usage=(30, 3))
    deltas, answer = await asked.ask(schema=SKY)
    assert answer.value == {"sky": "gray"}
    assert replace(answer.usage, cost_usd=Decimal(0)) == Usage(40, 5)
    assert "asked once more: 'sky' must be one of" in (answer.note or "")
    assert [delta.text for delta in deltas] == ['{"sky": "green"}', ""]
    *_, mine, complaint = asked.provider.asked[1]["messages"]
    assert mine == {"role": "assistant", "content": '{"sky": "green"}'}
    assert "- 'sky' must be one of" in complaint["content"]


async def test_a_second_answer_that_does_not_fit_is_refused_with_what_is_wrong(asked: Line):
    asked.provider.will(words=("blue",), usage=(10, 2)).will(words=("{}",), usage=(30, 3)).will(words=("never",))
    with pytest.raises(
        ModelAnswerUnfit, match=r"'gpt-4o-0613' did not answer.*asked twice: 'sky' is missing"
    ) as raised:
        await asked.ask(schema=SKY)
    assert replace(raised.value.usage, cost_usd=Decimal(0)) == Usage(40, 5)
    assert raised.value.retryable is False
    assert len(asked.provider.asked) == 2


async def test_trouble_on_the_second_time_is_what_it_is(asked: Line):
    asked.provider.will(words=("blue",)).will(status=503, error=b"")
    with pytest.raises(ModelOverloaded):
        await asked.ask(schema=SKY)


async def test_without_a_schema_nothing_is_added(asked: Line):
    deltas, answer = await asked.ask()
    assert (len(deltas), answer.value) == (3, None)
    assert "response_format" not in asked.provider.asked[0]


async def test_who_asks_for_a_tool_first_is_not_taken_at_that_word(asked: Line):
    asked.provider.will(words=("Let me see.",), calls=(("a", "look", "{}"),), finish="tool_calls")
    _, answer = await asked.ask(schema=SKY)
    assert [call.name for call in answer.calls] == ["look"]
    assert len(asked.provider.asked) == 1


async def test_who_stops_listening_hangs_up(asked: Line):
    asked.provider.will(never_ends=True)
    stream = asked.model().stream(ChatRequest("gpt-4o", [QUESTION], schema=SKY))
    assert isinstance(await anext(stream), Delta)
    await stream.aclose()
    assert await asyncio.to_thread(asked.provider.hung_up.wait, 10)
