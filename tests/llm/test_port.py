# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the port carries to a provider of OpenAI's kind and back: settings, pictures, tools, schemas, what was spent."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from codexos.kernel.chat import CallPiece, Image, Message, ToolCall, ToolOffer, Usage
from llm.adapters import clients
from llm.adapters.refusals import retry_after_in
from llm.engine.completions import ChunkUnreadable, Completion
from tests.llm.line import Line

WEATHER = ToolOffer("weather", "What the weather is like.", {"type": "object", "properties": {"in": {}}})


async def test_settings_travel(line: Line):
    await line.ask(temperature=0.5, top_p=0.9, seed=7, stop=["END"], max_tokens=20)
    told = line.provider.asked[0]
    assert {name: told[name] for name in ("temperature", "top_p", "seed", "stop", "max_tokens")} == {
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["END"],
        "max_tokens": 20,
    }


async def test_what_a_thinking_model_does_not_take_is_left_out_and_said(line: Line):
    _, answer = await line.ask(model="o3-mini", temperature=0.5, top_p=0.9, stop=["END"], seed=7)
    assert {"temperature", "top_p", "stop"}.isdisjoint(line.provider.asked[0])
    assert line.provider.asked[0]["seed"] == 7
    assert "takes no temperature or top_p or stop, so they were left out" in (answer.note or "")


async def test_a_picture_is_shown_beside_the_words(line: Line):
    await line.ask(Message("user", "What is this?", images=[Image("image/png", b"\x89PNG")]))
    assert line.provider.asked[0]["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
            ],
        }
    ]


async def test_calls_at_once_come_in_pieces_and_are_put_together(line: Line):
    line.provider.will(
        words=(),
        calls=(("call_a", "weather", '{"in": "Bergen"}'), ("call_b", "weather", '{"in": "Oslo"}')),
        finish="tool_calls",
    )
    deltas, answer = await line.ask(tools=[WEATHER], tool_choice="required")
    assert answer.calls == (
        ToolCall("call_a", "weather", '{"in": "Bergen"}'),
        ToolCall("call_b", "weather", '{"in": "Oslo"}'),
    )
    assert (answer.finish_reason, answer.note, answer.text) == ("tool_calls", None, "")
    pieces = [delta.call for delta in deltas if delta.call]
    assert pieces[0] == CallPiece(0, "weather", "")
    assert "".join(piece.arguments for piece in pieces if piece.index == 1) == '{"in": "Oslo"}'
    asked = line.provider.asked[0]
    assert asked["tools"][0]["function"] == {
        "name": "weather",
        "description": "What the weather is like.",
        "parameters": {"type": "object", "properties": {"in": {}}},
    }
    assert asked["tool_choice"] == "required"


async def test_what_tools_said_goes_back_under_the_ids_of_their_calls(line: Line):
    calls = [ToolCall("call_a", "weather", "{}"), ToolCall("call_b", "weather", "{}")]
    await line.ask(
        Message("user", "How is the weather?"),
        Message("assistant", "", calls=calls),
        Message("tool", "Rain.", call_id="call_a"),
        Message("tool", "Sun.", call_id="call_b"),
    )
    _, asked, *answers = line.provider.asked[0]["messages"]
    assert [call["id"] for call in asked["tool_calls"]] == ["call_a", "call_b"]
    assert answers == [
        {"role": "tool", "tool_call_id": "call_a", "content": "Rain."},
        {"role": "tool", "tool_call_id": "call_b", "content": "Sun."},
    ]


async def test_a_schema_is_sent_as_the_form_of_the_answer(line: Line):
    schema = {"type": "object", "properties": {"sky": {"type": "string"}}}
    await line.ask(schema=schema)
    assert line.provider.asked[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema},
    }


async def test_what_was_read_from_the_providers_cache_is_counted(line: Line):
    line.provider.will(usage=(100, 5), cached=64)
    usage = (await line.ask())[1].usage
    assert replace(usage, cost_usd=Decimal(0)) == Usage(100, 5, cached_tokens=64)


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content_filter"), ("eos", "stop")],
)
async def test_why_an_answer_ended(line: Line, finish: str, reason: str):
    line.provider.will(finish=finish)
    assert (await line.ask())[1].finish_reason == reason


async def test_one_connection_serves_one_answer_after_the_other(line: Line):
    for _ in range(3):
        await line.ask()
    assert len(set(line.provider.lines)) == 1


async def test_a_connection_that_was_hung_up_on_is_not_used_again(line: Line):
    await line.ask()
    line.provider.will(breaks_off=True)
    with pytest.raises(Exception, match="could not be reached"):
        await line.ask()
    await line.ask()
    assert len(set(line.provider.lines)) == 2


async def test_a_connection_that_was_idle_for_long_is_not_trusted(line: Line, monkeypatch: pytest.MonkeyPatch):
    await line.ask()
    monkeypatch.setattr(clients, "IDLE_SECONDS", -1.0)
    await line.ask()
    assert len(set(line.provider.lines)) == 2


async def test_no_more_clients_are_kept_than_may(line: Line, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clients, "MOST_IDLE", 0)
    await line.ask()
    await line.ask()
    assert len(set(line.provider.lines)) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "20"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Sat, 01 Aug 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Sat, 01 Aug 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "Sat, 01 Aug 2026 12:00:30 GMT", "date": "Sat, 01 Aug 2026 12:00:20 GMT"}, 10),
        ({"retry-after": "Sat, 01 Aug 2099 12:00:30 GMT"}, 86_400),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "9" * 40}, None),
        ({"retry-after": "Sat, 99 Foo 2026"}, None),
        ({}, None),
    ],
)
def test_when_to_ask_again_is_read_however_it_is_said(headers: dict[str, str], seconds: float | None):
    noon = 1785585600.0  # 2026-08-01 12:00 UTC
    assert retry_after_in(headers, now=noon) == seconds


def _fed(*calls: Any) -> Completion:
    completion = Completion("model")
    for call in calls:
        completion.feed(_chunk([call]))
    return completion


def _chunk(calls: Any) -> str:
    import json

    return json.dumps({"choices": [{"delta": {"tool_calls": calls}}]})


def test_calls_that_all_claim_the_first_place_are_told_apart_by_their_ids():
    completion = _fed(
        {"index": 0, "id": "a", "function": {"name": "one", "arguments": {"n": 1}}},
        {"index": 0, "id": "b", "function": {"name": "two", "arguments": '{"n"'}},
        {"index": 0, "id": "b", "function": {"arguments": ": 2}"}},
    )
    assert completion.calls == (ToolCall("a", "one", '{"n": 1}'), ToolCall("b", "two", '{"n": 2}'))


def test_a_call_without_an_id_is_given_one_and_a_name_told_twice_counts_once():
    completion = _fed({"function": {"name": "one"}}, {"function": {"name": "one", "arguments": "{}"}})
    assert completion.calls == (ToolCall("call_0", "one", "{}"),)
    completion.finish_reason = "stop"
    assert completion.ended == "tool_calls"


@pytest.mark.parametrize("calls", [3, [3], [{"index": 0}], [{"function": {}}] * 1, [{"function": 3}]])
def test_calls_that_are_none_are_refused_or_empty(calls: Any):
    completion = Completion("model")
    if calls == [{"function": {}}]:
        completion.feed(_chunk(calls))
        assert completion.calls == (ToolCall("call_0", "", ""),)
    else:
        with pytest.raises(ChunkUnreadable):
            completion.feed(_chunk(calls))


def test_nobody_asks_for_thousands_of_tools_at_once():
    many = [{"index": n, "id": f"c{n}", "function": {"name": "one"}} for n in range(1000)]
    completion = Completion("model")
    completion.feed(_chunk(many))
    # What is left out is none of another's, also where more of it comes.
    completion.feed(_chunk([{"index": 999, "id": "c999", "function": {"arguments": "{}"}}]))
    assert [call.id for call in completion.calls] == [f"c{n}" for n in range(128)]
    assert {call.arguments for call in completion.calls} == {""}
