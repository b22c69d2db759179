# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking in a process of its own (apart_program.py), for who must not load litellm: pages are served from memory."""

import asyncio
import json
import pickle
import sys
import threading
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from codexos.kernel.chat import CallPiece, ChatAnswer, ChatRequest, Delta, ToolCall, Usage
from codexos.kernel.errors import CodexosError
from codexos.kernel.http import EgressPolicy
from llm.adapters import apart_program
from llm.engine.catalog import characters_in
from llm.errors import ModelOverloaded, ModelUnavailable
from llm.queries.deployments import Deployment

# Isolated: neither the environment nor the folder it stands in says what it imports.
_COMMAND = (sys.executable, "-IB", str(Path(apart_program.__file__).resolve()))
MOST_AT_ONCE = 2
"""Of this process, whoever asks: each takes about 300 MB."""
_places = threading.BoundedSemaphore(MOST_AT_ONCE)
LINE_BYTES = 8 * 1024 * 1024
"""Of one piece that comes back, at most."""


class ApartModel:
    """Keeps the port ``ChatModel`` by another process, which lives for one answer. Starting it takes seconds.

    It is told by its standard input alone, key included: its environment is empty.
    """

    def __init__(self, deployment: Deployment, *, policy: EgressPolicy) -> None:
        self._deployment = deployment
        self._policy = policy

    def input_budget(self, model: str) -> int:
        """See the port."""
        return characters_in(self._deployment.context_tokens)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """Yield the answer as it comes, then whole. Raises the errors of llm/errors.py, EgressRefused."""
        async with _started() as process:
            assert process.stdin is not None  # noqa: S101 - it is a pipe, as was asked for
            process.stdin.write(pickle.dumps((self._deployment, self._policy, request)))
            process.stdin.write_eof()
            # Something else than its pieces, or one too long to be a piece, says as little as an end.
            with suppress(ValueError, TypeError, KeyError):
                async for piece in _pieces(process):
                    yield piece
                    if isinstance(piece, ChatAnswer):
                        return
        provider, model = self._deployment.provider, self._deployment.model
        raise ModelUnavailable(
            f"{provider} could not be asked for model {model!r}: the process that was to ask it has ended. Try again; "
            "if that does not help, see that there is memory for it (about 300 MB).",
            model=model,
        )


@contextmanager
def places_taken() -> Iterator[None]:
    """Take one of the few places for such processes. Raises ModelOverloaded."""
    if not _places.acquire(blocking=False):
        raise ModelOverloaded("Others are being tried or embedded just now. Try again in a few seconds.")
    try:
        yield
    finally:
        _places.release()


@asynccontextmanager
async def _started() -> AsyncIterator[Process]:
    with places_taken():
        async with _running() as process:
            yield process


@asynccontextmanager
async def _running() -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *_COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, cwd="/", limit=LINE_BYTES
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _pieces(process: Process) -> AsyncIterator[Delta | ChatAnswer]:
    assert process.stdout is not None  # noqa: S101 - it is a pipe, as was asked for
    async for line in process.stdout:
        told = json.loads(line)
        if "error" in told:
            raise _error(**told["error"])
        yield _answer(told["answer"]) if "answer" in told else _delta(told)


def _delta(told: Any) -> Delta:
    return Delta(told["text"], CallPiece(**told["call"]) if told["call"] else None)


def _answer(told: Any) -> ChatAnswer:
    return ChatAnswer(
        told["text"],
        told["model"],
        Usage(**told["usage"]),
        told["citations"],
        told["note"],
        calls=tuple(ToolCall(**call) for call in told["calls"]),
        finish_reason=told["finish_reason"],
    )


def _error(code: str, message: str, details: dict[str, Any]) -> CodexosError:
    """Make the error that was raised over there once more, without the questions its own making would ask."""
    kind = next((each for each in _kinds(CodexosError) if each.code == code), ModelUnavailable)
    error = kind.__new__(kind)
    CodexosError.__init__(error, message, **details)
    return error


def _kinds(kind: type[CodexosError]) -> Iterator[type[CodexosError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds(each)
