# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Models that do what none should: for ever, nothing, far too much, in pieces, in no letters. Each has an end."""

import asyncio
import json
import time
from typing import Any

import pytest

from codexos.kernel.chat import ChatAnswer, Delta, ToolOffer
from codexos.kernel.errors import CodexosError
from llm.engine import completions
from llm.engine.completions import AnswerEndless, Completion
from llm.errors import (
    ModelAnswerInvalid,
    ModelAnswerTooLarge,
    ModelAnswerUnfit,
    ModelTimedOut,
    ModelUnavailable,
    ModelUnreachable,
)
from llm.operations.structuring import Structured
from tests.llm.line import Line

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


def event(**delta: Any) -> bytes:
    return b"data: %s\n\n" % json.dumps({"choices": [{"delta": delta, "finish_reason": None}]}).encode()


async def trouble(line: Line, **more: Any) -> CodexosError:
    with pytest.raises(CodexosError) as raised:
        await line.ask(**more)
    assert "gpt-4o" in raised.value.message
    return raised.value


async def test_a_model_that_streams_for_ever_is_hung_up_on_when_its_time_is_up(line: Line):
    line.provider.will(never_ends=True)
    began = time.monotonic()
    error = await trouble(line, timeout_seconds=1.0)
    assert type(error) is ModelTimedOut
    assert "allow more time" in error.message
    assert time.monotonic() - began < 30
    assert await asyncio.to_thread(line.provider.hung_up.wait, 10)


async def test_a_model_that_never_says_a_word_is_hung_up_on_when_its_time_is_up(line: Line):
    line.provider.will(never_begins=True)
    assert type(await trouble(line, timeout_seconds=1.0)) is ModelTimedOut
    assert await asyncio.to_thread(line.provider.hung_up.wait, 10)


async def test_a_model_that_says_the_same_for_ever_is_stopped_at_a_bound(line: Line, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(completions, "MOST_CHARACTERS", 100)
    line.provider.will(words=("la ",) * 100)
    assert type(await trouble(line)) is ModelAnswerTooLarge


async def test_ten_megabytes_in_one_piece_are_too_much(line: Line):
    line.provider.will(raw=(event(content="x" * 10_000_000),))
    assert type(await trouble(line)) is ModelAnswerTooLarge


async def test_ten_megabytes_of_arguments_are_too_much(line: Line):
    big = {"index": 0, "id": "a", "function": {"name": "look", "arguments": "x" * 10_000_000}}
    line.provider.will(raw=(event(tool_calls=[big]),))
    assert type(await trouble(line, tools=[ToolOffer("look", "Looks.", {})])) is ModelAnswerTooLarge


async def test_a_line_that_never_ends_is_given_up(line: Line):
    line.provider.will(raw=(b"data: " + b"x" * (65 * 1024 * 1024),))
    assert type(await trouble(line)) is ModelAnswerTooLarge


async def test_an_empty_answer_is_an_answer_that_says_so(line: Line):
    line.provider.will(words=())
    deltas, answer = await line.ask()
    assert (deltas, answer.text, answer.note) == ([], "", "The model's answer was empty.")


async def test_an_empty_answer_fits_no_schema(line: Line):
    line.provider.will(words=()).will(words=())
    error = await trouble(Line(line.provider, Structured), schema={"type": "object"})
    assert type(error) is ModelAnswerUnfit
    assert "it is empty" in error.message


async def test_letters_that_are_none_are_replaced(line: Line):
    said = b'data: {"choices": [{"delta": {"content": "caf\xe9 \xff\xfe"}}]}\n\n'
    line.provider.will(raw=(said,), words=())
    deltas, answer = await line.ask()
    assert deltas == [Delta("caf� ��")]
    assert answer.text.encode().decode() == "caf� ��"


async def test_half_a_letter_of_json_does_no_harm(line: Line):
    line.provider.will(raw=(b'data: {"choices": [{"delta": {"content": "\\ud83d"}}]}\n\n',), words=())
    _, answer = await line.ask()
    assert answer.text.encode("utf-8", "replace") == b"?"


@pytest.mark.parametrize(
    "said",
    [
        b"H",
        b"\x00",
        b"HTTP/1.1 200 OK\r\n",
        HEAD + b"Content-Length: 500\r\n\r\n" + event(content="The "),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n40\r\n" + event(content="The "),
        HEAD + b"\r\n" + event(content="The "),
        HEAD + b"\r\n",
        b"",
    ],
    ids=["first byte", "no http", "no headers", "cut body", "cut chunk", "cut stream", "no body", "nothing"],
)
async def test_who_closes_too_early_is_out_of_reach(line: Line, said: bytes):
    line.provider.will(closes_after=said)
    assert type(await trouble(line)) is ModelUnreachable
    assert isinstance((await line.ask())[1], ChatAnswer)


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nnot-a-number\r\nxx\r\n",
        HEAD + b"Content-Encoding: gzip\r\n\r\nnot packed at all",
        b"HTTP/9.9 999 Whatever\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
    ids=["chunk", "gzip", "version", "other protocol"],
)
async def test_what_is_no_http_is_out_of_reach(line: Line, said: bytes):
    line.provider.will(closes_after=said)
    assert isinstance(await trouble(line), ModelUnavailable)


@pytest.mark.parametrize(
    "said",
    [
        b"data: {\n\n",
        b"data: null\n\n",
        b'data: "text"\n\n',
        b'data: {"choices": [7]}\n\n',
        b'data: {"choices": [{"delta": 7}]}\n\n',
        b'data: {"choices": [{"delta": {"content": {}, "tool_calls": 1}}]}\n\n',
        b'data: {"choices": [{"delta": {"content": ["a"]}}]}\n\n',
        b"data: " + b'{"a":' * 100_000 + b"\n\n",
    ],
)
async def test_a_malformed_piece_ends_the_answer(line: Line, said: bytes):
    line.provider.will(raw=(event(content="The "), said))
    assert type(await trouble(line)) is ModelAnswerInvalid


@pytest.mark.parametrize("told", [-1, "many", 1e30, 10**12, True, None, {}])
async def test_numbers_that_are_none_are_not_counted(line: Line, told: Any):
    usage = {"prompt_tokens": told, "completion_tokens": told, "prompt_tokens_details": {"cached_tokens": told}}
    line.provider.will(usage=None, raw=(b"data: %s\n\n" % json.dumps({"choices": [], "usage": usage}).encode(),))
    _, answer = await line.ask()
    assert 0 < answer.usage.input_tokens < 100
    assert "estimated" in (answer.note or "")


async def test_more_from_the_cache_than_was_read_is_not_believed(line: Line):
    line.provider.will(usage=(10, 1), cached=4_000)
    assert (await line.ask())[1].usage.cached_tokens == 10


def test_the_bound_counts_all_that_is_kept():
    completion = Completion("m")
    million = json.dumps({"choices": [{"delta": {"content": "x" * 1_000_000}}]})
    for _ in range(4):
        completion.feed(million)
    with pytest.raises(AnswerEndless):
        completion.feed(million)
