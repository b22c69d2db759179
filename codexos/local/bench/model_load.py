# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""One system of `bin/bench models` in a process of its own: asks the same server for the same answers as the others.

The first word is the system, the second the server's port. Lines: ``calls COUNT MODEL`` one after the other,
``first COUNT MODEL`` the time to the first word, ``together COUNT MODEL`` all at once.
"""

import asyncio
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

from codexos.local.bench.model_server import text_of

Told = dict[str, float]
Ask = Callable[[str], AsyncIterator[str]]
"""Asks a model and yields the text as it comes."""

KEY = "sk-bench"
MESSAGES = [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": "What do words say?"}]


def raw_httpx(url: str) -> Ask:
    """The least that httpx takes: one client, its lines, and what is in them."""
    import httpx

    client = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=1000))

    async def ask(model: str) -> AsyncIterator[str]:
        body = {"model": model, "messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}}
        headers = {"Authorization": f"Bearer {KEY}"}
        async with client.stream("POST", f"{url}/chat/completions", json=body, headers=headers) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    for choice in json.loads(line[6:])["choices"]:
                        if text := choice["delta"].get("content"):
                            yield text

    return ask


def through_litellm(url: str) -> Ask:
    """As its documentation streams."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    async def ask(model: str) -> AsyncIterator[str]:
        answer = await litellm.acompletion(
            model=f"openai/{model}",
            messages=MESSAGES,
            api_base=url,
            api_key=KEY,
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in answer:
            for choice in chunk.choices:
                if text := choice.delta.content:
                    yield text

    return ask


def _ready() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")
    django.setup()


def by_adapter(url: str) -> Ask:
    """Our port, kept by the adapter of the hot path."""
    _ready()
    from codexos.kernel.http import EgressPolicy
    from llm.adapters.openai_compatible import OpenAICompatibleModel
    from llm.queries.deployments import Deployment

    async def ask(model: str) -> AsyncIterator[str]:
        deployment = Deployment("The bench", model, url, "CODEXOS_MODEL_KEY", 8192, KEY)
        policy = EgressPolicy(named=frozenset({deployment.host_and_port}))
        async for text in _texts(OpenAICompatibleModel(deployment, policy=policy).stream(_request(model))):
            yield text

    return ask


def by_gateway(_url: str) -> Ask:
    """The whole gateway around it, as a run of an installation without an organization's own routes asks."""
    _ready()
    from llm.operations.chat import chat_stream

    async def ask(model: str) -> AsyncIterator[str]:
        async for text in _texts(chat_stream(_request(model))):
            yield text

    return ask


def _request(model: str):  # type: ignore[no-untyped-def]
    from codexos.kernel.chat import ChatRequest, Message

    return ChatRequest(model, [Message(each["role"], each["content"]) for each in MESSAGES])  # type: ignore[arg-type]


async def _texts(stream) -> AsyncIterator[str]:  # type: ignore[no-untyped-def]
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            if (text := piece.text) and not hasattr(piece, "usage"):
                yield text


SYSTEMS: dict[str, Callable[[str], Ask]] = {
    "codexos": by_adapter,
    "codexos gateway": by_gateway,
    "httpx": raw_httpx,
    "litellm": through_litellm,
}


async def _taken(ask: Ask, model: str) -> bool:
    """Take one answer; tell whether it was whole."""
    text = "".join([piece async for piece in ask(model)])
    return text == text_of(int(model.split("-")[1]))


async def _calls(ask: Ask, count: int, model: str) -> Told:
    cpu, began = _cpu(), time.perf_counter()
    whole = 0
    for _call in range(count):
        whole += await _taken(ask, model)
    seconds = time.perf_counter() - began
    return {"cpu_ms_per_call": 1000 * (_cpu() - cpu) / count, "ms_per_call": 1000 * seconds / count, "whole": whole}


async def _first(ask: Ask, count: int, model: str) -> Told:
    spent = []
    for _call in range(count):
        began = time.perf_counter()
        pieces = ask(model)
        await anext(pieces)
        spent.append(time.perf_counter() - began)
        async for _ in pieces:
            pass
    return {"first_token_ms": 1000 * statistics.median(spent), "first_token_p95_ms": 1000 * _p95(spent)}


async def _together(ask: Ask, count: int, model: str) -> Told:
    cpu, began = _cpu(), time.perf_counter()
    taken = await asyncio.gather(*(_taken(ask, model) for _call in range(count)), return_exceptions=True)
    seconds = time.perf_counter() - began
    whole = sum(each is True for each in taken)
    if error := next((each for each in taken if isinstance(each, BaseException)), None):
        sys.stderr.write(f"{error!r}\n")
    return {"seconds": seconds, "cpu_seconds": _cpu() - cpu, "whole": whole, "lost": count - whole}


def _p95(spent: list[float]) -> float:
    return sorted(spent)[int(len(spent) * 0.95)]


def _cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


_WORDS: dict[str, Callable[[Ask, int, str], Awaitable[Told]]] = {
    "calls": _calls,
    "first": _first,
    "together": _together,
}


async def _serve(system: str, port: str) -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What a library prints is not an answer.
    os.dup2(2, 1)
    ask = SYSTEMS[system](f"http://127.0.0.1:{port}/v1")
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        word, count, model = line.split()
        answers.write(f"{json.dumps(await _WORDS[word](ask, int(count), model))}\n")
        answers.flush()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(*sys.argv[1:]))
