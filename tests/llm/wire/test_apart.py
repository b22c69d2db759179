# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking in a process of its own: what comes back is the same, and litellm is not in this one."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from codexos.kernel.http import EgressPolicy, EgressRefused
from llm.adapters import apart
from llm.adapters.apart import ApartModel
from llm.adapters.chosen import open_adapter
from llm.errors import ModelOverloaded, ModelRateLimited, ModelUnavailable
from tests.fakes.providers import FAKES, FakeAnthropic
from tests.fakes.providers.server import serve
from tests.llm.wire.conftest import Line


class Apart(Line):
    """A line that is asked apart."""

    is_apart = True


PROGRAM = """
import asyncio, sys
from codexos.kernel.chat import ToolCall, Usage
from tests.fakes.providers import FakeAnthropic
from tests.fakes.providers.server import serve
from tests.llm.wire.test_answers import TOOLS
from tests.llm.wire.test_apart import Apart
with serve(FakeAnthropic()) as fake:
    fake.will(calls=[("add", ['{"a":', " 2}"])], cached=3, written=4)
    pieces, answer = asyncio.run(Apart(fake).ask(tools=TOOLS))
assert "".join(piece.text for piece in pieces) == answer.text == "The lamp was lit in 1871."
assert "".join(piece.call.arguments for piece in pieces if piece.call) == '{"a": 2}', pieces
assert answer.calls == (ToolCall("toolu_1", "add", '{"a": 2}'),), answer
assert answer.usage == Usage(42, 7, cached_tokens=3, cache_write_tokens=4), answer
assert (answer.model, answer.finish_reason) == (fake.model, "tool_calls"), answer
print("the same", "litellm" in sys.modules)
"""


def test_an_answer_is_the_same_and_litellm_is_not_loaded_here():
    home = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.stdout.strip() == "the same False", run.stderr


async def test_an_error_is_the_same():
    with serve(FakeAnthropic()) as fake:
        line = Apart(fake)
        assert isinstance(open_adapter(line.deployment, policy=line.policy, apart=True), ApartModel)
        fake.will(status=429, retry_after=17)
        with pytest.raises(ModelRateLimited, match="in 17 seconds") as raised:
            await line.ask()
        assert raised.value.retry_after == 17


async def test_it_goes_nowhere_else_either():
    with serve(FakeAnthropic()) as fake:
        line = Apart(fake)
        line.policy = EgressPolicy()
        with pytest.raises(EgressRefused):
            await line.ask()
        assert fake.knocks == 0


async def test_a_process_that_dies_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(apart, "_COMMAND", ("/bin/false",))
    with serve(FakeAnthropic()) as fake, pytest.raises(ModelUnavailable, match="process"):
        await Apart(fake).ask()


@pytest.mark.parametrize("said", ["nonsense", "[]", '{"answer": {}}', "7"])
async def test_a_process_that_says_something_else_is_told(monkeypatch: pytest.MonkeyPatch, said: str):
    monkeypatch.setattr(apart, "_COMMAND", ("/bin/echo", said))
    with serve(FakeAnthropic()) as fake, pytest.raises(ModelUnavailable, match="process"):
        await Apart(fake).ask()


async def test_so_many_are_asked_apart_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(apart, "_COMMAND", ("/bin/cat",))  # it never ends by itself while it is spoken to
    monkeypatch.setattr(apart, "_places", places := threading.BoundedSemaphore(1))
    with serve(FakeAnthropic()) as fake:
        async with apart._started():
            with pytest.raises(ModelOverloaded, match="being tried"):
                await Apart(fake).ask()
        assert places.acquire(blocking=False)


def test_who_needs_no_litellm_is_asked_from_here():
    line = Apart(FAKES["mistral"](url="http://127.0.0.1:9"))
    assert not isinstance(open_adapter(line.deployment, policy=line.policy, apart=True), ApartModel)
