# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Ten providers that refuse, break off or talk nonsense: each trouble has one name here, whoever makes it."""

import asyncio
import logging

import pytest

from codexos.kernel.chat import ChatAnswer, Delta
from codexos.kernel.errors import CodexosError
from codexos.kernel.http import EgressPolicy, EgressRefused
from llm.errors import (
    ModelAnswerInvalid,
    ModelInputTooLong,
    ModelKeyRefused,
    ModelOverloaded,
    ModelQuotaSpent,
    ModelRateLimited,
    ModelRequestRefused,
    ModelTimedOut,
    ModelUnavailable,
    ModelUnknown,
    ModelUnreachable,
)
from tests.fakes.providers import FakeAnthropic, FakeBedrock, FakeGemini, FakeMistral
from tests.fakes.providers.server import KEY, serve
from tests.llm.wire.conftest import Line


@pytest.mark.parametrize(
    ("status", "kind", "is_retried"),
    [
        (400, ModelRequestRefused, False),
        (401, ModelKeyRefused, False),
        (403, ModelKeyRefused, False),
        (404, ModelUnknown, False),
        (429, ModelRateLimited, True),
        (500, ModelUnavailable, True),
        (503, ModelOverloaded, True),
    ],
)
async def test_each_refusal_has_its_name(line: Line, status: int, kind: type[CodexosError], is_retried: bool):
    line.fake.will(status=status)
    with pytest.raises(kind) as raised:
        await line.ask()
    assert type(raised.value) is kind
    assert raised.value.retryable is is_retried
    assert line.deployment.provider in raised.value.message
    assert line.fake.knocks == 1, "what is tried again is decided above"


async def test_when_to_ask_again_is_kept(line: Line):
    line.fake.will(status=429, retry_after=17)
    with pytest.raises(ModelRateLimited, match="in 17 seconds") as raised:
        await line.ask()
    assert raised.value.retry_after == 17


async def test_gemini_says_when_to_ask_again_among_the_details():
    with serve(FakeGemini()) as fake:
        detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "33.2s"}
        error = {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED", "details": [detail]}
        fake.refusal = lambda status, message: ({}, {"error": error})  # type: ignore[method-assign]
        fake.will(status=429)
        with pytest.raises(ModelRateLimited) as raised:
            await Line(fake).ask()
    assert raised.value.retry_after == 34


async def test_anthropics_own_status_for_too_much_to_do():
    with serve(FakeAnthropic()) as fake:
        fake.will(status=529, message="Overloaded")
        with pytest.raises(ModelOverloaded):
            await Line(fake).ask()
        fake.will(status=400, message="Your credit balance is too low to access the Anthropic API.")
        with pytest.raises(ModelQuotaSpent):
            await Line(fake).ask()


async def test_bedrocks_word_for_a_model_it_does_not_know():
    with serve(FakeBedrock()) as fake:
        fake.will(status=400, message="The provided model identifier is invalid.")
        with pytest.raises(ModelUnknown):
            await Line(fake).ask()


async def test_mistral_says_which_field_it_does_not_take():
    with serve(FakeMistral()) as fake:
        fake.will(status=422, message="Extra inputs are not permitted")
        with pytest.raises(ModelRequestRefused, match=r"It says: body\.seed: Extra inputs"):
            await Line(fake).ask()


async def test_too_much_to_read_is_told(line: Line):
    line.fake.will(status=400, message="This prompt is too long: 210000 tokens, the context window has 200000.")
    with pytest.raises(ModelInputTooLong, match="200000"):
        await line.ask()


async def test_a_wrong_key_is_refused_and_stands_in_no_error_and_no_log(line: Line, caplog: pytest.LogCaptureFixture):
    if not line.deployment.key:
        line.with_key("sk-somebodys")
        assert (await line.ask())[1].text, "who takes no key is not bothered by one"
        return
    caplog.set_level(logging.DEBUG)
    wrong = "sk-wrong-and-secret-all-the-same-0123456789"
    line.with_key(wrong)
    with pytest.raises(ModelKeyRefused) as raised:
        await line.ask()
    shown = f"{raised.value.message} {raised.value.details} {raised.value!r} {raised.value.__cause__} {caplog.text}"
    assert wrong not in shown
    assert wrong not in repr(line.deployment)


async def test_a_key_that_the_provider_repeats_is_taken_out(line: Line, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    said = []
    for script in ({"status": 400}, {"status": 500}, {"status": 429}):
        line.fake.will(**script, message=f"You sent {KEY} to us")
        with pytest.raises(CodexosError) as raised:
            await line.ask()
        said.append(f"{raised.value.message} {raised.value.details} {raised.value.__context__!r}")
    assert "You sent" in said[0]
    if line.deployment.key:
        assert KEY not in f"{said} {caplog.text}"


@pytest.mark.parametrize(
    ("mischief", "kind"),
    [
        ("ends early", ModelUnreachable),
        ("drops", ModelUnreachable),
        ("first byte", ModelUnreachable),
        ("malformed", ModelAnswerInvalid),
        ("no stream", ModelAnswerInvalid),
        ("fails", ModelUnavailable),
    ],
)
async def test_a_stream_that_goes_wrong(line: Line, mischief: str, kind: type[CodexosError]):
    line.fake.will(mischief=mischief)
    pieces: list[Delta | ChatAnswer] = []
    with pytest.raises(kind) as raised:
        await _collect(line, pieces)
    assert all(isinstance(piece, Delta) for piece in pieces), "half an answer is no answer"
    assert raised.value.retryable
    if mischief in {"ends early", "drops", "malformed", "fails"}:
        assert [piece.text for piece in pieces] == ["The lamp ", "was lit "]
    assert line.fake.knocks == 1


async def _collect(line: Line, pieces: list[Delta | ChatAnswer]) -> None:
    async for piece in line.pieces():
        pieces.append(piece)


async def test_too_much_to_do_in_the_middle_of_an_answer_is_told_as_such(line: Line):
    line.fake.will(mischief="fails")
    with pytest.raises(ModelOverloaded):
        await line.ask()


async def test_who_stops_listening_hangs_up(line: Line):
    line.fake.will(mischief="never ends")
    stream = line.pieces()
    assert await anext(stream) == Delta("The lamp ")
    await stream.aclose()
    assert await asyncio.to_thread(line.fake.hung_up.wait, 10)


async def test_who_says_no_more_is_not_waited_for(line: Line):
    line.fake.will(mischief="never ends")
    with pytest.raises(ModelTimedOut):
        await line.ask(timeout_seconds=0.3)
    assert await asyncio.to_thread(line.fake.hung_up.wait, 10)


@pytest.mark.parametrize(
    "policy",
    [EgressPolicy(), EgressPolicy(only_hosts=frozenset({"elsewhere.example"})), EgressPolicy(local_only=True)],
    ids=["private", "another host", "local only"],
)
async def test_nothing_is_sent_where_nothing_may_go(line: Line, policy: EgressPolicy, monkeypatch: pytest.MonkeyPatch):
    # A library that sends by itself would go this way, if it went anywhere.
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, line.fake.url)
        monkeypatch.setenv(name.lower(), line.fake.url)
    allowed, line.policy = line.policy, policy
    with pytest.raises(EgressRefused):
        await line.ask()
    assert line.fake.knocks == 0
    line.policy = allowed
    await line.ask()
    assert line.fake.knocks == 1
