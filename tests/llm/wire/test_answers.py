# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Ten providers in their own formats: what is asked arrives there, and what they answer arrives here."""

import json
from dataclasses import replace
from typing import Any

import pytest

from codexos.kernel.chat import (
    CallPiece,
    ChatRequest,
    ContextDocument,
    Delta,
    Image,
    Message,
    ToolCall,
    ToolOffer,
    Usage,
)
from codexos.kernel.jsontypes import JsonObject
from llm.engine.structured import asking_for
from llm.errors import ModelAnswerTooLarge, ModelKeyRefused, ModelRequestRefused
from tests.fakes.providers import FakeAnthropic, FakeAzure, FakeBedrock, FakeGemini
from tests.fakes.providers.server import SPOILT, serve
from tests.llm.wire.conftest import Line

NOTES = ContextDocument("docs/lamp.md", "# Lamp\n\nThe lamp was lit\nin 1871 by Ida Munk.\n")
PNG = Image("image/png", b"\x89PNG\r\n\x1a\nnot much of one")
SCHEMA = {
    "type": "object",
    "properties": {"year": {"type": "integer"}},
    "required": ["year"],
    "additionalProperties": False,
}
TOOLS = [
    ToolOffer("look_up", "Looks something up.", {"type": "object", "properties": {"name": {"type": "string"}}}),
    ToolOffer("add", "Adds.", {"type": "object", "properties": {"a": {"type": "number"}}}),
]


async def test_an_answer_comes_in_pieces_and_then_whole(line: Line):
    pieces, answer = await line.ask()
    assert [piece.text for piece in pieces] == ["The lamp ", "was lit ", "in 1871."]
    assert answer.text == "The lamp was lit in 1871."
    assert answer.model == line.fake.model
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (42, 7)
    assert answer.finish_reason == "stop"
    assert answer.calls == ()
    assert "Who lit the lamp?" in line.fake.last["text"]


async def test_settings_arrive_in_the_providers_own_words(line: Line):
    _, answer = await line.ask(temperature=0.2, max_tokens=50, stop=["END"], seed=7)
    said = line.fake.last
    assert (said["temperature"], said["max_tokens"], said["stop"]) == (0.2, 50, ["END"])
    assert said.get("seed") == (7 if line.fake.is_seeded else None)
    assert ("takes no seed" in (answer.note or "")) is not line.fake.is_seeded
    await line.ask(top_p=0.5)
    assert line.fake.last["top_p"] == 0.5
    assert "temperature" not in line.fake.last


@pytest.mark.parametrize(
    ("fake", "more", "less"), [(FakeAnthropic, "/v1", ""), (FakeGemini, "/v1beta", ""), (FakeAzure, "/openai", "")]
)
async def test_an_address_may_be_written_with_what_follows_it_or_without(fake: Any, more: str, less: str):
    with serve(fake()) as served:
        for end in (more, less):
            line = Line(served)
            line.deployment = replace(line.deployment, base_url=f"{served.url}{end}")
            assert (await line.ask())[1].text == "The lamp was lit in 1871."


async def test_who_speaks_is_kept_apart(line: Line):
    messages = [
        Message("system", "Be brief."),
        Message("user", "Hello"),
        Message("assistant", "Hi."),
        Message("user", "Go"),
    ]
    await line.ask(messages=messages)
    text = line.fake.last["text"]
    assert [word for word in text.split("\n") if word] == ["Be brief.", "Hello", "Hi.", "Go"]


async def test_what_a_model_thinks_is_no_part_of_its_answer(line: Line):
    line.fake.will(thought="The user asks about a lamp.")
    pieces, answer = await line.ask()
    assert answer.text == "The lamp was lit in 1871."
    assert "".join(piece.text for piece in pieces) == answer.text


async def test_gemini_may_answer_nothing_at_all(monkeypatch: pytest.MonkeyPatch):
    with serve(FakeGemini()) as fake:
        monkeypatch.setattr(fake, "frames", lambda *_: iter([fake.blocked()]))
        _, answer = await Line(fake).ask()
    assert answer.finish_reason == "content_filter"
    assert "held back" in (answer.note or "")


async def test_tools_are_called_side_by_side_and_their_arguments_come_as_they_are_written(line: Line):
    line.fake.will(calls=[("look_up", ['{"name"', ': "Ida"}']), ("add", ['{"a":', " 2}"])])
    pieces, answer = await line.ask(tools=TOOLS, tool_choice="required")
    assert line.fake.last["tools"] == ["look_up", "add"]
    assert line.fake.last["must_call"]
    assert [call.name for call in answer.calls] == ["look_up", "add"]
    assert [json.loads(call.arguments) for call in answer.calls] == [{"name": "Ida"}, {"a": 2}]
    assert len({call.id for call in answer.calls}) == 2
    assert answer.finish_reason == "tool_calls"
    told = [piece.call for piece in pieces if piece.call]
    for place, call in enumerate(answer.calls):
        mine = [piece for piece in told if piece.index == place]
        assert [piece.name for piece in mine if piece.name] == [call.name]
        assert "".join(piece.arguments for piece in mine) == call.arguments
        if line.fake.pieces_arguments:
            assert len([piece for piece in mine if piece.arguments]) == 2


async def test_what_tools_said_goes_back_under_the_calls_it_answers(line: Line):
    line.fake.will(words=[], calls=[("look_up", ['{"name": "Ida"}']), ("add", ['{"a": 2}'])])
    _, asked = await line.ask(tools=TOOLS)
    results = [Message("tool", f"result {call.name}", call_id=call.id) for call in asked.calls]
    messages = [Message("user", "Go"), Message("assistant", "", calls=asked.calls), *results]
    _, answer = await line.ask(messages=messages, tools=TOOLS)
    assert answer.text == "The lamp was lit in 1871."
    assert line.fake.last["calls"] == [("look_up", {"name": "Ida"}), ("add", {"a": 2})]
    assert line.fake.last["results"] == ["result look_up", "result add"]


async def test_calls_of_another_provider_are_told_too(line: Line):
    """A fallback in the middle of a conversation: ids are as somebody else wrote them."""
    call = ToolCall("call_of-somebody.else/with|a very long id", "add", '{"a": 2}')
    result = Message("tool", "No such thing.", call_id=call.id)
    await line.ask(messages=[Message("user", "Go"), Message("assistant", "", calls=[call]), result], tools=TOOLS)
    assert line.fake.last["calls"] == [("add", {"a": 2})]
    assert line.fake.last["results"] == ["No such thing."]


async def test_arguments_that_are_no_json_are_told_as_what_they_are(translated: Line):
    call = ToolCall("call_1", "add", "{not json")
    result = Message("tool", "These are no arguments.", call_id=call.id)
    await translated.ask(messages=[Message("user", "Go"), Message("assistant", "", calls=[call]), result], tools=TOOLS)
    assert translated.fake.last["calls"] == [("add", {"unreadable": "{not json"})]


async def test_pictures_of_every_kind_are_shown(line: Line):
    shown = [PNG, *(Image(f"image/{kind}", kind.encode()) for kind in ("jpeg", "gif", "webp"))]
    await line.ask(messages=[Message("user", "What is this?", images=shown)])
    assert line.fake.last["images"] == [(image.media_type, image.content) for image in shown]


async def test_an_answer_in_a_form_is_asked_for_as_the_provider_knows_how(line: Line):
    line.fake.will(words=['{"year"', ": 1871}"])
    pieces, answer = await line.ask(schema=SCHEMA)
    asked = line.fake.last["schema"]
    assert asked["properties"]["year"]["type"] == "integer"
    assert asked["required"] == ["year"]
    assert json.loads(answer.text) == {"year": 1871}
    assert [piece.text for piece in pieces] == ['{"year"', ": 1871}"]
    assert answer.calls == ()
    assert answer.finish_reason == "stop"


async def test_a_form_beside_tools_leaves_the_tools_free(line: Line):
    line.fake.will(calls=[("add", ['{"a": 2}'])], words=[])
    _, answer = await line.ask(schema=SCHEMA, tools=TOOLS)
    assert [call.name for call in answer.calls] == ["add"]
    said = line.fake.last
    assert not said.get("must_call")
    assert "schema" in said or '"year"' in said["text"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "integer"}},
        {"type": "object", "properties": {"more": {"type": "object"}}},
        {"type": "object"},
    ],
    ids=["no object", "an open object inside", "an open object"],
)
async def test_a_form_that_cannot_be_said_to_the_provider_is_said_in_words(translated: Line, schema: JsonObject):
    translated.fake.will(words=["{}"])
    _, answer = await translated.ask(schema=schema)
    assert answer.text == "{}"
    assert "schema" not in translated.fake.last
    assert json.dumps(schema["type"]) in translated.fake.last["text"]
    # Who has said so already is not repeated.
    request = asking_for(ChatRequest("m", [Message("user", "Who?")]), schema)
    await translated.ask(messages=request.messages, schema=schema)
    assert translated.fake.last["text"].count("JSON Schema") == 1


async def test_bedrock_takes_an_api_key_in_place_of_a_signature():
    with serve(FakeBedrock(options={"region": "eu-test-1"})) as fake:
        line = Line(fake)
        assert (await line.ask())[1].text == "The lamp was lit in 1871."
        line.with_key("another")
        with pytest.raises(ModelKeyRefused):
            await line.ask()


async def test_documents_come_before_the_question_and_quotes_are_cited(line: Line):
    line.fake.will(words=['It says "The lamp was lit in 1871 by Ida Munk." ', "was lit"])
    _, answer = await line.ask(documents=[NOTES])
    text = line.fake.last["text"]
    assert text.index("docs/lamp.md") < text.index("Ida Munk") < text.index("Who lit the lamp?")
    assert answer.citations == [
        {"path": "docs/lamp.md", "lines": "3-4", "quote": "The lamp was lit in 1871 by Ida Munk"}
    ]


async def test_what_was_read_from_the_providers_cache_is_counted(line: Line):
    line.fake.will(cached=30)
    _, answer = await line.ask()
    assert answer.usage.input_tokens == 42
    assert answer.usage.cached_tokens == 30
    assert answer.usage.cache_write_tokens == 0


@pytest.mark.parametrize("fake", [FakeAnthropic, FakeBedrock])
@pytest.mark.parametrize("how", ["asked for", "long"])
async def test_what_is_worth_keeping_is_marked_and_what_was_written_is_counted(fake: Any, how: str):
    with serve(fake()) as served:
        served.will(written=20, cached=5)
        notes = ContextDocument("long.md", "lamp " * (5_000 if how == "long" else 2))
        messages = [Message("system", "Be brief."), Message("user", "Who?")]
        _, answer = await Line(served).ask(messages=messages, documents=[notes], caches=how == "asked for")
        kept = served.last["kept"]
    assert kept[0] == "Be brief."
    assert "long.md" in kept[1]
    assert "Who?" not in kept[1]
    assert answer.usage == Usage(42, 7, answer.usage.cost_usd, 5, 20)


@pytest.mark.parametrize("fake", [FakeAnthropic, FakeBedrock])
async def test_nothing_is_marked_unasked(fake: Any):
    with serve(fake()) as served:
        await Line(served).ask(documents=[NOTES])
        assert "kept" not in served.last


async def test_a_model_without_forms_of_its_own_answers_by_a_tool():
    with serve(FakeAnthropic()) as fake:
        fake.model = "claude-3-5-haiku-20241022"
        fake.will(words=['{"year"', ": 1871}"])
        pieces, answer = await Line(fake).ask(schema=SCHEMA)
        assert fake.asked[-1].body["tool_choice"] == {"type": "tool", "name": "json_tool_call"}
    assert (answer.text, answer.calls, answer.finish_reason) == ('{"year": 1871}', (), "stop")
    assert all(piece.text for piece in pieces)


@pytest.mark.parametrize(("finish", "reason"), [("length", "length"), ("filter", "content_filter")])
async def test_how_an_answer_ended_is_said(line: Line, finish: str, reason: str):
    line.fake.will(finish=finish)
    _, answer = await line.ask()
    assert answer.finish_reason == reason
    assert answer.note


async def test_an_empty_answer_is_said_to_be_empty(line: Line):
    line.fake.will(words=[])
    pieces, answer = await line.ask()
    assert pieces == []
    assert "empty" in (answer.note or "")


async def test_bytes_that_are_no_text_are_replaced(line: Line):
    line.fake.will(words=[f"The l{SPOILT}mp "])
    _, answer = await line.ask()
    assert answer.text == "The l\ufffdmp "


async def test_what_is_no_picture_is_not_sent_anywhere_it_could_be_fetched_from(translated: Line):
    with pytest.raises(ModelRequestRefused, match="Show PNG"):
        await translated.ask(messages=[Message("user", "?", images=[Image("image/png;x=https://evil.example/", b"x")])])
    assert translated.fake.knocks == 0


async def test_names_of_tools_are_made_fit_and_come_back_as_they_were(translated: Line):
    offers = [ToolOffer(name, "Does.", {"type": "object", "properties": {}}) for name in ("a.b", "a b", "9")]
    translated.fake.will(words=[], calls=[("a_b", ["{}"]), ("a_b2", ["{}"]), ("t_9", ["{}"])])
    pieces, answer = await translated.ask(tools=offers)
    assert translated.fake.last["tools"] == ["a_b", "a_b2", "t_9"]
    assert [call.name for call in answer.calls] == ["a.b", "a b", "9"]
    assert [piece.call.name for piece in pieces if piece.call and piece.call.name] == ["a.b", "a b", "9"]
    assert isinstance(pieces[0], Delta)
    assert isinstance(pieces[0].call, CallPiece)


async def test_an_answer_without_end_is_ended(translated: Line):
    translated.fake.will(words=["lamp " * 100_000] * 12)
    with pytest.raises(ModelAnswerTooLarge, match="max_tokens"):
        await translated.ask()
