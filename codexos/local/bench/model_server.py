# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A provider of OpenAI's kind that is as quick as it can be, so that what is measured is who asks it.

A model's name says what it answers: ``stream-50-0`` is 50 pieces at once, ``stream-20-50`` waits 50 ms before each.
With a line on stdin it tells how many answers were under way at the same time since the last one.
"""

import asyncio
import json
import sys
from functools import lru_cache
from typing import cast

import uvloop

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
_REFUSED = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"
_WANTED = {"stream": True, "stream_options": {"include_usage": True}}
WORD = "words, words and "


def text_of(pieces: int) -> str:
    """Return what an answer of so many pieces comes to."""
    return "".join(f"{WORD}{number} " for number in range(pieces))


class _Counted:
    """How many answers are under way."""

    now = most = 0


class _Line(asyncio.Protocol):
    """One connection: questions one after the other."""

    def __init__(self) -> None:
        self._held = b""
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Listen."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """Stop."""
        if self._answering is not None:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer what is asked whole."""
        self._held += data
        head, found, body = self._held.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(
            int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        if len(body) >= length:
            self._held = body[length:]
            self._answer(head, json.loads(body[:length]))

    def _answer(self, head: bytes, asked: dict[str, object]) -> None:
        is_right = b"/chat/completions " in head.split(b"\r\n")[0] and b"authorization: bearer " in head.lower()
        if not is_right or any(asked.get(name) != value for name, value in _WANTED.items()) or not asked["messages"]:
            self._transport.write(_REFUSED)
            return
        _, pieces, milliseconds = str(asked["model"]).split("-")
        self._answering = asyncio.ensure_future(self._stream(int(pieces), seconds=int(milliseconds) / 1000))

    async def _stream(self, pieces: int, *, seconds: float) -> None:
        _Counted.now += 1
        _Counted.most = max(_Counted.most, _Counted.now)
        try:
            self._transport.write(_HEAD)
            for event in _events(pieces):
                await asyncio.sleep(seconds)
                self._transport.write(event)
        finally:
            _Counted.now -= 1


@lru_cache(maxsize=8)
def _events(pieces: int) -> list[bytes]:
    deltas = [{"role": "assistant", "content": ""}, *({"content": f"{WORD}{number} "} for number in range(pieces))]
    chunks = [_chunk([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]) for delta in deltas]
    chunks.append(_chunk([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]))
    usage = {"prompt_tokens": 20, "completion_tokens": pieces, "total_tokens": 20 + pieces}
    chunks.append(_chunk([], usage=usage))
    events = [f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n".encode() for chunk in chunks]
    written = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    done = b"data: [DONE]\n\n"
    return [*written, b"%x\r\n%b\r\n0\r\n\r\n" % (len(done), done)]


def _chunk(choices: list[object], usage: dict[str, int] | None = None) -> dict[str, object]:
    # As OpenAI sends them.
    return {
        "id": "chatcmpl-CaBcDeFgHiJkLmNoPqRsTuVwXyZ01",
        "object": "chat.completion.chunk",
        "created": 1_760_000_000,
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
        "choices": choices,
        "usage": usage,
    }


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Line, "127.0.0.1", 0, backlog=4096)
    _tell(server.sockets[0].getsockname()[1])
    while await loop.run_in_executor(None, sys.stdin.readline):
        _tell(_Counted.most)
        _Counted.most = _Counted.now


def _tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(_serve())
