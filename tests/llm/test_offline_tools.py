# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The built-in model calls the tools a question names, two at most and each once, and answers from what they say."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codexos.kernel.chat import CallPiece, ChatAnswer, ChatRequest, ContextDocument, Delta, Message, ToolCall, ToolOffer
from codexos.kernel.jsontypes import JsonObject
from llm.adapters.offline import OfflineModel
from llm.operations.tool_steps import answer_with_tools


def offer(name: str, description: str, *required: str, **properties: Any) -> ToolOffer:
    return ToolOffer(name, description, {"type": "object", "properties": properties, "required": list(required)})


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
SEARCH = offer(
    "WebSearch", "Search the web and return the passages that fit best.", "query", query=STRING, max_results=INTEGER
)
MAIL = offer(
    "send_mail", "Send an e-mail to somebody.", "to", "body", to={"type": "string", "format": "email"}, body=STRING
)
WEATHER = offer("get_weather", "Tell the weather of a city.", "city", city=STRING)
SUM = offer("calculator", "Work out a sum.", "expression", expression=STRING)
TICKET = offer(
    "create_ticket",
    "Open a ticket for the support team.",
    "priority",
    priority={"enum": ["low", "high"]},
    due={"type": "string", "format": "date"},
)
ALL = [SEARCH, MAIL, WEATHER, SUM, TICKET]


async def ask(messages: list[Message], tools: Any = ALL, **options: Any) -> tuple[list[Delta], ChatAnswer]:
    request = ChatRequest("offline", messages, tools=tools, **options)
    pieces: list[Any] = [piece async for piece in OfflineModel().stream(request)]
    return pieces[:-1], pieces[-1]


def called(answer: ChatAnswer) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in answer.calls]


STORIES: list[tuple[str, list[tuple[str, Any]]]] = [
    ("Search the web for the keeper of Varnholm.", [("WebSearch", {"query": "the keeper of Varnholm"})]),
    ("Use WebSearch to find the height of the tower", [("WebSearch", {"query": "the height of the tower"})]),
    ("Please use calculator: what is (12 + 30) * 2?", [("calculator", {"expression": "(12 + 30) * 2"})]),
    ("Get the weather for city: Oslo", [("get_weather", {"city": "Oslo"})]),
    (
        "Create a ticket with priority high, due 2024-05-03",
        [("create_ticket", {"priority": "high", "due": "2024-05-03"})],
    ),
    (
        "Send a mail to ida@varnholm.example with body: The lamp is lit",
        [("send_mail", {"to": "ida@varnholm.example", "body": "The lamp is lit"})],
    ),
    ("Who lit the lamp?", []),
    ("", []),
]


@pytest.mark.parametrize(("question", "calls"), STORIES, ids=[each[0][:30] for each in STORIES])
async def test_a_tool_is_called_by_the_words_of_a_question(question: str, calls: list[tuple[str, Any]]) -> None:
    _, answer = await ask([Message("user", question)])
    assert [name for name, _ in called(answer)] == [name for name, _ in calls]
    for (_, made), (_, wanted) in zip(called(answer), calls, strict=True):
        assert {name: made[name] for name in wanted} == wanted
    assert answer.finish_reason == ("tool_calls" if calls else "stop")


async def test_calls_come_in_pieces_and_have_the_same_ids_every_time() -> None:
    question = [Message("user", "Search the web for lamps and get the weather for city: Oslo")]
    pieces, answer = await ask(question)
    again = (await ask(question))[1]
    assert [call.name for call in answer.calls] == ["WebSearch", "get_weather"]
    assert [piece.call for piece in pieces if piece.call] == [
        CallPiece(index, call.name, call.arguments) for index, call in enumerate(answer.calls)
    ]
    assert answer.calls == again.calls
    assert len({call.id for call in answer.calls}) == 2


async def test_two_tools_one_after_the_other_the_second_with_what_the_first_said() -> None:
    # given
    asked: list[tuple[str, JsonObject]] = []

    async def call(tool: ToolCall, arguments: JsonObject) -> str:
        asked.append((tool.name, arguments))
        return "The keeper is Dr. Paulsen." if tool.name == "WebSearch" else "Sent."

    question = "Search the web for the keeper of Varnholm, then send a mail to ida@varnholm.example with the result"
    request = ChatRequest("offline", [Message("user", question)], tools=ALL)
    # when
    pieces = [piece async for piece in answer_with_tools(OfflineModel(), request, call=call, most_steps=5)]
    # then
    assert [name for name, _ in asked] == ["WebSearch", "send_mail"]
    assert asked[0][1] == {"query": "the keeper of Varnholm"}
    assert asked[1][1] == {"to": "ida@varnholm.example", "body": "The keeper is Dr. Paulsen."}
    answer = pieces[-1]
    assert isinstance(answer, ChatAnswer)
    assert answer.text == 'WebSearch said: "The keeper is Dr. Paulsen."\nsend_mail said: "Sent."'
    assert answer.calls == ()


def told(question: str, name: str, said: str) -> list[Message]:
    call = ToolCall("call_1", name, "{}")
    return [Message("user", question), Message("assistant", "", calls=[call]), Message("tool", said, call_id="call_1")]


async def test_it_answers_from_what_a_tool_says_and_calls_it_once() -> None:
    messages = told("Search the web: who is the keeper?", "WebSearch", "Bread is baked. The keeper is Dr. Paulsen.")
    _, answer = await ask(messages)
    assert answer.text == 'From WebSearch: "The keeper is Dr. Paulsen."'
    assert answer.calls == ()


async def test_what_a_tool_says_in_json_is_read() -> None:
    said = json.dumps({"results": [{"title": "Keeper", "text": "The keeper is Dr. Paulsen."}]})
    _, answer = await ask(told("Search the web: who is the keeper?", "WebSearch", said))
    assert "The keeper is Dr. Paulsen." in answer.text


async def test_what_does_not_answer_is_shown_as_it_was_said() -> None:
    _, answer = await ask(told("Please calculate 6 * 7", "calculator", "42"))
    assert answer.text == 'calculator said: "42"'


async def test_tools_are_asked_before_documents_are_quoted_and_both_are_read() -> None:
    document = ContextDocument("lamp.md", "The lamp was lit in 1871.")
    _, first = await ask([Message("user", "When was the lamp lit?")], documents=[document])
    assert first.text.startswith('From lamp.md: "')


async def test_a_fields_answer_reads_what_tools_said() -> None:
    schema = {"type": "object", "properties": {"keeper": STRING}, "required": ["keeper"]}
    _, answer = await ask(told("Search the web for the keeper", "WebSearch", "Keeper: Dr. Paulsen"), schema=schema)
    assert json.loads(answer.text) == {"keeper": "Dr. Paulsen"}


async def test_nothing_is_made_up_for_a_tool() -> None:
    _, answer = await ask([Message("user", "Send a mail to nobody in particular")])
    assert answer.calls == ()
    assert answer.note == "send_mail was not called: what it must be given was not found."


@pytest.mark.parametrize(("choice", "calls"), [("none", 0), ("auto", 0), ("required", 1)])
async def test_the_choice_is_kept_to(choice: Any, calls: int) -> None:
    _, answer = await ask([Message("user", "Who lit the lamp?")], [SEARCH], tool_choice=choice)
    assert len(answer.calls) == calls


async def test_without_tools_nothing_is_called() -> None:
    _, answer = await ask([Message("user", "Search the web for lamps")], ())
    assert answer.calls == ()


_SCHEMA = st.dictionaries(
    st.sampled_from(["query", "to", "body", "n", "when", "odd name"]),
    st.sampled_from(
        [STRING, INTEGER, {"enum": ["a", "b"]}, {}, {"type": "array"}, {"type": "string", "format": "date"}]
    ),
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(
    question=st.text(max_size=80) | st.sampled_from([each[0] for each in STORIES]),
    tools=st.lists(st.tuples(st.sampled_from(["WebSearch", "mail", "x"]), st.text(max_size=20), _SCHEMA), max_size=4),
    said=st.text(max_size=50),
)
async def test_it_always_comes_to_an_end(question: str, tools: list[tuple[str, str, Any]], said: str) -> None:
    offers = [offer(name, description, *properties, **properties) for name, description, properties in tools]
    calls: list[str] = []

    async def call(tool: ToolCall, _arguments: JsonObject) -> str:
        calls.append(tool.name)
        return said

    request = ChatRequest("offline", [Message("user", question)], tools=offers, tool_choice="required")
    pieces = [piece async for piece in answer_with_tools(OfflineModel(), request, call=call, most_steps=3)]
    assert isinstance(pieces[-1], ChatAnswer)
    assert len(calls) <= 2
