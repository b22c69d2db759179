# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A model that calls tools: several at once, wrongly, for ever; what they say goes back to it."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta, ToolCall, ToolOffer, Usage
from codexos.kernel.errors import Broken, Unavailable
from codexos.kernel.jsontypes import JsonObject
from llm.errors import ToolStepsSpent
from llm.operations.tool_steps import answer_with_tools
from tests.llm.line import QUESTION, Line

WEATHER = ToolOffer(
    "weather",
    "What the weather is like.",
    {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
)


def calling(*calls: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    return {"words": (), "calls": calls, "finish": "tool_calls", **more}


class Sky:
    """The tool that is offered."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None

    async def __call__(self, call: ToolCall, arguments: JsonObject) -> str:
        self.asked.append(str(arguments["place"]))
        if self.error is not None:
            raise self.error
        return f"Rain in {arguments['place']}."


async def answered(line: Line, call: Any, most_steps: int = 5, **more: Any) -> tuple[list[Delta], ChatAnswer]:
    request = ChatRequest("gpt-4o", [QUESTION], tools=[WEATHER], **more)
    pieces = answer_with_tools(line.model(), request, call=call, most_steps=most_steps)
    *deltas, answer = [piece async for piece in pieces]
    assert isinstance(answer, ChatAnswer)
    return [piece for piece in deltas if isinstance(piece, Delta)], answer


async def test_calls_are_made_and_their_words_go_back(line: Line):
    calls = (("a", "weather", '{"place": "Bergen"}'), ("b", "weather", '{"place": "Oslo"}'))
    line.provider.will(**calling(*calls, usage=(10, 1))).will(words=("Rain ", "everywhere."), usage=(30, 2))
    sky = Sky()
    deltas, answer = await answered(line, sky)
    assert sorted(sky.asked) == ["Bergen", "Oslo"]
    assert answer.text == "Rain everywhere."
    assert replace(answer.usage, cost_usd=Decimal(0)) == Usage(40, 3)
    assert [delta.text for delta in deltas if delta.text] == ["Rain ", "everywhere."]
    *_, first, second = line.provider.asked[1]["messages"]
    assert first == {"role": "tool", "tool_call_id": "a", "content": "Rain in Bergen."}
    assert second == {"role": "tool", "tool_call_id": "b", "content": "Rain in Oslo."}


async def test_calls_of_one_answer_are_under_way_at_once(line: Line):
    line.provider.will(**calling(*((name, "weather", '{"place": "Bergen"}') for name in "abc"))).will()
    together = asyncio.Barrier(3)

    async def wait_for_the_others(call: ToolCall, arguments: JsonObject) -> str:
        async with asyncio.timeout(10):
            await together.wait()
        return "Rain."

    assert (await answered(line, wait_for_the_others))[1].text == "The lamp was lit in 1871."


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("a", "wether", "{}"), "There is no tool 'wether'. These may be called: 'weather'."),
        (("a", "", "{}"), "There is no tool ''."),
        (("a", "weather", "{place: Bergen"), "cannot be read: Expecting property name"),
        (("a", "weather", '["Bergen"]'), "they are no object. Send one JSON object."),
        (("a", "weather", "[" * 50_000), "they are not JSON"),
        (("a", "weather", "{}"), "do not fit: 'place' is missing. Correct them"),
        (("a", "weather", ""), "do not fit: 'place' is missing"),
        (("a", "weather", '{"place": 3}'), "'place' must be text, not a whole number"),
    ],
)
async def test_a_wrong_call_is_told_to_the_model_in_words(line: Line, call: tuple[str, str, str], words: str):
    line.provider.will(**calling(call)).will(words=("I was wrong.",))
    sky = Sky()
    assert (await answered(line, sky))[1].text == "I was wrong."
    assert sky.asked == []
    assert words in line.provider.asked[1]["messages"][-1]["content"]


async def test_a_tool_that_fails_says_so_to_the_model(line: Line):
    line.provider.will(**calling(("a", "weather", '{"place": "Bergen"}'))).will()
    sky = Sky()
    sky.error = Unavailable("The station does not answer. Try again later.")
    await answered(line, sky)
    assert line.provider.asked[1]["messages"][-1]["content"].startswith("'weather' failed: The station does not")


@pytest.mark.parametrize("error", [Broken("Our bug."), ZeroDivisionError("Our bug.")])
async def test_a_bug_of_ours_is_not_told_to_the_model(line: Line, error: Exception):
    line.provider.will(**calling(("a", "weather", '{"place": "Bergen"}'), ("b", "weather", '{"place": "Oslo"}')))
    sky = Sky()
    sky.error = error
    with pytest.raises(type(error), match="Our bug"):
        await answered(line, sky)
    assert len(line.provider.asked) == 1


async def test_who_never_stops_asking_is_stopped(line: Line):
    sky = Sky()
    for _ in range(9):
        line.provider.will(**calling(("a", "weather", '{"place": "Bergen"}'), usage=(10, 1)))
    with pytest.raises(ToolStepsSpent, match="asked for tools 3 times and still wanted more") as raised:
        await answered(line, sky, most_steps=3)
    assert replace(raised.value.usage, cost_usd=Decimal(0)) == Usage(30, 3)
    assert len(line.provider.asked) == 3
    assert len(sky.asked) == 2  # what nobody would read is not asked for


async def test_who_must_call_a_tool_may_answer_afterwards(line: Line):
    line.provider.will(**calling(("a", "weather", '{"place": "Bergen"}'))).will()
    await answered(line, Sky(), tool_choice="required")
    assert line.provider.asked[0]["tool_choice"] == "required"
    assert "tool_choice" not in line.provider.asked[1]


async def test_more_than_a_model_reads_is_cut(line: Line):
    line.provider.will(**calling(("a", "weather", '{"place": "Bergen"}'))).will()

    async def talk(call: ToolCall, arguments: JsonObject) -> str:
        return "x" * 200_000

    await answered(line, talk)
    assert len(line.provider.asked[1]["messages"][-1]["content"]) == 100_000


async def test_who_is_cancelled_takes_the_calls_along(line: Line):
    line.provider.will(**calling(("a", "weather", '{"place": "Bergen"}')))
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang(call: ToolCall, arguments: JsonObject) -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    asking = asyncio.create_task(answered(line, hang))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ended.is_set()
