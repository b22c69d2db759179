# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A WSGI application under ASGI: whole answers are handed over once, streams no faster than read."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from codexos.bodies import Message
from codexos.threads import Threaded

Start = Callable[[str, list[tuple[str, str]]], object]
SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/grüße",
    "query_string": b"a=1",
    "http_version": "1.1",
    "headers": [(b"x-name", b"Ada"), (b"content-length", b"4")],
    "client": ("192.0.2.7", 4242),
}


class Whole(list[bytes]):
    """An answer that says of itself that it is whole, as Django's does."""

    streaming = False


def served(app: Any, *, body: Iterable[bytes] = (b"",), on_send: Callable[[Message], None] | None = None) -> list[Any]:
    """Ask once; the messages that were sent."""
    sent: list[Message] = []
    pieces = list(body)

    async def receive() -> Message:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Message) -> None:
        sent.append(message)
        if on_send:
            on_send(message)

    asyncio.run(Threaded(app, threads=2)(SCOPE, receive, send))
    return sent


def test_a_request_arrives_whole_and_its_answer_leaves_in_two_messages() -> None:
    def app(environ: dict[str, Any], start: Start) -> Whole:
        assert threading.current_thread().name.startswith("wsgi")
        assert environ["PATH_INFO"].encode("latin-1").decode() == "/grüße"
        assert (environ["QUERY_STRING"], environ["HTTP_X_NAME"], environ["REMOTE_ADDR"]) == ("a=1", "Ada", "192.0.2.7")
        start("201 Created", [("X-Place", "Köln"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        return Whole([environ["wsgi.input"].read().upper(), b"!"])

    head, body = served(app, body=[b"ab", b"cd"])
    assert head["status"] == 201
    assert head["headers"] == [(b"x-place", "Köln".encode("latin-1")), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    assert body == {"type": "http.response.body", "body": b"ABCD!", "more_body": False}


def test_a_stream_is_made_no_faster_than_it_is_sent() -> None:
    made: list[int] = []
    ahead: list[int] = []
    sent = 0

    def pieces() -> Iterator[bytes]:
        for number in range(5):
            made.append(number)
            yield b"x"

    def app(_environ: Any, start: Start) -> Iterator[bytes]:
        start("200 OK", [])
        return pieces()

    def look(message: Message) -> None:
        nonlocal sent
        sent += len(message.get("body", b""))
        ahead.append(len(made) - sent)

    messages = served(app, on_send=look)
    assert b"".join(message.get("body", b"") for message in messages) == b"xxxxx"
    assert [message.get("more_body") for message in messages] == [None, *[True] * 5, False]
    assert set(ahead) == {0}


def test_an_answer_is_closed_and_an_error_reaches_the_server() -> None:
    closed: list[bool] = []

    class Breaking(Whole):
        def __iter__(self) -> Iterator[bytes]:
            raise ZeroDivisionError

        def close(self) -> None:
            closed.append(True)

    def app(_environ: Any, start: Start) -> Whole:
        start("200 OK", [])
        return Breaking()

    with pytest.raises(ZeroDivisionError):
        served(app)
    assert closed == [True]


def test_an_application_that_never_starts_its_answer_is_said_to() -> None:
    with pytest.raises(RuntimeError, match="start_response"):
        served(lambda _environ, _start: Whole([b"x"]))


def test_a_server_starts_and_stops_with_it() -> None:
    said: list[str] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup" if not said else "lifespan.shutdown"}

    async def send(message: Message) -> None:
        said.append(message["type"])

    asyncio.run(Threaded(lambda _environ, _start: Whole(), threads=1)({"type": "lifespan"}, receive, send))
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
