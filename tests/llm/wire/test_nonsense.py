# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Streams changed in every way: whatever comes, it is an answer or one of our errors, never a stack of another's."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codexos.kernel.chat import ChatRequest, Message
from llm.adapters.translation.anthropic import AnthropicTranslator
from llm.adapters.translation.bedrock import BedrockTranslator
from llm.adapters.translation.gemini import GeminiTranslator
from llm.adapters.translation.translator import StreamRefused, Translator
from llm.engine.completions import AnswerEndless, ChunkUnreadable, Completion, StreamError
from llm.engine.event_stream import FrameReader
from llm.queries.deployments import Deployment
from tests.fakes.providers import FAKES
from tests.fakes.providers.server import Asked, Script

TRANSLATORS: dict[str, type[Translator]] = {
    "anthropic": AnthropicTranslator,
    "gemini": GeminiTranslator,
    "bedrock": BedrockTranslator,
}
SCRIPT = Script(calls=[("add", ['{"a"', ": 2}"])], thought="Hm.", cached=3, written=4)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}), st.just([{}])
)
NAMES = st.sampled_from(["error", "message", "code", "details", "type", "status"])
REFUSALS = st.recursive(
    VALUES, lambda inner: st.dictionaries(NAMES, st.one_of(inner, st.lists(inner)), max_size=4), max_leaves=8
).map(lambda value: json.dumps(value).encode())


def events(kind: str) -> list[dict[str, Any]]:
    asked = Asked("", {}, {}, b"")
    frames = b"".join(FAKES[kind]().frames(SCRIPT, asked))
    if kind == "bedrock":
        return [json.loads(frame.payload) for frame in FrameReader().feed(frames)]
    return [json.loads(line[5:]) for line in frames.splitlines() if line.startswith(b"data:")]


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    yield way
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else [])
    ):
        yield from places(inner, (*way, name))


def changed(document: Any, way: tuple[Any, ...], value: Any) -> Any:
    """Return a document with another value at a place, or without the place where the value is ``...``."""
    if not way:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    if len(way) == 1 and value is ...:
        del copy[way[0]]
    else:
        copy[way[0]] = changed(copy[way[0]], way[1:], value)
    return copy


@pytest.mark.parametrize("kind", TRANSLATORS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_comes_is_an_answer_or_an_error_of_ours(kind: str, data: st.DataObject):
    stream = events(kind)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(stream) - 1))
        way = data.draw(st.sampled_from([each for each in places(stream[at]) if each] or [()]))
        if way:
            stream[at] = changed(stream[at], way, data.draw(st.one_of(VALUES, st.just(...))))
    deployment = Deployment("P", FAKES[kind].model, "http://p.example", "K", 1, kind=kind)  # type: ignore[arg-type]
    translator = TRANSLATORS[kind](deployment, ChatRequest("m", [Message("user", "Who?")]))
    completion = Completion("m")
    try:
        for event in stream:
            if (chunk := translator.chunk(event)) is not None:
                completion.take(chunk)
    except (ChunkUnreadable, StreamRefused, StreamError, AnswerEndless):
        return
    assert isinstance(completion.text, str)
    assert all(isinstance(call.arguments, str) and isinstance(call.name, str) for call in completion.calls)
    for told in (completion.input_tokens, completion.output_tokens):
        assert told is None or told >= 0


@pytest.mark.parametrize("kind", TRANSLATORS)
@settings(max_examples=60, deadline=None)
@given(body=st.one_of(st.binary(max_size=40), REFUSALS))
def test_whatever_a_refusal_looks_like_it_is_read(kind: str, body: bytes):
    deployment = Deployment("P", FAKES[kind].model, "http://p.example", "K", 1, kind=kind)  # type: ignore[arg-type]
    translator = TRANSLATORS[kind](deployment, ChatRequest("m", [Message("user", "Who?")]))
    refusal = translator.refusal(400, {}, body)
    assert isinstance(refusal.body["error"], dict)
